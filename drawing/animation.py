"""An animation: crop, landmarks and LBP map of each frame above the curve, frame by frame."""

from collections.abc import Iterator

from PIL import Image

from fmdata.drawing.canvas import SOFT, Canvas, width_of
from fmdata.drawing.curve import Panel, draw_curve, draw_head
from fmdata.drawing.scene import Scene, Views
from fmdata.drawing.strip import Look, crop, draw_title

_AT_A_TIME = 64  # frames that are read together


def animated(scene: Scene, width: int, look: Look) -> Iterator[Image.Image]:
    """Yield a picture for each frame of a clip, RGB, of even width and height."""
    first = scene.read([0])
    columns = _columns(first, look)
    size = max(11, round(width / 45))
    gap = max(4, width // 100)
    side = min(width // 2, (width - 2 * size - (len(columns) - 1) * gap) // len(columns))
    left = (width - len(columns) * side - (len(columns) - 1) * gap) // 2
    top = round(size * 4)
    panel = _panel(scene, width, size, top + side + round(size * 1.6))
    ground = Canvas(width // 2 * 2, (panel.bottom + 2 * size) // 2 * 2)
    draw_title(ground, scene, size)
    draw_curve(ground, panel, scene)
    for place, name in enumerate(columns):
        x = left + place * (side + gap) + side / 2
        ground.text(x, top + side + size * 0.2, name, size, SOFT, "ma")
    for start in range(0, scene.n_frames, _AT_A_TIME):
        frames = range(start, min(start + _AT_A_TIME, scene.n_frames))
        views = scene.read(frames)
        for i, frame in enumerate(frames):
            canvas = ground.copy()
            for place, name in enumerate(columns):
                picture = _view(views, i, name, side)
                canvas.image.paste(picture, (left + place * (side + gap), top))
            draw_head(canvas, panel, scene, frame)
            yield canvas.image


def _columns(views: Views, look: Look) -> list[str]:
    known = {"landmarks": look.landmarks and views.points is not None,
             "LBP": look.lbp and views.lbp is not None}  # fmt: skip
    return ["crop", *(name for name, is_known in known.items() if is_known)]


def _view(views: Views, i: int, name: str, side: int) -> Image.Image:
    if name == "LBP" and views.lbp is not None:
        return crop(views.lbp[i], None, side, Look())
    points = views.points[i : i + 1] if views.points is not None else None
    return crop(views.pixels[i], points, side, Look(landmarks=name == "landmarks"))


def _panel(scene: Scene, width: int, size: int, top: int) -> Panel:
    left = size + round(width_of("0.00", size)) + size // 2
    top += round(size * (2.2 if scene.spans else 0.6))
    return Panel(left, top, width - size, top + round(width / 4.5), size)
