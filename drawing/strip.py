"""A strip: frames of a clip side by side, their LBP maps, and the curve with lines to each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fmdata.drawing.canvas import LINE, SOFT, Canvas, can_write, width_of
from fmdata.drawing.curve import MARK, Panel, draw_curve
from fmdata.drawing.face_lines import draw_landmarks
from fmdata.drawing.scene import Scene, Views
from fmdata.drawing.spread import spread


@dataclass(frozen=True)
class Look:
    """Views that a picture shows, beside the crops."""

    landmarks: bool = True
    lbp: bool = True


@dataclass(frozen=True)
class _Layout:
    """Places in a strip, in pixels."""

    width: int
    size: int  # of the texts
    gap: int
    side: int
    rows: int
    top: int

    @classmethod
    def of(cls, width: int, n: int, rows: int) -> "_Layout":
        size = max(11, round(width / 70))
        gap = max(2, width // 200)
        side = (width - 2 * size - (n - 1) * gap) // n
        return cls(width, size, gap, side, rows, round(size * 4))

    def x(self, place: int) -> int:
        return self.size + place * (self.side + self.gap)

    def y(self, row: int) -> int:
        return self.top + row * (self.side + self.gap)

    @property
    def labels(self) -> int:
        """Upper edge of the labels below the frames."""
        return self.y(self.rows) + self.size // 3

    @property
    def panel(self) -> Panel:
        top = self.labels + round(self.size * 4.4)
        left = self.size + round(width_of("0.00", self.size)) + self.size // 2
        return Panel(left, top, self.width - self.size, top + round(self.width / 6.4), self.size)

    @property
    def height(self) -> int:
        return self.panel.bottom + 2 * self.size


def draw_strip(scene: Scene, width: int, n_frames: int, look: Look) -> Image.Image:
    """Return a strip of some frames, RGB; the marked frames are among them."""
    last = scene.n_frames - 1
    chosen = spread(scene.n_frames, (min(m.frame, last) for m in scene.marks), n_frames)
    # One by one: frames that lie far apart are not read with all between them.
    views = [scene.read([frame]) for frame in chosen]
    rows = 1 + (look.lbp and views[0].lbp is not None)
    layout = _Layout.of(width, len(chosen), rows)
    canvas = Canvas(width, layout.height)
    draw_title(canvas, scene, layout.size)
    for place, (frame, view) in enumerate(zip(chosen, views, strict=True)):
        _draw_frame(canvas, layout, scene, place, frame, view, look)
    _draw_leaders(canvas, layout, scene, chosen)
    draw_curve(canvas, layout.panel, scene)
    return canvas.image


def draw_title(canvas: Canvas, scene: Scene, size: int) -> None:
    """Write the key of a clip and, below it, its facts as far as there is room."""
    canvas.text(size, round(size * 0.5), scene.title, round(size * 1.35))
    room = canvas.image.width - 2 * size
    facts = [fact for fact in scene.facts.values() if can_write(fact)]
    while len(facts) > 1 and width_of("  ·  ".join(facts), size) > room:
        facts.pop()
    canvas.text(size, round(size * 2.2), "  ·  ".join(facts), size, SOFT)


def _draw_frame(
    canvas: Canvas, layout: _Layout, scene: Scene, place: int, frame: int, view: Views, look: Look
) -> None:
    x, y = layout.x(place), layout.y(0)
    canvas.image.paste(crop(view.pixels[0], view.points, layout.side, look), (x, y))
    if layout.rows > 1 and view.lbp is not None:
        canvas.picture(view.lbp[0], x, layout.y(1), layout.side)
    name = next((m.name for m in scene.marks if min(m.frame, scene.n_frames - 1) == frame), "")
    words = f"{name}  {scene.times[frame]:.2f} s" if name else f"{scene.times[frame]:.2f} s"
    if width_of(words, layout.size) > layout.side:
        words = name or words
    middle = x + layout.side / 2
    canvas.text(middle, layout.labels, words, layout.size, MARK if name else SOFT, "ma")


def crop(pixels: np.ndarray, points: np.ndarray | None, side: int, look: Look) -> Image.Image:
    """Return a crop in another size, with its landmarks where they are wanted and known."""
    canvas = Canvas(side, side)
    canvas.picture(pixels, 0, 0, side)
    if look.landmarks and points is not None:
        draw_landmarks(canvas, points[0], 0, 0, side / pixels.shape[0])
    return canvas.image


def _draw_leaders(canvas: Canvas, layout: _Layout, scene: Scene, chosen: Sequence[int]) -> None:
    """Draw a line from each frame to its time on the curve."""
    panel, width = layout.panel, max(1, layout.size / 14)
    top = layout.labels + layout.size * 1.5
    names = layout.size * 1.9 if scene.spans else 0
    for place, frame in enumerate(chosen):
        at, x = layout.x(place) + layout.side / 2, panel.x(scene, float(scene.times[frame]))
        canvas.line([(at, top), (x, panel.top - names)], LINE, width)
        canvas.line([(x, panel.top), (x, panel.bottom)], LINE, width, 0.7)
