"""A contact sheet: people at rest and turned, and one row of expressions."""

import numpy as np

from bench.heads.stage import People
from fmdata.synth.simulator.face.expressions import EXPRESSIONS

SIDE, COLUMNS, ROWS = 160, 8, 3
SHOWN = (
    "smile", "brow_raise", "jaw_drop", "pucker", "smirk_left", "nose_wrinkle", "brow_furrow",
    "wink_left",
)  # fmt: skip


def draw_sheet(seed: int) -> np.ndarray:
    """Draw the sheet, uint8 [(ROWS + 1) * SIDE, COLUMNS * SIDE, 3]."""
    rng = np.random.default_rng(seed)
    people = People(COLUMNS * ROWS, SIDE, seed)
    pictures = [
        people.picture(k, {}, float(rng.uniform(-35, 35)) * (k % 2), float(rng.uniform(-8, 8)))
        for k in range(COLUMNS * ROWS)
    ]
    for k, name in enumerate(SHOWN):
        expression = EXPRESSIONS[name]
        weights = {pull.unit: pull.weight for pull in expression.pulls}
        weights |= {"eyeBlinkLeft": expression.left_lid} if expression.left_lid else {}
        pictures.append(people.picture(COLUMNS + k, weights))
    lines = [np.hstack(pictures[r : r + COLUMNS]) for r in range(0, len(pictures), COLUMNS)]
    return np.vstack(lines)
