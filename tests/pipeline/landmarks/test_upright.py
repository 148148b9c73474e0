"""Recordings of faces that lie or stand on their head are turned; all others are left alone."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from fmdata.catalog.types import Picture
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.upright import needed_turn, turned
from fmdata.pipeline.reading.decode import Frame
from tests.helpers.faces import portrait

UPRIGHT = (0, 90, 180, 270)


def scene(tilt: float) -> np.ndarray:
    """Return the portrait in a wide frame, its head tilted by degrees clockwise."""
    height, width = portrait().shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -tilt, 0.7)
    face = cv2.warpAffine(portrait(), turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return cv2.copyMakeBorder(face, 0, 0, 60, 100, cv2.BORDER_REPLICATE)


def film(*pictures: np.ndarray) -> Iterator[Frame]:
    return (Frame(n, n / 25, picture) for n, picture in enumerate(pictures))


@pytest.mark.parametrize("turn", UPRIGHT)
@pytest.mark.parametrize("tilt", [-15, 0, 15])
def test_a_face_is_turned_upright(turn: int, tilt: int) -> None:
    """Its head may be tilted, as heads are."""
    picture = np.ascontiguousarray(np.rot90(scene(tilt), turn // 90))
    landmarker = open_landmarker("mediapipe")
    assert needed_turn(film(*[picture] * 3), landmarker) == turn
    frame = next(turned(film(picture), turn))
    np.testing.assert_array_equal(frame.rgb, scene(tilt))
    assert frame.picture == Picture(turned=turn)


def test_frames_that_need_no_turn_are_the_same_objects() -> None:
    frames = list(film(scene(0), scene(0)))
    assert all(a is b for a, b in zip(frames, turned(iter(frames), 0), strict=True))


class Views:
    """A backend that answers by the views in which a face is seen, by the roll that it shows.

    A frame's pixels are all its number, but for the one in a corner, which shows the view.
    """

    def __init__(self, rolls: dict[int, dict[int, float]]) -> None:
        self.rolls = rolls
        self.looks = 0

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.looks += 1
        corners = rgb[0, 0, 1], rgb[0, -1, 1], rgb[-1, -1, 1], rgb[-1, 0, 1]
        view = 90 * int(np.argmax(corners))
        roll = self.rolls.get(int(rgb[1, 1, 0]), {}).get(view)
        if roll is None:
            return []
        mesh = np.random.default_rng(0).uniform(0, 8, (478, 3)).astype(np.float32)
        return [Face(mesh, np.array([0, 0, roll], np.float32), None)]


def numbered(n: int) -> Iterator[Frame]:
    for number in range(n):
        picture = np.full((8, 8, 3), number, np.uint8)
        picture[..., 1] = 0
        picture[0, 0, 1] = 255
        yield Frame(number, number / 25, picture)


TRUE = {0: 0.0, 90: -90.0, 180: 180.0, 270: 90.0}  # of an upright face, in each view
FALSE = {0: 5.0, 90: 90.0, 180: 0.0, 270: -90.0}  # of one upside down, taken for upright
LYING = {0: 90.0, 90: 0.0, 180: -90.0, 270: 10.0}


def test_an_upright_face_costs_two_looks() -> None:
    landmarker = Views({0: TRUE})
    assert needed_turn(numbered(100), landmarker) == 0
    assert landmarker.looks == 2


@pytest.mark.parametrize(("seen", "turn"), [(FALSE, 180), (LYING, 90)])
def test_three_frames_that_agree_turn_a_recording(seen: dict[int, float], turn: int) -> None:
    assert needed_turn(numbered(100), Views({0: seen, 8: seen, 64: seen})) == turn
    assert needed_turn(numbered(3), Views({0: seen, 1: seen})) == turn
    # One upright face among them, and the recording is left alone.
    assert needed_turn(numbered(100), Views({0: seen, 8: TRUE, 64: seen})) == 0


def test_a_backend_without_faces_from_the_side_leaves_upright_faces_alone() -> None:
    """FAN finds upright faces only."""
    landmarker = Views({n: {0: 0.0} for n in range(100)})
    assert needed_turn(numbered(100), landmarker) == 0
    assert landmarker.looks == 3
    assert needed_turn(numbered(100), Views({n: {180: 0.0} for n in range(100)})) == 180


def test_views_that_disagree_decide_nothing() -> None:
    slanted = {0: 45.0, 90: -45.0, 180: -135.0, 270: 135.0}
    split = {0: 5.0, 90: 90.0}
    for seen in (slanted, split, {}):
        assert needed_turn(numbered(100), Views(dict.fromkeys(range(100), seen))) == 0
