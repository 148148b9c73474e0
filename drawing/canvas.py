"""A drawing surface with smooth lines: shapes are drawn large, and made small, as masks."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
_SCALE = 4  # a shape's mask is drawn this many times larger
_FAR = 20_000.0  # pixels from the canvas, at which a point is left
WHITE, TEXT, SOFT, LINE = "#ffffff", "#1b1e27", "#4f5667", "#c9cedb"


@cache
def font(size: int) -> Any:
    """Return Pillow's own font, the same on every machine, in a size in pixels."""
    return ImageFont.load_default(size)


@cache
def _missing() -> bytes:
    return bytes(font(20).getmask("\uffff"))


def can_write(words: str) -> bool:
    """Return whether the font has all letters of a text; it has those of ASCII."""
    return words.isprintable() and all(
        c == " " or bytes(font(20).getmask(c)) != _missing() for c in set(words)
    )


def width_of(words: str, size: int) -> float:
    """Return the width of a text in pixels."""
    return float(font(size).getlength(words))


class Canvas:
    """A picture to draw on; `image` is the picture, RGB."""

    def __init__(self, width: int, height: int, ground: str = WHITE) -> None:
        self.image = Image.new("RGB", (width, height), ground)

    def copy(self) -> "Canvas":
        """Return another canvas with the same picture."""
        other = Canvas(1, 1)
        other.image = self.image.copy()
        return other

    def picture(self, pixels: np.ndarray, x: int, y: int, side: int) -> None:
        """Paste a square picture, grey or RGB, in another size."""
        resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)
        self.image.paste(resized.convert("RGB"), (x, y))

    def line(
        self, points: Sequence[Point], colour: str, width: float = 1.0, opacity: float = 1.0
    ) -> None:
        """Draw a line through points."""

        def draw(mask: ImageDraw.ImageDraw, at: list[Point]) -> None:
            mask.line(at, fill=255, width=max(1, round(width * _SCALE)), joint="curve")

        self._shape(points, colour, width / 2, opacity, draw)

    def polygon(self, points: Sequence[Point], colour: str, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        self._shape(points, colour, 0, opacity, lambda mask, at: mask.polygon(at, fill=255))

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str, opacity: float = 1
    ) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, opacity)

    def dots(
        self, points: Sequence[Point], radius: float, colour: str, opacity: float = 1.0
    ) -> None:
        """Draw filled circles around points."""

        def draw(mask: ImageDraw.ImageDraw, at: list[Point]) -> None:
            for x, y in at:
                r = radius * _SCALE
                mask.ellipse((x - r, y - r, x + r, y + r), fill=255)

        self._shape(points, colour, radius, opacity, draw)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: int,
        colour: str = TEXT,
        anchor: str = "la",
        halo: int = 0,
    ) -> None:
        """Write a text, with a white edge; `anchor` is Pillow's, such as ``la``: left and top."""
        ImageDraw.Draw(self.image).text(
            (x, y), words, colour, font(size), anchor, stroke_width=halo, stroke_fill=WHITE
        )

    def _shape(
        self, points: Sequence[Point], colour: str, margin: float, opacity: float, draw: Any
    ) -> None:
        """Draw a shape as a large mask around its points, and paste the colour through it.

        No mask is larger than the canvas, wherever the points lie.
        """
        places = np.nan_to_num(np.asarray(points, np.float64)).clip(-_FAR, _FAR)
        low = np.maximum(np.floor(places.min(axis=0) - margin) - 1, -1).astype(int)
        high = np.ceil(places.max(axis=0) + margin).astype(int) + 2
        x, y = low.tolist()
        width, height = (np.minimum(high, np.array(self.image.size) + 1) - low).tolist()
        if width <= 0 or height <= 0:
            return
        mask = Image.new("L", (width * _SCALE, height * _SCALE))
        at = [(px, py) for px, py in ((places - low) * _SCALE).tolist()]
        draw(ImageDraw.Draw(mask), at)
        small = mask.reduce(_SCALE)
        if opacity < 1:
            small = small.point(lambda level: round(level * opacity))
        self.image.paste(colour, (x, y), small)
