"""PCL's Table 5, the parts of the method added one after another, and the poses of its Table 4.

The paper's numbers are accuracies on RAF-DB and degrees on AFLW2000: only the order of the rows is
comparable, not the numbers. Its first row has colour views and crops but no mirroring, as here.
"""

from dataclasses import replace

from bench.papers.data import TURNED
from bench.papers.designs import SUPERVISED, UNTRAINED
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.pcl import PclSettings

EPOCHS, STEPS = 10, 400
SHAPE = ("size=64", "width=0.25", "frames=20")
SIMCLR, DIS, ORTH, POSE, FULL = (
    "SimCLR",
    "+ reconstruction (Eq. 2)",
    "+ orthogonality (Eq. 3)",
    "+ pose contrast (Eq. 5)",
    "+ dynamic weights (PCL)",
)

_TABLE = Table(
    title="PCL 2023, Tables 5 and 4",
    about="What each part adds, one after another. Expressions are eight, of single frames of "
    "held-out subjects; degrees are mean absolute errors, and the last column is that of "
    "always predicting the mean. Heads turn by up to 40 degrees, in crops that are not aligned. "
    "The last two rows are not the paper's: random weights, and the same network trained on the "
    "labels, the ceiling.",
    recipe="pcl",
    dataset=TURNED,
    numbers=(
        "accuracy",
        "chance_accuracy",
        "yaw_error_deg",
        "pitch_error_deg",
        "roll_error_deg",
        "pose_error_deg",
        "constant_pose_error_deg",
    ),
    rows=(
        Row(
            SIMCLR,
            PclSettings(
                reconstruction=False,
                orthogonality="none",
                pose_contrast=False,
                dynamic_weights=False,
            ),
            {
                "accuracy": 0.7106,
                "yaw_error_deg": 11.20,
                "pitch_error_deg": 19.86,
                "roll_error_deg": 12.08,
                "pose_error_deg": 14.38,
            },
        ),
        Row(
            DIS,
            PclSettings(orthogonality="none", pose_contrast=False, dynamic_weights=False),
            {"accuracy": 0.7147},
        ),
        Row(ORTH, PclSettings(pose_contrast=False, dynamic_weights=False), {"accuracy": 0.7239}),
        Row(POSE, PclSettings(dynamic_weights=False), {"accuracy": 0.7373}),
        Row(
            FULL,
            PclSettings(),
            {
                "accuracy": 0.7447,
                "yaw_error_deg": 9.86,
                "pitch_error_deg": 16.59,
                "roll_error_deg": 10.62,
                "pose_error_deg": 12.36,
            },
        ),
    ),
    claims=(
        Claim("reconstruction helps expressions", DIS, SIMCLR, "accuracy"),
        Claim("orthogonal features help expressions", ORTH, DIS, "accuracy"),
        Claim("contrasting poses helps expressions", POSE, ORTH, "accuracy"),
        Claim("dynamic weights help expressions", FULL, POSE, "accuracy"),
        Claim("PCL classifies expressions better than SimCLR", FULL, SIMCLR, "accuracy"),
        Claim("SimCLR errs more in the pose than PCL", SIMCLR, FULL, "pose_error_deg"),
    ),
)


def tables(scale: float) -> list[Table]:
    """Return the paper's ablation and two anchors, with `scale` times the steps of the page."""
    length = [f"epochs={EPOCHS}", f"steps={max(1, round(STEPS * scale))}", *SHAPE]
    rows = [replace(row, settings=row.settings.replaced(length)) for row in _TABLE.rows]
    best = next(row for row in rows if row.name == FULL).settings
    rows += [
        Row(UNTRAINED, replace(best, epochs=0)),
        Row(SUPERVISED, replace(best, supervised=True)),
    ]
    return [replace(_TABLE, rows=rows)]
