"""The same measures on recordings of real people, which are not part of the repository.

The boundaries of a spoken sentence follow from its word timings. The boundaries of posed actions
were annotated by eye, with an accuracy of one or two frames.
"""

import csv
from dataclasses import replace
from pathlib import Path

from bench.fidelity.measure import BUILD, CODE
from bench.fidelity.spotting import Case
from bench.kept import kept
from fmdata.catalog import Dataset
from fmdata.catalog.keys import action_key
from fmdata.catalog.types import Motion
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import RunSettings
from fmdata.synth.simulator.script import Truth

# Speaker, sentence, first frame of speech, first frame after it.
SENTENCE = ("speaker", "swwp2s", 12, 55)


def spoken(data: Path, folder: Path) -> Case:
    """Build the spoken sentence of `data` in `folder`."""
    speaker, name, onset, offset = SENTENCE
    folder.mkdir(parents=True, exist_ok=True)
    out = kept(folder, "sentence", BUILD.to_json(), CODE)
    table = folder / "recordings.csv"
    with table.open("w", newline="") as file:
        rows = [("path", "subject", "action", "take"), (f"{name}.mpg", speaker, name, "01")]
        csv.writer(file).writerows(rows)
    build(data / "grid", out, BUILD, RunSettings(workers=1), table=table)
    clip = Dataset(out).actions[action_key(speaker, name, "01")]
    return Case(_truth(name, clip.fps, clip.n_frames, onset, offset), clip.motion)


def posed(data: Path, folder: Path) -> list[Case]:
    """Build the posed actions of `data` in `folder`; frames are counted in the uncut source."""
    out = kept(folder, "actions", BUILD.to_json(), CODE)
    build(data / "actions", out, BUILD, RunSettings(workers=1))
    clips = Dataset(out).actions
    cases = []
    with (data / "actions" / "recordings.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            clip = clips[action_key(row["subject"], row["action"], row["take"])]
            cut = round(float(row["start"]) * clip.fps)
            truth = _truth(
                f"{row['subject']}, {row['action']}",
                clip.fps,
                clip.n_frames,
                int(row["onset"]),
                int(row["offset"]),
            )
            cases.append(Case(truth, _shifted(clip.motion, cut)))
    return cases


def _truth(name: str, fps: float, n_frames: int, onset: int, offset: int) -> Truth:
    return Truth(
        path=name,
        subject=name,
        action=name,
        take="01",
        fps=fps,
        n_frames=n_frames,
        onset=onset,
        apex=None,
        release=None,
        offset=offset,
        style="",
        amplitude=1.0,
    )


def _shifted(motion: Motion | None, frames: int) -> Motion | None:
    if motion is None:
        return None
    onset, apex, offset = (f + frames for f in (motion.onset, motion.apex, motion.offset))
    return replace(motion, onset=onset, apex=apex, offset=offset)
