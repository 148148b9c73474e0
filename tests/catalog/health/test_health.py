"""Health: whatever is odd about a dataset is a line with the right number and the right clips."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.given.agreement import COLUMNS as AGREEING
from fmdata.catalog.health import clips, takes
from fmdata.catalog.health.clips import CHECKS, COLUMNS, min_sharpness
from fmdata.catalog.health.line import GRADES, MAX_KEYS, HealthLine, Worst
from fmdata.catalog.health.reasons import REASONS as ADVICE
from fmdata.catalog.health.takes import distances
from fmdata.catalog.health.whole import health
from fmdata.catalog.storage.card import Card
from fmdata.catalog.storage.schema import DROPPED_COLUMNS
from fmdata.catalog.summary import summarise
from fmdata.catalog.types import REASONS
from fmdata.pipeline.spotting import spot
from tests.helpers.command import fmdata
from tests.helpers.datasets import change_row, make_up, seal
from tests.helpers.imitated import imitate

SOUND: dict[str, Any] = {
    "face_px": 100.0, "brightness": 120.0, "sharpness": 100.0, "transfer": "bt709", "turned": 0,
    "pose_range": 5.0, "faces": 1, "interlaced": False, "sample_aspect_ratio": 1.0,
    "detected_share": 1.0, "uneven_share": 0.0, "face_shape": None, "person": "largest",
}  # fmt: skip
KEY = "s01-smile-01"


def sound(path: Path, **make: Any) -> Path:
    """Make a dataset of which every clip passes every check."""
    make_up(path, ["s01", "s02"], **{"k": 0, **make})
    for file in sorted((path / "actions").glob("shard-?????.parquet")):
        for index in range(pq.read_metadata(file).num_rows):
            change_row(file, index, **SOUND)
    seal(path)
    return path


def spoil(path: Path, key: str, **values: Any) -> None:
    """Change values in the row of one clip."""
    for file in sorted((path / "actions").glob("shard-?????.parquet")):
        keys = pq.read_table(file, columns=["key"])["key"].to_pylist()
        if key in keys:
            change_row(file, keys.index(key), **values)
    seal(path)


def lines_of(path: Path) -> dict[str, HealthLine]:
    return {line.kind: line for line in health(Dataset(path))}


def test_a_sound_dataset_has_no_line(tmp_path: Path) -> None:
    assert lines_of(sound(tmp_path / "dataset")) == {}
    assert "nothing odd" in str(summarise(Dataset(tmp_path / "dataset")))


no_motion = dict.fromkeys(
    ("onset", "apex", "offset", "style", "amplitude", "snr", "lead", "trail", "style_margin",
     "flash")
)  # fmt: skip
one = {"onset": 3, "apex": 6, "offset": 9, "style": "return", "amplitude": 0.1, "snr": 10.0,
       "lead": 3, "trail": 3, "style_margin": 1.0}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("no_motion", no_motion | {"motions": []}),
        ("motions", {"motions": [one, one]}),
        ("doubtful", {"amplitude": 0.02, "snr": 10.0}),
        ("style", {"style_margin": 0.02}),
        ("flash", {"flash": True}),
        ("lead", {"lead": 1}),
        ("faces", {"faces": 2}),
        ("lost", {"detected_share": 0.9}),
        ("unsteady", {"pose_range": 30.0}),
        ("dark", {"brightness": 20.0}),
        ("bright", {"brightness": 240.0}),
        ("blurred", {"sharpness": 3.0}),
        ("blurred", {"sharpness": 3.0, "face_px": 180.0}),
        ("small", {"face_px": 20.0}),
        ("uneven", {"uneven_share": 0.1}),
        ("sound", {"sound_s": 0.1}),  # of a clip of 0.48 s
        ("disagreeing", {"given_onset": 8, "given_offset": 12}),
        ("reviewed", {"review": ""}),
        ("transfer", {"transfer": "arib-std-b67"}),
        ("interlaced", {"interlaced": True}),
        ("turned", {"turned": 180}),
        ("pixels", {"sample_aspect_ratio": 1.42}),
    ],
)
def test_each_oddity_of_one_clip_is_one_line(
    tmp_path: Path, kind: str, values: dict[str, Any]
) -> None:
    path = sound(tmp_path / "dataset")
    spoil(path, KEY, **values)
    lines = lines_of(path)
    assert list(lines) == [kind]
    assert (lines[kind].count, lines[kind].of, lines[kind].keys) == (1, 8, (KEY,))
    assert "1 of 8 clips" in lines[kind].text
    assert lines[kind].todo


def test_every_check_is_tried_above() -> None:
    (mark,) = test_each_oddity_of_one_clip_is_one_line.pytestmark  # type: ignore[attr-defined]
    assert [*dict.fromkeys(kind for kind, _ in mark.args[1])] == [check.kind for check in CHECKS]
    others = {"motions", "motion_from", "review", "sound_s", "n_frames", "fps", *AGREEING}
    assert set(COLUMNS) <= set(SOUND) | set(no_motion) | others


@pytest.mark.parametrize(("sharpness", "face_px"), [(15.8, 175), (37, 140), (100, 68), (3, 240)])
def test_a_sharp_face_is_not_called_blurred(sharpness: float, face_px: float) -> None:
    """The first three are of real recordings in focus; a large face has little in each pixel."""
    assert sharpness > min_sharpness(face_px)


def test_a_motion_that_a_person_gave_is_not_in_doubt(tmp_path: Path) -> None:
    path = sound(tmp_path / "dataset")
    faint = {"motions": [one, one], "amplitude": 0.02, "snr": 10.0}
    spoil(path, KEY, **faint, motion_from="given", review="")
    assert list(lines_of(path)) == ["reviewed"]


def test_the_worst_clips_come_first() -> None:
    worst = Worst()
    for number in range(3 * MAX_KEYS):
        worst.add(f"{number:05d}", number % 1000)
    keys = worst.keys()
    assert worst.count == 3 * MAX_KEYS
    assert len(keys) == MAX_KEYS
    assert keys[:7] == ("00999", "01999", "02999", "03999", "04999", "05999", "00998")


def test_a_take_far_from_the_others_is_found() -> None:
    """Of takes that differ by a tenth, one of three times the size is far; of four alike, none."""
    assert distances([1.0, 1.1, 0.9, 1.05, 3.0])[:4] == [0, 0, 0, 0]
    assert distances([1.0, 1.1, 0.9, 1.05, 3.0])[4] > 1
    assert distances([1.0, 1.1, 3.0]) == [0, 0, 0]
    assert distances([1.0, 2.0, 4.0, 8.0, 16.0]) == [0, 0, 0, 0, 0]


def test_copies_of_a_recording_are_lines(tmp_path: Path) -> None:
    """As takes of one subject in doubt; as two subjects a leak, and the worst of all."""
    path = sound(tmp_path / "dataset")
    keys = Dataset(path).actions.keys
    mine, other = keys[0], next(key for key in keys if key[:3] != keys[0][:3])
    sha = {clip.key: clip.row["source_sha256"] for clip in Dataset(path).actions}
    spoil(path, keys[1], source_sha256=sha[mine])
    (line,) = lines_of(path).values()
    assert (line.kind, line.grade, line.keys) == ("same_takes", "doubt", (mine, keys[1]))
    spoil(path, other, source_sha256=sha[mine])
    (line,) = lines_of(path).values()
    assert (line.kind, line.grade) == ("same_subjects", "problem")
    assert set(line.keys) == {mine, keys[1], other}


def test_dropped_recordings_have_a_line_for_each_reason(tmp_path: Path) -> None:
    lines = lines_of(sound(tmp_path / "dataset", dropped=["s01", "s02"]))
    (line,) = lines.values()
    assert line.kind == "dropped:unreadable"
    assert line.grade == "problem"
    assert (line.count, line.of) == (2, 10)
    assert line.keys == ("s01/frown/01.mp4", "s02/frown/01.mp4")
    assert "no video can be opened" in line.text


def test_every_reason_has_its_advice() -> None:
    assert set(ADVICE) == set(REASONS)
    assert all(advice.words and advice.todo for advice in ADVICE.values())


def test_seams_and_shared_takes_are_lines_about_cells(tmp_path: Path) -> None:
    """Two takes and eight copies: copies share takes in every cell, and one seam is spoilt."""
    path = sound(tmp_path / "dataset", k=8)
    file = path / "compounds" / "shard-00000.parquet"
    table = pq.read_table(file)
    worst = max(range(table.num_rows), key=lambda i: table["seam"][i].as_py())
    change_row(file, worst, seam=99.0)
    seal(path)
    lines = lines_of(path)
    assert lines["seams"].keys[0] == table["key"][worst].as_py()
    assert "99.0" in lines["seams"].text
    assert (lines["shared"].count, lines["shared"].of) == (8, 8)
    left_out = sum(note.count("left out") for note in summarise(Dataset(path)).notes)
    assert left_out == lines["short"].count > 0
    assert lines["short"].of == 8


def test_stale_compounds_and_one_fold_are_lines(tmp_path: Path) -> None:
    path = make_up(tmp_path / "dataset", ["s01"], k=1)
    spoil(path, KEY, brightness=100.0)
    seal(path)
    assert "folds" in lines_of(path)
    card = Card.read(path)
    assert card.compounds
    replace(card, compounds=replace(card.compounds, made_from="0" * 64)).write(path)
    lines = health(Dataset(path))
    assert lines[0].kind == "stale"


def test_lines_are_worst_first(tmp_path: Path) -> None:
    path = sound(tmp_path / "dataset", dropped=["s01"])
    spoil(path, KEY, interlaced=True, brightness=10.0)
    spoil(path, "s01-smile-02", brightness=5.0)
    lines = health(Dataset(path))
    assert [line.kind for line in lines] == ["dropped:unreadable", "dark", "interlaced"]
    assert [GRADES.index(line.grade) for line in lines] == [0, 1, 2]
    assert lines[1].keys == ("s01-smile-02", KEY)


def test_info_prints_the_same_lines(tmp_path: Path) -> None:
    path = sound(tmp_path / "dataset")
    spoil(path, KEY, brightness=10.0)
    run = fmdata("info", path, cwd=tmp_path)
    assert f"Dark face (mean grey level below 50) in 1 of 8 clips: {KEY}\n" in run.stdout
    as_json = summarise(Dataset(path)).to_json()["health"]
    assert as_json[0]["keys"] == [KEY]


@pytest.mark.parametrize("column", ["faces", "brightness", "motions"])
def test_a_row_with_a_missing_value_is_a_damaged_dataset(tmp_path: Path, column: str) -> None:
    path = sound(tmp_path / "dataset")
    spoil(path, KEY, **{column: None})
    with pytest.raises(DatasetError, match="clips without"):
        health(Dataset(path))


def test_a_thousand_subjects_are_checked_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more rows are together than a subject has."""
    sizes = []
    add: Callable[..., None] = takes.TakeChecks.add

    def counted(self: takes.TakeChecks, rows: list[Any]) -> None:
        sizes.append(len(rows))
        add(self, rows)

    monkeypatch.setattr(takes.TakeChecks, "add", counted)
    imitate(tmp_path / "dataset", 3000)
    (tmp_path / "dataset" / "dropped.parquet").touch()
    monkeypatch.setattr(Dataset, "dropped", lambda _: DROPPED_COLUMNS.empty_table())
    health(Dataset(tmp_path / "dataset"))
    assert sizes == [10] * 300


def test_a_motion_is_doubtful_by_the_limit_of_spotting() -> None:
    """The catalog cannot import the pipeline, so the number stands in both."""
    assert clips.DOUBTFUL_IOD == spot.DOUBTFUL_IOD
