"""Frames with action units of drawn faces: half of the motion, and scored above rest."""

from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.frames import (
    UnitReader,
    present_units,
    stand_ins_above_rest,
)
from fmdata.train.action_units.stand_ins import BLENDSHAPES, au_stand_ins

AUS = 1, 12, 23, 26


def test_half_of_the_frames_are_of_the_motion(drawn_dataset: Path) -> None:
    """Six frames of each clip; AU 23 has no stand-in."""
    reader = UnitReader(6, 32, AUS)
    read = [reader(clip) for clip in Dataset(drawn_dataset).actions]
    images, landmarks, scores = (np.concatenate(parts) for parts in zip(*read, strict=True))
    assert (images.shape, landmarks.shape) == ((162, 3, 32, 32), (162, 68, 2))
    clips = Dataset(drawn_dataset).actions
    np.testing.assert_array_equal(np.concatenate([reader.scores(c) for c in clips]), scores)
    present, known = present_units(scores, 0.5)
    assert known.all(axis=0).tolist() == [True, True, False, True]
    # A drawn motion is half a sine: above one half for two thirds of its time, two of three frames.
    assert present.mean(axis=0).tolist() == pytest.approx([2 / 9, 1 / 9, 0, 1 / 9], abs=0.04)
    # AU 1 occurs with 26, or alone.
    assert (present[:, 0] >= present[:, 3]).all()
    # The first frame of every clip is neutral.
    assert not present[::6].any()


def scores_of(face: float, clip: ActionClip) -> np.ndarray:
    """Blendshapes of a face that scores at rest what another does in motion."""
    scores = clip.blendshapes.copy()
    scores[:, BLENDSHAPES.index("mouthSmileLeft")] += face
    return scores


def test_what_a_face_scores_at_rest_is_no_label(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = next(c for c in Dataset(drawn_dataset).actions if c.action == "smile")
    plain = au_stand_ins(clip.blendshapes, AUS)
    scores = scores_of(0.4, clip)
    monkeypatch.setattr(ActionClip, "blendshapes", scores)
    assert (au_stand_ins(scores, AUS)[:, 1] >= 0.4).all()
    above = stand_ins_above_rest(clip, AUS)
    assert clip.motion is not None
    np.testing.assert_allclose(above[: clip.motion.onset, 1], 0, atol=1e-6)
    np.testing.assert_allclose(above[:, 1], plain[:, 1], atol=1e-6)


def test_a_clip_that_begins_in_its_motion_rests_at_its_tenth_percentile(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = next(c for c in Dataset(drawn_dataset).actions if c.action == "smile")
    monkeypatch.setattr(ActionClip, "blendshapes", scores_of(0.4, clip))
    monkeypatch.setattr(ActionClip, "motion", None)
    scores = au_stand_ins(clip.blendshapes, AUS)
    above = stand_ins_above_rest(clip, AUS)
    np.testing.assert_allclose(above, scores - np.quantile(scores, 0.1, axis=0), atol=1e-6)


def test_a_dataset_without_blendshapes_is_refused(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActionClip, "blendshapes", np.zeros((0, 52), np.float32))
    with pytest.raises(DatasetError, match=r"(?s)no blendshapes.*--set truth"):
        UnitReader(6, 32, AUS)(next(iter(Dataset(drawn_dataset).actions)))
