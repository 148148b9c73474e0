"""Motions of sessions that were spotted before, so that a build does not spot them again.

They lie in the user's cache, beside the index of known files, by the digest of the recording's
content and of everything that decides the result; without them a session is spotted again, with the
same result. Promise: a file holds frames and times, and no name.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from fmdata.catalog.storage.files import write_atomically
from fmdata.pipeline.spotting.sessions.session import Session, session_from_json
from fmdata.pipeline.work.known.files import cache_file


class KnownSessions:
    """The known sessions of one dataset.

    Parameters
    ----------
    dataset : Path or str
        The dataset's folder, or its URL.
    """

    def __init__(self, dataset: Path | str) -> None:
        self._file = cache_file("sessions", dataset, ".json")
        self._now: dict[str, Session] = {}
        self._before: dict[str, Session] = {}
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            values = json.loads(self._file.read_text())
            self._before = {key: session_from_json(one) for key, one in values.items()}

    def among(self, digests: Iterable[str]) -> dict[str, Session]:
        """Return the known sessions among some, by digest."""
        return {one: self._before[one] for one in digests if one in self._before}

    def keep(self, sessions: Mapping[str, Session]) -> None:
        """Keep sessions by digest."""
        self._now.update(sessions)

    def save(self) -> None:
        """Write the sessions that were kept, and no others; a file that cannot be is left out."""
        if self._now == self._before:
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            values = {digest: asdict(one) for digest, one in sorted(self._now.items())}
            write_atomically(self._file, json.dumps(values).encode())
