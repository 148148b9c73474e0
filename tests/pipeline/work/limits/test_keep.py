"""``--keep``: expressions over the facts of clips, read and never run."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.given.labels import Label
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work.built import Built
from fmdata.pipeline.work.digest import Maker, content_digest
from fmdata.pipeline.work.limits.keep import Keep
from tests.helpers.datasets import SIZE
from tests.helpers.folders import read_files
from tests.helpers.imitated import imitate_whole
from tests.helpers.videos import make_distinct, write_numbered_video

LABELS = (Label("emotion", "text"), Label("age", "integer"))
# Of clip c all but the key and the faces are missing.
CLIPS = pa.table(
    {
        "key": ["a", "b", "c", "d"],
        "snr": [1.0, 7.0, None, 9.0],
        "faces": pa.array([1, 1, 1, 2], pa.int32()),
        "flash": [True, False, None, True],
        "onset": pa.array([1, 4, None, 3], pa.int32()),
        "label_emotion": ["fear", "joy", None, "fear"],
        "label_age": pa.array([20, 30, None, 40], pa.int64()),
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("snr > 6", "bd"),
        ("snr > 6 and faces == 1", "b"),
        ("0 < snr < 8 and not flash", "b"),
        ("not snr > 6", "a"),
        ("snr != 7", "ad"),
        ("flash or faces == 2", "ad"),
        ("flash == False", "b"),
        ("emotion == 'fear'", "ad"),
        ("label_emotion in ('joy', 'anger')", "b"),
        ("emotion not in ['joy']", "ad"),
        ("faces in (2, 3.0)", "d"),
        ("onset is None", "c"),
        ("onset is not None and Age >= 30", "bd"),
        ("age + 10 * faces > 45 - 0", "d"),
        ("-snr < -8", "d"),
        ("snr / (faces - 1) > 1", "abd"),  # a division by zero is infinite
        ("True", "abcd"),
        ("False", ""),
        ("  snr >\t6\n", "bd"),
    ],
)
def test_an_expression_keeps_the_clips_for_which_it_is_true(text: str, kept: str) -> None:
    """A comparison with a missing value is not true, nor is its contrary."""
    left_out = dict(Keep.of(text, LABELS).left_out(CLIPS))
    assert "".join(key for key in "abcd" if key not in left_out) == kept


def test_the_detail_has_the_expression_and_the_values() -> None:
    left_out = dict(Keep.of("snr > 6 and faces == 1", LABELS).left_out(CLIPS))
    assert left_out["d"] == "snr > 6 and faces == 1 is not true (--keep): snr 9, faces 2"
    assert left_out["c"] == "snr > 6 and faces == 1 is not true (--keep): snr missing, faces 1"


@pytest.mark.parametrize(
    ("text", "got", "wanted"),
    [
        ("__import__('os').system('id')", "__import__", "columns, numbers, texts"),
        ("snr.real > 1", "snr.real", "columns, numbers"),
        ("(lambda: True)()", "(lambda: True)()", "columns, numbers"),
        ("[x for x in snr] == 1", "[x for x in snr]", "columns, numbers"),
        ("snr > 10 ** 9", "10 ** 9", "columns, numbers"),
        ("snr > 1 if faces else True", "snr > 1 if faces", "columns, numbers"),
        ("f'{key}' == 'a'", "f'{key}'", "columns, numbers"),
        ("key == b'a'", "b'a'", "columns, numbers"),
        ("snr := 3", "no expression", "in one line"),
        ("snr >", "no expression", "in one line"),
        ("snr > 1; faces", "no expression", "in one line"),
        ("", "no expression", "in one line"),
        ("a\0", "no expression", "in one line"),
        ("(" * 500 + "1" + ")" * 500, "no expression", "in one line"),
        ("not " * 450 + "flash", "very many parts", "a shorter one"),
        ("x" * 2001, "2001 characters", "at most 2000"),
        ("snrr > 1", "no column snrr", "one of key, subject"),
        ("motions > 1", "no column motions", "emotion"),
        ("avi_size > 1", "no column avi_size", "one of key"),
        ("snr > 'six'", "snr is a number, 'six' is a text", "one kind"),
        ("snr", "snr is a number", "a comparison"),
        ("emotion", "emotion is a text", "a comparison"),
        ("emotion + 1 > 2", "emotion is a text", "a number"),
        ("snr == None", "snr", "`is None`"),
        ("snr in faces", "faces", "a list of values after `in`"),
        ("emotion in (1, 2)", "1 is a number", "a text in the list"),
        ("snr > 1" + "0" * 400, "1000", "columns, numbers"),
    ],
)
def test_anything_else_is_refused_before_anything_is_read(text: str, got: str, wanted: str) -> None:
    with pytest.raises(UsageError) as caught:
        Keep.of(text, LABELS)
    assert got in caught.value.got
    assert wanted in caught.value.wanted
    assert caught.value.where.startswith("--keep")
    assert "snr > 6" in caught.value.todo


SMALL, IN_PROCESS = BuildSettings(size=16), RunSettings(workers=0)


def kept(raw: Path, keep: str | None, **how: bool) -> Built:
    """Build with an expression."""
    settings = BuildSettings(size=16, keep=keep)
    return build(raw, raw.parent / "dataset", settings, RunSettings(workers=0, **how))


@pytest.mark.long
@pytest.mark.slow
def test_another_expression_on_1000_clips_decodes_no_recording(tmp_path: Path) -> None:
    """The recordings are no videos, so a build that decodes one drops it as unreadable.

    The dataset is one that a build made of them, as far as a build can see.
    """
    raw, path = tmp_path / "raw", tmp_path / "dataset"
    for subject, take in product(range(100), range(10)):
        file = raw / f"s{subject:06d}/smile/{take:02d}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"no video {subject} {take}")
    settings = BuildSettings(size=SIZE)
    maker = Maker(settings)
    identities = {
        one.source: maker.identify(one, content_digest(one), "") for one in discover(raw).recordings
    }
    imitate_whole(path, 100, identities)
    whole = {name: data for name, data in read_files(path).items() if name.endswith(".tar")}
    for text, n_clips in (("take < '01'", 100), ("take >= '01'", 900)):
        result = build(raw, path, replace(settings, keep=text), IN_PROCESS)
        assert (result.clips, result.frames) == (n_clips, 0)
        assert [one.reason for one in result.dropped] == ["not_kept"] * (1000 - n_clips)
    assert build(raw, path, settings, IN_PROCESS).clips == 1000
    after = {name: data for name, data in read_files(path).items() if name.endswith(".tar")}
    assert b"".join(after.values()) == b"".join(whole.values())


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Return a folder of two subjects with two takes each, the second one longer."""
    for subject in ("ann", "bob"):
        for take, n in (("1", 3), ("2", 5)):
            folder = tmp_path / "raw" / subject / "still"
            folder.mkdir(parents=True, exist_ok=True)
            video = write_numbered_video(folder / f"{take}.mp4", n).path
            make_distinct(video, f"{subject} {take}")
    return tmp_path / "raw"


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_forgetting_a_subject_leaves_nothing_of_its_clips_that_are_left_out(raw: Path) -> None:
    """The rest has the bytes of a build without the subject."""
    path = raw.parent / "dataset"
    kept(raw, "n_frames > 4")
    forgotten = forget(path, "ann")
    assert (forgotten.clips, forgotten.left_out, forgotten.dropped) == (1, 1, 1)
    # All frames are of one grey, so the same pictures are in the clips of the other subject.
    assert all("holds complete frames" in found.problem for found in forgotten.left)
    assert verify(path) == []
    after = read_files(path)
    for take in ("1", "2"):
        (raw / f"ann/still/{take}.mp4").unlink()
    fresh = BuildSettings(size=16, keep="n_frames > 4")
    build(raw, raw.parent / "fresh", fresh, IN_PROCESS)
    assert read_files(raw.parent / "fresh") == after
    # The last clip that was left out goes with its subject, and so does the folder.
    forget(path, "bob")
    assert not (path / "left_out").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_a_damaged_clip_that_is_left_out_is_found_and_made_again(raw: Path) -> None:
    path = raw.parent / "dataset"
    kept(raw, "n_frames > 4")
    before = read_files(path)
    tar = sorted(path.glob("left_out/*.tar"))[0]
    data = bytearray(tar.read_bytes())
    data[2000] ^= 1
    tar.unlink()
    tar.write_bytes(data)
    assert [Path(found.where).name for found in verify(path)] == [tar.name]
    assert kept(raw, "n_frames > 4").frames > 0
    assert read_files(path) == before


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_a_retry_leaves_clips_out_as_they_are(raw: Path) -> None:
    (raw / "ann/still/3.mp4").write_text("no video")
    kept(raw, "n_frames > 4")
    before = read_files(raw.parent / "dataset")
    assert kept(raw, "n_frames > 4", retry_dropped=True).frames == 0
    after = read_files(raw.parent / "dataset")
    assert {k: v for k, v in after.items() if k.startswith(("actions", "left_out"))} == {
        k: v for k, v in before.items() if k.startswith(("actions", "left_out"))
    }
    assert [row["reason"] for row in Dataset(raw.parent / "dataset").dropped().to_pylist()] == [
        "not_kept", "unreadable", "not_kept",
    ]  # fmt: skip
