"""Frames with action units of drawn faces, and F1 by hand."""

from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog import Dataset
from fmdata.train.action_units.frames import f1_of_units, read_unit_frames

AUS = 1, 12, 23, 26


def test_frames_are_spread_over_the_clips_of_the_subjects_asked_for(drawn_dataset: Path) -> None:
    """Two subjects with nine clips each, five frames of a clip; nothing stands in for AU 23."""
    frames = read_unit_frames(Dataset(drawn_dataset), ["a", "c"], 5, 32, AUS)
    assert (frames.images.shape, frames.landmarks.shape) == ((90, 3, 32, 32), (90, 68, 2))
    there, known = frames.there(0.5)
    assert known.all(dim=0).tolist() == [True, True, False, True]
    assert there.any(dim=0).tolist() == [True, True, False, True]
    # The first frame of every clip is neutral; AU 1 comes with 26, or alone.
    assert not there[::5].any()
    assert (there[:, 0] >= there[:, 3]).all()
    assert int(there[:, 0].sum()) > int(there[:, 3].sum())


def test_f1_by_hand() -> None:
    """One of two found and one false alarm, 2/(2 + 2); never there; a miss where nothing is known.

    The last does not count, and all else is right.
    """
    there = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 0]], bool)
    found = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 0]], bool)
    known = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], bool)
    assert f1_of_units(found, there, known) == pytest.approx([0.5, np.nan, 1], nan_ok=True)
