"""Recordings under pseudonyms. Promise: no later file holds a subject's name.

The subject becomes a keyed digest, and so does an action or take whose name contains the
subject's, in any spelling. The source becomes ``<subject>/<action>/<take>`` of the new names, with
the file's extension.
"""

from collections.abc import Sequence
from dataclasses import replace

from fmdata.catalog.privacy.pseudonyms import Pseudonyms, is_distinctive
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.walk import EXTENSIONS


def pseudonymous(recordings: Sequence[Recording], pseudonyms: Pseudonyms) -> list[Recording]:
    """Rename recordings and sort them by their new names; the order reveals no old name."""
    renamed = [_renamed(recording, pseudonyms) for recording in recordings]
    return sorted(renamed, key=lambda r: (r.subject, r.action, r.take))


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
        source=f"{subject}/{action}/{take}" + (suffix if suffix in EXTENSIONS else ""),
        subject=subject,
        action=action,
        take=take,
        hidden=tuple(hidden),
    )
