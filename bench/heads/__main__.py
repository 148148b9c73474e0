"""Draws many people and measures what the landmark network sees of what is true.

Faces found and yaw read, by the true turn of the head; the score of each of ARKit's units, at rest
and at weight 1; processor time a frame, beside that of MediaPipe on the same frames. ``python -m
bench.heads`` writes the figures of docs/heads.md, and its picture.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from bench.heads.sheet import draw_sheet
from bench.heads.stage import People, Weights
from bench.page import Marks, Table, markdown, text, write_page
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face
from fmdata.synth.simulator.face.units import UNITS
from fmdata.train.action_units.stand_ins import BLENDSHAPES

PAGE = Path(__file__).parents[2] / "docs" / "heads.md"
MARKS = Marks("heads", "bench-heads")
SIZE = 256
TURNS = (-40, -35, -20, 0, 20, 35, 40)
NODS = (-15, 15)
_SIDES = ("Left", "Right")
_DIRECTIONS = ("jaw", "mouth")  # to the left and to the right are two motions, not one


def main() -> None:
    """Measure, print, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    people = People(options.people, SIZE, options.seed)
    seen = Seen(people)
    found, scores = turns_table(seen), units_table(seen)
    times = [
        ["", "ms a frame"],
        [f"drawing, {SIZE} px", f"{1000 * np.median(people.seconds):.1f}"],
        ["MediaPipe on the same frames", f"{1000 * np.median(seen.seconds):.1f}"],
    ]
    tables = {
        "Turns of the head": found,
        "Units": scores,
        "Processor time, one thread": times,
    }
    for title, table in tables.items():
        print(f"\n{title}\n{text(table)}")
    figures = [f"## {title}\n\n{markdown(table)}" for title, table in tables.items()]
    command = f"`python -m bench.heads --people {options.people} --seed {options.seed}`"
    write_page(PAGE, "\n\n".join([f"{command}, {SIZE} px.", *figures]), MARKS)
    picture = PAGE.with_suffix(".jpg")
    cv2.imwrite(str(picture), draw_sheet(options.seed)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])


class Seen:
    """MediaPipe, looking at people.

    Parameters
    ----------
    people : People
        Who is looked at.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        self._landmarker = open_landmarker("mediapipe")
        self.seconds: list[float] = []

    def faces(self, weights: Weights, yaw: float = 0.0, pitch: float = 0.0) -> list[Face | None]:
        """Return the face of each person; None where none is found."""
        found: list[Face | None] = []
        for picture in self._people.pictures(weights, yaw, pitch):
            start = time.process_time()
            faces = self._landmarker.detect(picture)
            self.seconds.append(time.process_time() - start)
            found.append(faces[0] if faces else None)
        return found


def turns_table(seen: Seen) -> Table:
    """Return the share of faces found, and the angle that is read, by the true angle."""
    rows = [["true angle", "faces found", "read, mean", "standard deviation over people"]]
    for name, axis, angles in (("yaw", 0, TURNS), ("pitch", 1, NODS)):
        for angle in angles:
            faces = seen.faces({}, **{name: angle})
            read = np.array([face.pose[axis] for face in faces if face is not None])
            share = 100 * len(read) / len(faces)
            rows.append(
                [
                    f"{name} {angle:+d}°",
                    f"{share:.0f} %",
                    f"{read.mean():+.1f}°",
                    f"{read.std():.1f}°",
                ]
            )
    return rows


def units_table(seen: Seen) -> Table:
    """Return the scores of each unit at rest and at weight 1, both sides together."""
    rest = seen.faces({})
    rows = [["unit", "at rest", "at weight 1", "least of the people", "faces lost"]]
    for stem, names in _pairs().items():
        index = [BLENDSHAPES.index(name) for name in names if name in BLENDSHAPES]
        if not index:
            continue
        full = seen.faces(dict.fromkeys(names, 1.0))
        pairs = [(a, b) for a, b in zip(rest, full, strict=True) if a and b]
        before, after = (np.array([face.blendshapes[index].mean() for face in faces])
                         for faces in zip(*pairs, strict=True))  # fmt: skip
        cells = [before.mean(), after.mean(), after.min()]
        rows.append([stem, *(f"{cell:.2f}" for cell in cells), str(full.count(None))])
    return rows


def _pairs() -> dict[str, list[str]]:
    """Return the units of both sides by their common name, and the others by their own."""
    pairs: dict[str, list[str]] = {}
    for name in UNITS:
        stem = name.removesuffix("Left").removesuffix("Right")
        pairs.setdefault(name if stem in _DIRECTIONS else stem, []).append(name)
    return pairs


if __name__ == "__main__":
    main()
