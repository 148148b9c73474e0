"""One clip as it is drawn: its facts in memory, its frames read on demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Names of the four kinds of a span: those of the segments of a compound.
LEAD, FIRST, SECOND, TAIL = "lead", "first", "second", "tail"


@dataclass(frozen=True)
class Mark:
    """A frame with a name: onset, apex, offset or end."""

    name: str
    frame: int


@dataclass(frozen=True)
class Span:
    """Frames ``[start, stop)`` of one kind, with the source that they come from."""

    kind: str
    start: int
    stop: int
    source: str = ""


@dataclass(frozen=True)
class Views:
    """Some frames of a clip, in three views.

    Attributes
    ----------
    pixels : uint8 [n, S, S, 3]
        The crops, RGB.
    points : float [n, N, 2] or None
        Landmarks in pixels of the crop; None where they are unknown.
    lbp : uint8 [n, S, S] or None
        LBP maps; None from a dataset without them.
    """

    pixels: np.ndarray
    points: np.ndarray | None = None
    lbp: np.ndarray | None = None


@dataclass(frozen=True)
class Scene:
    """Everything that a picture of a clip shows.

    Attributes
    ----------
    title : str
        Key of the clip.
    facts : dict of str to str
        Names and values, in the order in which they are shown.
    times : float64 [T]
        Time of each frame in seconds, the first at 0.
    fps : float
        Frames per second.
    read : function
        Returns the :class:`Views` of some frames, by their numbers.
    intensity : float32 [T] or None
        Displacement from rest in interocular distances (IOD); None where it is unknown.
    marks, spans : tuple
        Named frames, and runs of frames; both in the order of time.
    """

    title: str
    facts: dict[str, str]
    times: np.ndarray
    fps: float
    read: Callable[[Sequence[int]], Views]
    intensity: np.ndarray | None = None
    marks: tuple[Mark, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.times)

    @property
    def caption(self) -> str:
        """Key, facts and marks, in three lines."""
        marks = (f"{mark.name} {mark.frame}" for mark in self.marks)
        return "\n".join([self.title, ", ".join(self.facts.values()), ", ".join(marks)])
