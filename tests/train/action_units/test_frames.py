"""Frames with action units of drawn faces, and F1 computed by hand."""

from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.train.action_units.frames import UnitReader, f1_of_units, present_units

AUS = 1, 12, 23, 26


def test_frames_are_spread_over_the_clips_of_the_requested_subjects(drawn_dataset: Path) -> None:
    """Two subjects with nine clips each, five frames per clip; AU 23 has no stand-in."""
    actions, reader = Dataset(drawn_dataset).actions, UnitReader(5, 32, AUS)
    read = [reader(clip) for subject in ("a", "c") for clip in actions.of_subject(subject)]
    images, landmarks, scores = (np.concatenate(parts) for parts in zip(*read, strict=True))
    assert (images.shape, landmarks.shape) == ((90, 3, 32, 32), (90, 68, 2))
    present, known = present_units(scores, 0.5)
    assert known.all(axis=0).tolist() == [True, True, False, True]
    assert present.any(axis=0).tolist() == [True, True, False, True]
    # The first frame of every clip is neutral; AU 1 occurs with 26, or alone.
    assert not present[::5].any()
    assert (present[:, 0] >= present[:, 3]).all()
    assert int(present[:, 0].sum()) > int(present[:, 3].sum())


def test_f1_equals_the_values_computed_by_hand() -> None:
    """One of two found and one false positive, 2/(2 + 2); never present; all known frames right.

    The last unit's only miss is in a frame where the truth is unknown.
    """
    true = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 0]], bool)
    found = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0]], bool)
    known = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], bool)
    assert f1_of_units(found, true, known) == pytest.approx([0.5, np.nan, 1], nan_ok=True)
