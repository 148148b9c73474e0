"""The columns of format 5, as other programs know them: another column is another format."""

import re
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.storage.card import FORMAT
from fmdata.catalog.storage.schema import (
    ACTION_COLUMNS,
    ACTION_FRAME_FACTS,
    COMPOUND_COLUMNS,
    Columns,
    frame_rows,
    per_frame,
)

FRAME, JPEG = "key string, index int32", "jpeg_offset int64, jpeg_size int64"
ACTION_FRAMES = (
    f"{FRAME}, timestamp float, detected bool, intensity float, face_px float, sharpness float, "
    "brightness float, change float, pose float[3], landmarks float[], blendshapes float[52], "
    f"transform float[6], {JPEG}"
)
COMPOUND_FRAMES = f"{FRAME}, timestamp float, source string, source_index int32, {JPEG}"
PLACES = (
    "avi_offset int64, avi_size int64, lbp_offset int64, lbp_size int64, wav_offset int64, "
    "wav_size int64, json_offset int64, json_size int64, frames_row int64"
)
MOTION = (
    "onset int32, apex int32, offset int32, style string, amplitude double, snr double, "
    "lead int32, trail int32, style_margin double"
)
ACTIONS = (
    "key string, subject string, action string, take string, recorded_action string, "
    "recorded_take string, fold int32, source string, source_sha256 string, start double, "
    "stop double, digest string, processor string, fps double, n_frames int32, "
    f"first_frame int32, size int32, {MOTION}, flash bool, motion_from string, "
    "spotted_onset int32, "
    "spotted_apex int32, spotted_offset int32, given_times string, given_onset int32, "
    f"given_apex int32, given_offset int32, review string, motions struct<{MOTION}>[], "
    "pose_range double, detected_share double, faces int32, person string, "
    "face_x double, face_y double, face_px double, sharpness double, brightness double, "
    "transfer string, primaries string, interlaced bool, "
    "sample_aspect_ratio double, turned int32, uneven_share double, "
    f"face_shape float[120], sound_s double, {PLACES}"
)
COMPOUNDS = (
    "key string, subject string, first string, second string, copy int32, label int32, "
    "fold int32, fps double, n_frames int32, first_take string, second_take string, "
    "segments struct<source string, start int32, stop int32, role string>[], seam double, "
    f"seams double[], {PLACES}"
)
DOCUMENT = Path(__file__).parents[3] / "docs/format.md"


def spelt(kind: str) -> str:
    """Write a type of Arrow as in the tables above."""
    kind = re.sub(r"fixed_size_list<\w+: (\w+)>\[(\d+)\]", r"\1[\2]", kind)
    kind = re.sub(r"^list<\w+: (.*)>$", r"\1[]", kind)
    return kind.replace(": ", " ")


@pytest.mark.parametrize(
    ("columns", "clips", "frames"),
    [(ACTION_COLUMNS, ACTIONS, ACTION_FRAMES), (COMPOUND_COLUMNS, COMPOUNDS, COMPOUND_FRAMES)],
)
def test_the_columns_are_those_of_the_format(columns: Columns, clips: str, frames: str) -> None:
    assert FORMAT == 5
    for schema, wanted in ((columns.clips, clips), (columns.frames, frames)):
        assert ", ".join(f"{field.name} {spelt(str(field.type))}" for field in schema) == wanted


def test_every_column_is_in_the_document() -> None:
    """The place of the JSON is an ellipsis there."""
    text = DOCUMENT.read_text()
    tables = (ACTION_COLUMNS.clips, ACTION_COLUMNS.frames, COMPOUND_COLUMNS.clips,
              COMPOUND_COLUMNS.frames)  # fmt: skip
    missing = {name for table in tables for name in table.names if f"`{name}`" not in text}
    assert missing == {"json_offset"}


def test_arrays_come_back_from_rows_of_frames_and_nulls_as_nothing() -> None:
    draw = np.random.default_rng(0)
    shapes = {"pose": (3,), "landmarks": (68, 3), "transform": (2, 3)}
    values = {
        field.name: draw.random((5, *shapes.get(field.name, ())), np.float32)
        for field in ACTION_FRAME_FACTS
    } | {"detected": np.arange(5) > 1, "blendshapes": None}
    table = frame_rows(ACTION_FRAME_FACTS, values)
    for name, value in values.items():
        found = per_frame(table.slice(1, 3)[name], shapes.get(name, ()))
        np.testing.assert_array_equal(found, [] if value is None else value[1:4])
    with pytest.raises(ValueError, match="columns missing or unknown: pose"):
        frame_rows(ACTION_FRAME_FACTS, {n: v for n, v in values.items() if n != "pose"})
