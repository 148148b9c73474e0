"""A table gives boundaries and labels: a build honours them, and a changed one decodes nothing.

Each recording is of ten frames that show one face, so spotting finds no motion. Frame n of the
clip is at n / 25 s.
"""

import re
from pathlib import Path

import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline import stages
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.built import Built
from fmdata.pipeline.work.review.override import read_overrides
from tests.helpers.folders import read_files
from tests.helpers.videos import write_numbered_video

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fixed_face", "no_second_pass")]

SMALL, IN_PROCESS = BuildSettings(size=64), RunSettings(workers=0)
N = 10
TIMES = ("onset", "apex", "offset")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return a folder of three recordings, which a table beside it names."""
    (tmp_path / "raw").mkdir()
    for name in "abc":
        video = write_numbered_video(tmp_path / f"raw/{name}.mp4", N).path
        video.write_bytes(video.read_bytes() + name.encode())
    return tmp_path / "raw"


def built(
    raw: Path, *rows: str, header: str, out: str = "dataset", settings=SMALL, **more
) -> Built:
    """Build with a table of these rows, whose first cell names the recording and its subject."""
    lines = [f"path,subject,action,take,{header}"]
    lines += [f"{row[0]}.mp4,{row[0]},smile,1{row[1:]}" for row in rows]
    table = raw.parent / "table.csv"
    table.write_text("\n".join([*lines, ""]))
    return build(raw, raw.parent / out, settings, IN_PROCESS, table=table, **more)


def decode_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("a recording is decoded")

    monkeypatch.setattr(stages, "decode", decode)


def row_of(dataset: Path, key: str) -> dict:
    return Dataset(dataset).actions[key].row


def test_given_boundaries_are_those_of_the_clip_to_the_frame(raw: Path) -> None:
    """In frames, without an apex; in seconds; and in a span, whose first frame is frame 3."""
    times = "onset,apex,offset,onset_s,apex_s,offset_s,start,stop"
    rows = ("a,2,,7,,,,,", "b,,,,0.08,0.16,0.4,,", "c,4,5,8,,,,0.12,0.36")
    assert built(raw, *rows, header=times).clips == 3
    path = raw.parent / "dataset"
    assert verify(path, deep=True) == []
    found = {key: row_of(path, f"{key}-smile-1") for key in "abc"}
    assert [found["a"][name] for name in TIMES] == [2, 2, 7]  # no frame moves more than the first
    assert [found["b"][name] for name in (*TIMES, "style")] == [2, 4, N, "hold"]
    assert [found["c"][name] for name in (*TIMES, "first_frame")] == [1, 2, 5, 3]
    assert [found["c"][f"given_{name}"] for name in TIMES] == [1, 2, 5]
    assert [found["a"][f"given_{name}"] for name in TIMES] == [2, None, 7]
    assert [row["given_times"] for row in found.values()] == [
        "onset 2, offset 7", "onset_s 0.08, apex_s 0.16, offset_s 0.4",
        "onset 4, apex 5, offset 8",
    ]  # fmt: skip
    for row in found.values():
        assert (row["motion_from"], row["review"], row["spotted_onset"]) == ("given", None, None)


def test_changed_boundaries_and_labels_decode_nothing_and_give_the_bytes_of_a_fresh_build(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(raw, "a,2,7,3", "b,,,4", "c,1,5,5", header="onset,offset,age", out="fresh")
    built(raw, "a,,", "b,3,6", "c,1,5", header="onset,offset")
    decode_nothing(monkeypatch)
    result = built(raw, "a,2,7,3", "b,,,4", "c,1,5,5", header="onset,offset,age")
    assert (result.clips, result.frames) == (3, 0)
    assert read_files(raw.parent / "dataset") == read_files(raw.parent / "fresh")
    # Another cell changes one row alone; the same table changes no file.
    built(raw, "a,2,7,3", "b,,,4", "c,1,5,6", header="onset,offset,age")
    path = raw.parent / "dataset"
    assert [row["label_age"] for row in Dataset(path).actions.rows(["label_age"])] == [3, 4, 6]
    before = read_files(path)
    times = {file: file.stat().st_mtime_ns for file in path.rglob("*.tar")}
    built(raw, "a,2,7,3", "b,,,4", "c,1,5,6", header="onset,offset,age")
    assert read_files(path) == before
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*.tar")} == times
    assert verify(path) == []


def test_boundaries_outside_of_a_recording_leave_the_dataset_as_it_was(raw: Path) -> None:
    built(raw, "a,", "b,", "c,", header="x")
    path = raw.parent / "dataset"
    before = read_files(path)
    header = "onset,offset,onset_s,offset_s,start"
    rows = ("a,2,11,,,", "b,,,0.1,0.9,", "c,1,5,,,0.2")
    with pytest.raises(UsageError) as caught:
        built(raw, *rows, header=header)
    assert re.findall(r"line \d: .*", caught.value.got) == [
        "line 2: offset 11 is beyond its end, 10 (a.mp4)",
        "line 3: offset_s 0.9 is not within 0.000 to 0.400 s (b.mp4)",
        "line 4: onset 1 is before its first frame, 5 (c.mp4)",
    ]
    assert "offset is the first frame after" in caught.value.wanted
    assert caught.value.where.endswith("table.csv")
    # Work that is done stays for the next build: the span of the third recording.
    after = {name: data for name, data in read_files(path).items() if ".work" not in name}
    assert after == before


def test_a_review_counts_more_than_the_table_and_falls_back_to_it(raw: Path) -> None:
    marks = raw.parent / "marks.csv"
    marks.write_text("key,onset,apex,offset\na-smile-1,4,5,9\n")
    rows, header = ("a,2,3,7", "b,1,2,5", "c,1,2,5"), "onset,apex,offset"
    built(raw, *rows, header=header, overrides=read_overrides(marks))
    path = raw.parent / "dataset"
    row = row_of(path, "a-smile-1")
    assert [row[name] for name in TIMES] == [4, 5, 9]
    assert [row[f"given_{name}"] for name in TIMES] == [2, 3, 7]
    assert verify(path) == []
    marks.write_text("key,onset,apex,offset\n")
    built(raw, *rows, header=header, overrides=read_overrides(marks))
    row = row_of(path, "a-smile-1")
    assert ([row[name] for name in TIMES], row["review"]) == ([2, 3, 7], None)


def test_an_expression_leaves_clips_out_and_takes_them_back_without_decoding(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, header = ("a,20,x", "b,30,y", "c,,x"), "age,group"
    path = raw.parent / "dataset"
    built(raw, *rows, header=header)
    whole = read_files(path)
    decode_nothing(monkeypatch)
    result = built(raw, *rows, header=header, settings=BuildSettings(size=64, keep="age > 25"))
    assert (result.clips, [one.reason for one in result.dropped]) == (1, ["not_kept"] * 2)
    assert [one.detail for one in result.dropped] == [
        "age > 25 is not true (--keep): label_age 20",
        "age > 25 is not true (--keep): label_age missing",
    ]
    assert verify(path, deep=True) == []
    assert Dataset(path).left_out.keys == ["a-smile-1", "c-smile-1"]
    chosen = read_files(path)
    # Others; all; none; and back to the same bytes each time.
    other = BuildSettings(size=64, keep="group == 'x' and faces == 1")
    assert built(raw, *rows, header=header, settings=other).clips == 2
    assert verify(path) == []
    built(raw, *rows, header=header)
    assert read_files(path) == whole
    none = BuildSettings(size=64, keep="onset is not None")
    assert built(raw, *rows, header=header, settings=none).clips == 0
    built(raw, *rows, header=header, settings=BuildSettings(size=64, keep="age > 25"))
    assert read_files(path) == chosen
    # A label that changes takes effect on clips left out as well.
    changed = ("a,26,x", "b,30,y", "c,,x")
    result = built(raw, *changed, header=header, settings=BuildSettings(size=64, keep="age > 25"))
    assert result.clips == 2
    assert verify(path) == []
