"""Distributions of the clips' facts, as bars of inline SVG that link to clips."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

N_BARS = 24
WIDTH, HEIGHT = 240, 70  # of the drawing, in its own units


@dataclass(frozen=True)
class Bar:
    """One bar: place and size in the drawing, its count, its range, and a place to look at."""

    x: float
    y: float
    width: float
    height: float
    count: int
    range: str
    look_at: int | None


@dataclass(frozen=True)
class Chart:
    """One distribution; `kind` and a number of `low` and `high` name a place at the tails."""

    kind: str
    title: str
    unit: str
    bars: list[Bar]
    least: str
    most: str
    median: str
    low: list[int]
    high: list[int]


def chart(
    kind: str,
    title: str,
    unit: str,
    values: Sequence[float],
    shown: Sequence[tuple[float, int]],
) -> Chart | None:
    """Return the distribution of finite values; None where there are none.

    Parameters
    ----------
    kind : str
        Things that have the values: ``clip`` or ``cell``.
    title, unit : str
        Name of the fact, and unit of its values.
    values : sequence of float
        Values of all clips or compounds.
    shown : sequence of (float, int)
        Value and number of each clip or cell on the page.
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return None
    finite = sorted((value, number) for value, number in shown if np.isfinite(value))
    numbers = [number for _, number in finite]
    tail = min(3, len(numbers) // 2)
    least, most, median = (f"{x:.3g}" for x in (known.min(), known.max(), np.median(known)))
    low, high = numbers[:tail], numbers[::-1][:tail]
    return Chart(kind, title, unit, _bars(known, finite), least, most, median, low, high)


def _bars(known: np.ndarray, shown: Sequence[tuple[float, int]]) -> list[Bar]:
    low, high = float(known.min()), float(known.max())
    edges = np.linspace(low, high if high > low else low + 1, N_BARS + 1)
    counts, _ = np.histogram(known, edges)
    furthest = _furthest(shown, edges, float(np.median(known)))
    most = int(counts.max())
    return [_bar(i, int(n), most, edges, furthest.get(i)) for i, n in enumerate(counts) if n]


def _furthest(
    shown: Sequence[tuple[float, int]], edges: np.ndarray, middle: float
) -> dict[int, int]:
    """Return the number furthest out, seen from the middle, of each bar that has one."""
    places = np.searchsorted(edges, [value for value, _ in shown], "right") - 1
    found: dict[int, int] = {}
    for place, (value, number) in zip(places.clip(0, N_BARS - 1).tolist(), shown, strict=True):
        if value >= middle or place not in found:
            found[place] = number
    return found


def _bar(i: int, n: int, most: int, edges: np.ndarray, look_at: int | None) -> Bar:
    height = round(max(2.0, n / most * (HEIGHT - 2)), 1)
    width = WIDTH / N_BARS
    value_range = f"{edges[i]:.3g} to {edges[i + 1]:.3g}"
    return Bar(round(i * width, 1), round(HEIGHT - height, 1), round(width - 1, 1), height, n,
               value_range, look_at)  # fmt: skip
