"""One recording on its way through a build."""

import hashlib
import json
from dataclasses import dataclass

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.keys import action_key
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.listing.found import Refused
from fmdata.pipeline.work.digest import Identity


@dataclass(frozen=True)
class Job:
    """A recording, its identity, and its history.

    Attributes
    ----------
    recording : Recording
        The recording.
    identity : Identity or RecordingError
        Its content and settings, digested; an error where the recording cannot be read.
    attempts : int
        Failed attempts of earlier builds.
    stands_in : bool
        True where the recording cannot be read at present and the identity is that of the clip
        which the last build made from it.
    """

    recording: Recording
    identity: Identity | RecordingError
    attempts: int = 0
    stands_in: bool = False

    @property
    def key(self) -> str:
        """Key of the recording's clip."""
        return key_of(self.recording)

    @property
    def digest(self) -> str:
        """Digest of the identity; empty for a recording that cannot be read."""
        return self.identity.digest if isinstance(self.identity, Identity) else ""

    @property
    def is_out_of_reach(self) -> bool:
        """True when reading failed, as on a missing disk; False when the content is unusable."""
        error = self.identity
        return isinstance(error, RecordingError) and isinstance(error.__cause__, OSError)


def key_of(recording: Recording) -> str:
    """Return the key of a recording's clip."""
    return action_key(recording.subject, recording.action, recording.take)


def refused_job(refused: Refused) -> Job:
    """Return the job of a refused file; its digest covers the names and the reason."""
    facts = [*refused.recording.names, refused.reason, refused.detail, refused.example]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return Job(refused.recording, Identity("", digest))
