"""A folder that holds every odd case at once: each is read, dropped with a reason, or in a note."""

import re
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmdata.catalog import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.privacy.pseudonyms import Pseudonyms
from fmdata.catalog.types import Recording
from fmdata.catalog.verify.dataset import verify
from fmdata.cli import app
from fmdata.pipeline.build import build
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.videos import make_distinct, write_numbered_video

SMALL, IN_PROCESS = BuildSettings(size=32), RunSettings(workers=0)
GOOD = ("ann/smile/01.mp4", "ann/smile/02.MTS", "ann/smile/03.flv", "ann/smile/04.3gp",
        "\u5f20\u4f1f/\u5fae\u7b11/01.mp4", "\u674e\u5a1c/\u5fae\u7b11/01.mp4",
        "Zo\u00e9/smile/01.mp4", "Ann/wink/01.mp4")  # fmt: skip
# Each odd file, and the word that the report gives for it.
DROPPED = {
    "ann/deep/er/01.mp4": "one level too low",
    "ann/high.mp4": "one level too high",
    "Zoe\u0301/smile/01.mp4": "same_name",
    "ann/smile/01.avi": "same_name",
    "ann/smile/06.mp4.part": "unfinished",
    "ann/smile/07.mp4": "unreadable",
    "dan/01": "8 images one level too high",
    "dan/smile/empty": "an empty folder",
    "dan/smile/words": "images without numbers",
}
IGNORED = ("notes.docx", "takes.zip")


def video(path: Path, n_frames: int = 8) -> None:
    """Write a video whose bytes are its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    codec = {".flv": "flv1", ".3gp": "mpeg4", ".avi": "mpeg4"}.get(suffix, "libx264")
    kind = path.with_name(f"x{suffix if suffix not in ('', '.part') else '.mp4'}")
    picture = np.random.default_rng(zlib.crc32(str(path).encode())).integers(0, 255, (96, 160, 3))
    picture = picture.astype(np.uint8)
    write_numbered_video(kind, n_frames, codec=codec, picture=picture).path.rename(path)
    if suffix in ("", ".mp4"):
        make_distinct(path, str(path))


def images(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    for n, name in enumerate(names):
        Image.fromarray(np.full((96, 160, 3), n, np.uint8)).save(folder / name)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    raw = tmp_path / "raw"
    for name in (*GOOD, "ann/smile/05"):
        video(raw / name)
    for name in DROPPED:
        if Path(name).suffix:
            video(raw / name)
    (raw / "ann/smile/07.mp4").write_text("no video")
    images(raw / "cid/smile/01", *(f"img{n}.bmp" for n in range(1, 9)))
    images(raw / "dan/01", *(f"dan_01_{n:08}.png" for n in range(1, 9)))
    images(raw / "dan/smile/words", "a.png", "b.png")
    (raw / "dan/smile/empty").mkdir()
    for name in (*IGNORED, "README.txt", "Thumbs.db", ".DS_Store", "ann/._01.mp4"):
        (raw / name).touch()
    return raw


def members(dataset: Path) -> dict[str, bytes]:
    """Return the pixels and LBP maps of every clip, by name."""
    found = {}
    for path in sorted((dataset / "actions").glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member)
                assert content
                if not member.name.endswith(".json"):  # which has the place of the other two
                    found[member.name] = content.read()
    return found


def test_every_case_at_once(
    raw: Path, tmp_path: Path, fixed_face: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, each odd file named once, and good clips with the bytes they have alone."""
    out = tmp_path / "out"
    command = ["build", "--subjects", str(raw), "--out", str(out), "--size", "32", "--workers", "0"]
    assert not app(command, standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    dropped = [line for line in lines if line.startswith("  dropped ")]
    assert len(dropped) == len(DROPPED)
    for name, word in DROPPED.items():
        [line] = [line for line in dropped if line.startswith(f"  dropped {name} (")]
        assert word in line
    [ignored] = [line for line in lines if line.startswith("  ignored")]
    assert all(name in ignored for name in IGNORED)
    assert "5 subjects: Ann, Zo\u00e9, cid, " in lines[-2]
    assert verify(out) == []
    clips = members(out)
    assert len(clips) == 2 * (len(GOOD) + 2)  # the video without extension, and the images
    for name in (*GOOD, "ann/smile/05", "cid/smile/01"):
        alone = tmp_path / "alone" / name.replace("/", "_")
        link = alone / "raw" / name
        link.parent.mkdir(parents=True)
        (raw / name).rename(link)
        build(alone / "raw", alone / "out", SMALL, IN_PROCESS)
        key = Dataset(alone / "out").actions.keys[0]
        mine = {n.partition(".")[2]: content for n, content in members(alone / "out").items()}
        [together] = [k for k in Dataset(out).actions.keys if k.casefold() == key.casefold()]
        assert mine == {end: clips[f"{together}.{end}"] for end in ("avi", "lbp.npy")}


def test_strict_counts_what_was_refused(raw: Path, tmp_path: Path, fixed_face: None) -> None:
    command = ["build", "--subjects", str(raw), "--out", str(tmp_path / "out"), "--size", "32"]
    assert app([*command, "--workers", "0", "--strict"], standalone_mode=False) == 1


def test_a_second_build_changes_nothing(raw: Path, tmp_path: Path, fixed_face: None) -> None:
    first = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    before = (tmp_path / "out/dropped.parquet").read_bytes()
    again = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    assert (again.frames, again.dropped) == (0, first.dropped)
    assert (tmp_path / "out/dropped.parquet").read_bytes() == before
    # A retry leaves what is misplaced as it is.
    retried = build(raw, tmp_path / "out", SMALL, RunSettings(workers=0, retry_dropped=True))
    assert [d.names for d in retried.dropped] == [d.names for d in first.dropped]


@pytest.mark.parametrize("link", ["symlink", "hard link", "table"])
def test_two_subjects_that_are_one_file_stop_the_build(
    tmp_path: Path, fixed_face: None, link: str
) -> None:
    """Nothing is published."""
    raw, table = tmp_path / "raw", None
    one, other = raw / "ann/smile/01.mp4", raw / "bob/smile/01.mp4"
    video(one)
    other.parent.mkdir(parents=True)
    if link == "table":
        table = tmp_path / "table.csv"
        rows = ["path,subject,action,take"]
        rows += [f"ann/smile/01.mp4,{subject},smile,01" for subject in ("ann", "bob")]
        table.write_text("\n".join(rows))
    else:
        other.symlink_to(one) if link == "symlink" else other.hardlink_to(one)
    with pytest.raises(InputError, match="one file under two subjects"):
        build(raw, tmp_path / "out", SMALL, RunSettings(workers=0, follow_links=True), table=table)
    assert not (tmp_path / "out/fmdata.json").exists()


def test_a_copy_under_another_subject_is_reported(tmp_path: Path, fixed_face: None) -> None:
    """The images of one have other names."""
    raw = tmp_path / "raw"
    images(raw / "ann/smile/01", "ann_1.png", "ann_2.png")
    images(raw / "bob/smile/01", "7.png", "8.png")
    built = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    assert "the same bytes: of two subjects: ann/smile/01 and bob/smile/01" in str(built)
    [note] = verify(tmp_path / "out")
    assert note.is_note
    assert "2 clips of 2 subjects from the same bytes" in note.problem


def test_a_damaged_file_of_two_subjects_stops_nothing(tmp_path: Path, fixed_face: None) -> None:
    """A page that says "not found" was saved in place of two videos."""
    raw = tmp_path / "raw"
    for name in ("ann/smile/01.mp4", "bob/smile/01.mp4"):
        (raw / name).parent.mkdir(parents=True)
        (raw / name).write_text("<html>404")
    video(raw / "ann/smile/02.mp4")
    built = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    assert (built.clips, len(built.dropped)) == (1, 2)


def test_takes_of_the_same_bytes_are_in_the_report_and_in_verify(
    tmp_path: Path, fixed_face: None
) -> None:
    raw = tmp_path / "raw"
    video(raw / "ann/smile/01.mp4")
    (raw / "ann/smile/02.mp4").write_bytes((raw / "ann/smile/01.mp4").read_bytes())
    built = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    assert "the same bytes: ann/smile/01.mp4 and ann/smile/02.mp4" in str(built)
    [note] = verify(tmp_path / "out")
    assert note.is_note
    assert "2 clips of one subject from the same bytes: ann-smile-01, ann-smile-02" in note.problem


def test_a_subject_is_forgotten_in_any_unicode_form_with_files_of_unknown_subject(
    tmp_path: Path, fixed_face: None
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name in ("Zo\u00e9/smile/01.mp4", "bob/smile/01.mp4", "zoe\u0301_2.mp4", "bob_2.mp4"):
        video(raw / name)
    build(raw, out, SMALL, IN_PROCESS)
    forgotten = forget(out, "Zoe\u0301")
    assert (forgotten.clips, forgotten.dropped, forgotten.left) == (1, 1, [])
    assert Dataset(out).dropped()["source"].to_pylist() == ["bob_2.mp4"]
    assert Dataset(out).actions.keys == ["bob-smile-01"]


def test_no_name_is_left_under_pseudonyms(tmp_path: Path, fixed_face: None) -> None:
    """Neither of a known nor of an unknown subject, in the dropped recordings too."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name in ("ann/smile/01.mp4", "ann/x.mp4", "Ann/smile/01.mp4", "ann smile.mp4"):
        video(raw / name)
    built = build(raw, out, SMALL, IN_PROCESS, pseudonyms=Pseudonyms(b"k" * 16))
    assert len(built.dropped) == 3
    assert "dropped ann smile.mp4 (discover, misplaced)" in str(built)  # the terminal has names
    for row in Dataset(out).dropped().to_pylist():
        names = [row[name] for name in ("source", "subject", "action", "take")]
        assert not any("ann" in name.casefold() for name in names)
        assert not re.search(r"\bann\b", row["detail"].casefold())


def test_takes_cut_from_one_file_are_no_repetition_and_their_drops_say_which(
    tmp_path: Path, fixed_face: None
) -> None:
    """A stop far beyond the end is dropped with the numbers; one by a frame is not."""
    raw = tmp_path / "raw"
    video(raw / "a.mp4", 25)
    (raw / "recordings.csv").write_text(
        "path,subject,action,take,start,stop\n"
        "a.mp4,ann,smile,1,0,0.4\na.mp4,ann,smile,2,0.4,1.05\na.mp4,ann,smile,3,7,8\n"
    )
    built = build(raw, tmp_path / "out", SMALL, IN_PROCESS)
    assert "the same bytes" not in str(built)
    [dropped] = built.dropped
    assert (dropped.take, dropped.start, dropped.stop) == ("3", 7.0, 8.0)
    assert "dropped a.mp4, take ann smile 3 from 7 to 8 s (decode, no_frames)" in str(built)
    rows = {row["take"]: row for row in Dataset(tmp_path / "out").actions.table().to_pylist()}
    assert [(rows[take]["start"], rows[take]["stop"]) for take in "12"] == [(0, 0.4), (0.4, 1.05)]


def test_a_stop_far_beyond_the_end_is_an_error_with_the_numbers(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "a.mp4", 25).path
    with pytest.raises(RecordingError, match=r"from 0 s to 90 s ends 89.0 s after .* 0.960 s"):
        list(decode(Recording(path, "a", "s", "a", "1", 0.0, 90.0)))
    assert len(list(decode(Recording(path, "a", "s", "a", "1", 0.0, 1.2)))) == 25
