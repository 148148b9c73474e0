"""The vocabulary: recording, track, motion, segment, clip, and what is dropped.

Small frozen dataclasses that check themselves once, at construction. Their names carry the unit;
their ``repr`` shows shapes, never pixels.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

N_POINTS = (478, 68)  # of MediaPipe's mesh, and of FAN
N_BLENDSHAPES = 52

STAGES = ("discover", "decode", "landmarks", "align", "spot", "encode")
REASONS = (
    "unreadable",  # no video can be opened in the file
    "too_large",  # frames of more pixels than are ever decoded
    "truncated",  # the file ends, or breaks, before its last frame
    "no_frames",  # a video stream without a frame in the asked span
    "no_face",  # no face in any frame
    "face_lost",  # a face in too few of the frames
    "unsteady",  # a head that turns too far
    "failed",  # a library failed; never reported as "no face"
    "crashed",  # the process that worked on it died, every time
    "timed_out",  # it took longer than the time limit
)
STYLES = ("return", "hold")
ROLES = ("lead", "first", "second", "tail")


class ArrayRepr:
    """A short repr: an array as its dtype and shape, so that no repr ever prints pixels."""

    def __repr__(self) -> str:
        parts = []
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                shown = f"{value.dtype}{list(value.shape)}"
            else:
                shown = f"{value:.4g}" if isinstance(value, float) else repr(value)
            parts.append(f"{field.name}={shown}")
        return f"{type(self).__name__}({', '.join(parts)})"


class Landmarks(Protocol):
    """Points of a face in many frames, float32 [T, N, 3], of which frames are taken at will.

    An array is one; so is what reads them from a file, because a long recording's would fill the
    memory.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102

    @property
    def dtype(self) -> np.dtype: ...  # noqa: D102

    def __getitem__(self, frames: slice, /) -> np.ndarray: ...


def _check(array: np.ndarray | Landmarks, name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(
            f"{name} is {array.dtype}{list(array.shape)}, wanted {np.dtype(dtype)}{list(shape)}"
        )


@dataclass(frozen=True)
class Recording:
    """One raw video, or one folder of numbered images, of one action done once.

    Attributes
    ----------
    path : Path
        Where it lies.
    source : str
        The same below the raw folder, with forward slashes; what the dataset remembers.
    subject, action, take : str
        Who, which motion, which repetition.
    start_s, stop_s : float or None
        The part of the file that belongs to the recording, in seconds after the file's first
        frame, half-open; None for "from the start", "to the end".
    fps : float or None
        Frame rate to assume in place of the file's own (needed for image folders only).
    hidden : tuple of str
        Names that no file of the dataset may hold.
    """

    path: Path
    source: str
    subject: str
    action: str
    take: str
    start_s: float | None = None
    stop_s: float | None = None
    fps: float | None = None
    hidden: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Source, subject, action and take: which recording it is, whatever its content."""
        return self.source, self.subject, self.action, self.take


@dataclass(frozen=True, repr=False)
class Track(ArrayRepr):
    """Where one person's face is in every frame of a recording: one row per frame, always.

    Attributes
    ----------
    detected : bool [T]
        False where the face was not found. All that follows but the times is then interpolated
        between the frames before and after, however long the gap, and held before the first face
        and after the last: finite and good enough to cut a crop, but no measurement.
    timestamps_s : float64 [T]
        Presentation time of each frame, in seconds after the file's first frame.
    landmarks : Landmarks
        float32 [T, N, 3], in memory or in a file, which is read some frames at a time.
        N is 478 (MediaPipe's mesh) or 68 (iBUG's points, from FAN). x and y in pixels of the
        source frame (rotation applied), z in the same unit, smaller when nearer to the camera.
    pose : float32 [T, 3]
        Yaw, pitch, roll in degrees. Yaw is positive with the nose to the image's right, pitch
        with the nose down, roll counter-clockwise in the image.
    blendshapes : float32 [T, 52] or None
        MediaPipe's scores, 0 to 1, in its own order; None from a backend that has none.
    brightness, sharpness : float32 [T]
        Mean grey level (0 to 255) and variance of the Laplacian inside the face's box.
    width, height : int
        Size of the source frame, in pixels.
    faces : int
        Most faces found in any one frame; the track is of one of them.
    """

    detected: np.ndarray
    timestamps_s: np.ndarray
    landmarks: Landmarks
    pose: np.ndarray
    blendshapes: np.ndarray | None
    brightness: np.ndarray
    sharpness: np.ndarray
    width: int
    height: int
    faces: int = 1

    def __post_init__(self) -> None:
        n = len(self.detected)
        _check(self.detected, "detected", np.bool_, (n,))
        _check(self.timestamps_s, "timestamps_s", np.float64, (n,))
        points = self.landmarks.shape[1] if len(self.landmarks.shape) == 3 else 0
        wanted = points if points in N_POINTS else N_POINTS[0]
        _check(self.landmarks, "landmarks", np.float32, (n, wanted, 3))
        _check(self.pose, "pose", np.float32, (n, 3))
        if self.blendshapes is not None:
            _check(self.blendshapes, "blendshapes", np.float32, (n, N_BLENDSHAPES))
        _check(self.brightness, "brightness", np.float32, (n,))
        _check(self.sharpness, "sharpness", np.float32, (n,))

    @property
    def n_frames(self) -> int:
        """Number of frames, detected or not."""
        return len(self.detected)


@dataclass(frozen=True, repr=False)
class Motion(ArrayRepr):
    """When the face moves, in frames of the clip.

    Attributes
    ----------
    onset : int
        The first frame that moves.
    apex : int
        A frame at the beginning of the plateau: its first, or one or two later.
    offset : int
        The first frame after the motion is over, so the motion is ``[onset, offset)``; equal to
        the number of frames when the apex is held to the end.
    style : str
        ``return`` (back to neutral) or ``hold`` (the apex lasts until the end).
    amplitude_iod : float
        Size of the motion in interocular distances.
    snr : float
        Amplitude over the spread of the neutral frames.
    lead : int
        Frames at rest before the onset; with few of them the onset is less sure.
    style_margin : float
        How sure the style is: 0 where the other one is as likely, 1 where the clip ends at the
        height of its apex (``hold``) or in the very pose it began with (``return``).
    """

    onset: int
    apex: int
    offset: int
    style: str
    amplitude_iod: float
    snr: float
    lead: int
    style_margin: float

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style is {self.style!r}, wanted one of {STYLES}")
        if not 0 <= self.onset <= self.apex < self.offset:
            raise ValueError(
                f"motion is {self.onset}, {self.apex}, {self.offset}, "
                "wanted 0 <= onset <= apex < offset"
            )

    @property
    def n_frames(self) -> int:
        """Length of the motion in frames."""
        return self.offset - self.onset


@dataclass(frozen=True)
class Segment:
    """A run of frames ``[start, stop)`` of one source clip, and its part in a compound."""

    source: str
    start: int
    stop: int
    role: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role is {self.role!r}, wanted one of {ROLES}")
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"segment is [{self.start}, {self.stop}), wanted 0 <= start <= stop")

    @property
    def n_frames(self) -> int:
        """Length of the segment in frames."""
        return self.stop - self.start


@dataclass(frozen=True)
class Dropped:
    """A recording that was left out: where, why, and what exactly was found.

    `pose_range`, in degrees, is that of a recording left out as ``unsteady``, None of any other.
    """

    source: str
    subject: str
    action: str
    take: str
    stage: str
    reason: str
    detail: str
    attempts: int = 1
    pose_range: float | None = None

    def __post_init__(self) -> None:
        if self.stage not in STAGES or self.reason not in REASONS:
            raise ValueError(
                f"dropped at {self.stage!r} for {self.reason!r}, "
                f"wanted one of {STAGES} and one of {REASONS}"
            )

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Source, subject, action and take, as :attr:`Recording.names`."""
        return self.source, self.subject, self.action, self.take
