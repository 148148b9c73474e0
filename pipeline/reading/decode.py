"""Decodes a recording: from its file to its frames, each with its presentation time.

Promise: one :class:`Frame` for each frame that the file has all of, in order of presentation, none
omitted, none repeated, rotation applied. Frames are streamed: memory does not grow with the
recording's length. A file that is damaged within the requested span raises an error; it never
silently becomes a shorter clip.
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field

import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.printable import ArrayRepr
from fmdata.catalog.types import Picture, Recording
from fmdata.pipeline.reading.container.opening import declared_rate
from fmdata.pipeline.reading.images import LazyFrame, image_frames
from fmdata.pipeline.reading.video import video_frames

DEFAULT_FPS = 25.0  # of a folder of images without a stated rate

_SNAP = 0.01  # relative difference up to which a measured rate is replaced by the nominal one
_BEYOND_S = 0.5  # by which a span may end after its file: durations include sound, and are rounded
_ROUNDING_S = 0.5e-6  # a table gives times in microseconds; a container in ticks of its clock


@dataclass(frozen=True, repr=False)
class Frame(ArrayRepr):
    """One frame of a recording.

    Attributes
    ----------
    index : int
        Position in the recording, from 0 at the first frame of ``[start_s, stop_s)``.
    time_s : float
        Presentation time, in seconds after the first frame of the *file*.
    rgb : uint8 [H, W, 3]
        Pixels as displayed: square, rotation and mirroring applied, in BT.709.
    picture : Picture
        Form of the frame in its file.
    place : int
        Position in the file, from 0 at its first frame.
    corner : tuple of int
        Where the first pixel lies in the whole frame, x and y: a part of a frame may be kept.
    whole : tuple of int or None
        Width and height of the whole frame of a part.
    """

    index: int
    time_s: float
    rgb: np.ndarray
    picture: Picture = field(default_factory=Picture)
    place: int = 0
    corner: tuple[int, int] = (0, 0)
    whole: tuple[int, int] | None = None


def decode(recording: Recording, on_frame: Callable[[], None] = lambda: None) -> Iterator[Frame]:
    """Yield the frames of `recording` whose time is in ``[start_s, stop_s)``.

    `on_frame` is called for each frame of the file up to the span's end. Times are the file's own;
    with ``recording.fps``, frame n of the file is at ``n / fps`` instead. A folder of images
    without a rate has 25 frames/s. Nothing after ``stop_s`` is decoded, and little before the span.

    Raises
    ------
    RecordingError
        At stage ``decode``: ``unreadable`` (no video, or frames of different sizes), ``too_large``
        (too many pixels), ``truncated`` (the file ends or is damaged before its last frame, or
        ends long before ``stop_s``, or an image is missing), ``no_frames`` (none in the span),
        ``failed`` (any other error of the decoding library).
    """
    span = _Span(recording)
    index, shape, n_seen, last_s = 0, None, 0, 0.0
    for lazy in _all_frames(recording, recording.start_s):
        time_s = lazy.time_s
        on_frame()
        if span.is_over(time_s):
            break
        n_seen, last_s = n_seen + 1, time_s
        if not span.has_begun(time_s):
            continue
        rgb = lazy.pixels()
        if shape is not None and rgb.shape != shape:
            raise RecordingError(
                "decode",
                "unreadable",
                f"frames differ in size: {rgb.shape[1]}x{rgb.shape[0]} at {time_s:.3f} s, "
                f"{shape[1]}x{shape[0]} before",
            )
        shape = rgb.shape
        yield Frame(index, time_s, rgb, lazy.picture, n_seen - 1)
        index += 1
    else:
        span.require_end(last_s)
    if index == 0:
        raise RecordingError("decode", "no_frames", f"{span} holds none: {_seen(n_seen, last_s)}")


def picked(recording: Recording, chosen: Container[int]) -> Iterator[Frame]:
    """Yield the frames of a whole file whose numbers, from 0 on, are in `chosen`.

    The pixels of no other frame are converted. Errors are those of :func:`decode`.
    """
    for index, lazy in enumerate(_all_frames(recording)):
        if index in chosen:
            yield Frame(index, lazy.time_s, lazy.pixels(), lazy.picture)


def frame_rate(times_s: np.ndarray, nominal: float | None) -> float:
    """Compute the frames per second of a clip from its presentation times.

    The result is the mean rate ``(n - 1) / (last - first)``, or the nominal rate if it differs by
    at most 1 %, because containers round times to ticks.

    Parameters
    ----------
    times_s : float64 [T]
        Presentation times in seconds, increasing, at least one.
    nominal : float or None
        From :func:`nominal_rate`. The result for a single frame (25 when None).

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
    """Return the frames per second stated by the recording, else by the file, else 25 for images.

    None for a video without a stated rate.

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


def _all_frames(recording: Recording, start_s: float | None = None) -> Iterator[LazyFrame]:
    """Yield the frames of the whole file; pixels are converted only on request.

    Those before `start_s` may have no pixels.
    """
    if recording.path.is_dir():
        return image_frames(recording.path, recording.fps or DEFAULT_FPS)
    return video_frames(recording.path, recording.fps, start_s)


class _Span:
    """The span ``[start_s, stop_s)``; adjoining spans share no frame and lose none."""

    def __init__(self, recording: Recording) -> None:
        self.start_s = -np.inf if recording.start_s is None else recording.start_s
        self.stop_s = np.inf if recording.stop_s is None else recording.stop_s

    def has_begun(self, time_s: float) -> bool:
        return time_s >= self.start_s - _ROUNDING_S

    def is_over(self, time_s: float) -> bool:
        return time_s >= self.stop_s - _ROUNDING_S

    def require_end(self, last_s: float) -> None:
        """Raise RecordingError where a file's last frame is long before the end of the span."""
        if np.isfinite(self.stop_s) and last_s < self.stop_s - _BEYOND_S and self.has_begun(last_s):
            detail = f"{self} ends {self.stop_s - last_s:.1f} s after the file's last frame, "
            detail += f"which is at {last_s:.3f} s; correct stop, or leave it empty"
            raise RecordingError("decode", "truncated", detail)

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


def frame_count_error(first: int, second: str) -> RecordingError:
    """Return the error for a recording whose number of frames differs on a later reading."""
    detail = f"{second} frames on a later reading, {first} on the first"
    return RecordingError("decode", "truncated", detail)
