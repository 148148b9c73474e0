"""Following a face: one row a frame, gaps bridged, one person, and a fault is never "no face"."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame


class Scripted:
    """A backend that finds what it is told to: faces 20 pixels wide at each x of a frame.

    None stands for no face; several numbers for several faces.
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


def test_one_row_a_frame(tmp_path: Path) -> None:
    track = follow(frames(4), Scripted([10, 11, 12, 13]), 0.9, tmp_path / "landmarks.npy")
    assert track.n_frames == 4
    assert track.landmarks[:][:, 5, 0].tolist() == [10, 11, 12, 13]
    assert track.timestamps_s.tolist() == [0, 0.04, 0.08, 0.12]
    assert (track.width, track.height) == (80, 60)
    assert track.brightness[2] == 102


def test_gaps_are_bridged_in_a_straight_line_and_flagged(tmp_path: Path) -> None:
    found = [None, 10, None, None, 16, 20, None]
    track = follow(frames(7), Scripted(found), 0.2, tmp_path / "landmarks.npy")
    assert track.detected.tolist() == [x is not None for x in found]
    assert track.landmarks[:][:, 5, 1] == pytest.approx([10, 10, 12, 14, 16, 20, 20])
    assert track.pose[:, 2] == pytest.approx([10, 10, 12, 14, 16, 20, 20])


@pytest.mark.parametrize(
    ("found", "reason"),
    [([], "no_frames"), ([None] * 5, "no_face"), ([10, 10, None, None, None], "face_lost")],
)
def test_too_little_of_a_face_is_a_reason(
    found: list[float | None], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError) as fault:
        follow(frames(len(found)), Scripted(found), 0.9, tmp_path / "landmarks.npy")
    assert fault.value.reason == reason


def test_short_gaps_are_forgiven_and_longer_ones_are_not(tmp_path: Path) -> None:
    """A face in 20 of 30 frames: gone for 5 and 5, which count as seen, or for 6 and 4."""
    seen = [10.0] * 10
    forgiven = seen + [None] * 5 + seen[:5] + [None] * 5 + seen[:5]
    track = follow(frames(30), Scripted(forgiven), 1.0, tmp_path / "landmarks.npy")
    assert track.detected.sum() == 20
    longer = seen + [None] * 6 + seen[:5] + [None] * 4 + seen[:5]
    with pytest.raises(RecordingError, match=r"20 of 30 frames and 4 more in short gaps \(80%\)"):
        follow(frames(30), Scripted(longer), 0.9, tmp_path / "landmarks.npy")
    assert np.isfinite(
        follow(frames(30), Scripted(longer), 0.8, tmp_path / "landmarks.npy").landmarks[:]
    ).all()


def test_what_is_missing_at_either_end_is_not_forgiven(tmp_path: Path) -> None:
    found = [None] * 3 + [10.0] * 24 + [None] * 3
    with pytest.raises(RecordingError, match=r"24 of 30 frames \(80%\)"):
        follow(frames(30), Scripted(found), 0.9, tmp_path / "landmarks.npy")


def test_the_other_does_not_stand_in_for_the_one_who_leaves(tmp_path: Path) -> None:
    """Two in the picture; the one followed is gone for 6 frames while the other stays."""
    both, other = (12.0, 50.0), (50.0,)
    track = follow(
        frames(20), Scripted([both] * 8 + [other] * 6 + [both] * 6), 0.7, tmp_path / "landmarks.npy"
    )
    assert track.detected.tolist() == [True] * 8 + [False] * 6 + [True] * 6
    assert (track.landmarks[:][:, 5, 0] == 12).all()
    assert track.faces == 2
    with pytest.raises(RecordingError, match="of 2 faces the largest was followed"):
        follow(frames(20), Scripted([both] * 8 + [other] * 12), 0.9, tmp_path / "landmarks.npy")


def test_a_fault_of_the_backend_is_raised(tmp_path: Path) -> None:
    class Broken:
        def detect(self, rgb: np.ndarray) -> list[Face]:
            raise RuntimeError("the network fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        follow(frames(3), Broken(), 0.9, tmp_path / "landmarks.npy")
