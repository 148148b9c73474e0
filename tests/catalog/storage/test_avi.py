"""AVI files hold JPEGs unchanged, play in other programs, and give the position of each frame."""

import errno
import io
import pickle
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fmdata.catalog.storage.avi import Chunks, envelope_of, jpeg_spans, write_avi
from fmdata.catalog.storage.jpeg import decode_jpeg


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """Forty smooth pictures as JPEGs, some of an odd and some of an even number of bytes."""
    rng = np.random.default_rng(0)
    pictures = [
        cv2.GaussianBlur(rng.integers(0, 255, (64, 64, 3), np.uint8), (0, 0), 4) for _ in range(40)
    ]
    made = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]
    assert {len(jpeg) % 2 for jpeg in made} == {0, 1}  # AVI pads odd chunks
    return made


def written(jpegs: list[bytes], fps: float) -> bytes:
    file = io.BytesIO()
    assert write_avi(file, jpegs, fps=fps, size=64) == len(jpegs)
    return file.getvalue()


def test_each_jpeg_is_found_unchanged(jpegs: list[bytes]) -> None:
    data = written(jpegs, 25)
    spans = list(jpeg_spans(io.BytesIO(data), len(data)))
    assert [data[s.offset : s.offset + s.size] for s in spans] == jpegs


def test_spans_count_from_the_position_of_the_file(jpegs: list[bytes]) -> None:
    data = written(jpegs, 25)
    inside = io.BytesIO(b"x" * 513 + data + b"y" * 100)
    inside.seek(513)
    assert list(jpeg_spans(inside, len(data))) == list(jpeg_spans(io.BytesIO(data), len(data)))


def test_the_same_frames_give_the_same_bytes(jpegs: list[bytes]) -> None:
    assert written(jpegs, 30000 / 1001) == written(jpegs, 30000 / 1001)


@pytest.mark.parametrize("fps", [1 / 3600, 1e-9])
def test_a_rate_below_the_minimum_of_the_container_becomes_the_minimum(
    jpegs: list[bytes], fps: float
) -> None:
    data = written(jpegs, fps)
    assert len(list(jpeg_spans(io.BytesIO(data), len(data)))) == len(jpegs)
    with av.open(io.BytesIO(data)) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(1 / 1001)


@pytest.mark.parametrize("fps", [25, 30000 / 1001, 12.5, 120])
def test_opencv_and_pyav_play_it(tmp_path: Path, jpegs: list[bytes], fps: float) -> None:
    path = tmp_path / "clip.avi"
    write_avi(path, jpegs, fps=fps, size=64)
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, rel=1e-4)
    was_read, frame = video.read()
    assert was_read
    # Decoders upsample colour differently, so they agree only approximately.
    assert np.abs(frame[..., ::-1].astype(int) - decode_jpeg(jpegs[0])).mean() < 2
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == pytest.approx(fps, rel=1e-4)
    assert len(frames) == len(jpegs)
    assert np.abs(frames[7].astype(int) - decode_jpeg(jpegs[7])).mean() < 2


def test_bytes_that_are_not_an_avi_or_jpeg_are_refused(jpegs: list[bytes]) -> None:
    data = written(jpegs, 25)
    with pytest.raises(ValueError, match="leaves the file"):
        list(jpeg_spans(io.BytesIO(data), len(data) // 2))
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_jpeg(b"not a picture")


def test_the_error_of_a_full_disk_can_be_pickled() -> None:
    """A worker process sends the error back to its parent."""
    jpeg = bytes(cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))[1])
    with pytest.raises(OSError, match="No space left") as caught:
        write_avi(Path("/dev/full"), [jpeg] * 200, fps=25, size=64)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errno, again.filename) == (errno.ENOSPC, "/dev/full")


@pytest.mark.parametrize("fps", [25, 30000 / 1001, 12.5, 120, 1e-9, 23.98, 59.94])
@pytest.mark.parametrize("n_frames", [1, 2, 40])
def test_ready_chunks_in_a_frame_are_the_file_that_ffmpeg_writes(
    jpegs: list[bytes], fps: float, n_frames: int
) -> None:
    """Byte for byte, with the positions that a search of the file finds."""
    data = written(jpegs[:n_frames], fps)
    spans = np.array(list(jpeg_spans(io.BytesIO(data), len(data))))
    envelope = envelope_of(spans[:, 1], fps=fps, size=64)
    assert envelope is not None
    ((begin, size),) = Chunks(spans).runs(0, n_frames)
    assert envelope.head + data[begin : begin + size] + envelope.tail == data
    assert np.array_equal(envelope.spans, spans)


def test_chunks_with_something_between_them_are_several_runs(jpegs: list[bytes]) -> None:
    """As in files of more than a gigabyte, where FFmpeg writes an index in between."""
    data = written(jpegs, 25)
    spans = np.array(list(jpeg_spans(io.BytesIO(data), len(data))))
    apart = spans.copy()
    apart[10:, 0] += 100
    (begin, size), (other, other_size) = Chunks(apart).runs(5, 20)
    wanted = Chunks(spans)
    assert [(begin, size)] == wanted.runs(5, 10)
    assert [(other - 100, other_size)] == wanted.runs(10, 20)
    assert len(Chunks(apart).runs(10, 20)) == 1


def test_a_file_of_more_than_a_gigabyte_has_no_plain_envelope() -> None:
    assert envelope_of(np.full(1100, 1_000_000), fps=25, size=64) is None
