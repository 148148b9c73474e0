"""The kind of a file, by its name and by its content."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.listing.kinds import is_image, is_video
from tests.helpers.videos import write_numbered_video

# Extensions that PyAV writes, with the codec of each.
WRITTEN = {
    ".mp4": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx", ".avi": "mpeg4",
    ".mpg": "mpeg1video", ".vob": "mpeg2video", ".m2v": "mpeg2video", ".wmv": "wmv2",
    ".ts": "libx264", ".m2ts": "libx264", ".3gp": "mpeg4", ".flv": "flv1", ".ogv": "libvpx",
    ".gif": "gif", ".mxf": "mpeg2video", ".h264": "libx264", ".ivf": "libvpx",
}  # fmt: skip
PIXELS = {"gif": "rgb8"}


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("name", ["A{}", "04", "04.dat", "04.MTS"])
def test_a_video_is_one_under_any_name_and_is_decoded(
    suffix: str, name: str, tmp_path: Path
) -> None:
    codec = WRITTEN[suffix]
    written = write_numbered_video(
        tmp_path / f"x{suffix}", 12, codec=codec, pixels=PIXELS.get(codec, "yuv420p")
    ).path
    path = written.rename(tmp_path / name.format(suffix.upper()))
    assert is_video(path, path)
    assert not is_image(path, path)
    frames = list(decode(Recording(path, path.name, "s", "a", "1")))
    assert len(frames) == 12


@pytest.mark.parametrize("suffix", [".flv", ".ts", ".m2ts", ".gif", ".ogv", ".mxf", ".ivf"])
def test_a_video_that_breaks_off_is_no_shorter_clip(suffix: str, tmp_path: Path) -> None:
    codec = WRITTEN[suffix]
    path = write_numbered_video(
        tmp_path / f"x{suffix}", 40, codec=codec, pixels=PIXELS.get(codec, "yuv420p")
    ).path
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 5 + 1])
    with pytest.raises(RecordingError, match=r"truncated|unreadable"):
        list(decode(Recording(path, path.name, "s", "a", "1")))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes", b"take 4 was repeated\n" * 300),
        ("sound.m4a", b"\0\0\0\x1cftypM4A \0\0\2\0"),
        ("sound", b"\0\0\0\x1cftypM4A \0\0\2\0"),
        ("photo", b"\0\0\0\x18ftypheic\0\0\0\0"),
        ("sound.x", b"RIFF\0\0\0\0WAVEfmt "),
        ("voice", b"OggS\0\2" + b"\0" * 22 + b"\x01vorbis"),
        ("small.lrv", b"\0\0\0\x20ftypmp42\0\0\0\0"),
        ("list.txt", b"G" * 4096),
        ("empty", b""),
    ],
)
def test_a_file_of_another_kind_is_no_video(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert not is_video(path, path)


def test_an_image_without_an_extension_is_an_image(tmp_path: Path) -> None:
    path = tmp_path / "0001"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert is_image(path, path)
