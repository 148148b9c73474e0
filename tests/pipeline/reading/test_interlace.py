"""Interlaced frames are deinterlaced, one frame out for each frame in, at its own time."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.decode import decode
from fmdata.pipeline.reading.interlace import deinterlaced
from tests.helpers.encoded import recording, write_video

N = 20
FIELDS = {"flags": "+ildct+ilme"}
KINDS: dict[str, dict[str, Any]] = {
    "mpg": {"path": "a.mpg", "codec": "mpeg2video", "options": FIELDS},
    "ts": {"path": "a.ts", "codec": "mpeg2video", "options": FIELDS},
    "avi": {"path": "a.avi", "codec": "mpeg4", "options": FIELDS},
    "mp4": {"path": "a.mp4", "options": {"x264opts": "tff=1"}},
    # Only the stream says so, not its frames.
    "mkv": {"path": "a.mkv", "codec": "ffv1", "field_order": 2},
}


def moment(t: float) -> np.ndarray:
    """Draw a bright bar that moves by six pixels a frame, uint8 [96, 192, 3]."""
    picture = np.full((96, 192, 3), 60, np.uint8)
    left = round(10 + 6 * t)
    picture[:, left : left + 20] = 220
    return picture


def two_fields(n: int) -> np.ndarray:
    """Weave the even lines of a moment with the odd lines of half a frame later."""
    picture = moment(n)
    picture[1::2] = moment(n + 0.5)[1::2]
    return picture


def comb(rgb: np.ndarray) -> float:
    """Return the mean difference of a line from its neighbours."""
    lines = rgb[..., 1].astype(float)
    return float(np.abs(2 * lines[1:-1] - lines[:-2] - lines[2:]).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_interlaced_frames_have_no_comb(kind: str, tmp_path: Path) -> None:
    options = dict(KINDS[kind])
    path = tmp_path / options.pop("path")
    write_video(path, [two_fields(n) for n in range(N)], **options)
    frames = list(decode(recording(path)))
    assert len(frames) == N
    np.testing.assert_allclose([f.time_s for f in frames], np.arange(N) / 25, atol=1e-3)
    assert all(frame.picture.interlaced for frame in frames)
    assert comb(two_fields(5)) > 9
    for n, frame in enumerate(frames):
        assert comb(frame.rgb) < 1
        # The bar is where one of the two fields shows it.
        edge = int(np.argmax(frame.rgb[48, :, 1] > 140))
        assert 10 + 6 * n - 1 <= edge <= 10 + 6 * n + 4


def test_colours_of_interlaced_frames_are_those_of_the_file(tmp_path: Path) -> None:
    """Full range and BT.709 are kept by the filter."""
    still = np.full((96, 192, 3), (200, 60, 30), np.uint8)
    path = write_video(
        tmp_path / "a.mp4", [still] * 4, pix_fmt="yuvj420p", options={"x264opts": "tff=1"},
        color_trc=1, color_primaries=1, colorspace=1,
    )  # fmt: skip
    frame = list(decode(recording(path)))[2]
    assert frame.picture.interlaced
    assert frame.picture.transfer == "bt709"
    np.testing.assert_allclose(frame.rgb.mean(axis=(0, 1)), (200, 60, 30), atol=3)


def test_progressive_frames_are_untouched(tmp_path: Path) -> None:
    """Even frames with combs in them, which a file may show on purpose."""
    path = write_video(tmp_path / "a.mp4", [two_fields(n) for n in range(N)])
    frames = list(decode(recording(path)))
    assert not any(frame.picture.interlaced for frame in frames)
    assert comb(frames[5].rgb) > 9


def test_frames_that_the_filter_refuses_are_an_error() -> None:
    """A frame of two lines has no field to interpolate."""
    frame = av.VideoFrame(16, 2, "yuv420p")
    stream = SimpleNamespace(codec_context=SimpleNamespace(field_order=2))
    with pytest.raises(RecordingError, match="deinterlacing 16x2 yuv420p"):
        list(deinterlaced([(frame, 0)], stream))
