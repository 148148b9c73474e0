"""Settings of a build: what a clip is made like, and how a build is run.

A :class:`BuildSettings` goes into the dataset's card and comes back from it as JSON; the same
settings and the same input give the same bytes. A :class:`RunSettings` changes no byte.
"""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import (
    MAX_SEED,
    MIN_SEED,
    Options,
    Settings,
    choice,
    flag,
    number,
    shard_megabytes,
    text,
)
from fmdata.pipeline.reading.listing.whom import PLACES

# Raised whenever a stage changes its result, so that work of an older version is not reused.
STAGES_VERSION = 15
# Settings that decide which shard a clip lies in, or which spans become clips, not the content of
# a clip or of its row.
_PLACING = ("shard_mb", "every_motion")
# Settings that decide which clips are kept; a dataset may be updated with another value.
SELECTING = ("max_pose_range", "max_frames", "keep")


@dataclass(frozen=True)
class BuildSettings(Options):
    """Settings that decide the bytes of a dataset; the help of each field describes it."""

    size: int | None = number(
        None, 16, 1024, help="Width and height of a crop, in pixels; by default 112, of a mouth 96."
    )
    crop: str = choice(
        "face", "arcface", "mouth", "static", help="Place of the face in the crop: the whole face; "
        "the template of face recognition; the mouth, for lip reading; or the whole face at one "
        "place for the whole clip, so that the head moves."
    )  # fmt: skip
    scale: float = number(
        1.0, 0.25, 4, help="Size of the face in the crop, in units of its usual size."
    )
    landmarks: str = choice("litert", "mediapipe", "fan", help="Landmark backend.")
    device: str = choice("cpu", "cuda", help="Processor of the landmark networks; cuda, an NVIDIA "
                         "GPU, for fan only.")  # fmt: skip
    lbp: bool = flag(True, help="Store LBP maps.")
    audio: bool = flag(False, help="Store the sound of each clip too, 16 kHz mono; a voice is "
                       "one more biometric.")  # fmt: skip
    jpeg_quality: int = number(95, 1, 100, help="JPEG quality of the crops.")
    min_detected: float = number(
        0.9, 0, 1, help="Share of the frames that must show the face; gaps of up to 5 frames count."
    )
    person: str = choice(
        *PLACES, help="Person to follow where there are several; a table may name one for each "
        "recording."
    )  # fmt: skip
    seed: int = number(0, MIN_SEED, MAX_SEED, help="Seed of the folds.")
    shard_mb: int = shard_megabytes()
    max_pose_range: float | None = number(
        None, 0, 360, help="Keep only clips whose yaw, pitch and roll each range over at most so "
        "many degrees."
    )  # fmt: skip
    max_frames: int = number(
        100_000, 1, help="Drop recordings of more frames; 100000 are 55 minutes at 30 a second."
    )
    keep: str | None = text(
        None, help="Keep only clips for which an expression over their columns is true, such as "
        '"snr > 6 and faces == 1 and face_px > 60".'
    )  # fmt: skip
    every_motion: bool = flag(
        False, help="Take each motion of a recording as a take of its own: a session's takes."
    )
    # Set by build() where there is a key; the key itself is never stored.
    pseudonyms: bool = flag(False)

    def __post_init__(self) -> None:
        if self.size is None:
            object.__setattr__(self, "size", 96 if self.crop == "mouth" else 112)
        super().__post_init__()
        _require_use(self.landmarks, self.device)

    @property
    def side(self) -> int:
        """Width and height of a crop, in pixels."""
        assert self.size is not None
        return self.size

    def clip_json(self) -> dict[str, Any]:
        """Return only the settings that decide the content of a clip and its row."""
        return {k: v for k, v in self.to_json().items() if k not in _PLACING + SELECTING}

    def for_sessions(self) -> "SpotSettings":
        """Return the settings for the spotting of every motion of a recording."""
        return SpotSettings(
            landmarks=self.landmarks, device=self.device, max_frames=self.max_frames,
            person=self.person,
        )  # fmt: skip


def _require_use(landmarks: str, device: str) -> None:
    """Raise UsageError for a device that a landmark backend has no use of."""
    if device != "cpu" and landmarks != "fan":
        raise UsageError(
            f"the device {device} for the landmark backend {landmarks}",
            wanted="cpu: the networks of this backend run on no other processor",
            where="--device",
            todo="leave it out, or choose --landmarks fan",
        )


# Raised whenever the spotting of a session changes its result.
SESSIONS_VERSION = 1


@dataclass(frozen=True)
class SpotSettings(Settings):
    """Settings of the spotting of sessions, which takes those of a build.

    Attributes
    ----------
    landmarks, device : str
        Landmark backend, and the processor of its networks.
    max_frames : int
        Longest recording.
    person : str
        Which of several people.
    sheets : bool
        Whether to draw the sheet of each recording.
    """

    landmarks: str = text("litert")
    device: str = text("cpu")
    max_frames: int = number(100_000, 1)
    person: str = text("largest")
    sheets: bool = flag(False)

    def clip_json(self) -> dict[str, Any]:
        """Return the settings that decide the result, for its digest."""
        return {"sessions": SESSIONS_VERSION, **self.to_json()}


JobSettings: TypeAlias = BuildSettings | SpotSettings


@dataclass(frozen=True)
class RunSettings(Options):
    """Settings of one run of a build, which change no byte; the help of each describes it."""

    workers: int | None = number(
        None, 0, help="Worker processes, by default one a core. 0 works in this process: for "
        "debugging, since a crash or a hang then ends the build."
    )  # fmt: skip
    scheduler: str | None = text(
        None, help="Address of a running Dask scheduler to use in place of --workers."
    )
    model: Path | None = text(
        None, help="File of the landmark network's weights, or the folder that holds them."
    )
    time_limit_s: float = number(
        600.0,
        0.001,
        inf,
        option="time-limit",
        help="Seconds a recording may take for any 100 frames.",
    )
    retry_dropped: bool = flag(
        False, help="Retry the recordings that the last build dropped, and nothing else."
    )
    rehash: bool = flag(
        False, help="Read every file again, also those whose size, inode and times are the same."
    )
    prune: bool = flag(
        False, help="Delete clips whose recordings are gone, also those of a whole subject or of "
        "more than a tenth of the clips."
    )  # fmt: skip
    follow_links: bool = flag(False, help="Follow links that lead out of the folder of recordings.")
