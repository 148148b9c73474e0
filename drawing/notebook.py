"""Scenes as HTML for notebooks: pictures are in the text, so nothing is fetched."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from PIL import Image

from fmdata.drawing.scene import Scene
from fmdata.drawing.strip import Look, draw_strip

_WIDTH, _N_FRAMES, _QUALITY = 900, 6, 80
_FACT = "display:inline-block;margin-right:1.5em"
_CELL = "text-align:left;padding:.1em 1em .1em 0;vertical-align:top"


def html_of_scene(scene: Scene) -> str:
    """Return a strip with the curve, and the facts below it."""
    strip = draw_strip(scene, _WIDTH, _N_FRAMES, Look(lbp=False))
    marks = {mark.name: f"frame {mark.frame}" for mark in scene.marks} if not scene.spans else {}
    spans = {span.kind: span.source for span in scene.spans if span.stop > span.start}
    alt = f"Frames of {scene.title} and its intensity curve"
    return f"<div>{html_of_picture(strip, alt)}{html_of_facts(scene.facts | marks | spans)}</div>"


def html_of_picture(picture: Image.Image, alt: str) -> str:
    """Return a picture that is part of the text."""
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=4)
    data = base64.b64encode(file.getvalue()).decode()
    source, size = f"data:image/webp;base64,{data}", f'width="{picture.width}"'
    return f'<img src="{source}" alt="{escape(alt)}" {size} style="max-width:100%;height:auto">'


def html_of_facts(facts: Mapping[str, str]) -> str:
    """Return names and values, side by side as far as there is room."""
    pairs = (f"<b>{escape(name)}</b> {escape(value)}" for name, value in facts.items())
    spans = "".join(f'<span style="{_FACT}">{pair}</span> ' for pair in pairs)
    return f'<p style="max-width:{_WIDTH}px">{spans}</p>'


def html_of_table(rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return a table; each row has a name, as text, and cells, as HTML."""
    lines = []
    for name, cells in rows:
        tds = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells)
        lines.append(f'<tr><th scope="row" style="{_CELL}">{escape(name)}</th>{tds}</tr>')
    return f"<table>{''.join(lines)}</table>"
