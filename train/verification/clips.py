"""Facts of the clips that are compared: who, which motion, which parts, when, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.train.data import LabelledClip


@dataclass(frozen=True)
class ComparedClips:
    """N clips, as arrays; a code is an index that is equal for equal names.

    Attributes
    ----------
    names : tuple of str
        Names of the subjects, sorted; `subject` counts in them.
    subject, motion : int [N]
        Codes of the subjects, and of the motions by their names.
    parts : int [N, 2]
        Codes of the actions of a compound, in order; of a single action twice the same.
    takes : int [N, K]
        Codes of the takes that a clip is made of; -1 fills up.
    order : int [N]
        Position in the order of keys, in which takes are enrolled.
    day : int [N]
        Code of the day; -1 where unknown, or where the takes are of several.
    amplitude, seconds : float [N]
        Mean amplitude in interocular distances, and length of the motion; NaN where unknown.
    flash : bool [N]
        True where every motion of the clip is a flash.
    facing : float [N, 2]
        Median yaw and pitch in degrees.
    """

    names: tuple[str, ...]
    subject: np.ndarray
    motion: np.ndarray
    parts: np.ndarray
    takes: np.ndarray
    order: np.ndarray
    day: np.ndarray
    amplitude: np.ndarray
    seconds: np.ndarray
    flash: np.ndarray
    facing: np.ndarray

    def __len__(self) -> int:
        return len(self.subject)


def compared_clips(
    dataset: Dataset, samples: Sequence[LabelledClip], day: str = ""
) -> ComparedClips:
    """Gather the facts of samples from a dataset; `day` is the label that names a day."""
    column = next((one.column for one in dataset.labels if one.name == day), "")
    keys = sorted({take for sample in samples for take in sample.takes})
    actions = {key: _fact(dataset.actions[key], column) for key in keys}
    names = sorted({sample.subject for sample in samples})
    facts = [[actions[take] for take in sorted(sample.takes)] for sample in samples]
    seconds = [(s.offset - s.onset) / f[0].fps for s, f in zip(samples, facts, strict=True)]
    amplitude = [float(np.mean([fact.amplitude for fact in f])) for f in facts]
    return ComparedClips(
        names=tuple(names),
        subject=_codes([sample.subject for sample in samples]),
        motion=_codes([sample.label for sample in samples]),
        parts=_parts(samples, actions),
        takes=_takes(samples, keys),
        order=np.argsort(np.argsort([sample.key for sample in samples], kind="stable")),
        day=_days(facts),
        amplitude=np.array(amplitude),
        seconds=np.where(np.isnan(amplitude), np.nan, np.array(seconds)),
        flash=np.array([all(fact.flash for fact in f) for f in facts], bool),
        facing=np.array([np.mean([fact.facing for fact in f], axis=0) for f in facts]),
    )


@dataclass(frozen=True)
class _Fact:
    action: str
    day: Any
    fps: float
    amplitude: float
    flash: bool
    facing: np.ndarray


def _fact(clip: ActionClip, day: str) -> _Fact:
    row, pose = clip.row, clip.pose
    amplitude = np.nan if row["amplitude"] is None else row["amplitude"]
    seen = pose[clip.detected, :2] if len(pose) else pose.reshape(0, 2)
    facing = np.median(seen, axis=0) if len(seen) else np.full(2, np.nan)
    known = row[day] if day else None
    return _Fact(clip.action, known, clip.fps, amplitude, bool(row["flash"]), facing)


def _codes(values: Sequence[str]) -> np.ndarray:
    return np.unique(np.array(values, str), return_inverse=True)[1].reshape(-1)


def _parts(samples: Sequence[LabelledClip], actions: Mapping[str, _Fact]) -> np.ndarray:
    """Return the codes of the parts: a compound's actions, or the motion of a single one."""
    pairs = []
    for sample in samples:
        if len(sample.pieces) == 1:  # an action: its label may be another than the action's name
            pairs.append([sample.label] * 2)
        else:  # lead, first, second, tail
            pairs.append([actions[piece.source].action for piece in sample.pieces[1:3]])
    return _codes([name for pair in pairs for name in pair]).reshape(-1, 2)


def _takes(samples: Sequence[LabelledClip], keys: Sequence[str]) -> np.ndarray:
    code = {key: i for i, key in enumerate(keys)}
    most = max((len(sample.takes) for sample in samples), default=1)
    takes = np.full((len(samples), most), -1)
    for i, sample in enumerate(samples):
        takes[i, : len(sample.takes)] = sorted(code[take] for take in sample.takes)
    return takes


def _days(facts: Sequence[Sequence[_Fact]]) -> np.ndarray:
    known = [{str(fact.day) for fact in f if fact.day is not None} for f in facts]
    whole = [
        len(names) == 1 and all(fact.day is not None for fact in f)
        for names, f in zip(known, facts, strict=True)
    ]
    codes = _codes([next(iter(k)) if w else "" for k, w in zip(known, whole, strict=True)])
    return np.where(whole, codes, -1)
