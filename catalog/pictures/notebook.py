"""Clips and datasets as HTML for a notebook: pictures are in the text, so nothing is fetched.

Names are those of the dataset, so a pseudonym stays one; the folder's path is left out.
"""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice
from typing import Any, Protocol

from PIL import Image

from fmdata.catalog.pictures.scenes import Drawable, scene_of
from fmdata.catalog.printable import printable
from fmdata.catalog.storage.card import Card
from fmdata.drawing.notebook import html_of_facts, html_of_picture, html_of_scene, html_of_table

_SIDE = 96  # pixels of a face
_MAX_SUBJECTS, _MAX_ACTIONS = 4, 8


class Halved(Protocol):
    """The part of a dataset that is shown; its members are those of ``Dataset``."""

    card: Card
    actions: Any


def html_of_clip(clip: Drawable) -> str:
    """Return a strip of a clip with its curve, and its facts."""
    return html_of_scene(scene_of(clip))


def html_of_dataset(dataset: Halved) -> str:
    """Return the counts of a dataset, and a face of each action of its first subjects."""
    rows = [
        (printable(subject), list(_faces(dataset.actions.of_subject(subject))))
        for subject in dataset.actions.subjects[:_MAX_SUBJECTS]
    ]
    more = len(dataset.actions.subjects) - len(rows)
    note = f"<p>and {more} more subjects</p>" if more > 0 else ""
    return f"<div>{html_of_facts(_facts(dataset))}{html_of_table(rows)}{note}</div>"


def _faces(clips: Iterable[Any]) -> Iterator[str]:
    """Yield a face at the apex, or half way, of the first take of each action."""
    first: dict[str, Any] = {}
    for clip in clips:
        first.setdefault(clip.action, clip)
    for action, clip in islice(first.items(), _MAX_ACTIONS):
        frame = clip.motion.apex if clip.motion else clip.n_frames // 2
        face = Image.fromarray(clip.frames([frame])[0])
        name = printable(action)
        picture = html_of_picture(face.resize((_SIDE, _SIDE)), f"{name} of {clip.key}")
        yield f"{picture}<br>{escape(name)}"


def _facts(dataset: Halved) -> dict[str, str]:
    card, size = dataset.card, f"{dataset.card.size} × {dataset.card.size} pixels"
    settings = card.actions.settings
    named = "by pseudonyms" if settings.get("pseudonyms") else "by their names"
    compounds = str(card.compounds.samples) if card.compounds else "none"
    return {
        "recordings": f"{card.recordings}: {card.actions.samples} clips, {card.dropped} dropped",
        "subjects": f"{len(dataset.actions.subjects)}, {named}",
        "compounds": compounds + (", stale" if card.stale else ""),
        "crops": f"{size}, landmarks by {printable(str(settings.get('landmarks')))}",
    }
