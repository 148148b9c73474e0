"""What a build can be told. Goes into the card, and comes back from it, as JSON."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.landmarks.backends import check_backend

# Raised whenever a stage changes what it makes, so that work done by an older one is not reused.
STAGES_VERSION = 7
TIME_LIMIT_S = 600.0  # for any hundred frames of a recording
# What decides where a clip goes, not what is in it or its row.
_PLACING = ("shard_mb",)
# What decides which clips are kept; a dataset may be brought up to date with another value.
CHOOSING = ("max_pose_range",)


@dataclass(frozen=True)
class BuildSettings:
    """Settings of a build; the same settings and input give the same bytes.

    Attributes
    ----------
    size : int
        Width and height of a crop, in pixels.
    landmarks : str
        Name of the landmark backend.
    lbp : bool
        Whether samples carry LBP maps.
    jpeg_quality : int
        Quality of the crops' JPEGs, 1 to 100.
    min_detected : float
        Share of the frames, 0 to 1, that must show the person's face for a recording to be kept;
        gaps of up to five frames count as seen.
    seed : int
        Seed of the folds.
    shard_mb : int
        Size of a tar to aim for, in units of 10^6 bytes.
    max_pose_range : float or None
        Largest range of yaw, pitch or roll, in degrees, for a recording to be kept; None keeps
        all. See :mod:`fmdata.pipeline.work.pose_limit`.
    pseudonyms : bool
        Whether subjects are keyed digests of their names.
    """

    size: int = 112
    landmarks: str = "mediapipe"
    lbp: bool = True
    jpeg_quality: int = 95
    min_detected: float = 0.9
    seed: int = 0
    shard_mb: int = 256
    max_pose_range: float | None = None
    pseudonyms: bool = False

    def __post_init__(self) -> None:
        _range("--size", self.size, 16, 1024)
        _range("--jpeg-quality", self.jpeg_quality, 1, 100)
        _range("--min-detected", self.min_detected, 0, 1)
        _range("--shard-mb", self.shard_mb, 1, 100_000)
        if self.max_pose_range is not None:
            _range("--max-pose-range", self.max_pose_range, 0, 360)
        check_backend(self.landmarks)

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, by name."""
        return asdict(self)

    def clip_json(self) -> dict[str, Any]:
        """Return only what decides the content of a clip and its row."""
        return {k: v for k, v in self.to_json().items() if k not in _PLACING + CHOOSING}


@dataclass(frozen=True)
class RunSettings:
    """How to go about a build; nothing here decides what a clip is.

    Attributes
    ----------
    workers : int or None
        Processes at work; None for one a core. With 0 the work is done in the calling process, for
        finding faults: what kills or hangs it then ends the run.
    scheduler : str or None
        Address of a running Dask scheduler, to each of whose threads a process belongs.
    model : Path or None
        File of the landmark network's weights, or their folder.
    time_limit_s : float
        What a recording may take for any hundred of its frames, in seconds.
    """

    workers: int | None = None
    scheduler: str | None = None
    model: Path | None = None
    time_limit_s: float = TIME_LIMIT_S

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise UsageError(
                f"--workers {self.workers}",
                wanted="at least 1, or 0 to work in this very process",
                where="--workers",
                todo="give the number of processes, or leave it out for one a core",
            )
        if not self.time_limit_s > 0:
            raise UsageError(
                f"--time-limit {self.time_limit_s:g}",
                wanted="a number of seconds above 0",
                where="--time-limit",
                todo=f"give one, or leave it out for {TIME_LIMIT_S:g}",
            )


def _range(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(
            f"{option} {value}",
            wanted=f"a number from {low} to {high}",
            where=option,
            todo="give a number in that range",
        )
