"""A clip at a constant frame rate, by nearest frames: nothing is blended."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from fmdata.catalog.errors import UsageError
from fmdata.catalog.types import Motion


class StoredClip(Protocol):
    """The parts of an action clip that a view at another rate reads."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def fps(self) -> float: ...  # noqa: D102
    @property
    def timestamps(self) -> np.ndarray: ...  # noqa: D102
    @property
    def landmarks(self) -> np.ndarray: ...  # noqa: D102
    @property
    def motion(self) -> Motion | None: ...  # noqa: D102
    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray: ...  # noqa: D102
    def jpegs(self, indices: Sequence[int] | None = None) -> list[bytes]: ...  # noqa: D102
    def lbp(self, indices: Sequence[int] | None = None) -> np.ndarray: ...  # noqa: D102
    def sound(self) -> np.ndarray: ...  # noqa: D102
    def frames_table(self, columns: Sequence[str] | None = None) -> pa.Table: ...  # noqa: D102
    def column(self, name: str, shape: Sequence[int] = ()) -> np.ndarray: ...  # noqa: D102


class ClipAtRate:
    """Frames, facts of frames, motion and sound of an action clip at another frame rate.

    Frame k is the clip's frame whose time is nearest to k / `fps` after its first one. At a higher
    rate frames come several times, at a lower one some are left out.

    Attributes
    ----------
    clip : StoredClip
        The clip as it is stored.
    fps : float
        Frames per second.
    numbers : int64 [T]
        The clip's frame that stands at each place.
    """

    def __init__(self, clip: StoredClip, fps: float) -> None:
        if not fps > 0:
            raise UsageError(
                f"{fps} frames per second",
                wanted="a rate above 0",
                where=f"clip.at() of {clip.key}",
                todo="give the rate that the frames are wanted at",
            )
        self.clip, self.fps = clip, float(fps)
        self.numbers = nearest_frames(clip.timestamps.astype(np.float64), clip.fps, self.fps)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key}, {self.n_frames} frames at {self.fps:g} fps)"

    @property
    def key(self) -> str:
        """Key of the clip."""
        return self.clip.key

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.numbers)

    @cached_property
    def timestamps(self) -> np.ndarray:
        """float32 [T], seconds in the source: of this rate, not of the frames that are shown."""
        start = self.clip.timestamps[0]
        return (start + np.arange(self.n_frames) / self.fps).astype(np.float32)

    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the pixels of some frames, by default of all, uint8 [T, S, S, 3], RGB."""
        distinct, places = self._distinct(indices)
        return self.clip.frames(distinct.tolist())[places]

    def jpegs(self, indices: Sequence[int] | None = None) -> list[bytes]:
        """Return the JPEG bytes of some frames, by default of all."""
        distinct, places = self._distinct(indices)
        jpegs = self.clip.jpegs(distinct.tolist())
        return [jpegs[place] for place in places]

    def lbp(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the LBP maps of some frames, uint8 [T, S, S]; raises as the clip does."""
        distinct, places = self._distinct(indices)
        return self.clip.lbp(distinct.tolist())[places]

    def sound(self) -> np.ndarray:
        """Return the sound of the clip, which no frame rate changes; raises as the clip does."""
        return self.clip.sound()

    def frames_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the facts of the frames that are shown, one row a frame."""
        return self.clip.frames_table(columns).take(pa.array(self.numbers))

    def column(self, name: str, shape: Sequence[int] = ()) -> np.ndarray:
        """Return one fact of every frame, [T, *shape]; empty where all are null."""
        values = self.clip.column(name, shape)
        return values[self.numbers] if len(values) else values

    @property
    def landmarks(self) -> np.ndarray:
        """float32 [T, N, 3], in pixels of the source frame."""
        return self.clip.landmarks[self.numbers]

    @property
    def motion(self) -> Motion | None:
        """The clip's motion, in frames of this rate; None if it has none, or no frame of it left.

        The onset is the first frame that shows the motion, the offset the first one after it.
        """
        motion = self.clip.motion
        if motion is None:
            return None
        before, onset, apex, offset, after = np.searchsorted(
            self.numbers,
            [motion.onset - motion.lead, motion.onset, motion.apex, motion.offset,
             motion.offset + motion.trail],
        ).tolist()  # fmt: skip
        if onset == offset:
            return None
        return replace(
            motion, onset=onset, apex=min(max(apex, onset), offset - 1), offset=offset,
            lead=onset - before, trail=after - offset,
        )  # fmt: skip

    def _distinct(self, indices: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the clip's frames that are shown, each once, and the place of each among them."""
        chosen = self.numbers if indices is None else self.numbers[list(indices)]
        distinct, places = np.unique(chosen, return_inverse=True)
        return distinct, places


def nearest_frames(times_s: np.ndarray, rate: float, fps: float) -> np.ndarray:
    """Return the frame nearest to each tick of a constant rate, int64 [T].

    Parameters
    ----------
    times_s : float64 [N]
        Times of the frames in seconds, increasing, at least one.
    rate : float
        Frames per second of the clip; the last frame is shown for 1 / `rate`.
    fps : float
        Frames per second wanted.

    Examples
    --------
    >>> nearest_frames(np.arange(6) / 50, rate=50, fps=25).tolist()
    [0, 2, 4]
    """
    after = times_s - times_s[0]
    n_frames = max(round((after[-1] + 1 / rate) * fps), 1)
    ticks = np.arange(n_frames) / fps
    middles = (after[1:] + after[:-1]) / 2
    # Of two frames that are equally near, the earlier: times are rounded to microseconds.
    return np.searchsorted(middles + 1e-6, ticks)
