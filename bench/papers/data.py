"""Data of the comparisons: two sets of simulated subjects, built by the real pipeline.

``personal`` has motions of each subject's own, for verification (2022, 2023); its compounds are the
D2 of 2023. ``expressions`` has seven motions that all subjects share, on other faces, for the
classifying papers (SMaTE, RRL, PCL) and for the expression extractor of 2022 (SFE-E). The same
sizes give the same bytes.
"""

import csv
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import fmdata.synth.simulator
from bench.kept import kept
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import TRUTH, simulate

PERSONAL, EXPRESSIONS = "personal", "expressions"
SHARED = ("smile", "brow_raise", "jaw_drop", "pucker", "nose_wrinkle", "brow_furrow", "frown")


@dataclass(frozen=True)
class Size:
    """Size of the sets: subjects of either set, own motions, takes, copies of a compound."""

    subjects: int = 24
    motions: int = 5
    takes: int = 10
    shared_takes: int = 3
    copies: int = 4


FULL = Size()
QUICK = Size(subjects=6, motions=3, takes=3, shared_takes=1, copies=2)


def make(folder: Path, size: Size, workers: int) -> Mapping[str, Path]:
    """Simulate, build and splice the missing data; return the datasets by name."""
    # Hard settings: amplitude, tempo and head motion vary between takes, with flashes and both
    # styles.
    common = {"subjects": size.subjects, "fps": 15.0, "size": 256, "varied": True}
    own = tuple(f"personal_{i + 1}" for i in range(size.motions))
    scripts = {
        PERSONAL: SimulateSettings(actions=own, takes=size.takes, seed=1, **common),
        EXPRESSIONS: SimulateSettings(actions=SHARED, takes=size.shared_takes, seed=2, **common),
    }
    # A changed simulator gets a new folder.
    raw = {
        name: kept(folder, f"{name}-raw", asdict(script), [fmdata.synth.simulator])
        for name, script in scripts.items()
    }
    # The truth is written last: a folder with it is complete.
    missing = {raw[name]: scripts[name] for name in raw if not (raw[name] / TRUTH).exists()}
    # New processes, since the landmark network's threads do not survive a fork.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(simulate, missing.keys(), missing.values()))
    datasets = {name: folder / name for name in scripts}
    for name, dataset in datasets.items():
        table = _with_days(raw[name], folder / f"{name}-days.csv")
        build(raw[name], dataset, BuildSettings(), RunSettings(workers=workers), table=table)
    synth_compounds(datasets[PERSONAL], CompoundSettings(k=size.copies))
    return datasets


def _with_days(raw: Path, table: Path) -> Path:
    """Write the table of the recordings with their days, and no other truth; return its path."""
    with (raw / TRUTH).open(newline="") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", newline="") as file:
        columns = ["path", "subject", "action", "take", "day"]
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table
