"""Recordings under pseudonyms. Promise: no later file holds a subject's name.

The subject becomes a keyed digest, and so does an action or take whose name contains the
subject's, in any spelling. The source becomes ``<subject>/<action>/<take>`` of the new names, with
the file's extension. In labels of a table, ``…`` replaces the names of subjects, and of the file.
Of a refused file the source is a digest too, and no other file is named.
"""

from dataclasses import replace

from fmdata.catalog.errors import UsageError
from fmdata.catalog.given.truth import Given
from fmdata.catalog.privacy.pseudonyms import Names, Pseudonyms, is_distinctive
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.reading.listing.kinds import VIDEOS


def pseudonymous(found: Found, pseudonyms: Pseudonyms) -> Found:
    """Rename recordings and sort them by their new names; the order reveals no old name."""
    _require_labels_without_names(found)
    names = Names(one.subject for one in found.recordings)
    unlabelled = [_renamed(recording, pseudonyms) for recording in found.recordings]
    renamed = [replace(one, given=_without_names(one, names)) for one in unlabelled]
    refused = [_renamed_refusal(one, pseudonyms) for one in found.refused]
    return replace(
        found,
        recordings=sorted(renamed, key=lambda r: (r.subject, r.action, r.take)),
        refused=sorted(refused, key=lambda r: r.recording.source),
    )


def _require_labels_without_names(found: Found) -> None:
    """Raise UsageError where a label is the subject's name in every row that has it."""
    for place, label in enumerate(found.labels):
        cells = [
            (one.given.labels[place].value, one.subject) for one in found.recordings if one.given
        ]
        filled = [str(value) == subject for value, subject in cells if value is not None]
        if filled and all(filled):
            raise UsageError(
                f"a column {label.name} that holds the names of the subjects",
                wanted="labels without names, beside --pseudonyms",
                where=str(found.table),
                todo="remove that column from the table; nothing was built",
            )


def _without_names(recording: Recording, names: Names) -> Given | None:
    """Return what a table gives, with ``…`` for each subject's name in a label that is a text."""
    given = recording.given
    if given is None:
        return None
    own = Names({*recording.hidden} - {recording.action, recording.take})
    labels = tuple(
        one._replace(value=names.redacted(own.redacted(one.value)))
        if isinstance(one.value, str)
        else one
        for one in given.labels
    )
    return replace(given, labels=labels)


def _renamed(recording: Recording, pseudonyms: Pseudonyms) -> Recording:
    name = recording.subject
    subject = pseudonyms.subject(name)
    action = pseudonyms.name("action", recording.action, name)
    take = pseudonyms.name("take", recording.take, name)
    suffix = recording.path.suffix.lower()
    hidden = [str(recording.path), recording.source, recording.path.name]
    hidden += [name, *filter(is_distinctive, (recording.action, recording.take))]
    return replace(
        recording,
        source=f"{subject}/{action}/{take}" + (suffix if suffix in VIDEOS else ""),
        subject=subject,
        action=action,
        take=take,
        hidden=tuple(hidden),
    )


def _renamed_refusal(refused: Refused, pseudonyms: Pseudonyms) -> Refused:
    """Rename a refused file. Its path may hold the name of a subject who is unknown."""
    old = refused.recording
    renamed = _renamed(old, pseudonyms) if old.subject else old
    source = pseudonyms.source(old.source)
    named = replace(renamed, source=source, take=source, hidden=())
    return Refused(named, refused.reason, refused.detail)
