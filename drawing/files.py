"""Pictures as files: PNG, GIF and MP4, the same bytes for the same frames."""

import io
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from PIL import Image, ImageColor

from fmdata.drawing.animation import animated
from fmdata.drawing.canvas import LINE, SOFT, TEXT, WHITE
from fmdata.drawing.curve import COLOURS, INK, MARK
from fmdata.drawing.scene import Scene
from fmdata.drawing.strip import Look, draw_strip
from fmdata.drawing.video import encode_mp4

KINDS = {".png": 1600, ".gif": 480, ".mp4": 960}  # and the width of each
MAX_ANIMATED = 3000  # frames: two minutes
_CENTISECOND = 0.01  # the unit of time of a GIF
_NEAR = 8  # levels of a colour by which it stands for another
_CRF = 18  # of a video: no loss is seen


def picture(
    scene: Scene,
    kind: str,
    width: int | None,
    n_frames: int,
    look: Look,
    drawn: Callable[[], None] = lambda: None,
) -> bytes:
    """Return a clip as a file: a strip (``.png``), or an animation (``.gif``, ``.mp4``).

    Parameters
    ----------
    scene : Scene
    kind : str
        One of `KINDS`.
    width : int or None
        Width in pixels; by default that of the kind.
    n_frames : int
        Frames of a strip.
    look : Look
    drawn : function
        Called after each picture of the file.
    """
    width = width or KINDS[kind]
    if kind == ".png":
        strip = draw_strip(scene, width, n_frames, look)
        drawn()
        return png(strip)
    frames = _counted(animated(scene, width, look), drawn)
    if kind == ".mp4":
        return encode_mp4(map(np.asarray, frames), scene.fps, _CRF, scene.times.tolist())
    return gif(frames, _durations(scene), draw_strip(scene, KINDS[kind], n_frames, look))


def _counted(frames: Iterator[Image.Image], drawn: Callable[[], None]) -> Iterator[Image.Image]:
    for frame in frames:
        yield frame
        drawn()


def png(image: Image.Image) -> bytes:
    """Return a picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def gif(frames: Iterator[Image.Image], durations_ms: list[int], colours: Image.Image) -> bytes:
    """Return an animation that repeats for ever; all frames share the colours of one picture."""
    palette = _palette(colours)

    def reduced(image: Image.Image) -> Image.Image:
        return image.quantize(palette=palette, dither=Image.Dither.NONE)

    file = io.BytesIO()
    reduced(next(frames)).save(
        file, "GIF", save_all=True, append_images=map(reduced, frames), duration=durations_ms,
        loop=0, optimize=False,
    )  # fmt: skip
    return file.getvalue()


def _palette(colours: Image.Image) -> Image.Image:
    """Return a picture with the palette of another, in which the colours of lines are exact."""
    own = [ImageColor.getrgb(c) for c in (WHITE, TEXT, SOFT, LINE, INK, MARK, *COLOURS.values())]
    reduced = colours.quantize(256 - len(own), Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    others = np.array(reduced.getpalette()).reshape(-1, 3)
    near = np.abs(others[:, None] - np.array(own)).max(axis=2).min(axis=1) <= _NEAR
    palette = Image.new("P", (1, 1))
    palette.putpalette([*np.array(own).flat, *others[~near].flat])
    return palette


def _durations(scene: Scene) -> list[int]:
    """Return how long each frame is seen, in milliseconds, without a sum of rounding errors."""
    ends = [*scene.times.tolist(), float(scene.times[-1]) + 1 / scene.fps]
    ticks = np.round(np.array(ends) / _CENTISECOND).astype(int).tolist()
    return [10 * max(1, b - a) for a, b in pairwise(ticks)]
