"""The intensity curve of a clip, with its marks and the segments of a compound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fmdata.drawing.canvas import LINE, SOFT, TEXT, Canvas, width_of
from fmdata.drawing.scene import FIRST, LEAD, SECOND, TAIL, Mark, Scene, Span

INK = "#222630"
COLOURS = {LEAD: "#b8c0cc", FIRST: "#2f6fde", SECOND: "#e07b28", TAIL: "#b8c0cc"}
MARK = "#b4470c"
_ROOM = 1.3  # of the axis above the highest point
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Panel:
    """A place for the curve on a canvas, in pixels; `size` is that of its texts.

    The axes' labels lie outside of it, to the left and below.
    """

    left: int
    top: int
    right: int
    bottom: int
    size: int

    def x(self, scene: Scene, time: float) -> float:
        """Return the place of a time in seconds."""
        return self.left + time / _duration(scene) * (self.right - self.left)

    def y(self, value: float, highest: float) -> float:
        """Return the place of an intensity."""
        return self.bottom - max(value, 0.0) / highest * (self.bottom - self.top)


def _duration(scene: Scene) -> float:
    return float(scene.times[-1]) + 1 / scene.fps


def draw_curve(canvas: Canvas, panel: Panel, scene: Scene, texts: bool = True) -> None:
    """Draw spans, axes, curve and marks; without `texts`, shapes alone."""
    highest = _ROOM * max(0.01, float(scene.intensity.max()) if scene.intensity is not None else 0)
    _draw_spans(canvas, panel, scene, texts)
    _draw_axes(canvas, panel, scene, highest, texts)
    if scene.intensity is None:
        canvas.text((panel.left + panel.right) / 2, (panel.top + panel.bottom) / 2,
                    "intensity unknown", panel.size, SOFT, "mm")  # fmt: skip
        return
    xs = [panel.x(scene, float(time)) for time in scene.times]
    points = [(x, panel.y(float(v), highest)) for x, v in zip(xs, scene.intensity, strict=True)]
    canvas.polygon([(xs[0], panel.bottom), *points, (xs[-1], panel.bottom)], INK, 0.06)
    canvas.line(points, INK, panel.size / 8)
    _draw_marks(canvas, panel, scene, points, texts)


def draw_head(canvas: Canvas, panel: Panel, scene: Scene, frame: int) -> None:
    """Draw the line that shows which frame is seen."""
    x = panel.x(scene, float(scene.times[frame]))
    canvas.line([(x, panel.top), (x, panel.bottom)], MARK, panel.size / 9)
    if scene.intensity is not None:
        highest = _ROOM * max(0.01, float(scene.intensity.max()))
        y = panel.y(float(scene.intensity[frame]), highest)
        canvas.dots([(x, y)], panel.size / 3.2, MARK)


def _draw_spans(canvas: Canvas, panel: Panel, scene: Scene, texts: bool) -> None:
    for span in (span for span in scene.spans if span.stop > span.start):
        left, right = (_edge(panel, scene, frame) for frame in (span.start, span.stop))
        canvas.box(left, panel.top, right, panel.bottom, COLOURS[span.kind], 0.2)
        canvas.box(left, panel.top - panel.size * 0.3, right, panel.top, COLOURS[span.kind])
        if texts:
            _write(canvas, panel, span, left, right)


def _write(canvas: Canvas, panel: Panel, span: Span, left: float, right: float) -> None:
    """Write the name of a span over it, and its source where there is room."""
    middle, y = (left + right) / 2, panel.top - panel.size * 0.7
    whole = f"{span.kind}: {span.source}" if span.source else span.kind
    for words in (whole, span.kind):
        if width_of(words, panel.size) <= right - left + panel.size:
            canvas.text(middle, y, words, panel.size, TEXT, "ms")
            return


def _edge(panel: Panel, scene: Scene, frame: int) -> float:
    """Return the place at which a frame begins; the last frame ends at the right."""
    last = frame >= scene.n_frames
    return float(panel.right) if last else panel.x(scene, float(scene.times[frame]))


def _draw_axes(canvas: Canvas, panel: Panel, scene: Scene, highest: float, texts: bool) -> None:
    for value in ticks(highest, 4):
        y = panel.y(value, highest)
        canvas.line([(panel.left, y), (panel.right, y)], LINE, max(1, panel.size / 20), 0.7)
        if texts:
            place = panel.left - panel.size * 0.4
            canvas.text(place, y, f"{value:.2f}" if value else "0", panel.size, SOFT, "rm")
    canvas.line([(panel.left, panel.bottom), (panel.right, panel.bottom)], SOFT, panel.size / 14)
    if not texts:
        return
    below = panel.bottom + panel.size * 0.35
    seconds = list(ticks(_duration(scene), 8))
    for time in seconds:
        words = f"{time:g} s" if time == seconds[-1] else f"{time:g}"
        canvas.text(panel.x(scene, time), below, words, panel.size, SOFT, "ma")
    canvas.text(panel.left - panel.size * 0.4, panel.top - panel.size * 0.7, "IOD", panel.size,
                SOFT, "rs")  # fmt: skip


def ticks(highest: float, most: int) -> Iterator[float]:
    """Yield round numbers from 0 to a largest value, at most so many and the 0."""
    power = 10.0 ** np.floor(np.log10(highest / most))
    step = next(s * power for s in (*_STEPS, 10) if s * power * most >= highest)
    for i in range(int(highest / step + 1e-9) + 1):
        yield float(round(i * step, 6))


def _draw_marks(
    canvas: Canvas, panel: Panel, scene: Scene, points: Sequence[tuple[float, float]], texts: bool
) -> None:
    """Draw onset, apex and offset as circle, triangle and square; each is named beside it."""
    r = panel.size / 2.6
    for mark in scene.marks:
        x, y = points[min(mark.frame, scene.n_frames - 1)]
        canvas.line([(x, y), (x, panel.bottom)], MARK, panel.size / 16, 0.6)
        if mark.name == "onset":
            canvas.dots([(x, y)], r, MARK)
        elif mark.name == "apex":
            canvas.polygon([(x, y - r * 1.2), (x + r * 1.1, y + r), (x - r * 1.1, y + r)], MARK)
        else:
            canvas.box(x - r * 0.9, y - r * 0.9, x + r * 0.9, y + r * 0.9, MARK)
        if texts:
            _name(canvas, panel, mark, x, y - panel.size * 0.75)


def _name(canvas: Canvas, panel: Panel, mark: Mark, x: float, y: float) -> None:
    """Write the name of a mark above it, on the side where the curve is low, in the panel."""
    words = f"{mark.name} {mark.frame}"
    width = width_of(words, panel.size)
    left = x - width * {"onset": 1.0, "offset": 0.0}.get(mark.name, 0.5)
    left = min(max(left, panel.left + panel.size / 4), panel.right - width)
    canvas.text(left, y, words, panel.size, MARK, "ls", halo=panel.size // 6)
