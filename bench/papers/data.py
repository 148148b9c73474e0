"""Data of the comparisons: four datasets of simulated subjects, built by the real pipeline.

``personal`` has motions of each subject's own, for verification (2022, 2023); its compounds are the
D2 of 2023. ``lips`` has the same motions of the same subjects, and words of their own that the lips
form (2022). ``expressions`` has seven motions that all subjects share, by heads in three
dimensions, for SMaTE, RRL, and the expression extractor of 2022 (SFE-E); ``turned`` has the same
motions by heads that turn by up to 40 degrees, in crops that are not aligned, for PCL. The same
sizes give the same bytes.
"""

import csv
import multiprocessing
import shutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import fmdata.synth.simulator
from bench.kept import kept
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.frames import FRAMES
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import TRUTH, simulate

PERSONAL, LIPS, EXPRESSIONS, TURNED = "personal", "lips", "expressions", "turned"
SHARED = ("smile", "brow_raise", "jaw_drop", "pucker", "nose_wrinkle", "brow_furrow", "frown")


@dataclass(frozen=True)
class Size:
    """Size of the sets.

    Attributes
    ----------
    subjects, motions, takes, copies : int
        Subjects of ``personal`` and ``lips``, own motions, takes of each, copies of a compound.
    lip_takes : int
        Takes of each motion and word in ``lips``.
    people, shared_takes : int
        Subjects of ``expressions``, and takes of each shared action.
    turned : int
        Subjects of ``turned``, which has one take of each action.
    """

    subjects: int = 24
    motions: int = 5
    takes: int = 10
    copies: int = 4
    lip_takes: int = 6
    people: int = 48
    shared_takes: int = 2
    turned: int = 96


FULL = Size()
QUICK = Size(
    subjects=6, motions=3, takes=3, copies=2, lip_takes=2, people=6, shared_takes=1, turned=6
)
_TURN = {EXPRESSIONS: 10.0, TURNED: 40.0}  # degrees to either side
_SIDE = 64  # of the crops of ``turned``, as in PCL


def make(folder: Path, size: Size, workers: int) -> Mapping[str, Path]:
    """Simulate, build and splice the missing data; return the datasets by name.

    Beside each dataset of heads lies the truth of its frames, :func:`truth_of`.
    """
    scripts = _scripts(size)
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
    turned = BuildSettings(crop="static", size=_SIDE, lbp=False)
    for name, dataset in datasets.items():
        table = _with_days(raw[name], folder / f"{name}-days.csv")
        settings = turned if name == TURNED else BuildSettings()
        build(raw[name], dataset, settings, RunSettings(workers=workers), table=table)
        if name in _TURN:
            shutil.copyfile(raw[name] / FRAMES, truth_of(dataset))
    synth_compounds(datasets[PERSONAL], CompoundSettings(k=size.copies))
    return datasets


def truth_of(dataset: Path) -> Path:
    """Return the file with the true units and poses of the frames of a dataset of heads."""
    return dataset.with_name(f"{dataset.name}-{FRAMES}")


def _scripts(size: Size) -> Mapping[str, SimulateSettings]:
    # Hard settings: amplitude, tempo and head motion vary between takes, with flashes and both
    # styles.
    common = {"fps": 15.0, "size": 256, "varied": True}
    own = tuple(f"personal_{i + 1}" for i in range(size.motions))
    words = tuple(f"word_{i + 1}" for i in range(size.motions))
    personal = SimulateSettings(
        subjects=size.subjects, actions=own, takes=size.takes, seed=1, ragged=True, **common
    )
    heads = {"cast": "heads", "actions": SHARED, **common}
    return {
        PERSONAL: personal,
        LIPS: replace(personal, actions=own + words, takes=size.lip_takes),
        EXPRESSIONS: SimulateSettings(
            subjects=size.people, takes=size.shared_takes, seed=2, turn=_TURN[EXPRESSIONS], **heads
        ),
        TURNED: SimulateSettings(
            subjects=size.turned, takes=1, seed=3, turn=_TURN[TURNED], **heads
        ),
    }


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
