"""The same measures on recordings of real people, which are not part of the repository.

The boundaries of a spoken sentence follow from its word timings. The boundaries of eleven
deliberate motions were marked by two raters, by looking at pixels alone: an onset from the earlier
mark to the main rise is right, and the offset is the mean of both marks.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.fidelity.measure import BUILD, CODE, plain_case
from bench.fidelity.plain import METHODS, OURS
from bench.fidelity.spotting import Case
from bench.kept import kept
from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.keys import action_key
from fmdata.catalog.types import Motion
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import RunSettings
from fmdata.synth.simulator.script import Truth

# Speaker, sentence, first frame of speech, first frame after it.
SENTENCE = ("speaker", "swwp2s", 12, 55)
COLUMNS = ("path", "subject", "action", "take", "start", "stop")


@dataclass(frozen=True)
class Marked:
    """A marked motion, in frames of its uncut source; a row of ``motions/recordings.csv``.

    Attributes
    ----------
    row : dict of str to str
        Columns of the row that a build reads.
    onset, rise : int
        The earlier rater's first visible change, and the main rise.
    offset : float or None
        Mean of the raters' first frames back at rest; None for a motion held to the stop.
    """

    row: dict[str, str]
    onset: int
    rise: int
    offset: float | None

    @property
    def key(self) -> str:
        """Key of the clip."""
        return action_key(self.row["subject"], self.row["action"], self.row["take"])

    def truth(self, fps: float, n_frames: int) -> Truth:
        """Return the truth of the clip of `n_frames`, in frames of the clip."""
        cut = self.cut(fps)
        held = self.offset is None
        return Truth(
            path=f"{self.row['subject']}, {self.row['action']}",
            subject=self.row["subject"],
            action=self.row["action"],
            take=self.row["take"],
            fps=fps,
            n_frames=n_frames,
            onset=self.onset - cut,
            apex=None,
            release=None,
            offset=n_frames if self.offset is None else round(self.offset) - cut,
            style="hold" if held else "return",
            amplitude=1.0,
            rise=self.rise - cut,
        )

    def case(self, motion: Motion | None, fps: float, n_frames: int) -> Case:
        """Return the clip's case, for the motion found in it."""
        offset = None if self.offset is None else self.offset - self.cut(fps)
        return Case(self.truth(fps, n_frames), motion, offset=offset)

    def cut(self, fps: float) -> int:
        """Return the source's frame that is the clip's first."""
        return round(float(self.row["start"]) * fps)


def read_marks(table: Path) -> list[Marked]:
    """Read the table of marked motions."""
    with table.open(newline="") as file:
        return [
            Marked(
                row={name: row[name] for name in COLUMNS},
                onset=min(map(int, row["onset_raters"].split("|"))),
                rise=int(row["rise"]),
                offset=float(row["offset"]) if row["offset"] else None,
            )
            for row in csv.DictReader(file)
        ]


def spoken(data: Path, folder: Path) -> Case:
    """Build the spoken sentence of `data` in `folder`."""
    speaker, name, onset, offset = SENTENCE
    rows = [("path", "subject", "action", "take"), (f"{name}.mpg", speaker, name, "01")]
    clips = _built(data / "grid", folder, "sentence", rows)
    clip = clips[action_key(speaker, name, "01")]
    row = {"subject": speaker, "action": name, "take": "01", "start": "0"}
    truth = Marked(row, onset, onset, offset).truth(clip.fps, clip.n_frames)
    return Case(replace(truth, path=name), clip.motion)


def marked(data: Path, folder: Path) -> dict[str, list[Case]]:
    """Build the marked motions of `data` in `folder`; return their cases by the method's name.

    Frames are those of the clip.
    """
    marks = read_marks(data / "motions" / "recordings.csv")
    # The build gets no marks: only where each recording starts and stops.
    rows = [COLUMNS, *(tuple(mark.row.values()) for mark in marks)]
    clips = _built(data / "motions", folder, "motions", rows)
    cases: dict[str, list[Case]] = {name: [] for name in (OURS, *METHODS)}
    for mark in marks:
        clip = clips[mark.key]
        case = mark.case(clip.motion, clip.fps, clip.n_frames)
        cases[OURS].append(case)
        for name in METHODS:
            cases[name].append(plain_case(case, clip, name))
    return cases


def _built(
    raw: Path, folder: Path, name: str, rows: Sequence[tuple[str, ...]]
) -> dict[str, ActionClip]:
    """Build the recordings of a table in `folder`, or reuse a build; return clips by key."""
    folder.mkdir(parents=True, exist_ok=True)
    out = kept(folder, name, BUILD.to_json(), CODE)
    table = folder / f"{name}.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    build(raw, out, BUILD, RunSettings(workers=1), table=table)
    return {clip.key: clip for clip in Dataset(out).actions}
