"""Blendshapes stand in for AU labels, with the network's names, left and right alike."""

import mediapipe as mp
import numpy as np
import pytest

from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.train.action_units.stand_ins import BLENDSHAPES, BP4D, DISFA, au_stand_ins


def scores(**values: float) -> np.ndarray:
    """Return blendshapes that are 0 except for the given ones, [52]."""
    made = np.zeros(52, np.float32)
    for name, value in values.items():
        made[BLENDSHAPES.index(name)] = value
    return made


def test_blendshapes_have_the_names_and_order_of_the_network(portrait: np.ndarray) -> None:
    """MediaPipe gives the names; both backends run the same network."""
    landmarker = open_landmarker("mediapipe")
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=portrait)
    found = landmarker._landmarker.detect(image).face_blendshapes[0]
    assert tuple(shape.category_name for shape in found) == BLENDSHAPES


def test_the_smiling_portrait_shows_a_smile(portrait: np.ndarray, landmarker) -> None:
    # A smile with visible teeth: lip corners up, lips apart; no frown, no lowered brow.
    blendshapes = landmarker.detect(portrait)[0].blendshapes
    smile, apart, frown, brow = au_stand_ins(blendshapes, (12, 25, 15, 4))
    assert smile > 0.7
    assert apart > 0.2
    assert max(frown, brow) < 0.2


@pytest.mark.parametrize(
    ("shapes", "au", "score"),
    [
        ({"browInnerUp": 0.6}, 1, 0.6),
        ({"browOuterUpLeft": 0.2, "browOuterUpRight": 0.7}, 2, 0.7),
        ({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.1}, 12, 0.9),
        ({"noseSneerRight": 0.4}, 9, 0.4),
        ({"jawOpen": 0.5}, 26, 0.5),
        ({"jawOpen": 0.5, "mouthClose": 0.4}, 25, 0.1),  # jaw open behind closed lips
        ({"mouthClose": 0.4}, 25, 0.0),
        ({"mouthLowerDownLeft": 0.3}, 25, 0.3),  # teeth visible, jaw closed
        ({"mouthUpperUpRight": 0.2}, 25, 0.2),
    ],
)
def test_each_au_has_the_score_of_its_blendshapes(
    shapes: dict[str, float], au: int, score: float
) -> None:
    assert au_stand_ins(scores(**shapes), [au]) == pytest.approx(score)


def test_an_au_without_a_stand_in_is_unknown_and_not_absent() -> None:
    found = au_stand_ins(np.ones((3, 52), np.float32))
    assert found.shape == (3, 12)
    assert found.dtype == np.float32
    assert [au for au, column in zip(BP4D, found.T, strict=True) if np.isnan(column).all()] == [23]
    assert np.isfinite(au_stand_ins(np.zeros((3, 52), np.float32), DISFA)).all()


def test_left_and_right_count_equally() -> None:
    shapes = np.random.default_rng(0).random((20, 52))
    swapped = np.array([_mirrored(name) for name in BLENDSHAPES])
    np.testing.assert_array_equal(au_stand_ins(shapes), au_stand_ins(shapes[:, swapped]))


def _mirrored(name: str) -> int:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side) and name.removesuffix(side) + other in BLENDSHAPES:
            return BLENDSHAPES.index(name.removesuffix(side) + other)
    return BLENDSHAPES.index(name)


def test_another_number_of_blendshapes_is_refused() -> None:
    with pytest.raises(ValueError, match="51 blendshapes"):
        au_stand_ins(np.zeros((3, 51)))
