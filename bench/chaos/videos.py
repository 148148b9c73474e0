"""Damaged videos beside intact ones: each is a clip or a dropped row, and no other clip changes."""

import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench.chaos.command import Report, fmdata, last_line, must
from bench.chaos.damage import DAMAGES
from bench.chaos.originals import originals
from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip

DEFAULT_N = 1000
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
WHOLE = "whole"  # subject of the intact videos
SECONDS_EACH = 5.0  # a video has at most 75 frames, so more than this is a hang


def measure(folder: Path, n: int, seed: int, real: Path = REAL) -> Report:
    """Damage `n` videos, build them beside the intact ones, and report."""
    began = time.monotonic()
    raw, alone = folder / "raw", folder / "alone"
    whole = originals(folder / "originals", seed, real)
    for i, path in enumerate(whole):
        for place in (raw, alone):
            _put(place / WHOLE / "original" / f"{i:02d}{path.suffix}", path.read_bytes())
    _put_damaged(raw / "damaged", whole, n, seed)
    must("build", "--subjects", alone, "--out", folder / "reference", "--size", 64)
    if failure := _build(raw, folder / "dataset", limit_s=60 + SECONDS_EACH * n):
        return Report("the build failed", [[failure]], [f"seed {seed}: {failure}"])
    built, reference = Dataset(folder / "dataset"), Dataset(folder / "reference")
    failures = [f"seed {seed}: {wrong}" for wrong in _wrong(built, reference, n, len(whole))]
    seconds = time.monotonic() - began
    n_real = sum(path.is_relative_to(real) for path in whole)
    return Report(
        f"{n} damaged videos (seed {seed}) of {len(whole)} originals, {n_real} of them real, built "
        f"beside the originals in {seconds:.0f} s, exit code 0; {len(whole)} undamaged ones are "
        f"{'' if not failures else 'not '}as in a build of them alone.",
        _table(built),
        failures,
    )


def _put_damaged(folder: Path, whole: list[Path], n: int, seed: int) -> None:
    for i in range(n):
        # A seed for each video, so that one of them can be reproduced alone.
        rng = np.random.default_rng([seed, i])
        name = list(DAMAGES)[i % len(DAMAGES)]
        one, other = rng.choice(len(whole), 2, replace=False)
        data = DAMAGES[name](whole[one].read_bytes(), whole[other].read_bytes(), rng)
        _put(folder / name / f"{i:04d}{whole[one].suffix}", data)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _build(raw: Path, dataset: Path, limit_s: float) -> str:
    """Build; return the reason of a failure, or an empty string."""
    try:
        run = fmdata("build", "--subjects", raw, "--out", dataset, "--size", 64, timeout_s=limit_s)
    except subprocess.TimeoutExpired:
        return f"hung for {limit_s:.0f} s"
    return f"exit code {run.returncode}: {last_line(run.stderr)}" if run.returncode else ""


def _wrong(built: Dataset, reference: Dataset, n: int, n_whole: int) -> list[str]:
    """Return the broken promises of a build beside damaged videos."""
    wrong = []
    if lost := n + n_whole - len(built.actions) - len(built.dropped()):
        wrong.append(f"{lost} recordings neither clip nor dropped")
    if len(reference.actions) != n_whole:
        wrong.append(f"{len(reference.actions)} clips of {n_whole} whole videos")
    for clip in reference.actions:
        if clip.key not in built.actions.keys or not _same(clip, built.actions[clip.key]):
            wrong.append(f"{clip.key} is another clip beside damaged videos")
    return wrong


def _same(one: ActionClip, other: ActionClip) -> bool:
    pixels = one.avi() == other.avi() and one.lbp_npy() == other.lbp_npy()
    facts = one.facts().equals(other.facts())
    return pixels and facts and bool(one.frames_table().equals(other.frames_table()))


def _table(built: Dataset) -> list[list[str]]:
    """Count clips and reasons of each kind of damage."""
    clips = Counter(clip.action for clip in built.actions if clip.subject != WHOLE)
    rows = built.dropped().to_pylist()
    counts = Counter((row["action"], row["reason"]) for row in rows)
    reasons = sorted({reason for _, reason in counts})
    table = [["damage", "videos", "clips", *reasons]]
    for name in DAMAGES:
        dropped = [counts[name, reason] for reason in reasons]
        n_videos = clips[name] + sum(dropped)
        table.append([name, *map(str, (n_videos, clips[name], *dropped))])
    return table
