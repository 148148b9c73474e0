"""Sensitivity of spotting to its thresholds: each one doubled and halved.

``python -m bench.thresholds`` simulates three rows of the fidelity benchmark, detects the landmarks
of both passes once, and spots each recording again for every threshold and factor. The table goes
to docs/pipeline.md. Of the thresholds of spotting, these ten decide whether there is a
motion, and where it begins beside something else that moves. None of them changes the landmarks.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from bench.fidelity.rows import STILL, row
from bench.fidelity.spotting import Case, Score, score
from bench.page import Marks, Table, markdown, text, write_page
from fmdata.catalog.types import Recording, Track
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import decode, frame_rate, nominal_rate
from fmdata.pipeline.second_pass import respot
from fmdata.pipeline.second_pass.redetect import Refined, refine
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting import nuisances, phases, signal, spot, timing
from fmdata.synth.simulator.script import Truth
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate

PAGE = Path(__file__).parents[1] / "docs" / "pipeline.md"
MARKS = Marks("sensitivity", "bench-thresholds")
ROWS = ("default", "quarter", "still face strong")
ACTIONS = ("smile", "brow_raise", "jaw_drop", "wink_right", "personal_1")
FACTORS = (2.0, 0.5)


@dataclass(frozen=True)
class Threshold:
    """A constant of a module, a number."""

    module: ModuleType
    name: str

    @property
    def value(self) -> float:
        """Value of the constant."""
        value: float = getattr(self.module, self.name)
        return value

    def __str__(self) -> str:
        folder, module = self.module.__name__.split(".")[-2:]
        return f"{folder}/{module}:{self.name}"


THRESHOLDS = (
    Threshold(phases, "MIN_AMPLITUDE_IOD"),
    Threshold(respot, "VIEWS_NOISE"),
    Threshold(spot, "DOUBTFUL_IOD"),
    Threshold(spot, "BLINK_REMAINDER"),
    Threshold(signal, "SCORE_IOD"),
    Threshold(signal, "WINK_IOD"),
    Threshold(signal, "ROTATION_PRIOR"),
    Threshold(signal, "DOUBTFUL_ROTATION_PRIOR"),
    Threshold(nuisances, "CHANGE_S"),
    Threshold(timing, "MIN_PHASE_IOD"),
)


@dataclass(frozen=True)
class Filmed:
    """A recording with the landmarks of both passes, in memory."""

    truth: Truth
    fps: float
    track: Track
    refined: Refined | None

    def case(self) -> Case:
        """Spot the recording, as a build would."""
        first = spot.spot(self.track, self.fps)
        needed = respot.needs_second_pass(first, self.track)
        if not needed or self.refined is None:
            return Case(self.truth, first.motion)
        second = respot.spot_refined(first, self.track, self.refined, self.fps)
        return Case(self.truth, second.motion)


def settings_of(name: str, subjects: int, seed: int) -> SimulateSettings:
    """Return the settings of a row of the fidelity benchmark, with fewer recordings.

    A row of still faces has twice as many recordings as the others: few of them have a motion.
    """
    subjects *= 2 if name in STILL else 1
    return replace(row(name, 1, seed).settings, subjects=subjects, actions=ACTIONS)


def film(settings: SimulateSettings, landmarker: Landmarker, folder: Path) -> list[Filmed]:
    """Simulate recordings in `folder`, and detect the landmarks of both passes."""
    return [
        film_one(Recording(folder / t.path, t.path, t.subject, t.action, t.take), t, landmarker)
        for t in simulate(folder, settings).truths
    ]


def film_one(recording: Recording, truth: Truth, landmarker: Landmarker) -> Filmed:
    """Detect the landmarks of both passes in a recording."""
    with tempfile.TemporaryDirectory() as work:
        frames, least = decode(recording), BuildSettings().min_detected
        track = follow(frames, landmarker, least, Path(work) / "track.npy")
        track = replace(track, landmarks=track.landmarks[:])
        fps = frame_rate(track.timestamps_s, nominal_rate(recording))
        refined = refine(decode(recording), track, fps, landmarker, Path(work))
        if refined is not None:
            steady = replace(refined.track, landmarks=refined.track.landmarks[:])
            refined = replace(refined, track=steady)
    return Filmed(truth, fps, track, refined)


@contextmanager
def scaled(threshold: Threshold, factor: float) -> Iterator[None]:
    """Multiply a threshold by a factor, in its module and in all modules that import it."""
    value, name = threshold.value, threshold.name
    users = [
        module
        for path, module in sys.modules.items()
        if path.startswith("fmdata.pipeline.") and vars(module).get(name) is value
    ]
    try:
        for module in users:
            setattr(module, name, factor * value)
        yield
    finally:
        for module in users:
            setattr(module, name, value)


def cells(scores: Sequence[Score]) -> list[str]:
    """Return the figures of one line of the table: those of moving rows, then of still faces."""
    *moving, still = scores
    figures = [
        figure
        for s in moving
        for figure in (
            f"{s.onset.mean_absolute:.2f}",
            f"{s.offset.mean_absolute:.2f}",
            f"{s.iou:.3f}",
            f"{100 * s.missed:.3g} %",
        )
    ]
    return [*figures, f"{100 * still.false_alarms:.3g} %"]


def table(rows: Sequence[Sequence[Filmed]], thresholds: Sequence[Threshold]) -> Table:
    """Spot all rows with each threshold doubled and halved; the last row is of still faces."""

    def measured() -> list[str]:
        return cells([score([filmed.case() for filmed in some]) for some in rows])

    lines = [["as it is", "", *measured()]]
    for threshold in thresholds:
        for factor in FACTORS:
            with scaled(threshold, factor):
                value = f"× {factor:g} = {threshold.value:.3g}"
                lines.append([str(threshold), value, *measured()])
    return lines


def head() -> list[str]:
    """Return the head of the table."""
    measures = ("onset", "offset", "IoU", "missed")
    moving = [f"{name}: {measure}" for name in ROWS[:-1] for measure in measures]
    return ["threshold", "value", *moving, f"{ROWS[-1]}: motions"]


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="bench.thresholds", description=__doc__)
    parser.add_argument("--subjects", type=int, default=2, help="subjects of each row")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PAGE, help="page to write")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    landmarker = open_landmarker(BuildSettings().landmarks)
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            film(settings_of(name, options.subjects, options.seed), landmarker, Path(folder) / name)
            for name in ROWS
        ]
    lines = [head(), *table(rows, THRESHOLDS)]
    print(text(lines))
    command = f"python -m bench.thresholds --subjects {options.subjects} --seed {options.seed}"
    counts = ", ".join(
        f"{len(some)} recordings of the row {name}" for name, some in zip(ROWS, rows, strict=True)
    )
    sentence = (
        f"`{command}`: {counts}. Onset and offset: mean absolute error in frames. Missed: motions "
        "of which no frame is found. Motions: still faces in which a motion is found."
    )
    write_page(options.out, f"{sentence}\n\n{markdown(lines)}", MARKS)
    print(f"\n{time.monotonic() - began:.0f} s; written: {options.out}")


if __name__ == "__main__":
    main(sys.argv[1:])
