"""Results for the terminal: what was built, measured, summarised."""

from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from fmdata.catalog.printable import shown
from fmdata.cli.console import out


def new_table(title: str) -> Table:
    """Return an empty table of names and what they are."""
    table = Table(title=Text(title), show_header=False, title_justify="left", title_style="bold")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def show_built(built: Any, dataset: Path, rate: float) -> None:
    """Say what a build has come to, at so many frames a second."""
    card = built.card
    out.print(
        f"{card.recordings} recordings: {card.actions.samples} clips, {len(built.dropped)} dropped"
        + (f", {built.reused} of them done before" if built.reused else "")
        + (f"; {rate:.0f} frames/s" if built.frames else "")
    )
    if built.gone:
        out.print(f"  {built.gone} clips of the earlier build are no longer in it")
    if built.motionless:
        some = _first(built.motionless)
        out.print(f"  no motion was found in {len(built.motionless)} of the clips: {some}")
    if built.unread:
        some = _first(built.unread)
        out.print(f"  {len(built.unread)} recordings cannot be read now, their clips stay: {some}")
    for left_out in built.dropped[:20]:
        source = built.sources.get(left_out.source, left_out.source)
        line = f"  dropped {source} ({left_out.stage}, {left_out.reason}): "
        out.print(shown(line + left_out.detail))
    if len(built.dropped) > 20:
        out.print(f"  and {len(built.dropped) - 20} more")
    if built.dropped:
        out.print(f"  all that was dropped, and why: {dataset / 'dropped.parquet'}")
    out.print(f"dataset in {dataset}")


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (", …" if len(keys) > 5 else "")


def show_numbers(title: str, numbers: dict[str, float], run: Path) -> None:
    """Show what was measured on held-out subjects."""
    table = new_table(title)
    for name, value in numbers.items():
        table.add_row(name.replace("_", " "), f"{value:.3f}" if value % 1 else f"{value:g}")
    table.add_row("in", shown(str(run)))
    out.print(table)


def show_summary(s: Any, dataset: Path) -> None:
    """Show what a dataset holds."""
    table = new_table(str(dataset))
    reasons = ", ".join(f"{reason} {n}" for reason, n in s.dropped_reasons.items())
    table.add_row("recordings", f"{s.recordings}: {s.clips} clips, {s.dropped} dropped")
    if reasons:
        table.add_row("dropped", reasons)
    table.add_row("subjects", f"{s.subjects}, {s.actions} actions")
    table.add_row("frames", f"{s.frames}, {s.seconds / 60:.1f} minutes, {s.size} × {s.size} pixels")
    styles = f"{s.returning} return, {s.held} hold, {s.motionless} none; {s.flashes} flash"
    table.add_row("motions", styles)
    if s.motion_frames_median is not None:
        table.add_row(
            "a motion's median",
            f"{s.motion_frames_median:g} frames, {s.amplitude_iod_median:.3f} IOD",
        )
    if s.compounds is None:
        table.add_row("compounds", "none yet: fmdata synth-compound")
    else:
        table.add_row("compounds", f"{s.compounds}, median seam {s.seam_median:.1f} (1: no jump)")
    if s.stale:
        table.add_row("", "stale: the actions have changed since; run fmdata synth-compound")
    for note in s.notes:
        table.add_row("", shown(note))
    table.add_row("shards", f"{s.shards}, {s.bytes / 1e6:.1f} MB")
    out.print(table)
