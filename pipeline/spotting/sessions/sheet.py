"""The sheet of a session: each motion at rest, at its onset, its apex and its offset."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from fmdata.catalog.printable import printable
from fmdata.catalog.storage.files import write_atomically
from fmdata.catalog.types import Track
from fmdata.drawing.canvas import SOFT, TEXT, Canvas, can_write
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.spotting.sessions.session import Session, SessionMotion

SIDE, COLUMNS, LABEL, GAP, TITLE = 112, 2, 34, 10, 30  # pixels, motions, pixels
NAMES = ("rest", "onset", "apex", "offset")
_MARGIN = 0.25  # around the face, as a share of its box
_QUALITY = 85


def frames_of(session: Session) -> frozenset[int]:
    """Return the frames that the sheet of a session shows."""
    return frozenset(frame for motion in session.motions for frame in _shown(motion))


def draw_sheet(
    path: Path, name: str, session: Session, frames: Iterable[Frame], track: Track
) -> None:
    """Draw the sheet of a recording of some `name` as a JPEG file.

    `frames` are those of :func:`frames_of`, in order; they are held one at a time.
    """
    rows = -(-len(session.motions) // COLUMNS)
    width = COLUMNS * (len(NAMES) * SIDE + GAP) + GAP
    canvas = Canvas(width, TITLE + max(rows, 1) * (SIDE + LABEL + GAP))
    shown = printable(name) if can_write(printable(name)) else ""
    canvas.text(GAP, 8, f"{shown}  {len(session.motions)} motions".strip(), 14, TEXT)
    faces: dict[int, np.ndarray] = {}
    for frame in frames:
        faces[frame.index] = _face(frame.rgb, track.landmarks[frame.index : frame.index + 1][0])
    for number, motion in enumerate(session.motions):
        x = GAP + (number % COLUMNS) * (len(NAMES) * SIDE + GAP)
        y = TITLE + (number // COLUMNS) * (SIDE + LABEL + GAP)
        _draw_motion(canvas, x, y, number, motion, session.fps, faces)
    data = io.BytesIO()
    canvas.image.save(data, "JPEG", quality=_QUALITY)
    write_atomically(path, data.getvalue())


def _draw_motion(
    canvas: Canvas, x: int, y: int, number: int, motion: SessionMotion, fps: float,
    faces: dict[int, np.ndarray],
) -> None:  # fmt: skip
    facts = f"m{number + 1:02d}  {motion.onset / fps:.2f} s  {motion.style}  "
    facts += f"{motion.amplitude:.3f} IOD  snr {motion.snr:.0f}"
    canvas.text(x, y, facts, 13, TEXT)
    for place, (name, frame) in enumerate(zip(NAMES, _shown(motion), strict=True)):
        left = x + place * SIDE
        canvas.text(left, y + 16, f"{name} {frame}", 11, SOFT)
        if frame in faces:
            canvas.picture(faces[frame], left, y + LABEL, SIDE - 2)


def _shown(motion: SessionMotion) -> tuple[int, int, int, int]:
    """Return the frames at rest, at the onset, the apex and the offset."""
    rest = max(motion.start, motion.onset - 3)
    return rest, motion.onset, motion.apex, min(motion.offset, motion.stop - 1)


def _face(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the square around a face, small, uint8 [SIDE, SIDE, 3]."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    half = (0.5 + _MARGIN) * float((high - low).max())
    x, y = (low + high) / 2
    box = tuple(round(v) for v in (x - half, y - half, x + half, y + half))
    picture = Image.fromarray(rgb).crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)
