"""Recordings under pseudonyms: what goes on from here to any file tells no name.

The subject becomes a keyed digest, and so does an action or take whose name holds the subject's,
however it is spelt. The source becomes ``<subject>/<action>/<take>`` with the file's extension,
made of the new names.
"""

from collections.abc import Sequence
from dataclasses import replace

from fmdata.catalog.privacy.pseudonyms import Pseudonyms, is_telling
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.discover import EXTENSIONS


def pseudonymous(recordings: Sequence[Recording], pseudonyms: Pseudonyms) -> list[Recording]:
    """Rename recordings, and sort them by their new names: the order must not tell the old."""
    renamed = [_renamed(recording, pseudonyms) for recording in recordings]
    return sorted(renamed, key=lambda r: (r.subject, r.action, r.take))


def _renamed(recording: Recording, pseudonyms: Pseudonyms) -> Recording:
    who = recording.subject
    subject = pseudonyms.subject(who)
    action = pseudonyms.name("action", recording.action, who)
    take = pseudonyms.name("take", recording.take, who)
    suffix = recording.path.suffix.lower()
    hidden = [str(recording.path), recording.source, recording.path.name]
    hidden += [who, *(name for name in (recording.action, recording.take) if is_telling(name))]
    return replace(
        recording,
        source=f"{subject}/{action}/{take}" + (suffix if suffix in EXTENSIONS else ""),
        subject=subject,
        action=action,
        take=take,
        hidden=tuple(hidden),
    )
