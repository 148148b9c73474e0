"""The frames are those of the main stream, with square pixels, each at its own time."""

import struct
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.decode import decode, frame_rate, nominal_rate
from tests.helpers.encoded import first_frame, recording, write_video
from tests.helpers.videos import TURNS, set_display_matrix, write_numbered_video


def disc(width: int, height: int) -> np.ndarray:
    """Draw a bright ellipse of half the picture's width and height, uint8 [H, W, 3]."""
    picture = np.full((height, width, 3), 40, np.uint8)
    cv2.ellipse(
        picture, (width // 2, height // 2), (width // 4, height // 4), 0, 0, 360, (220,) * 3, -1
    )
    return picture


def extent(rgb: np.ndarray) -> tuple[int, int]:
    """Return width and height of the bright area."""
    bright = rgb[..., 1] > 130
    return int(bright.any(axis=0).sum()), int(bright.any(axis=1).sum())


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mpg", "a.avi"])
@pytest.mark.parametrize(
    ("shape", "stored", "shown"),
    [
        (Fraction(64, 45), (720, 576), (1024, 576)),  # PAL 16:9
        (Fraction(8, 9), (720, 480), (720, 540)),  # NTSC 4:3
    ],
)
def test_pixels_are_made_square(
    name: str, shape: Fraction, stored: tuple[int, int], shown: tuple[int, int], tmp_path: Path
) -> None:
    """Neither side shrinks; what is round in the scene is round in the frame."""
    codec = {"a.mpg": "mpeg2video", "a.avi": "mpeg4"}.get(name, "libx264")
    path = write_video(tmp_path / name, [disc(*stored)] * 3, codec, shape=shape)
    frame = first_frame(path)
    assert frame.rgb.shape == (shown[1], shown[0], 3)
    width, height = extent(frame.rgb)
    assert abs(width - shown[0] / 2) <= 3
    assert abs(height - shown[1] / 2) <= 3
    assert frame.picture.sample_aspect_ratio == pytest.approx(float(shape), abs=1e-3)


def state_pixel_shape(path: Path, width: int, height: int) -> None:
    """Add the atom ``pasp`` to the sample entry of a mov whose index is at its end."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"stsd") + 12
    end = entry + int.from_bytes(data[entry : entry + 4])
    data[end:end] = struct.pack(">I4sII", 16, b"pasp", width, height)
    parents = [data.rindex(name, 0, entry) - 4 for name in (b"moov", b"trak", b"mdia")]
    parents += [data.rindex(name, 0, entry) - 4 for name in (b"minf", b"stbl", b"stsd")]
    for at in [*parents, entry]:
        data[at : at + 4] = (int.from_bytes(data[at : at + 4]) + 16).to_bytes(4)
    path.write_bytes(data)


def test_a_shape_stated_by_the_container_alone_is_applied(tmp_path: Path) -> None:
    """The codec knows nothing of its pixels."""
    path = write_video(tmp_path / "a.mov", [disc(160, 120)] * 3, "png", pix_fmt="rgb24")
    assert first_frame(path).rgb.shape == (120, 160, 3)
    state_pixel_shape(path, 2, 1)
    frame = first_frame(path)
    assert frame.rgb.shape == (120, 320, 3)
    assert frame.picture.sample_aspect_ratio == 2.0


def test_pixels_are_made_square_before_the_frame_is_turned(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [disc(180, 144)] * 3, shape=Fraction(4, 3))
    set_display_matrix(path, TURNS[90])
    frame = first_frame(path)
    assert frame.rgb.shape == (240, 144, 3)
    width, height = extent(frame.rgb)
    assert abs(width - 72) <= 3
    assert abs(height - 120) <= 3


def test_nearly_square_pixels_are_left_as_they_are(tmp_path: Path) -> None:
    """Writers that keep a display's ratio state shapes such as 181:180."""
    plain = write_video(tmp_path / "a.mp4", [disc(360, 240)])
    nearly = write_video(tmp_path / "b.mp4", [disc(360, 240)], shape=Fraction(181, 180))
    pictures = [first_frame(path).rgb for path in (plain, nearly)]
    np.testing.assert_array_equal(*pictures)


def test_an_absurd_shape_is_an_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [disc(160, 120)], shape=Fraction(1, 90))
    with pytest.raises(RecordingError, match=r"unreadable: .* 1:90"):
        list(decode(recording(path)))


Track = tuple[int, int, int]  # width and height; grey level of the frames


def write_streams(path: Path, tracks: list[Track], default: int | None) -> Path:
    """Write several video streams into one file; one may be the default."""
    with av.open(str(path), "w") as container:
        streams = []
        for n, (width, height, _) in enumerate(tracks):
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = int(n == default)
            streams.append(stream)
        for n in range(10):
            for stream, (width, height, level) in zip(streams, tracks, strict=True):
                picture = np.full((height, width, 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = n
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


PROXY, MAIN, OTHER = (80, 80, 50), (320, 240, 100), (640, 480, 200)


@pytest.mark.parametrize(
    ("tracks", "default", "read"),
    [
        ([PROXY, MAIN], 1, MAIN),  # a proxy first, the default second
        ([MAIN, OTHER], 0, MAIN),  # the default, though another is larger
        ([PROXY, OTHER, MAIN], None, OTHER),  # none is the default
    ],
)
def test_the_default_stream_is_read_else_the_largest(
    tracks: list[Track], default: int | None, read: Track, tmp_path: Path
) -> None:
    path = write_streams(tmp_path / "a.mkv", tracks, default)
    frames = list(decode(recording(path)))
    assert len(frames) == 10
    assert frames[0].rgb.shape == (read[1], read[0], 3)
    assert abs(frames[0].rgb.mean() - read[2]) < 3


def test_of_two_default_streams_the_larger_is_read(tmp_path: Path) -> None:
    """Every track of an mp4 may be enabled, which FFmpeg takes for the default."""
    path = write_streams(tmp_path / "a.mp4", [PROXY, OTHER, MAIN], 0)
    data = path.read_bytes()
    enabled = data.replace(b"tkhd\x00\x00\x00\x02", b"tkhd\x00\x00\x00\x03")
    path.write_bytes(enabled)
    assert first_frame(path).rgb.shape == (480, 640, 3)


def test_a_cover_picture_is_no_stream_of_frames(tmp_path: Path) -> None:
    path = write_streams(tmp_path / "a.mp4", [MAIN], 0)
    covered = tmp_path / "b.mp4"
    with av.open(str(path)) as source, av.open(str(covered), "w") as target:
        cover = target.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = 800, 600, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        video = target.add_stream_from_template(source.streams.video[0])
        picture = av.VideoFrame.from_ndarray(np.full((600, 800, 3), 9, np.uint8), "rgb24")
        for packet in [*cover.encode(picture), *cover.encode(None)]:
            packet.stream = cover
            target.mux(packet)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                target.mux(packet)
    assert first_frame(covered).rgb.shape == (240, 320, 3)


def empty_chunks(path: Path, numbers: Collection[int]) -> None:
    """Make the given chunks of an AVI's video empty, in its content and in its index."""
    data = path.read_bytes()
    at = data.index(b"movi") + 4
    content, index, n = b"", b"", 0
    while at < data.index(b"idx1"):
        tag, size = struct.unpack_from("<4sI", data, at)
        body = b"" if n in numbers else data[at + 8 : at + 8 + size]
        index += struct.pack("<4sIII", tag, 16, 4 + len(content), len(body))
        content += struct.pack("<4sI", tag, len(body)) + body + bytes(len(body) % 2)
        at, n = at + 8 + size + size % 2, n + 1
    head = data[: data.index(b"movi") - 4] + struct.pack("<I", 4 + len(content)) + b"movi"
    whole = head + content + b"idx1" + struct.pack("<I", len(index)) + index
    path.write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])


def test_empty_chunks_of_an_avi_repeat_a_frame_and_are_none(tmp_path: Path) -> None:
    """A capture that drops a frame writes an empty chunk; the frame before lasts longer."""
    video = write_numbered_video(tmp_path / "a.avi", 40, options={"g": "1"})
    dropped = {10, 11, *range(28, 40)}
    empty_chunks(video.path, dropped)
    frames = list(decode(recording(video.path)))
    kept = [n for n in range(40) if n not in dropped]
    assert [video.number(frame.rgb) for frame in frames] == kept
    np.testing.assert_allclose([frame.time_s for frame in frames], np.array(kept) / 25)


def test_chunks_that_are_missing_are_still_an_error(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.avi", 40, options={"g": "1"})
    empty_chunks(video.path, range(35, 40))
    data = video.path.read_bytes()
    video.path.write_bytes(data[: data.index(b"movi") + (len(data) - data.index(b"movi")) // 2])
    with pytest.raises(RecordingError, match="truncated"):
        list(decode(recording(video.path)))


def test_a_gif_has_the_times_of_its_frames(tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), level, np.uint8) for level in (20, 120, 220)]
    path = tmp_path / "a.gif"
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(path, save_all=True, append_images=images[1:], duration=[100, 300, 50], loop=0)
    frames = list(decode(recording(path)))
    assert [round(float(frame.rgb.mean()), -1) for frame in frames] == [20, 120, 220]
    np.testing.assert_allclose([frame.time_s for frame in frames], [0, 0.1, 0.4], atol=1e-9)


def test_the_rate_of_a_slowing_video_is_the_mean(tmp_path: Path) -> None:
    """Of 30 and then 15 frames a second; times are the file's own."""
    times_s = np.concatenate([np.arange(20) / 30, 20 / 30 + np.arange(20) / 15])
    video = write_numbered_video(tmp_path / "a.mp4", times_s=times_s, fps=30, b_frames=2)
    frames = list(decode(recording(video.path)))
    read_s = np.array([frame.time_s for frame in frames])
    np.testing.assert_allclose(read_s, times_s, atol=1e-4)
    nominal = nominal_rate(recording(video.path))
    assert frame_rate(read_s, nominal) == pytest.approx(39 / times_s[-1], rel=1e-3)
