"""Names of subjects, actions and takes: one spelling for one name, one recording for one key.

Promise: names that differ in Unicode form, case or white space only are one subject, or one action
of a subject, never two; so the same person is never in two folds.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from fmdata.catalog.keys import action_key, composed, key_part
from fmdata.catalog.printable import printable
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.reading.listing.kinds import VIDEOS


class Clash(NamedTuple):
    """A recording, the one that has its key already, and the names that the two share."""

    recording: Recording
    first: Recording
    shared: str


def settle(found: Found) -> tuple[Found, list[Clash]]:
    """Give every subject, and every action of a subject, one spelling; find clashes of keys.

    The spelling is the shortest in Unicode NFC, and of equally short ones the first in the order of
    code points, so it does not depend on the other subjects. Takes are composed, and otherwise as
    they are. Of recordings with one key the first stays: a video before a folder of images.
    """
    notes: list[str] = []
    everything = found.everything
    subjects = _spellings((r.subject for r in everything), "one subject", notes)
    found_actions: dict[str, set[str]] = defaultdict(set)
    for recording in everything:
        found_actions[subjects[recording.subject]].add(recording.action)
    actions = {
        subject: _spellings(sorted(of_subject), f"one action of {subject}", notes)
        for subject, of_subject in sorted(found_actions.items())
    }

    def renamed(recording: Recording) -> Recording:
        subject = subjects[recording.subject]
        action = actions[subject][recording.action]
        take = composed(recording.take)
        return replace(recording, subject=subject, action=action, take=take)

    by_preference = sorted(found.recordings, key=lambda r: _preference(r, renamed(r)))
    kept, clashes = _without_clashes(map(renamed, by_preference))
    refused = [replace(r, recording=renamed(r.recording)) for r in found.refused]
    notes = [*found.notes, *notes]
    return replace(found, recordings=kept, refused=refused, notes=notes), clashes


def spelling_of(name: str, known: Iterable[str]) -> str:
    """Return the known spelling of a name, if it has one, else the name itself, composed.

    Names are one that differ in Unicode form, case or white space, or only in characters that a key
    does not hold.
    """
    for form in (composed, _folded, lambda one: key_part(_folded(one))):
        same = sorted(one for one in known if form(one) == form(name))
        if same:
            return same[0]
    return composed(name)


def refused_clash(clash: Clash) -> Refused:
    """Return the refusal of a recording whose key another one has."""
    detail = f"another recording has its {clash.shared}; rename one of the two"
    return Refused(clash.recording, "same_name", detail, clash.first.source)


def _spellings(names: Iterable[str], kind: str, notes: list[str]) -> dict[str, str]:
    """Return the spelling of each name; note those that had several."""
    groups: dict[str, set[str]] = defaultdict(set)
    for name in names:
        groups[_folded(name)].add(name)
    spelling: dict[str, str] = {}
    for same in groups.values():
        forms = sorted({composed(name) for name in same}, key=lambda form: (len(form), form))
        spelling |= dict.fromkeys(same, forms[0])
        shown = [repr(form) if form != form.strip() else form for form in forms]
        if len(forms) > 1:
            notes.append(
                f"{' and '.join(map(printable, shown))} are read as {kind}, {printable(forms[0])}; "
                "rename one if they are two"
            )
        elif len(same) > 1:
            notes.append(
                f"{len(same)} Unicode forms of {printable(forms[0])} are read as {kind}; "
                "rename one if they are two"
            )
    return spelling


def _folded(name: str) -> str:
    folded = unicodedata.normalize("NFC", composed(name).casefold())
    return " ".join(folded.split())


def _preference(recording: Recording, renamed: Recording) -> tuple[bool, int, str]:
    """Return a key that sorts recordings by the right to a name that several have."""
    suffix = recording.path.suffix.lower()
    rank = VIDEOS.index(suffix) if suffix in VIDEOS else len(VIDEOS)
    names = (recording.subject, recording.action, recording.take)
    is_respelt = names != (renamed.subject, renamed.action, renamed.take)
    return is_respelt, rank, recording.source


def _without_clashes(recordings: Iterable[Recording]) -> tuple[list[Recording], list[Clash]]:
    """Divide recordings into those with a key of their own and the others.

    Two subjects with one part of a key would share keys of compounds, and so would two actions of
    one subject; so the recordings of the second one are among the others.
    """
    by_subject: dict[str, Recording] = {}
    by_action: dict[tuple[str, str], Recording] = {}
    by_key: dict[str, Recording] = {}
    kept, clashes = [], []
    for one in recordings:
        subject = by_subject.setdefault(key_part(one.subject), one)
        action = by_action.setdefault((one.subject, key_part(one.action)), one)
        first = by_key.setdefault(action_key(one.subject, one.action, one.take), one)
        same_names = (one.subject, one.action, one.take) == (
            first.subject, first.action, first.take,
        )  # fmt: skip
        if first is not one:
            shared = "subject, action and take" if same_names else "key"
            clashes.append(Clash(one, first, shared))
        elif subject.subject != one.subject:
            clashes.append(Clash(one, subject, f"subject's key {key_part(one.subject)}"))
        elif action.action != one.action:
            clashes.append(Clash(one, action, f"action's key {key_part(one.action)}"))
        else:
            kept.append(one)
    return kept, clashes
