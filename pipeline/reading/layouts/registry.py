"""All layouts: by their names on the command line, and by the look of a folder."""

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fmdata.catalog.errors import UsageError
from fmdata.catalog.printable import printable
from fmdata.pipeline.reading.layouts.layout import Layout
from fmdata.pipeline.reading.layouts.sets.afew import Afew
from fmdata.pipeline.reading.layouts.sets.bp4d import Bp4d
from fmdata.pipeline.reading.layouts.sets.casme2 import Casme2
from fmdata.pipeline.reading.layouts.sets.ckplus import CkPlus
from fmdata.pipeline.reading.layouts.sets.flat import PATTERN, Flat
from fmdata.pipeline.reading.layouts.sets.grid import Grid
from fmdata.pipeline.reading.layouts.sets.mead import Mead
from fmdata.pipeline.reading.layouts.sets.ravdess import Ravdess
from fmdata.pipeline.reading.layouts.sets.samm import Samm
from fmdata.pipeline.reading.layouts.sets.smic import Smic
from fmdata.pipeline.reading.layouts.sets.voxceleb import VoxCeleb
from fmdata.pipeline.reading.listing.kinds import IMAGES, VIDEOS

SETS: tuple[type[Layout], ...] = (
    CkPlus, Afew, Casme2, Samm, Smic, Ravdess, Grid, VoxCeleb, Mead, Bp4d,
)  # fmt: skip

_SAMPLE = 200  # files that are looked at
_SHARE = 0.9  # of these that must look like a set


def open_layout(name: str, pattern: str | None = None) -> Layout:
    """Return the layout of a name; `pattern` is for ``flat`` alone.

    Raises
    ------
    UsageError
        When there is no such layout, or the pattern is not valid or not for this layout.
    """
    if name == Flat.name:
        return Flat(pattern or PATTERN)
    layout = next((one for one in SETS if one.name == name), None)
    if layout is None:
        raise UsageError(
            f"no layout {printable(name)}",
            wanted=f"one of {', '.join([*(one.name for one in SETS), Flat.name])}",
            where="LAYOUT",
            todo="for names that follow a pattern of your own, take flat with --pattern",
        )
    if pattern is not None:
        raise UsageError(
            f"--pattern {printable(pattern)} with the layout {name}",
            wanted="a pattern with the layout flat only",
            where="--pattern",
            todo=f"leave it out: the names of {layout.title} are known",
        )
    return layout()


def recognised(files: Sequence[PurePosixPath]) -> type[Layout] | None:
    """Return the data set that the files of a folder belong to, by their paths alone.

    Nine in ten of the videos, or of the images, must be named as in the set; at most 200 of each,
    evenly spread, are looked at.
    """
    for kind in (VIDEOS, IMAGES):
        seen = [file for file in files if file.suffix.lower() in kind]
        sample = [str(file) for file in seen[:: max(1, len(seen) // _SAMPLE)]]
        for layout in SETS if sample else ():
            sign = layout.sign or layout.pattern
            if sum(map(bool, map(sign.search, sample))) >= _SHARE * len(sample):
                return layout
    return None


def command_for(layout: type[Layout], folder: Path) -> str:
    """Return the command that writes the table of a folder."""
    return f"fmdata table {layout.name} {shlex.quote(str(folder))}"
