"""Recordings under pseudonyms. Promise: no later file holds a subject's name.

The subject becomes a keyed digest, and so does an action or take whose name contains the
subject's, in any spelling. The source becomes ``<subject>/<action>/<take>`` of the new names, with
the file's extension. Of a refused file the source is a digest too, and no other file is named.
"""

from dataclasses import replace

from fmdata.catalog.privacy.pseudonyms import Pseudonyms, is_distinctive
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.found import Found, Refused
from fmdata.pipeline.reading.listing.kinds import VIDEOS


def pseudonymous(found: Found, pseudonyms: Pseudonyms) -> Found:
    """Rename recordings and sort them by their new names; the order reveals no old name."""
    renamed = [_renamed(recording, pseudonyms) for recording in found.recordings]
    refused = [_renamed_refusal(one, pseudonyms) for one in found.refused]
    return Found(
        sorted(renamed, key=lambda r: (r.subject, r.action, r.take)),
        sorted(refused, key=lambda r: r.recording.source),
        found.notes,
    )


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
