"""A span has the frames that a decoder finds who begins with the file, and fewer are decoded.

The pictures are noise that moves, so that every frame refers to others; of 80 frames every tenth or
so is a key frame.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.container import passing as passing_module
from fmdata.pipeline.reading.decode import Frame, decode
from tests.helpers.encoded import recording, write_video

N, FPS = 80, 25
CLOSED = {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3:b-pyramid=normal"}
OPEN = {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=3:open-gop=1"}
REFRESHED = {"x264-params": "keyint=12:intra-refresh=1:bframes=0"}
HEVC = "keyint=12:min-keyint=12:scenecut=0:bframes=3:log-level=none:pools=1:frame-threads=1"
HEVC_OPEN, HEVC_CLOSED = ({"x265-params": f"{HEVC}:open-gop={n}"} for n in (1, 0))
FILES = {
    "closed.mp4": ("libx264", CLOSED),
    "closed.mkv": ("libx264", CLOSED),
    "open.mp4": ("libx264", OPEN),
    "refreshed.mp4": ("libx264", REFRESHED),
    "interlaced.mp4": ("libx264", {"x264-params": f"{CLOSED['x264-params']}:tff=1"}),
    "hevc.mkv": ("libx265", HEVC_CLOSED),
    "hevc_open.mkv": ("libx265", HEVC_OPEN),
    "vp9.webm": ("libvpx-vp9", {"g": "12"}),
    "mpeg4.avi": ("mpeg4", {"g": "12", "bf": "2"}),
    "mpeg2.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
}
# Those of which packets are passed over; in the others all are decoded.
PASSED = ("closed.mp4", "closed.mkv", "hevc.mkv", "hevc_open.mkv")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    texture = np.random.default_rng(0).integers(0, 255, (96, 96 + 2 * N, 3), np.uint8)
    return [texture[:, 2 * i : 2 * i + 96] for i in range(N)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, pictures: list[np.ndarray]) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, (codec, options) in FILES.items():
        write_video(folder / name, pictures, codec, options=dict(options))
    return folder


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Return a list that gets each frame of a video as it leaves the decoder."""
    seen: list[object] = []
    check = passing_module.Passing._check

    def counting(self: Any, frame: Any) -> None:
        seen.append(frame)
        check(self, frame)

    monkeypatch.setattr(passing_module.Passing, "_check", counting)
    yield seen
    seen.clear()


def assert_same(found: list[Frame], wanted: list[Frame]) -> None:
    facts = [[(f.time_s, f.place, f.picture) for f in frames] for frames in (found, wanted)]
    assert facts[0] == facts[1]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)


@pytest.mark.parametrize("name", FILES)
def test_a_span_has_the_frames_of_the_whole_file(
    folder: Path, name: str, decoded: list[object]
) -> None:
    """Spans begin on, before and after key frames, and end inside the file or with it."""
    whole = list(decode(recording(folder / name)))
    assert len(whole) == N
    for first in (1, 11, 12, 13, 23, 24, 36, 47, 60, 79):
        for last in (min(first + 9, N), N):
            decoded.clear()
            span = recording(folder / name, start_s=first / FPS, stop_s=last / FPS)
            frames, seen = list(decode(span)), len(decoded)
            assert [frame.index for frame in frames] == list(range(last - first))
            assert_same(frames, whole[first:last])
            if name in PASSED and first > 30:
                assert seen < last - first + 12 + 8, f"{seen} frames decoded"


@pytest.mark.parametrize("lost", [3, 14])
def test_a_file_that_turns_out_to_lack_a_frame_is_decoded_from_its_beginning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    """The loss is imitated, of a frame before the span, and of one within it."""
    whole = list(decode(recording(folder / "closed.mp4")))
    check, places = passing_module.Passing._check, list[int]()

    def failing(self: Any, frame: Any) -> None:
        check(self, frame)
        if self._from is not None:
            places.append(frame.pts)
            if len(places) == lost:
                raise passing_module.LostError

    monkeypatch.setattr(passing_module.Passing, "_check", failing)
    span = recording(folder / "closed.mp4", start_s=45 / FPS, stop_s=60 / FPS)
    assert_same(list(decode(span)), whole[45:60])
    assert len(places) == lost


def test_every_frame_of_the_file_is_counted_while_it_is_passed_over(folder: Path) -> None:
    """Each is a sign of life, up to the first one after the span."""
    beats: list[None] = []
    span = recording(folder / "closed.mp4", start_s=60 / FPS, stop_s=62 / FPS)
    assert len(list(decode(span, lambda: beats.append(None)))) == 2
    assert len(beats) == 63


def test_a_stated_rate_counts_frames_and_passes_over_none(folder: Path) -> None:
    span = recording(folder / "closed.mp4", fps=50.0, start_s=60 / 50, stop_s=62 / 50)
    whole = list(decode(recording(folder / "closed.mp4", fps=50.0)))
    assert_same(list(decode(span)), whole[60:62])


def test_damage_in_the_span_is_an_error_and_before_its_key_frame_does_not_count(
    folder: Path, tmp_path: Path
) -> None:
    """The data of a frame is overwritten: the 31st packet, between the key frames 24 and 36."""
    path = tmp_path / "damaged.mp4"
    data = bytearray((folder / "closed.mp4").read_bytes())
    with av.open(str(folder / "closed.mp4")) as container:
        packet = [p for p in container.demux(video=0) if p.size][30]
    data[packet.pos + 8 : packet.pos + packet.size] = bytes(packet.size - 8)
    path.write_bytes(data)
    with pytest.raises(RecordingError):
        list(decode(recording(path, start_s=28 / FPS, stop_s=34 / FPS)))
    wanted = list(decode(recording(folder / "closed.mp4")))[48:60]
    assert_same(list(decode(recording(path, start_s=48 / FPS, stop_s=60 / FPS))), wanted)


def test_a_long_way_without_a_key_frame_is_decoded_and_not_held(
    tmp_path: Path, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of the packets held is that of some ten frames; the next key frame is far."""
    options = {"x264-params": "keyint=60:min-keyint=60:scenecut=0:bframes=3"}
    path = write_video(tmp_path / "long.mp4", pictures, options=options)
    monkeypatch.setattr(passing_module, "_MAX_HELD", path.stat().st_size // 8)
    held: list[int] = []
    hold = passing_module.Passing._hold

    def watching(self: Any, packet: Any) -> Iterator[Any]:
        yield from hold(self, packet)
        held.append(len(self._held))

    monkeypatch.setattr(passing_module.Passing, "_hold", watching)
    whole = list(decode(recording(path)))
    for first in (50, 59, 60, 70):
        span = recording(path, start_s=first / FPS, stop_s=(first + 5) / FPS)
        assert_same(list(decode(span)), whole[first : first + 5])
    assert 5 < max(held) < 30
