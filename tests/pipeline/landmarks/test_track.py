"""Tracks have one row per frame, interpolated gaps and one person; no error becomes "no face"."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame


class Scripted:
    """A backend with scripted results: faces 20 pixels wide, given by their x in each frame.

    None stands for no face, a tuple for several faces.
    """

    def __init__(self, found: Sequence[float | tuple[float, ...] | None]) -> None:
        self.found = iter(found)

    def detect(self, rgb: np.ndarray) -> list[Face]:
        xs = next(self.found)
        some = () if xs is None else xs if isinstance(xs, tuple) else (xs,)
        return [self.face(x) for x in some]

    @staticmethod
    def face(x: float) -> Face:
        points = np.full((478, 3), x, np.float32)
        points[0, :2] -= 10
        points[1, :2] += 10
        return Face(points, np.full(3, x, np.float32), np.full(52, x / 100, np.float32))


def frames(n: int) -> Iterator[Frame]:
    for i in range(n):
        yield Frame(i, i / 25, np.full((60, 80, 3), 100 + i, np.uint8))


def test_a_track_has_one_row_per_frame(tmp_path: Path) -> None:
    track = follow(frames(4), Scripted([10, 11, 12, 13]), 0.9, tmp_path / "landmarks.npy")
    assert track.n_frames == 4
    assert track.landmarks[:][:, 5, 0].tolist() == [10, 11, 12, 13]
    assert track.timestamps_s.tolist() == [0, 0.04, 0.08, 0.12]
    assert (track.width, track.height) == (80, 60)
    assert track.brightness[2] == 102


def test_gaps_are_interpolated_linearly_and_flagged(tmp_path: Path) -> None:
    found = [None, 10, None, None, 16, 20, None]
    track = follow(frames(7), Scripted(found), 0.2, tmp_path / "landmarks.npy")
    assert track.detected.tolist() == [x is not None for x in found]
    assert track.landmarks[:][:, 5, 1] == pytest.approx([10, 10, 12, 14, 16, 20, 20])
    assert track.pose[:, 2] == pytest.approx([10, 10, 12, 14, 16, 20, 20])


@pytest.mark.parametrize(
    ("found", "reason"),
    [([], "no_frames"), ([None] * 5, "no_face"), ([10, 10, None, None, None], "face_lost")],
)
def test_a_face_in_too_few_frames_is_an_error(
    found: list[float | None], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError) as caught:
        follow(frames(len(found)), Scripted(found), 0.9, tmp_path / "landmarks.npy")
    assert caught.value.reason == reason


def test_short_gaps_count_as_detected_and_longer_ones_do_not(tmp_path: Path) -> None:
    """The face is in 20 of 30 frames: gaps of 5 and 5 count as detected, of 6 and 4 only the 4."""
    seen = [10.0] * 10
    short = seen + [None] * 5 + seen[:5] + [None] * 5 + seen[:5]
    track = follow(frames(30), Scripted(short), 1.0, tmp_path / "landmarks.npy")
    assert track.detected.sum() == 20
    longer = seen + [None] * 6 + seen[:5] + [None] * 4 + seen[:5]
    with pytest.raises(RecordingError, match=r"20 of 30 frames and 4 more in short gaps \(80%\)"):
        follow(frames(30), Scripted(longer), 0.9, tmp_path / "landmarks.npy")
    assert np.isfinite(
        follow(frames(30), Scripted(longer), 0.8, tmp_path / "landmarks.npy").landmarks[:]
    ).all()


def test_missing_frames_at_either_end_do_not_count_as_detected(tmp_path: Path) -> None:
    found = [None] * 3 + [10.0] * 24 + [None] * 3
    with pytest.raises(RecordingError, match=r"24 of 30 frames \(80%\)"):
        follow(frames(30), Scripted(found), 0.9, tmp_path / "landmarks.npy")


def test_another_face_does_not_replace_the_one_that_leaves(tmp_path: Path) -> None:
    """Of two faces, the followed one is missing for 6 frames while the other stays."""
    both, other = (12.0, 50.0), (50.0,)
    track = follow(
        frames(20), Scripted([both] * 8 + [other] * 6 + [both] * 6), 0.7, tmp_path / "landmarks.npy"
    )
    assert track.detected.tolist() == [True] * 8 + [False] * 6 + [True] * 6
    assert (track.landmarks[:][:, 5, 0] == 12).all()
    assert track.faces == 2
    with pytest.raises(RecordingError, match="of 2 faces the largest was followed"):
        follow(frames(20), Scripted([both] * 8 + [other] * 12), 0.9, tmp_path / "landmarks.npy")


def test_an_error_of_the_backend_is_raised(tmp_path: Path) -> None:
    class Broken:
        def detect(self, rgb: np.ndarray) -> list[Face]:
            raise RuntimeError("the network failed")

    with pytest.raises(RuntimeError, match="the network failed"):
        follow(frames(3), Broken(), 0.9, tmp_path / "landmarks.npy")
