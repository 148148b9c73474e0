"""Changes of one byte in a dataset, each of which `verify` must find."""

from pathlib import Path

import numpy as np

from bench.chaos.command import Report, must
from fmdata.catalog.verify.dataset import verify

DEFAULT_N = 1000
SIMULATED = ("--subjects", 2, "--actions", 1, "--takes", 2)


def measure(folder: Path, n: int, seed: int) -> Report:
    """Change `n` bytes, each file equally often, and count the changes that `verify` finds."""
    dataset = _dataset(folder)
    rng = np.random.default_rng(seed)
    files = sorted(path for path in dataset.rglob("*") if path.is_file())
    counts = {file: [0, 0, 0] for file in files}  # changed, found, found in this file alone
    failures = []
    for _ in range(n):
        file = files[rng.integers(len(files))]
        at, by = int(rng.integers(file.stat().st_size)), int(rng.integers(1, 256))
        _flip(file, at, by)
        findings = verify(dataset)
        _flip(file, at, by)
        placed = {finding.where for finding in findings} == {str(file)}
        counts[file] = [
            c + k for c, k in zip(counts[file], (1, bool(findings), placed), strict=True)
        ]
        if not findings:
            name = file.relative_to(dataset)
            failures.append(f"seed {seed}: byte {at} of {name} changed by {by}, not found")
    if verify(dataset):
        failures.append(f"seed {seed}: the dataset is damaged after every byte was restored")
    rows = [[str(f.relative_to(dataset)), *map(str, counts[f])] for f in files]
    n_found = sum(c[1] for c in counts.values())
    sentence = f"Of {n} changes of one byte (seed {seed}), `verify` found {n_found}."
    return Report(sentence, [["file", "changed", "found", "in that file alone"], *rows], failures)


def _dataset(folder: Path) -> Path:
    """Build a dataset of two subjects with compounds and one dropped recording."""
    raw, dataset = folder / "raw", folder / "dataset"
    must("simulate", raw, *SIMULATED)
    (raw / "s01/text").mkdir()
    (raw / "s01/text/01.mp4").write_text("no video")
    must("build", "--subjects", raw, "--out", dataset, "--size", 48)
    must("synth-compound", "--dataset", dataset, "--k", 1)
    return dataset


def _flip(file: Path, at: int, by: int) -> None:
    with file.open("r+b") as data:
        data.seek(at)
        before = data.read(1)[0]
        data.seek(at)
        data.write(bytes([before ^ by]))
