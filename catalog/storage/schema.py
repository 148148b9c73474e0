"""The columns of every Parquet file of a dataset, and conversion of values to rows.

A clip is one row of a shard's table of clips, and as many rows of its table of frames as it has
frames. A value of several numbers (landmarks, pose, blendshapes, transform) is a float32 list in
row-major order. Its size is fixed, except for the landmarks, whose number depends on the backend.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.given.labels import Label, is_label
from fmdata.catalog.types import N_BLENDSHAPES


@dataclass(frozen=True)
class Columns:
    """The columns of one half of a dataset.

    Attributes
    ----------
    facts, frame_facts : pyarrow.Schema
        Facts of a clip, and of each of its frames, that do not depend on the shard.
    stored : bool
        True where the clips lie in tars; virtual ones have no positions.
    """

    facts: pa.Schema
    frame_facts: pa.Schema
    stored: bool = True

    @property
    def max_group(self) -> int:
        """Largest number of rows of clips that are written or read at once."""
        return 1024 if self.stored else 4096

    @cached_property
    def clips(self) -> pa.Schema:
        """Columns of ``shard-….parquet``, one row a clip."""
        return pa.schema([*self.facts, *(POSITIONS if self.stored else [])])

    @cached_property
    def frames(self) -> pa.Schema:
        """Columns of ``shard-….frames.parquet``, one row a frame."""
        positions = FRAME_POSITIONS if self.stored else []
        return pa.schema([*FRAME_NAMES, *self.frame_facts, *positions])


# Offset and size, in bytes, of each member of a sample in its tar; first of its rows of frames.
POSITIONS = [
    pa.field("avi_offset", pa.int64()),
    pa.field("avi_size", pa.int64()),
    pa.field("lbp_offset", pa.int64()),  # null in a dataset without LBP maps
    pa.field("lbp_size", pa.int64()),
    pa.field("wav_offset", pa.int64()),  # null in a dataset without sound, and of compounds
    pa.field("wav_size", pa.int64()),
    pa.field("json_offset", pa.int64()),
    pa.field("json_size", pa.int64()),
    pa.field("frames_row", pa.int64()),
]
# Key of the clip, and number of the frame in it; offset and size of its JPEG in the tar, in bytes.
FRAME_NAMES = [pa.field("key", pa.string()), pa.field("index", pa.int32())]
FRAME_POSITIONS = [pa.field("jpeg_offset", pa.int64()), pa.field("jpeg_size", pa.int64())]

MOTION_FACTS = [
    pa.field("onset", pa.int32()),
    pa.field("apex", pa.int32()),
    pa.field("offset", pa.int32()),
    pa.field("style", pa.string()),
    pa.field("amplitude", pa.float64()),
    pa.field("snr", pa.float64()),
    pa.field("lead", pa.int32()),
    pa.field("trail", pa.int32()),
    pa.field("style_margin", pa.float64()),
]
TIMES = ("onset", "apex", "offset")
# The same as they were spotted, also where others are given; and as a table gives them.
SPOTTED = tuple(f"spotted_{name}" for name in TIMES)
GIVEN = tuple(f"given_{name}" for name in TIMES)
MOTION_FROM = ("spotted", "given")
N_SHAPE_POINTS = 40
ACTION_FACTS = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("action", pa.string()),
        pa.field("take", pa.string()),
        pa.field("recorded_action", pa.string()),  # before a review changed them
        pa.field("recorded_take", pa.string()),
        pa.field("fold", pa.int32()),
        pa.field("source", pa.string()),
        pa.field("source_sha256", pa.string()),
        pa.field("start", pa.float64()),  # span of the file in seconds; null for its ends
        pa.field("stop", pa.float64()),
        pa.field("digest", pa.string()),  # of the recording's content and the settings
        pa.field("processor", pa.string()),  # features of the one that made the clip
        pa.field("fps", pa.float64()),
        pa.field("n_frames", pa.int32()),
        pa.field("first_frame", pa.int32()),  # frames of the file before the clip's first one
        pa.field("size", pa.int32()),
        # The facts of a motion are all null where no motion was found.
        *MOTION_FACTS,
        pa.field("flash", pa.bool_()),
        pa.field("motion_from", pa.string()),  # one of MOTION_FROM
        *(pa.field(name, pa.int32()) for name in SPOTTED),
        pa.field("given_times", pa.string()),  # as the table has them; null where it gives none
        *(pa.field(name, pa.int32()) for name in GIVEN),
        pa.field("review", pa.string()),  # note of the review that changed the clip; else null
        pa.field(
            "motions", pa.list_(pa.struct(MOTION_FACTS))
        ),  # all, in the order of time; one is the clip's
        pa.field("pose_range", pa.float64()),
        pa.field("detected_share", pa.float64()),
        pa.field("faces", pa.int32()),  # largest number found in one frame; one is followed
        pa.field("person", pa.string()),  # which was asked for: largest, left …, or a point
        pa.field("face_x", pa.float64()),  # median middle of the followed face, source pixels
        pa.field("face_y", pa.float64()),
        pa.field("face_px", pa.float64()),
        pa.field("sharpness", pa.float64()),
        pa.field("brightness", pa.float64()),
        pa.field("transfer", pa.string()),  # as in FFmpeg, "unknown" where the file states none
        pa.field("primaries", pa.string()),
        pa.field("interlaced", pa.bool_()),
        pa.field("sample_aspect_ratio", pa.float64()),
        pa.field("turned", pa.int32()),  # degrees clockwise
        # Share of the intervals between frames that are off the median by more than a fifth.
        pa.field("uneven_share", pa.float64()),
        # Points [40, 3] of the face at rest, in interocular distances; null without the mesh.
        pa.field("face_shape", pa.list_(pa.float32(), 3 * N_SHAPE_POINTS)),
        pa.field("sound_s", pa.float64()),  # seconds that have sound; null in a dataset without
    ]
)
ACTION_FRAME_FACTS = pa.schema(
    [
        pa.field("timestamp", pa.float32()),  # seconds
        pa.field("detected", pa.bool_()),
        pa.field("intensity", pa.float32()),
        pa.field("face_px", pa.float32()),
        pa.field("sharpness", pa.float32()),
        pa.field("brightness", pa.float32()),
        pa.field("change", pa.float32()),
        pa.field("pose", pa.list_(pa.float32(), 3)),
        pa.field("landmarks", pa.list_(pa.float32())),
        pa.field("blendshapes", pa.list_(pa.float32(), N_BLENDSHAPES)),  # null without scores
        pa.field("transform", pa.list_(pa.float32(), 6)),
    ]
)
ACTION_COLUMNS = Columns(ACTION_FACTS, ACTION_FRAME_FACTS)


@lru_cache(maxsize=16)
def with_labels(columns: Columns, labels: tuple[Label, ...]) -> Columns:
    """Return the columns of clips that have labels, which follow the other facts."""
    if not labels:
        return columns
    facts = pa.schema([*columns.facts, *(label.field for label in labels)])
    return replace(columns, facts=facts)


SEGMENT = pa.struct(
    [
        pa.field("source", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("stop", pa.int32()),
        pa.field("role", pa.string()),
    ]
)
COMPOUND_FACTS = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("first", pa.string()),
        pa.field("second", pa.string()),
        pa.field("copy", pa.int32()),
        pa.field("label", pa.int32()),  # i·N + j, with the subject's N actions sorted by name
        pa.field("fold", pa.int32()),
        pa.field("fps", pa.float64()),
        pa.field("n_frames", pa.int32()),
        pa.field("first_take", pa.string()),  # keys of the two action clips
        pa.field("second_take", pa.string()),
        pa.field("segments", pa.list_(SEGMENT)),
        pa.field("seam", pa.float64()),  # the largest of the seams
        pa.field("seams", pa.list_(pa.float64())),  # of every joint, in order
    ]
)
COMPOUND_FRAME_FACTS = pa.schema(
    [
        pa.field("timestamp", pa.float32()),
        pa.field("source", pa.string()),  # key of the action clip whose frame it is
        pa.field("source_index", pa.int32()),  # number of the frame in that clip
    ]
)
COMPOUND_COLUMNS = Columns(COMPOUND_FACTS, COMPOUND_FRAME_FACTS)
VIRTUAL_COLUMNS = Columns(COMPOUND_FACTS, COMPOUND_FRAME_FACTS, stored=False)

DROPPED_COLUMNS = pa.schema(
    [
        pa.field(name, pa.string())
        for name in ("source", "subject", "action", "take", "stage", "reason", "detail")
    ]
    + [
        pa.field("attempts", pa.int32()),
        pa.field("pose_range", pa.float64()),
        pa.field("start", pa.float64()),
        pa.field("stop", pa.float64()),
        pa.field("source_sha256", pa.string()),
        pa.field("digest", pa.string()),
    ]
)

# The facts of a clip's motion, which are all null where no motion was found.
MOTION = (*(field.name for field in MOTION_FACTS), "flash")
# Further columns that may be null: scores of some backends, optional members, ends of a file.
NULLABLE = (
    *(*MOTION, *SPOTTED, "review", "given_times", *GIVEN),
    *("start", "stop", "face_shape", "blendshapes", "lbp_offset", "lbp_size"),
    *("wav_offset", "wav_size", "sound_s"),
)


def may_be_null(column: str) -> bool:
    """Return whether a column may have nulls."""
    return column in NULLABLE or is_label(column)


def is_scalar(field: pa.Field) -> bool:
    """Return whether a column holds one plain value per row."""
    return not pa.types.is_nested(field.type)


def one_row(schema: pa.Schema, values: Mapping[str, Any]) -> pa.Table:
    """Return a table of one row; raises as :func:`rows` does."""
    return rows(schema, {name: [value] for name, value in values.items()})


def rows(schema: pa.Schema, values: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return a table from the values of each column.

    Raises
    ------
    ValueError
        When the names in `values` are not exactly the columns of `schema`.
    """
    _require_names(schema, values)
    return pa.table([pa.array(values[f.name], f.type) for f in schema], schema=schema)


def frame_rows(schema: pa.Schema, values: Mapping[str, Any]) -> pa.Table:
    """Return a table of one row per frame from arrays of shape [T] and [T, ...].

    None stands for a column of nulls. An array of the column's own type is not copied, unless bool.

    Raises
    ------
    ValueError
        When the names in `values` are not exactly the columns of `schema`, or lengths differ.
    """
    _require_names(schema, values)
    n_frames = next(len(value) for value in values.values() if value is not None)
    columns = [_column(field.type, values[field.name], n_frames) for field in schema]
    return pa.table(columns, schema=schema)


def _require_names(schema: pa.Schema, values: Mapping[str, Any]) -> None:
    if set(values) != set(schema.names):
        odd = sorted(set(values) ^ set(schema.names))
        raise ValueError(f"columns missing or unknown: {', '.join(odd)}")


def _column(kind: pa.DataType, value: Any, n_frames: int) -> pa.Array:
    """Return the values of all frames as a column."""
    if value is None:
        return pa.nulls(n_frames, kind)
    if not pa.types.is_nested(kind):
        return pa.array(value, kind)
    flat = pa.array(np.ascontiguousarray(value).reshape(-1), kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    starts = np.arange(n_frames + 1) * np.prod(value.shape[1:], dtype=int)
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), flat, type=kind)


def per_frame(column: pa.ChunkedArray, shape: Sequence[int] = ()) -> np.ndarray:
    """Return a column of a table of frames as an array of shape [T, *shape].

    A column of nulls has no values: its array is empty.
    """
    values = column.combine_chunks()
    while pa.types.is_nested(values.type):
        values = values.flatten()
    array: np.ndarray = values.to_numpy(zero_copy_only=False)
    return array.reshape(-1, *shape)
