"""Scenes of clips, as pictures show them; the pixels are read when they are drawn."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.printable import printable
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.storage.tables.rows import motion_of
from fmdata.catalog.types import Segment
from fmdata.drawing.scene import Mark, Scene, Span, Views


class Drawable(Protocol):
    """The part of a clip that a picture needs; its members are those of ``Clip``."""

    row: dict[str, Any]
    sources: Any

    @property
    def has_lbp(self) -> bool:
        """True where the clip has LBP maps."""

    def column(self, name: str) -> np.ndarray:
        """Return one fact of every frame."""

    def frames(self, indices: Sequence[int]) -> np.ndarray:
        """Return the pixels of some frames."""

    def lbp(self, indices: Sequence[int]) -> np.ndarray:
        """Return the LBP maps of some frames."""

    def frame_blocks(self, columns: Sequence[str]) -> Iterable[pa.Table]:
        """Return blocks of facts of the frames."""


def scene_of(clip: Drawable) -> Scene:
    """Return the scene of a clip of either half of a dataset."""
    is_compound = "segments" in clip.row
    return _scene_of_compound(clip) if is_compound else _scene_of_action(clip)


def _scene_of_action(clip: Drawable) -> Scene:
    motion, row = motion_of(clip.row), clip.row
    facts = {name: printable(row[name]) for name in ("subject", "action", "take")}
    marks: tuple[Mark, ...] = ()
    if motion is not None:
        end = "end" if motion.style == "hold" else "offset"
        frames = motion.onset, motion.apex, motion.offset
        marks = tuple(map(Mark, ("onset", "apex", end), frames))
        facts |= {"style": motion.style, "amplitude": f"{motion.amplitude_iod:.3f} IOD",
                  "signal to noise": f"snr {motion.snr:.3g}"}  # fmt: skip
    else:
        facts["style"] = "no motion"

    def read(frames: Sequence[int]) -> Views:
        return _views(clip, frames, _points(clip, frames))

    return Scene(
        printable(clip.row["key"]), facts | _length(clip), _times(clip), clip.row["fps"], read,
        intensity=np.nan_to_num(clip.column("intensity"), posinf=0, neginf=0), marks=marks,
    )  # fmt: skip


def _scene_of_compound(clip: Drawable) -> Scene:
    """Return the scene of a compound; without its sources, it has no curve and no landmarks."""
    row = clip.row
    segments = [Segment(**segment) for segment in row["segments"]]
    takes = _sources_of(clip, segments) if clip.sources is not None else None
    starts = np.cumsum([0, *(s.n_frames for s in segments)]).tolist()
    spans = tuple(
        Span(s.role, at, at + s.n_frames, f"{printable(s.source)} [{s.start}, {s.stop})")
        for s, at in zip(segments, starts, strict=False)
    )
    actions = printable(f"{row['first']}, then {row['second']}")
    facts = {"subject": printable(row["subject"]), "actions": actions}
    if row["seam"] is not None:
        facts["seam"] = f"worst seam {row['seam']:.2g}"

    def read(frames: Sequence[int]) -> Views:
        return _views(clip, frames, _points_of(segments, starts, takes, frames) if takes else None)

    return Scene(
        printable(clip.row["key"]), facts | _length(clip), _times(clip), clip.row["fps"], read,
        spans=spans,
        intensity=_intensity_of(segments, takes) if takes else None,
        marks=_marks_of(segments, starts, takes) if takes else (),
    )  # fmt: skip


def _sources_of(clip: Drawable, segments: Sequence[Segment]) -> dict[str, Any]:
    """Return the sources of a compound, by key.

    Raises
    ------
    DatasetError
        When a source is missing, or too short, or they have more or fewer frames than the compound.
    """
    takes = {s.source: clip.sources[s.source] for s in segments if s.source in clip.sources}
    n_frames = sum(s.n_frames for s in segments)
    fits = all(s.source in takes and s.stop <= takes[s.source].n_frames for s in segments)
    if not fits or n_frames != clip.row["n_frames"]:
        raise DatasetError(
            f"the segments of {clip.row['key']} do not fit their sources",
            wanted=f"{clip.row['n_frames']} frames of action clips of this dataset",
            where=clip.row["key"],
            todo="run `fmdata verify`, which reports the damage and how to repair it",
        )
    return takes


def _length(clip: Drawable) -> dict[str, str]:
    return {"length": f"{clip.row['n_frames']} frames", "rate": f"{clip.row['fps']:.4g} frames/s"}


def _times(clip: Drawable) -> np.ndarray:
    times = clip.column("timestamp").astype(np.float64)
    return times - times[0]


def _views(clip: Drawable, frames: Sequence[int], points: np.ndarray | None) -> Views:
    lbp = clip.lbp(frames) if clip.has_lbp else None
    return Views(clip.frames(frames), points, lbp)


def _points(clip: Drawable, frames: Sequence[int]) -> np.ndarray:
    """Return the landmarks of some frames in pixels of the crop, float64 [n, N, 2]."""
    found: dict[int, np.ndarray] = {}
    for block in clip.frame_blocks(["index", "landmarks", "transform"]):
        for place, index in enumerate(block["index"].to_pylist()):
            if index in frames:
                row = block.slice(place, 1)
                points = per_frame(row["landmarks"]).reshape(-1, 3)[:, :2]
                turn = per_frame(row["transform"], (2, 3))[0].astype(np.float64)
                found[index] = points @ turn[:, :2].T + turn[:, 2]
        if len(found) == len(frames):
            break
    return np.stack([found[frame] for frame in frames])


def _points_of(
    segments: Sequence[Segment], starts: Sequence[int], takes: Any, frames: Sequence[int]
) -> np.ndarray:
    """Return the landmarks of some frames of a compound, from its sources."""
    found: dict[int, np.ndarray] = {}
    for segment, at in zip(segments, starts, strict=False):
        own = [f for f in frames if at <= f < at + segment.n_frames]
        if own:
            points = _points(takes[segment.source], [f - at + segment.start for f in own])
            found |= dict(zip(own, points, strict=True))
    return np.stack([found[frame] for frame in frames])


def _intensity_of(segments: Sequence[Segment], takes: Mapping[str, Any]) -> np.ndarray:
    parts = [takes[s.source].intensity[s.start : s.stop] for s in segments if s.n_frames]
    return np.nan_to_num(np.concatenate(parts), posinf=0, neginf=0)


def _marks_of(
    segments: Sequence[Segment], starts: Sequence[int], takes: Mapping[str, Any]
) -> tuple[Mark, ...]:
    """Return the onset, apex and offset of both motions; two of one frame are one mark."""
    names: dict[int, list[str]] = {}
    for segment, at in zip(segments, starts, strict=False):
        motion = motion_of(takes[segment.source].row)
        if segment.role not in ("first", "second") or motion is None:
            continue
        named = {"onset": motion.onset, "apex": motion.apex}
        if motion.style == "return":
            named["offset"] = motion.offset
        for name, frame in named.items():
            # With --smooth, a segment may begin or end a few frames inside the motion.
            if segment.start <= frame <= segment.stop:
                names.setdefault(frame - segment.start + at, []).append(name)
    return tuple(Mark(", ".join(names[frame]), frame) for frame in sorted(names))
