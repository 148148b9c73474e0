"""A picture of a hundred pixels, for a terminal that shows coloured characters only."""

from PIL import Image

from fmdata.drawing.canvas import Canvas
from fmdata.drawing.curve import Panel, draw_curve
from fmdata.drawing.scene import Scene
from fmdata.drawing.spread import spread

N_FRAMES = 4  # more would be too small to recognise a face

_MIN_WIDTH = 20  # pixels


def draw_small(scene: Scene, width: int) -> Image.Image:
    """Return a few frames above the curve, without texts, RGB."""
    width = max(width, _MIN_WIDTH)
    marks = [min(mark.frame, scene.n_frames - 1) for mark in scene.marks[:N_FRAMES]]
    chosen = spread(scene.n_frames, marks, N_FRAMES)
    side = (width - len(chosen) + 1) // len(chosen)
    panel = Panel(0, side + 3, width, side + 3 + max(12, width // 6), 8)
    canvas = Canvas(width, panel.bottom + 1)
    for place, frame in enumerate(chosen):
        canvas.picture(scene.read([frame]).pixels[0], place * (side + 1), 0, side)
    draw_curve(canvas, panel, scene, texts=False)
    return canvas.image
