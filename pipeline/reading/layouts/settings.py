"""Settings of a table of a data set."""

from dataclasses import dataclass

from fmdata.catalog.settings import Options, flag, text

LAYOUTS = "ckplus, afew, casme2, samm, smic, ravdess, grid, voxceleb, mead, bp4d or flat"


@dataclass(frozen=True)
class TableSettings(Options):
    """Settings of a table of a data set; the help of each field describes it."""

    pattern: str | None = text(
        None, help="Names of the layout flat, by default '{subject}_{action}_{take}'."
    )
    follow_links: bool = flag(False, help="Read what links that lead out of the folder lead to.")
