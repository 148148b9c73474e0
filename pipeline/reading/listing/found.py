"""The result of a discovery: recordings, what looks like recordings and is none, and notes."""

from dataclasses import dataclass, field
from pathlib import Path

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.given.labels import Label
from fmdata.catalog.types import Recording


@dataclass(frozen=True)
class Refused:
    """A file or folder that looks like a recording and is none; it becomes a dropped recording.

    Attributes
    ----------
    recording : Recording
        Its path, and as many of its names as are known; the others are empty.
    reason : str
        One of :data:`fmdata.catalog.types.REASONS`.
    detail : str
        The problem and its remedy, without a name of a file.
    example : str
        The name of another file that belongs to the problem; empty if there is none.
    stage : str
        The stage that refuses it, one of :data:`fmdata.catalog.types.STAGES`.
    """

    recording: Recording
    reason: str
    detail: str
    example: str = ""
    stage: str = "discover"

    @property
    def error(self) -> RecordingError:
        """The refusal as an error of its stage."""
        detail = self.detail + (f": {self.example}" if self.example else "")
        return RecordingError(self.stage, self.reason, detail)


@dataclass(frozen=True)
class Found:
    """All that lies in a folder of recordings, or in a table of them.

    Attributes
    ----------
    recordings : list of Recording
        The recordings, sorted by subject, action and take; no two have one key.
    refused : list of Refused
        Files and folders that look like recordings and are none, sorted by source.
    notes : list of str
        Further remarks for the user, a line each.
    table : Path or None
        The table that lists the recordings, if there is one.
    """

    recordings: list[Recording]
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: Path | None = None

    @property
    def labels(self) -> tuple[Label, ...]:
        """Labels of the table, sorted by name; every recording has a value for each."""
        given = next((one.given for one in self.recordings if one.given), None)
        return tuple(one.label for one in given.labels) if given else ()

    @property
    def everything(self) -> list[Recording]:
        """The recordings, and the refused files in the form of recordings."""
        return [*self.recordings, *(refused.recording for refused in self.refused)]
