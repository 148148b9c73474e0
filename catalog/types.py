"""The vocabulary: recording, track, motion, segment, dropped recording.

Small frozen dataclasses, checked at construction. Names carry the unit; a ``repr`` shows shapes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fmdata.catalog.given.truth import Given
from fmdata.catalog.printable import ArrayRepr

N_POINTS, N_BLENDSHAPES = (478, 68), 52  # points of MediaPipe's mesh, and of FAN

STAGES = ("discover", "decode", "landmarks", "spot", "align", "encode", "review", "keep")
REASONS = (
    "misplaced",  # a video, or images, at another depth than <subject>/<action>/<take>
    "bad_name",  # a name that is not in UTF-8
    "same_name",  # another recording has its subject, action and take, or its key
    "unreadable",  # no video stream can be opened
    "too_large",  # more pixels per frame than are ever decoded
    "truncated",  # the file ends or breaks off before its last frame
    "no_frames",  # no frame in the requested span
    "no_face",  # no face in any frame
    "no_motion",  # no motion in a session
    "face_lost",  # a face in too few frames
    "scene_cut",  # two shots in one recording
    "unsteady",  # the head turns too far
    "failed",  # a library failed, or the machine is out of a resource; never reported as no_face
    "crashed",  # its worker process crashed at every attempt
    "timed_out",  # slower than the time limit
    "rejected",  # by a person, in a review
    "not_kept",  # by an expression on the facts of its clip
)
STYLES = ("return", "hold")
ROLES = ("lead", "first", "second", "tail")


class Landmarks(Protocol):
    """Face points, float32 [T, N, 3], sliced by frame: an array, or read from a file."""

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
    """One raw video, or one folder of numbered images, of one take of one action.

    Attributes
    ----------
    path : Path
        Video file or image folder.
    source : str
        Path relative to the raw folder, with forward slashes; stored in the dataset.
    subject, action, take : str
        Name of the subject, of the motion, and of its repetition.
    start_s, stop_s : float or None
        Half-open span of the file that belongs to the recording, in seconds after its first
        frame; None for the start or the end of the file.
    fps : float or None
        Frame rate that replaces the file's own (needed for image folders only).
    person : str or None
        Which of several people: ``left``, ``right``, ``centre``, ``largest``, or a point ``x,y``
        on the face, in pixels; None for the build's own choice.
    hidden : tuple of str
        Names that must not appear in any file of the dataset.
    given : Given or None
        Boundaries and labels that a table gives.
    """

    path: Path
    source: str
    subject: str
    action: str
    take: str
    start_s: float | None = None
    stop_s: float | None = None
    fps: float | None = None
    person: str | None = None
    hidden: tuple[str, ...] = ()
    given: Given | None = None

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Source, subject, action and take: identify the recording, independent of its content."""
        return self.source, self.subject, self.action, self.take


@dataclass(frozen=True)
class Picture:
    """Form of a recording's frames in its file, before they are converted.

    Attributes
    ----------
    transfer, primaries : str
        Transfer function and colour primaries, named as in FFmpeg (``bt709``, ``smpte2084`` for
        PQ, ``arib-std-b67`` for HLG); ``unknown`` where the file states none.
    interlaced : bool
        True where any frame is interlaced.
    sample_aspect_ratio : float
        Width of a pixel over its height; 1 where the file states none.
    turned : int
        Clockwise quarter turns, in degrees, that make faces upright which lie or stand on their
        head in the displayed frame: 0, 90, 180 or 270.
    """

    transfer: str = "unknown"
    primaries: str = "unknown"
    interlaced: bool = False
    sample_aspect_ratio: float = 1.0
    turned: int = 0


@dataclass(frozen=True, repr=False)
class Track(ArrayRepr):
    """Face of one person in every frame of a recording; each array has one row per frame.

    Attributes
    ----------
    detected : bool [T]
        False where the face was not found. All other arrays except the times are interpolated
        over such gaps of any length, and constant before the first face and after the last:
        finite and good enough to cut a crop, but not measured.
    timestamps_s : float64 [T]
        Presentation time of each frame, in seconds after the file's first frame.
    landmarks : Landmarks
        float32 [T, N, 3], in memory or in a file that is read in blocks of frames.
        N is 478 (MediaPipe's mesh) or 68 (iBUG points from FAN). x and y in pixels of the source
        frame (rotation and pixel shape applied), z in the same unit, smaller when nearer to the
        camera.
    pose : float32 [T, 3]
        Yaw, pitch, roll in degrees. Yaw is positive with the nose to the image's right, pitch
        with the nose down, roll counter-clockwise in the image.
    blendshapes : float32 [T, 52] or None
        MediaPipe's scores, 0 to 1, in its own order; None from a backend without them.
    brightness, sharpness : float32 [T]
        Mean grey level (0 to 255) and variance of the Laplacian inside the face box.
    width, height : int
        Size of the source frame, in pixels.
    faces : int
        Largest number of faces found in one frame; the track follows one of them.
    picture : Picture
        Form of the frames in the file.
    first_frame : int
        Frames of the file before the first one of the recording, which may be a span of it.
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
    picture: Picture = Picture()
    first_frame: int = 0

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
    """Time course of a facial motion, in frames of the clip.

    Attributes
    ----------
    onset : int
        First moving frame.
    apex : int
        A frame at the beginning of the plateau, 0.12 s into it, to be past the rise.
    offset : int
        First frame after ``[onset, offset)``; the number of frames when held to the end.
    style : str
        ``return`` (back to neutral) or ``hold`` (the apex lasts until the end).
    amplitude_iod : float
        Amplitude of the motion in interocular distances.
    snr : float
        Signal-to-noise ratio: amplitude over the spread of the neutral frames.
    lead : int
        Frames at rest that end at the onset without a gap; the fewer, the less certain the onset.
    style_margin : float
        Confidence in the style: 0 where the other style is as likely; 1 where the clip ends at
        full amplitude (``hold``) or exactly in its initial pose (``return``).
    trail : int
        Frames at rest that begin at the offset without a gap; 0 for a ``hold``.
    """

    onset: int
    apex: int
    offset: int
    style: str
    amplitude_iod: float
    snr: float
    lead: int
    style_margin: float
    trail: int = 0

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style is {self.style!r}, wanted one of {STYLES}")
        if not 0 <= self.onset <= self.apex < self.offset:
            got = f"{self.onset}, {self.apex}, {self.offset}"
            raise ValueError(f"motion is {got}, wanted 0 <= onset <= apex < offset")

    @property
    def n_frames(self) -> int:
        """Length of the motion in frames."""
        return self.offset - self.onset


@dataclass(frozen=True)
class Segment:
    """A run of frames ``[start, stop)`` of one source clip, and its role in a compound."""

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
    """A recording that gave no clip: the stage, the reason, and the detail in words.

    `attempts` counts all builds. `start` and `stop`, in seconds, bound the span, if it is one.
    `pose_range` (degrees) belongs to ``unsteady``, `source_sha256` to ``rejected``; else None.
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
    start: float | None = None
    stop: float | None = None
    source_sha256: str | None = None

    def __post_init__(self) -> None:
        if self.stage not in STAGES or self.reason not in REASONS:
            got = f"dropped at {self.stage!r} for {self.reason!r}"
            raise ValueError(f"{got}, wanted one of {STAGES} and one of {REASONS}")

    @property
    def names(self) -> tuple[str, str, str, str]:
        """Source, subject, action and take, like :attr:`Recording.names`."""
        return self.source, self.subject, self.action, self.take
