"""Damaged videos among whole ones: each a clip or a dropped row, the whole ones bit for bit."""

import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench.chaos.command import Found, fmdata, last_line, must
from bench.chaos.damage import DAMAGES
from bench.chaos.originals import originals
from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip

DEFAULT_N = 1000
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
WHOLE = "whole"  # the subject of the undamaged
SECONDS_EACH = 5.0  # a video has 75 frames at most; more than this is a hang


def measure(folder: Path, n: int, seed: int, real: Path = REAL) -> Found:
    """Damage `n` videos, build, and report."""
    began = time.monotonic()
    raw, alone = folder / "raw", folder / "alone"
    whole = originals(folder / "originals", seed, real)
    for i, path in enumerate(whole):
        for place in (raw, alone):
            _put(place / WHOLE / "original" / f"{i:02d}{path.suffix}", path.read_bytes())
    for i in range(n):
        # Each from a seed of its own, so that one alone can be made again.
        rng = np.random.default_rng([seed, i])
        name = list(DAMAGES)[i % len(DAMAGES)]
        one, other = rng.choice(len(whole), 2, replace=False)
        data = DAMAGES[name](whole[one].read_bytes(), whole[other].read_bytes(), rng)
        _put(raw / "damaged" / name / f"{i:04d}{whole[one].suffix}", data)
    must("build", "--subjects", alone, "--out", folder / "reference", "--size", 64)
    faults = []
    limit_s = 60 + SECONDS_EACH * n
    try:
        dataset = folder / "dataset"
        run = fmdata("build", "--subjects", raw, "--out", dataset, "--size", 64, timeout_s=limit_s)
    except subprocess.TimeoutExpired:
        return Found(f"hung for {limit_s:.0f} s", [["hung"]], [f"seed {seed}: hung"])
    if run.returncode:
        fault = f"seed {seed}: exit code {run.returncode}: {last_line(run.stderr)}"
        return Found("the build failed", [[fault]], [fault])
    built, reference = Dataset(folder / "dataset"), Dataset(folder / "reference")
    clips = Counter(clip.action for clip in built.actions if clip.subject != WHOLE)
    rows = built.dropped().to_pylist()
    reasons = Counter((row["action"], row["reason"]) for row in rows)
    n_real = sum(path.is_relative_to(real) for path in whole)
    lost = n + len(whole) - len(built.actions) - len(rows)
    if lost:
        faults.append(f"seed {seed}: {lost} recordings neither clip nor dropped")
    if len(reference.actions) != len(whole):
        faults.append(f"seed {seed}: {len(reference.actions)} clips of {len(whole)} whole videos")
    for clip in reference.actions:
        if clip.key not in built.actions.keys or not _same(clip, built.actions[clip.key]):
            faults.append(f"seed {seed}: {clip.key} is another clip beside damaged videos")
    said = sorted({reason for _, reason in reasons})
    table = [["damage", "videos", "clips", *said]]
    for name in DAMAGES:
        dropped = [str(reasons[name, reason]) for reason in said]
        n_own = clips[name] + sum(map(int, dropped))
        table.append([name, str(n_own), str(clips[name]), *dropped])
    seconds = time.monotonic() - began
    return Found(
        f"{n} damaged videos (seed {seed}) of {len(whole)} originals, {n_real} of them real, built "
        f"beside the originals in {seconds:.0f} s, exit code 0; {len(whole)} undamaged ones are "
        f"{'' if not faults else 'not '}as in a build of them alone.",
        table,
        faults,
    )


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _same(one: ActionClip, other: ActionClip) -> bool:
    pixels = one.avi() == other.avi() and one.lbp_npy() == other.lbp_npy()
    return pixels and bool(one.facts().equals(other.facts()))
