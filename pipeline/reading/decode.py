"""Decode: from a recording to its frames, each with the time it is shown.

Promise: one :class:`Frame` for each frame in the file, in order of presentation, none left out,
none repeated, rotation applied. Frames stream: memory does not grow with the recording's length.
A file that cannot be read whole (within the span asked for) raises; it never becomes a shorter
clip in silence.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import ArrayRepr, Recording
from fmdata.pipeline.reading.images import image_frames
from fmdata.pipeline.reading.video import declared_rate, video_frames

DEFAULT_FPS = 25.0  # of a folder of images whose rate nobody states

_SNAP = 0.01  # relative distance within which a measured rate is taken for the nominal one
_ROUNDING_S = 0.5e-6  # a table states seconds to the microsecond; a container counts in ticks

LazyFrame = tuple[float, Callable[[], np.ndarray]]  # seconds after the first frame; its pixels


@dataclass(frozen=True, repr=False)
class Frame(ArrayRepr):
    """One frame of a recording.

    Attributes
    ----------
    index : int
        Counts from 0 within the recording, that is, after the cut to ``[start_s, stop_s)``.
    time_s : float
        Presentation time, in seconds after the first frame of the *file*.
    rgb : uint8 [H, W, 3]
        Pixels as they are meant to be seen: rotation and mirroring applied.
    """

    index: int
    time_s: float
    rgb: np.ndarray


def decode(recording: Recording, on_frame: Callable[[], None] = lambda: None) -> Iterator[Frame]:
    """Yield the frames of `recording` whose time is in ``[start_s, stop_s)``.

    `on_frame` is told of each frame of the file that is come by, in the span or before it.
    Times are the file's own, variable or not. With ``recording.fps``, frame n of the file is at
    ``n / fps`` in place of that; a folder of images without it is taken to have 25 frames/s.
    Nothing is decoded beyond ``stop_s``, so damage after it does no harm.

    Raises
    ------
    RecordingError
        At stage ``decode``: ``unreadable`` (no video in the file, or frames that differ in size),
        ``too_large`` (frames of more pixels than are ever decoded),
        ``truncated`` (the file ends or is damaged before its last frame, or a number is missing
        from a folder of images), ``no_frames`` (none in the span), ``failed`` (anything else that
        the decoding library refuses).
    """
    span = _Span(recording)
    index, shape = 0, None
    n_seen, last_s = 0, 0.0
    for time_s, pixels in _all_frames(recording):
        on_frame()
        if span.is_over(time_s):
            break
        n_seen, last_s = n_seen + 1, time_s
        if not span.has_begun(time_s):
            continue
        rgb = pixels()
        if shape is not None and rgb.shape != shape:
            raise RecordingError(
                "decode",
                "unreadable",
                f"frames differ in size: {rgb.shape[1]}x{rgb.shape[0]} at {time_s:.3f} s, "
                f"{shape[1]}x{shape[0]} before",
            )
        shape = rgb.shape
        yield Frame(index, time_s, rgb)
        index += 1
    if index == 0:
        raise RecordingError("decode", "no_frames", f"{span} holds none: {_seen(n_seen, last_s)}")


def frame_rate(times_s: np.ndarray, nominal: float | None) -> float:
    """Frames per second of a clip, from its presentation times.

    The mean rate ``(n - 1) / (last - first)``; the nominal rate when that lies within 1 % of it,
    because containers round times to their ticks.

    Parameters
    ----------
    times_s : float64 [T]
        Presentation times in seconds, increasing, at least one.
    nominal : float or None
        From :func:`nominal_rate`. With a single frame it is the answer (25 when None).

    Examples
    --------
    >>> frame_rate(np.array([0.0, 0.033, 0.067, 0.1]), nominal=30.0)
    30.0
    """
    if len(times_s) < 2:
        return nominal or DEFAULT_FPS
    measured = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    if nominal is not None and abs(measured - nominal) <= _SNAP * nominal:
        return nominal
    return measured


def nominal_rate(recording: Recording) -> float | None:
    """Frames per second as stated: by the recording, else by the file, else 25 for images.

    None for a video that states no rate.

    Raises
    ------
    RecordingError
        As :func:`decode` does, when the file cannot be opened.
    """
    if recording.fps is not None:
        return recording.fps
    if recording.path.is_dir():
        return DEFAULT_FPS
    return declared_rate(recording.path)


def _all_frames(recording: Recording) -> Iterator[LazyFrame]:
    """Yield the frames of the whole file; pixels are converted only when asked for."""
    if recording.path.is_dir():
        return image_frames(recording.path, recording.fps or DEFAULT_FPS)
    return video_frames(recording.path, recording.fps)


class _Span:
    """``[start_s, stop_s)``, with adjoining spans sharing no frame and losing none."""

    def __init__(self, recording: Recording) -> None:
        self.start_s = -np.inf if recording.start_s is None else recording.start_s
        self.stop_s = np.inf if recording.stop_s is None else recording.stop_s

    def has_begun(self, time_s: float) -> bool:
        return time_s >= self.start_s - _ROUNDING_S

    def is_over(self, time_s: float) -> bool:
        return time_s >= self.stop_s - _ROUNDING_S

    def __str__(self) -> str:
        if np.isinf(self.start_s) and np.isinf(self.stop_s):
            return "the file"
        start = "start" if np.isinf(self.start_s) else f"{self.start_s:g} s"
        stop = "end" if np.isinf(self.stop_s) else f"{self.stop_s:g} s"
        return f"the span from {start} to {stop}"


def _seen(n_frames: int, last_s: float) -> str:
    if n_frames == 0:
        return "no frame before the span's end"
    return f"{n_frames} frames before it, the last at {last_s:.3f} s"


def other_frames(first: int, second: str) -> RecordingError:
    """Return the fault of a recording that has other frames when it is read once more."""
    detail = f"{second} frames on a later reading, {first} on the first"
    return RecordingError("decode", "truncated", detail)
