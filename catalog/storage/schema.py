"""The columns of every Parquet file of a dataset, and conversion of values to rows.

Per-frame columns are lists with one entry per frame. An entry of several numbers (landmarks, pose,
blendshapes, transform) is a float32 list in row-major order. Its size is fixed, except for the
landmarks, whose number depends on the backend.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.types import N_BLENDSHAPES


def _per_frame(width: int = 1) -> pa.DataType:
    return pa.list_(pa.float32() if width == 1 else pa.list_(pa.float32(), width))


# Offset and size, in bytes, of each member of a sample in its tar, and of each JPEG.
POSITIONS = [
    pa.field("avi_offset", pa.int64()),
    pa.field("avi_size", pa.int64()),
    pa.field("lbp_offset", pa.int64()),  # null in a dataset without LBP maps
    pa.field("lbp_size", pa.int64()),
    pa.field("json_offset", pa.int64()),
    pa.field("json_size", pa.int64()),
    pa.field("frame_offset", pa.list_(pa.int64())),
    pa.field("frame_size", pa.list_(pa.int64())),
]

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
ACTION_FACTS = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("action", pa.string()),
        pa.field("take", pa.string()),
        pa.field("fold", pa.int32()),
        pa.field("source", pa.string()),
        pa.field("source_sha256", pa.string()),
        pa.field("start", pa.float64()),  # span of the file in seconds; null for its ends
        pa.field("stop", pa.float64()),
        pa.field("digest", pa.string()),  # of the recording's content and the settings
        pa.field("fps", pa.float64()),
        pa.field("n_frames", pa.int32()),
        pa.field("size", pa.int32()),
        # The facts of a motion are all null where no motion was found.
        *MOTION_FACTS,
        pa.field("flash", pa.bool_()),
        pa.field(
            "motions", pa.list_(pa.struct(MOTION_FACTS))
        ),  # all, in the order of time; one is the clip's
        pa.field("pose_range", pa.float64()),
        pa.field("detected_share", pa.float64()),
        pa.field("faces", pa.int32()),  # largest number found in one frame; one is followed
        pa.field("face_px", pa.float64()),
        pa.field("sharpness", pa.float64()),
        pa.field("brightness", pa.float64()),
        pa.field("transfer", pa.string()),  # as in FFmpeg, "unknown" where the file states none
        pa.field("primaries", pa.string()),
        pa.field("interlaced", pa.bool_()),
        pa.field("sample_aspect_ratio", pa.float64()),
        pa.field("turned", pa.int32()),  # degrees clockwise
        pa.field("detected", pa.list_(pa.bool_())),
        pa.field("frame_face_px", _per_frame()),
        pa.field("frame_sharpness", _per_frame()),
        pa.field("frame_brightness", _per_frame()),
        pa.field("intensity", _per_frame()),
        pa.field("timestamps", _per_frame()),
        pa.field("change", _per_frame()),
        pa.field("pose", _per_frame(3)),
        pa.field("landmarks", pa.list_(pa.list_(pa.float32()))),
        pa.field("blendshapes", _per_frame(N_BLENDSHAPES)),  # null from a backend without them
        pa.field("transform", _per_frame(6)),
    ]
)
ACTION_COLUMNS = pa.schema([*ACTION_FACTS, *POSITIONS])

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
        pa.field("timestamps", _per_frame()),
    ]
)
COMPOUND_COLUMNS = pa.schema([*COMPOUND_FACTS, *POSITIONS])

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
        pa.field("digest", pa.string()),
    ]
)

# Lists of a row whose length does not depend on the number of frames.
ROW_LISTS = ("segments", "seams", "motions")
# The facts of a clip's motion, which are all null where no motion was found.
MOTION = (*(field.name for field in MOTION_FACTS), "flash")
# Further columns that may be null: scores of some backends, optional LBP maps, ends of a file.
NULLABLE = (*MOTION, "start", "stop", "blendshapes", "lbp_offset", "lbp_size")


def is_scalar(field: pa.Field) -> bool:
    """Return whether a column holds one plain value per row."""
    return not pa.types.is_nested(field.type)


def one_row(schema: pa.Schema, values: Mapping[str, Any]) -> pa.Table:
    """Return a table of one row. Arrays of shape [T] and [T, ...] become per-frame lists.

    Raises
    ------
    ValueError
        When the names in `values` are not exactly the columns of `schema`.
    """
    if set(values) != set(schema.names):
        odd = sorted(set(values) ^ set(schema.names))
        raise ValueError(f"columns missing or unknown: {', '.join(odd)}")
    cells = [cell(field, values[field.name]) for field in schema]
    return pa.Table.from_arrays(cells, schema=schema)


def cell(field: pa.Field, value: Any) -> pa.Array:
    """Return a column of one row. An array of the column's own type is not copied, unless bool."""
    if not isinstance(value, np.ndarray):
        return pa.array([value], field.type)
    inner = field.type.value_type
    frames = len(value)
    if pa.types.is_nested(inner):
        flat = pa.array(np.ascontiguousarray(value).reshape(-1), inner.value_type)
        if pa.types.is_fixed_size_list(inner):
            items = pa.FixedSizeListArray.from_arrays(flat, type=inner)
        else:
            starts = pa.array(
                np.arange(frames + 1) * np.prod(value.shape[1:], dtype=int), pa.int32()
            )
            items = pa.ListArray.from_arrays(starts, flat, type=inner)
    else:
        items = pa.array(value, inner)
    return pa.ListArray.from_arrays(pa.array([0, frames], pa.int32()), items, type=field.type)


def per_frame(column: pa.ChunkedArray, shape: Sequence[int] = ()) -> np.ndarray:
    """Return a per-frame column of one row as an array of shape [T, *shape]."""
    values = column.combine_chunks().flatten()
    while pa.types.is_nested(values.type):
        values = values.flatten()
    array: np.ndarray = values.to_numpy(zero_copy_only=False)
    return array.reshape(-1, *shape)
