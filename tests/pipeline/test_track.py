"""Following a face: one row a frame, gaps bridged, and a fault is never "no face"."""

from collections.abc import Iterator

import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.decode import Frame
from fmdata.pipeline.landmarks import Face
from fmdata.pipeline.track import follow


class Scripted:
    """A backend that finds what it is told to: x of every point, or None for no face."""

    def __init__(self, found: list[float | None]) -> None:
        self.found = iter(found)

    def detect(self, rgb: np.ndarray) -> Face | None:
        x = next(self.found)
        if x is None:
            return None
        points = np.full((478, 3), x, np.float32)
        return Face(points, np.full(3, x, np.float32), np.full(52, x / 100, np.float32))


def frames(n: int) -> Iterator[Frame]:
    for i in range(n):
        yield Frame(i, i / 25, np.full((60, 80, 3), 100 + i, np.uint8))


def test_one_row_a_frame() -> None:
    track = follow(frames(4), Scripted([10, 11, 12, 13]), 0.9)
    assert track.n_frames == 4
    assert track.landmarks[:, 0, 0].tolist() == [10, 11, 12, 13]
    assert track.timestamps_s.tolist() == [0, 0.04, 0.08, 0.12]
    assert (track.width, track.height) == (80, 60)
    assert track.brightness[2] == 102


def test_gaps_are_bridged_in_a_straight_line_and_flagged() -> None:
    found = [None, 10, None, None, 16, 20, None]
    track = follow(frames(7), Scripted(found), 0.2)
    assert track.detected.tolist() == [x is not None for x in found]
    assert track.landmarks[:, 5, 1] == pytest.approx([10, 10, 12, 14, 16, 20, 20])
    assert track.pose[:, 2] == pytest.approx([10, 10, 12, 14, 16, 20, 20])


@pytest.mark.parametrize(
    ("found", "reason"),
    [([], "no_frames"), ([None] * 5, "no_face"), ([10, 10, None, None, None], "face_lost")],
)
def test_too_little_of_a_face_is_a_reason(found: list[float | None], reason: str) -> None:
    with pytest.raises(RecordingError) as fault:
        follow(frames(len(found)), Scripted(found), 0.9)
    assert fault.value.reason == reason


def test_a_fault_of_the_backend_is_raised() -> None:
    class Broken:
        def detect(self, rgb: np.ndarray) -> Face | None:
            raise RuntimeError("the network fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        follow(frames(3), Broken(), 0.9)
