"""Compounds of a dataset without and with ``--smooth``, side by side: seams, frames, takes.

``make bench-seams`` runs it on the demo's recordings and writes the table into docs/measured.md.
``python -m bench.seams DATASET`` measures any dataset, on a copy of it.
"""

import argparse
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench.page import Marks, markdown, text, write_page
from fmdata.catalog import Dataset
from fmdata.catalog.rest import at_rest
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from fmdata.train.data import compound_samples
from fmdata.train.metrics import within_subject_pairs

PAGE = Path(__file__).parents[1] / "docs" / "measured.md"
MARKS = Marks("seams", "bench-seams")


def main() -> None:
    """Measure, print a table, and write it into the page where the recordings are the demo's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, help="A dataset; by default the demo's.")
    given = parser.parse_args().dataset
    with tempfile.TemporaryDirectory() as temporary:
        dataset = Path(temporary) / "dataset"
        if given:
            shutil.copytree(given, dataset)
        else:
            simulate(Path(temporary) / "raw", SimulateSettings())
            build(Path(temporary) / "raw", dataset, BuildSettings(), RunSettings())
        columns = []
        for smooth in (False, True):
            synth_compounds(dataset, CompoundSettings(smooth=smooth))
            columns.append(measure(Dataset(dataset)))
    rows = [[name, value, columns[1][name]] for name, value in columns[0].items()]
    table = [["", "at random", "`--smooth`"], *rows]
    print(text(table))
    if not given:
        write_page(PAGE, markdown(table), MARKS)


def measure(dataset: Dataset) -> dict[str, str]:
    """Return the figures of a dataset's compounds, by name."""
    seams = np.array(dataset.compounds.table(["seam"])["seam"].to_pylist())
    samples = compound_samples(dataset)
    default, every = (
        within_subject_pairs(samples, shared_takes=shared) for shared in (False, True)
    )
    shared = [
        bool(samples[i].takes & samples[j].takes)
        for i, j, positive in zip(default.i, default.j, default.positive, strict=True)
        if positive
    ]
    return {
        "compounds": f"{len(seams)}",
        "worst seam, median": f"{np.median(seams):.1f}",
        "worst seam, 90 % of the compounds below": f"{np.percentile(seams, 90):.1f}",
        "frames shown twice": f"{frames_twice(dataset)}",
        "lead and tail frames in motion, or without a face": f"{restless_frames(dataset)}",
        "positive pairs": f"{int(every.positive.sum())}",
        "positive pairs that share no take": f"{int(default.positive.sum())}",
        "positive pairs of the evaluation that share a take": f"{sum(shared)}",
    }


def frames_twice(dataset: Dataset) -> int:
    """Count the frames that a compound has shown before."""
    twice = 0
    for compound in dataset.compounds:
        frames = [(s.source, i) for s in compound.segments for i in range(s.start, s.stop)]
        twice += sum(times - 1 for times in Counter(frames).values())
    return twice


def restless_frames(dataset: Dataset) -> int:
    """Count frames of leads and tails that are not at rest; held ones need only show the face."""
    fit: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for clip in dataset.actions:
        if motion := clip.motion:
            seen = clip.column("detected")
            still = at_rest(clip.intensity, seen, motion.amplitude_iod)
            fit[clip.key] = still, seen if motion.style == "hold" else still
    wrong: Any = 0
    for compound in dataset.compounds:
        lead, _, _, tail = compound.segments
        wrong += (~fit[lead.source][0][lead.start : lead.stop]).sum()
        wrong += (~fit[tail.source][1][tail.start : tail.stop]).sum()
    return int(wrong)


if __name__ == "__main__":
    main()
