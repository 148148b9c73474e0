"""Draws the page's picture: intensity curves with the true and the found motion."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bench.fidelity.measure import Example, Result

ROWS = (
    "default",
    "hold",
    "quarter",
    "head strong",
    "flash",
    "winks",
    "no lead",
    "glance",
    "wink then mouth",
    "two phases",
    "slow uneven rise",
    "still face strong",
)
CURVE, TRUE, FOUND = "#1f2937", "#f2c14e", "#2f6fde"
_COLUMNS = 4


def draw(results: Sequence[Result], path: Path) -> None:
    """Draw one clip of each measured row in `ROWS`, or of the first eight rows."""
    chosen = [r for r in results if r.row.name in ROWS] or list(results[: len(ROWS)])
    columns = min(_COLUMNS, len(chosen))
    lines = -(-len(chosen) // columns)
    size = (max(3.25 * columns, 9), 2.5 * lines + 0.7)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for ax, result in zip(axes.flat, chosen, strict=False):
        _panel(ax, result.row.name, result.example)
    for ax in axes.flat[len(chosen) :]:
        ax.axis("off")
    for ax in axes[:, 0]:
        ax.set_ylabel("intensity (IOD)", fontsize=8)
    handles = [
        plt.Line2D([], [], color=CURVE, lw=1.6, label="intensity measured"),
        Patch(color=TRUE, alpha=0.45, lw=0, label="true motion; darker, its plateau"),
        Patch(color=FOUND, lw=0, label="motion found; the triangle is its apex"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _panel(ax: Axes, name: str, example: Example) -> None:
    case, curve = example.case, example.intensity
    truth, motion = case.truth, case.motion
    top = max(1.3 * float(curve.max()), 0.02)
    if truth.onset is not None and truth.offset is not None:
        ax.axvspan(truth.onset, truth.offset, color=TRUE, alpha=0.35, lw=0)
    if truth.apex is not None and truth.release is not None:
        ax.axvspan(truth.apex, truth.release, color=TRUE, alpha=0.4, lw=0)
    if motion is not None:
        ax.plot(
            [motion.onset, motion.offset],
            [0.93 * top] * 2,
            color=FOUND,
            lw=5,
            solid_capstyle="butt",
        )
        ax.vlines([motion.onset, motion.offset], 0, 0.93 * top, color=FOUND, lw=1)
        ax.plot(motion.apex + 0.5, 0.84 * top, "v", color=FOUND, ms=6)
    # Frame t covers [t, t + 1), so its value is drawn at t + 0.5.
    ax.plot(np.arange(len(curve)) + 0.5, curve, color=CURVE, lw=1.6)
    ax.set(xlim=(0, len(curve)), ylim=(0, top))
    action = "nothing moves" if truth.onset is None else truth.action.replace("_", " ")
    ax.set_title(f"{name}: {action}", fontsize=9, loc="left")
    found = "none" if motion is None else f"{motion.onset} to {motion.offset}"
    true = "none" if truth.onset is None else f"{truth.onset} to {truth.offset}"
    ax.set_xlabel(f"frame    true {true}, found {found}", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.spines[["top", "right"]].set_visible(False)
