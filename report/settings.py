"""Settings of a report, and of a picture of one clip."""

from dataclasses import dataclass

from fmdata.catalog.settings import Options, flag, number


@dataclass(frozen=True)
class ReportSettings(Options):
    """Settings of a report; none changes the dataset."""

    faces: bool = flag(True, help="Show the pictures; without them, curves and numbers only.")


@dataclass(frozen=True)
class ShowSettings(Options):
    """Settings of a picture of one clip."""

    width: int | None = number(
        None, 200, 8000, help="Width in pixels; by default 1600 of a png, 480 of a gif, 960 of mp4."
    )
    frames: int = number(8, 2, 40, help="Frames of a png, with all that have a mark.")
    landmarks: bool = flag(True, help="Draw the landmarks.")
    lbp: bool = flag(True, help="Show the LBP maps, where the dataset has them.")
