"""Change one byte somewhere in a dataset, verify, change it back; a thousand times.

    .venv/bin/python bench/chaos_bytes.py [N]

A small dataset is simulated, built and spliced. Each time a file is drawn, every file with the same
chance, and in it a byte that gets another value. Prints how many of the changes `verify` found, how
many of them in the right file alone, and the time. Exits with 1 if one went unseen.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from fmdata.catalog.verify import verify
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.simulate import SimulateSettings, simulate


def main(n: int = 1000, seed: int = 0) -> int:
    """Make `n` changes; return how many were not found."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = small_dataset(Path(folder))
        assert verify(dataset) == []
        began = time.monotonic()
        found, placed = changes(dataset, n, random.Random(seed))
        seconds = time.monotonic() - began
        assert verify(dataset) == []
    print(f"{found} of {n} single-byte changes found, {placed} in the right file, {seconds:.0f} s")
    return n - found


def small_dataset(folder: Path) -> Path:
    """Two subjects, one action, two takes, and their compounds."""
    simulate(folder / "raw", SimulateSettings(subjects=2, actions=1, takes=2))
    (folder / "raw/s01/text").mkdir()
    (folder / "raw/s01/text/01.mp4").write_text("a recording to be dropped")
    build(folder / "raw", folder / "dataset", BuildSettings(size=48), workers=1)
    synth_compounds(folder / "dataset", CompoundSettings(k=1))
    return folder / "dataset"


def changes(dataset: Path, n: int, draw: random.Random) -> tuple[int, int]:
    """Change a byte `n` times; count the changes found, and those found in the right file."""
    files = sorted(path for path in dataset.rglob("*") if path.is_file())
    found = placed = 0
    for _ in range(n):
        file = draw.choice(files)
        at = draw.randrange(file.stat().st_size)
        with file.open("r+b") as data:
            data.seek(at)
            before = data.read(1)
            data.seek(at)
            data.write(bytes([before[0] ^ draw.randrange(1, 256)]))
        findings = verify(dataset)
        found += bool(findings)
        placed += {finding.where for finding in findings} == {str(file)}
        with file.open("r+b") as data:
            data.seek(at)
            data.write(before)
    return found, placed


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])) > 0)
