"""A file that has lost the picture which its first ones need is an error, not a shorter clip."""

from pathlib import Path

import av
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.decode import decode
from tests.helpers.encoded import recording, write_video

N = 24
# A picture stands alone every 12 frames.
GROUPS = {"libx264": {"g": "12", "bf": "0", "sc_threshold": "0"}, "mpeg4": {"g": "12"}}


def pictures() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 255, (64, 64 + N, 3), np.uint8)
    return [noise[:, t : t + 64] for t in range(N)]


def without_first(path: Path, out: Path, lost: int) -> Path:
    """Copy the packets of a video but for the first ones."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for packet in packets[lost:]:
            packet.stream = stream
            target.mux(packet)
    return out


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("libx264", "mkv"), ("libx264", "mp4"), ("libx264", "ts"), ("mpeg4", "avi")],
)
def test_a_lost_beginning_is_an_error(codec: str, suffix: str, tmp_path: Path) -> None:
    """The first picture is cut off, and the 11 after it cannot be decoded without it."""
    whole = write_video(tmp_path / f"whole.{suffix}", pictures(), codec, options=GROUPS[codec])
    assert len(list(decode(recording(whole)))) == N
    cut = without_first(whole, tmp_path / f"cut.{suffix}", 1)
    with pytest.raises(RecordingError, match=r"its first (11 )?pictures need one") as error:
        list(decode(recording(cut)))
    assert (error.value.stage, error.value.reason) == ("decode", "truncated")


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_a_span_of_such_a_file_is_refused_at_its_first_frame(suffix: str, tmp_path: Path) -> None:
    whole = write_video(tmp_path / f"whole.{suffix}", pictures(), options=GROUPS["libx264"])
    cut = without_first(whole, tmp_path / f"cut.{suffix}", 1)
    with pytest.raises(RecordingError, match="need one that the file has lost"):
        next(decode(recording(cut, start_s=0.0, stop_s=0.1)))


def test_a_file_cut_at_a_picture_that_stands_alone_is_read(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mkv", pictures(), options=GROUPS["libx264"])
    cut = without_first(whole, tmp_path / "cut.mkv", 12)
    assert len(list(decode(recording(cut)))) == N - 12
