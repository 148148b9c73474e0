"""Measures one row: simulate, build with the real pipeline, compare with the ground truth.

Recordings and datasets of an earlier run are reused if settings and code are the same.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

import fmdata.catalog
import fmdata.pipeline
import fmdata.synth.simulator
from bench.fidelity.alignment import Wobble, inside, wobble
from bench.fidelity.plain import METHODS, as_motion
from bench.fidelity.rows import Row
from bench.fidelity.spotting import Case, beside_plateau, iou
from bench.kept import kept
from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.keys import action_key
from fmdata.catalog.types import Track
from fmdata.pipeline.build import build
from fmdata.pipeline.cropping.align import align
from fmdata.pipeline.geometry.points import STABLE
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.simulator.cast import skin_positions
from fmdata.synth.simulator.script import Truth, write_scripts
from fmdata.synth.simulator.simulate import TRUTH, simulate

SIZE = 112
OTHER_SIZES = (64, 224)
BUILD = BuildSettings(size=SIZE, lbp=False)
CODE = (fmdata.pipeline, fmdata.catalog)  # the packages that make a dataset


@dataclass(frozen=True)
class Example:
    """One clip for the picture: its case, and its intensity curve in IOD, float32 [T]."""

    case: Case
    intensity: np.ndarray


@dataclass(frozen=True)
class Result:
    """Measurements of one row.

    Attributes
    ----------
    row : Row
        The condition.
    cases : list of Case
        One per recording; a dropped recording counts as one without a found motion.
    plain : dict of str to list of Case
        The same recordings, spotted by each of the plain methods, by the method's name.
    dropped : int
        Number of recordings that the build dropped.
    wobbles : list of Wobble
        One per clip, in pixels of a crop of side `SIZE`.
    inside : dict of int to float
        Share of the landmarks inside the crop, by the crop's size, in the clips of ``jaw_drop``;
        empty if there is none.
    example : Example
        Clip of median IoU; for still faces, the clip whose intensity varies most.
    """

    row: Row
    cases: list[Case]
    plain: dict[str, list[Case]]
    dropped: int
    wobbles: list[Wobble]
    inside: dict[int, float]
    example: Example


def measure(row: Row, folder: Path, workers: int) -> Result:
    """Simulate, build and measure a row in `folder`, with `workers` worker processes."""
    raw = kept(folder / row.folder, "raw", asdict(row.settings), [fmdata.synth.simulator])
    if not (raw / TRUTH).exists():  # written last
        simulate(raw, row.settings)
    out = kept(folder / row.folder, "dataset", [raw.name, BUILD.to_json()], CODE)
    build(raw, out, BUILD, RunSettings(workers=workers))
    actions = Dataset(out).actions
    clips: dict[str, ActionClip] = {clip.key: clip for clip in actions}
    truths = [script.truth for script in write_scripts(row.settings)]
    cases = [_case(truth, clips.get(_key(truth))) for truth in truths]
    plain = {
        name: [plain_case(case, clips.get(_key(case.truth)), name) for case in cases]
        for name in METHODS
    }
    positions = {_key(truth): points for truth, points in skin_positions(row.settings, STABLE)}
    wobbles = [_wobble(clips[_key(t)], t, positions[_key(t)]) for t in truths if _key(t) in clips]
    jaws = [clips[_key(t)] for t in truths if t.action == "jaw_drop" and _key(t) in clips]
    return Result(
        row=row,
        cases=cases,
        plain=plain,
        dropped=len(cases) - len(clips),
        wobbles=wobbles,
        inside={size: float(np.mean([_inside(c, size) for c in jaws])) for size in _sizes(jaws)},
        example=_example(cases, clips),
    )


def _key(truth: Truth) -> str:
    return action_key(truth.subject, truth.action, truth.take)


def _case(truth: Truth, clip: ActionClip | None) -> Case:
    if clip is None:
        return Case(truth, None)
    if clip.n_frames != truth.n_frames:
        raise AssertionError(f"{clip.key}: {clip.n_frames} frames, {truth.n_frames} were drawn")
    return Case(truth, clip.motion, bool(clip.row["flash"]))


def _wobble(clip: ActionClip, truth: Truth, true: np.ndarray) -> Wobble:
    neutral = np.ones(truth.n_frames, np.bool_)
    if truth.onset is not None:
        neutral[truth.onset : truth.offset] = False
    found = clip.landmarks[:, STABLE, :2].astype(np.float64)
    return wobble(found, true, clip.transform, neutral)


def _sizes(jaws: list[ActionClip]) -> list[int]:
    return sorted([SIZE, *OTHER_SIZES]) if jaws else []


def plain_case(case: Case, clip: ActionClip | None, method: str) -> Case:
    """Return the same recording, spotted by one of the plain methods on the clip's landmarks."""
    if clip is None:
        return replace(case, motion=None, flash=False)
    span = METHODS[method](_track(clip), clip.fps)
    return replace(case, motion=as_motion(span, clip.n_frames), flash=False)


def _inside(clip: ActionClip, size: int) -> float:
    landmarks = clip.landmarks
    transforms = clip.transform if size == SIZE else align(_track(clip), clip.fps, size)
    return inside(landmarks[..., :2].astype(np.float64), transforms, size)


def _track(clip: ActionClip) -> Track:
    """Return the clip's track, without the measures of its pictures."""
    n = clip.n_frames
    return Track(
        detected=clip.column("detected"),
        timestamps_s=clip.timestamps.astype(np.float64),
        landmarks=clip.landmarks,
        pose=clip.column("pose", (3,)),
        blendshapes=None,
        brightness=np.zeros(n, np.float32),
        sharpness=np.zeros(n, np.float32),
        width=0,
        height=0,
    )


def _example(cases: list[Case], clips: dict[str, ActionClip]) -> Example:
    shown = [case for case in cases if _key(case.truth) in clips]
    if any(case.moves for case in shown):
        shown.sort(key=lambda case: (iou(case), -beside_plateau(case)))
        case = shown[len(shown) // 2]
        return Example(case, clips[_key(case.truth)].intensity)
    curves = [Example(case, clips[_key(case.truth)].intensity) for case in shown]
    return max(curves, key=lambda example: float(np.ptp(example.intensity)))
