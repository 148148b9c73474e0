"""Settings of a report."""

from dataclasses import dataclass

from fmdata.catalog.settings import Options, flag


@dataclass(frozen=True)
class ReportSettings(Options):
    """Settings of a report; none changes the dataset."""

    faces: bool = flag(True, help="Show the pictures; without them, curves and numbers only.")
