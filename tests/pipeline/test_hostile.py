"""Malicious or odd input is refused with a clear message or processed correctly, at once.

Nothing here may hang, fill the memory, or control the terminal.
"""

import errno
import hashlib
import os
import resource
import socket
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import InputError, RecordingError
from fmdata.catalog.printable import printable
from fmdata.catalog.privacy.forget import forget
from fmdata.catalog.types import Recording
from fmdata.catalog.verify.dataset import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.discover import discover
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.pipeline.work import digest
from fmdata.pipeline.work.digest import content_digest
from tests.helpers.command import FMDATA
from tests.helpers.videos import write_numbered_video
from tests.helpers.waiting import at_once

RTL = "\u202e"  # right-to-left override
MEMORY = 2 << 30  # bytes of address space, beyond those in use when a test starts
IN_PROCESS = RunSettings(workers=0)


def recording(path: Path) -> Recording:
    return Recording(path, path.name, "s01", "smile", "01")


def error_of(path: Path) -> RecordingError:
    """Return the error with which a recording is refused."""
    try:
        content_digest(recording(path))
        frames = list(decode(recording(path)))
    except RecordingError as error:
        return error
    raise AssertionError(f"{path.name} was decoded, {len(frames)} frames")


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Limit the memory, so that an allocation for a false number of pixels or frames fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


NAMES = {
    "line break": ("s\n01", "smi\nle", "0\n1"),
    "right to left": (f"s{RTL}01", f"{RTL}elims", f"10{RTL}"),
    "escape sequence": ("s\x1b[2J", "\x1b]0;title\x07", "\x1b[31m01"),
    "dots": ("s..01", "a..b", "x...y"),
    "255 bytes": ("s" * 255, "a" * 255, "t" * 251),
    "wide": ("Zoë", "笑" * 85, "😀" * 62),
    "quotes": ("s'\"`01", "$(smile)", "%s;0&1|<>"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_odd_names_are_kept_as_names(kind: str, tmp_path: Path, fixed_face: None) -> None:
    subject, action, take = NAMES[kind]
    folder = tmp_path / "raw" / subject / action
    folder.mkdir(parents=True)
    video = write_numbered_video(tmp_path / "01.mp4", 10).path
    video.rename(folder / f"{take}.mp4")
    build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(), IN_PROCESS)
    assert verify(tmp_path / "dataset") == []
    clip = Dataset(tmp_path / "dataset").actions[0]
    assert (clip.row["subject"], clip.row["action"], clip.row["take"]) == (subject, action, take)
    assert clip.row["source"] == f"{subject}/{action}/{take}.mp4"
    assert set(clip.key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "dataset"}


def test_names_in_a_table_are_not_used_as_paths(tmp_path: Path, fixed_face: None) -> None:
    """No folder can have these names; a cell of a table can."""
    names = ("..", "../../x", "/etc/passwd")
    outer, raw = tmp_path / "outer", tmp_path / "outer/raw"
    raw.mkdir(parents=True)
    write_numbered_video(raw / "a.mp4", 10)
    rows = ["path,subject,action,take,start,stop"]
    rows += ["a.mp4," + ",".join((*names, "", "0.2")), "a.mp4,s01,smile,01,0.2,"]
    (raw / "recordings.csv").write_text("\n".join(rows))
    build(raw, outer / "dataset", BuildSettings(), IN_PROCESS)
    assert verify(outer / "dataset") == []
    clips = {clip.key: clip.row for clip in Dataset(outer / "dataset").actions}
    assert set(clips) == {"__-______x-_etc_passwd", "s01-smile-01"}
    row = clips["__-______x-_etc_passwd"]
    assert (row["subject"], row["action"], row["take"]) == names
    forget(outer / "dataset", "..")
    assert Dataset(outer / "dataset").actions.keys == ["s01-smile-01"]
    assert verify(outer / "dataset") == []
    assert {path.name for path in outer.iterdir()} == {"raw", "dataset"}
    assert {path.name for path in raw.iterdir()} == {"a.mp4", "recordings.csv"}
    assert [path.name for path in tmp_path.iterdir()] == ["outer"]


def test_hidden_names_are_skipped(tmp_path: Path) -> None:
    """The error about missing recordings mentions the hidden names."""
    (tmp_path / "..s01/smile").mkdir(parents=True)
    (tmp_path / "..s01/smile/01.mp4").touch()
    with pytest.raises(InputError, match="empty but for hidden names"):
        discover(tmp_path)
    (tmp_path / "s02/smile").mkdir(parents=True)
    (tmp_path / "s02/smile/01.mp4").touch()
    (tmp_path / "s02/smile/.02.mp4").touch()
    assert [found.source for found in discover(tmp_path).recordings] == ["s02/smile/01.mp4"]


def test_no_name_controls_the_terminal(tmp_path: Path) -> None:
    """Names are printed for a dropped recording, and in the message of an error."""
    subject, action, take = "s\n01\r", f"{RTL}elims", "\x1b[31m\x1b]0;title\x0701"
    folder = tmp_path / "raw" / subject / action
    folder.mkdir(parents=True)
    (folder / f"{take}.mp4").write_text("no video")
    # Bytes, not text: decoding to text would turn a carriage return into a line feed.
    run = subprocess.run([*FMDATA, "build", "--workers", "0"], cwd=tmp_path, capture_output=True)
    lines = run.stdout.decode().splitlines()
    dropped = [line for line in lines if line.startswith("  dropped ")]
    assert len(dropped) == 1
    assert printable(f"{subject}/{action}/{take}.mp4") in dropped[0]
    (folder / "deeper").mkdir()
    (folder / "deeper/x.mp4").write_text("no video")
    refused = subprocess.run([*FMDATA, "build"], cwd=tmp_path, capture_output=True)
    assert printable(f"{subject}/{action}/deeper/x.mp4") in refused.stdout.decode()
    for text in (run.stdout, run.stderr, refused.stdout, refused.stderr):
        assert all(character.isprintable() or character == "\n" for character in text.decode())


def test_links_out_of_the_tree_are_refused(tmp_path: Path) -> None:
    private, raw = tmp_path / "private", tmp_path / "raw"
    for folder in (private / "smile", raw / "s01/smile"):
        folder.mkdir(parents=True)
    video = write_numbered_video(private / "smile/diary.mp4", 5).path
    (raw / "s01/smile/01.mp4").symlink_to(video)
    (raw / "s02").symlink_to("../private")
    (raw / "s01/smile/02.mp4").symlink_to("01.mp4")  # inside, but the first leads outside
    with pytest.raises(InputError, match=r"3 links out of the folder: s01/smile/01\.mp4"):
        discover(raw)
    sources = [found.source for found in discover(raw, follow_links=True).recordings]
    assert sources == ["s01/smile/01.mp4", "s01/smile/02.mp4", "s02/smile/diary.mp4"]


def test_links_inside_the_tree_are_followed(tmp_path: Path) -> None:
    """As in data under version control: links to the stored content."""
    raw = tmp_path / "raw"
    (raw / ".store").mkdir(parents=True)
    (raw / "s01/smile").mkdir(parents=True)
    write_numbered_video(raw / ".store/1f3a.mp4", 5)
    (raw / "s01/smile/01.mp4").symlink_to("../../.store/1f3a.mp4")
    (raw / "s01/smile/loop.mp4").symlink_to("loop.mp4")
    found = discover(raw).recordings
    assert [recording.take for recording in found] == ["01", "loop"]
    assert error_of(found[1].path).reason == "unreadable"


@pytest.mark.parametrize("follow_links", [False, True])
@pytest.mark.parametrize("where", [".", "s01", "s01/smile"])
def test_circular_links_are_refused_at_once(where: str, follow_links: bool, tmp_path: Path) -> None:
    """Twelve links from a folder to itself make 12^8 paths of eight folders."""
    folder = tmp_path / "s01/smile"
    folder.mkdir(parents=True)
    (folder / "01.mp4").touch()
    for n in range(12):
        (tmp_path / where / f"l{n:02}").symlink_to(".")
    first = (Path(where) / "l00").as_posix()
    with pytest.raises(InputError, match=rf"12 links back to a folder .*: {first}, .* 7 more"):
        at_once(lambda: discover(tmp_path, follow_links=follow_links))


def test_folders_that_link_to_each_other_are_circular(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "to").symlink_to(f"../{other}")
    with pytest.raises(InputError, match=r"2 links back to a folder .*: a/to/to, b/to/to"):
        discover(tmp_path)
    above = tmp_path / "a/raw"
    above.mkdir()
    (above / "up").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"links back to a folder"):
        discover(above, follow_links=True)


def test_links_that_multiply_are_refused(tmp_path: Path) -> None:
    """Each of eight folders holds twelve links to the next: not circular, but 12^7 paths."""
    for level in range(8):
        (tmp_path / str(level)).mkdir()
        for n in range(12):
            (tmp_path / str(level) / f"l{n}").symlink_to(f"../{level + 1}")
    (tmp_path / "8").mkdir()
    with pytest.raises(InputError, match="links that lead to one folder by more than 1000 ways"):
        at_once(lambda: discover(tmp_path))


def test_pipes_devices_and_sockets_are_never_opened(tmp_path: Path) -> None:
    """Opening a pipe would wait forever, and a device may never end."""
    folder = tmp_path / "raw/s01/smile"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        Path(short, "s").rename(folder / "socket.mp4")
    (folder / "images").mkdir()
    cv2.imwrite(str(folder / "images/1.png"), np.zeros((8, 8, 3), np.uint8))
    os.mkfifo(folder / "images/2.png")
    os.mkfifo(folder / "notes.txt")
    result = build(tmp_path / "raw", tmp_path / "out", BuildSettings(),
                   RunSettings(workers=0, follow_links=True))  # fmt: skip
    reasons = {dropped.take: (dropped.stage, dropped.reason) for dropped in result.dropped}
    assert reasons == dict.fromkeys(
        ["pipe", "zero", "socket", "images"], ("discover", "unreadable")
    )


def test_sparse_files_of_three_terabytes_are_not_read(tmp_path: Path, fixed_face: None) -> None:
    """A file that takes hours to read but no space on the disk is dropped; the others are built."""
    raw = tmp_path / "raw"
    (raw / "s01/smile/images").mkdir(parents=True)
    write_numbered_video(raw / "s01/smile/fine.mp4", 5)
    video = write_numbered_video(raw / "s01/smile/begun.mp4", 5).path
    claims = [video, raw / "s01/smile/empty.mp4", raw / "s01/smile/images/1.png"]
    for path in claims:
        path.touch()
        os.truncate(path, 3 << 40)
    for path in (*claims[:2], claims[2].parent):
        error = at_once(partial(error_of, path))
        assert (error.stage, error.reason) == ("discover", "unreadable")
        assert "of its 3298534883328 bytes fewer than one in 100" in error.detail
    result = build(raw, tmp_path / "dataset", BuildSettings(), IN_PROCESS)
    assert [row.take for row in result.dropped] == ["begun", "empty", "images"]
    assert [clip.row["take"] for clip in Dataset(tmp_path / "dataset").actions] == ["fine"]


def test_a_sparse_file_with_enough_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Black frames may be stored as holes, and not every file system reports holes."""
    monkeypatch.setattr(digest, "_SMALL", 1 << 20)
    written = np.random.default_rng(0).bytes(1 << 18)
    path = tmp_path / "a.avi"
    for at in (0, 4 << 20):  # data at the start, then data between holes
        with path.open("wb") as file:
            file.seek(at)
            file.write(written)
        os.truncate(path, 16 << 20)
        assert content_digest(recording(path)) == hashlib.sha256(path.read_bytes()).hexdigest()
    os.truncate(path, 0)
    os.truncate(path, 16 << 20)
    assert error_of(path).reason == "unreadable"
    lseek = os.lseek

    def no_holes_reported(file: int, at: int, how: int) -> int:
        if how in (os.SEEK_DATA, os.SEEK_HOLE):
            raise OSError(errno.EINVAL, "")
        return lseek(file, at, how)

    monkeypatch.setattr(os, "lseek", no_holes_reported)
    assert content_digest(recording(path)) == hashlib.sha256(bytes(16 << 20)).hexdigest()


def patched(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def test_a_false_size_of_a_hundred_thousand_pixels_square_is_refused(
    tmp_path: Path, little_memory: None
) -> None:
    """The container's width and height are checked before a decoder allocates memory for them."""
    grey = np.full((96, 160, 3), 128, np.uint8)
    avi = write(tmp_path / "a.avi", [grey] * 3, "ffv1", "yuv420p")
    # In a BITMAPINFOHEADER: width, height, one plane. FFV1's own header does not know its size.
    patched(avi, struct.pack("<iiH", 160, 96, 1), struct.pack("<iiH", 100_000, 100_000, 1))
    error = error_of(avi)
    assert (error.stage, error.reason) == ("decode", "too_large")
    assert "more than 67108864 pixels" in error.detail
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "1.png").write_bytes(png_header(100_000, 100_000))
    assert error_of(folder).reason == "too_large"
    (folder / "1.png").write_bytes(png_header(10_000, 10_000))
    assert error_of(folder).reason == "too_large"


def png_header(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header has the given size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_false_number_of_a_billion_frames_is_refused(tmp_path: Path, little_memory: None) -> None:
    avi = write_numbered_video(tmp_path / "a.avi").path
    data = bytearray(avi.read_bytes())
    data[(at := data.index(b"avih") + 24) : at + 4] = struct.pack("<I", 10**9)
    data[(at := data.index(b"strh") + 40) : at + 4] = struct.pack("<I", 10**9)
    avi.write_bytes(data)
    error = error_of(avi)
    assert (error.stage, error.reason) == ("decode", "truncated")
    assert error.detail.startswith("it ends at 1.600 s")
    mp4 = write_numbered_video(tmp_path / "a.mp4").path
    data = bytearray(mp4.read_bytes())
    # stsz: version and flags, one size for all samples, their number; stts: runs of (number, time).
    at = data.index(b"stsz") + 8
    data[at : at + 8] = struct.pack(">II", 1, 10**9)
    at = data.index(b"stts") + 12
    data[at : at + 4] = struct.pack(">I", 10**9)
    mp4.write_bytes(data)
    assert error_of(mp4).reason in ("unreadable", "truncated", "no_frames")


def write(path: Path, pictures: list[np.ndarray], codec: str, pix_fmt: str, **options: str) -> Path:
    """Write a video of pictures, uint8 [H, W, 3], which may differ in size."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = pictures[0].shape[:2] if pictures else (96, 160)
        stream.pix_fmt, stream.options = pix_fmt, options
        for n, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        if pictures:
            container.mux(stream.encode(None))
    return path


FORMATS: dict[str, tuple[str, str, str]] = {
    "10 bits": ("a.mkv", "ffv1", "yuv420p10le"),
    "16 bits": ("a.mkv", "ffv1", "gray16le"),
    "grey": ("a.mkv", "ffv1", "gray"),
    "alpha": ("a.mov", "png", "rgba"),
    "full chroma": ("a.mp4", "libx264", "yuv444p"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_any_pixel_format_becomes_rgb(kind: str, tmp_path: Path) -> None:
    """A ramp from black to white, accurate to 6 grey levels in every format."""
    name, codec, pix_fmt = FORMATS[kind]
    ramp = np.repeat(np.linspace(0, 255, 160).astype(np.uint8)[None, :, None], 96, 0).repeat(3, 2)
    frames = list(decode(recording(write(tmp_path / name, [ramp] * 3, codec, pix_fmt))))
    assert len(frames) == 3
    assert np.abs(frames[1].rgb.astype(int) - ramp).max() <= 6


def test_files_without_frames_with_one_frame_and_without_duration(tmp_path: Path) -> None:
    grey = np.full((96, 160, 3), 128, np.uint8)
    assert error_of(write(tmp_path / "none.mkv", [], "ffv1", "yuv420p")).reason in (
        "no_frames",
        "unreadable",
    )
    assert len(list(decode(recording(write(tmp_path / "1.mkv", [grey], "ffv1", "yuv420p"))))) == 1
    # As from a camera that cannot seek back to write the duration.
    with (
        (tmp_path / "live.mkv").open("wb") as file,
        av.open(WriteOnly(file), "w", format="matroska", options={"live": "1"}) as container,
    ):
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 160, "yuv420p"
        for n in range(5):
            frame = av.VideoFrame.from_ndarray(grey, "rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(tmp_path / "live.mkv")) as container:
        assert container.duration is None
    assert len(list(decode(recording(tmp_path / "live.mkv")))) == 5


class WriteOnly:
    """A file that cannot seek."""

    def __init__(self, file: Any) -> None:
        self.write = file.write


def test_a_clip_of_one_frame(tmp_path: Path, fixed_face: None) -> None:
    (tmp_path / "raw/s01/smile").mkdir(parents=True)
    write_numbered_video(tmp_path / "raw/s01/smile/01.mp4", 1)
    build(tmp_path / "raw", tmp_path / "dataset", BuildSettings(), IN_PROCESS)
    clip = Dataset(tmp_path / "dataset").actions[0]
    assert (clip.n_frames, clip.motion) == (1, None)
    assert verify(tmp_path / "dataset") == []


def test_a_frame_size_that_changes_is_refused(tmp_path: Path) -> None:
    """Two MPEG streams are joined; frames of the second are twice as large."""
    small = write_numbered_video(tmp_path / "a.mpg", 20).path
    large = np.full((192, 320, 3), 128, np.uint8)
    big = write_numbered_video(tmp_path / "b.mpg", 20, picture=large).path
    (tmp_path / "both.mpg").write_bytes(small.read_bytes() + big.read_bytes())
    error = error_of(tmp_path / "both.mpg")
    assert error.reason == "unreadable"
    assert "320x192" in error.detail
