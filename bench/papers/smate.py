"""SMaTE: Table 2 (positions of time), Tables 3 and 4 (input and augmentation), and Fig. 2."""

from dataclasses import replace

from bench.papers.data import EXPRESSIONS
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.smate import SmateSettings

ACCURACY = "accuracy"
LATE = ACCURACY, "accuracy_late_4", "accuracy_late_3"
# Passes over the training clips; a pass over originals and copies has twice as many clips.
EPOCHS = {"original": 64, "augmented": 48, "mixed": 96}
# Accuracy on CK+, the paper's set of posed expressions.
POSITIONS = {"bert": ("BERT", 0.4242), "tpe1": ("TPE-v1", 0.4318), "tpe2": ("TPE-v2", 0.4393)}
# Each row adds to the rows above it.
STEPS = {
    "Original": {"input": "colour", "clips": "original"},
    "LBP": {"input": "lbp", "clips": "original"},
    "Crop, flip, rotate, colour jitter": {"input": "lbp", "clips": "augmented"},
    "Mixed-token embedding": {"input": "lbp", "clips": "mixed"},
}
MOTION = "Motion input"
PROGRESS = {
    "bert": (0.4242, 0.5495, 0.9197, 0.9839),
    "tpe2": (0.4393, 0.6335, 0.9538, 0.9919),
}


def tables(scale: float) -> list[Table]:
    """Return the paper's comparisons, with `scale` times the epochs of the page."""
    return [
        _positions(scale),
        _progress("SMaTE 2022, Table 3", "bert", scale),
        _progress("SMaTE 2022, Table 4", "tpe2", scale),
        _late_starts(scale),
    ]


def _settings(scale: float, *, input: str, clips: str) -> SmateSettings:
    epochs = max(1, round(EPOCHS[clips] * scale))
    # Every third of 15 frames a second halves the work of a clip, and allows more epochs.
    return SmateSettings(frames=12, stride=3, epochs=epochs, batch=16, input=input, clips=clips)


def _positions(scale: float) -> Table:
    original = _settings(scale, **STEPS["Original"])
    rows = [
        Row(name, replace(original, positions=kind), {ACCURACY: paper})
        for kind, (name, paper) in POSITIONS.items()
    ]
    # Equivalent to TPE with its value added equally to all components of a token.
    rows.append(Row("none", replace(original, positions="none")))
    claims = [
        Claim("TPE-v2 is better than learnt positions", "TPE-v2", "BERT", ACCURACY),
        Claim("TPE-v1 is better than learnt positions", "TPE-v1", "BERT", ACCURACY),
        Claim("TPE-v2 is better than TPE-v1", "TPE-v2", "TPE-v1", ACCURACY),
    ]
    about = (
        "Seven shared actions of simulated subjects, held-out subjects' clips. The paper's network "
        "is ViViT-B pretrained on Kinetics-400; ours is small and has random initial weights. A "
        "value added equally to all components of a token, as Eq. 9 and 10 read, is removed by the "
        "layer normalisation and so equals `none`; here TPE is added with alternating sign."
    )
    return _table("SMaTE 2022, Table 2", about, (ACCURACY,), rows, claims)


def _progress(title: str, positions: str, scale: float) -> Table:
    rows = [
        Row(name, replace(_settings(scale, **step), positions=positions), {ACCURACY: paper})
        for (name, step), paper in zip(STEPS.items(), PROGRESS[positions], strict=True)
    ]
    rows.append(Row(MOTION, replace(rows[0].settings, motion_input=True)))
    original, lbp, augmented, mixed = STEPS
    claims = [
        Claim("LBP is better than colour", lbp, original, ACCURACY),
        Claim("augmentation helps", augmented, lbp, ACCURACY),
        Claim("mixing tokens helps further", mixed, augmented, ACCURACY),
        Claim("all of it is better than none of it", mixed, original, ACCURACY),
    ]
    about = (
        f"Positions of time: {POSITIONS[positions][0]}. Each row but the last adds to the rows "
        "above it. The last, which the paper has not, is the first with each clip's mean over time "
        "subtracted: what remains is motion."
    )
    return _table(title, about, (ACCURACY,), rows, claims)


def _late_starts(scale: float) -> Table:
    settings = _settings(scale, **STEPS["Mixed-token embedding"])
    rows = [
        Row("whole clips", settings),
        Row("and late starts", replace(settings, late_starts=True)),
    ]
    claims = [
        Claim(f"training on late starts helps where clips begin {where}", rows[1].name,
              rows[0].name, number)
        for where, number in zip(("whole", "at 1/4", "at 1/3"), LATE, strict=True)
    ]  # fmt: skip
    about = (
        "Clips that begin at 1/4 and 1/3 of the way to the apex show less of the neutral face. The "
        "paper shows this figure, without numbers, for an EfficientNet; ours is for its own "
        "network."
    )
    return _table("SMaTE 2022, Figure 2", about, LATE, rows, claims)


def _table(
    title: str, about: str, numbers: tuple[str, ...], rows: list[Row], claims: list[Claim]
) -> Table:
    return Table(title, about, "smate", EXPRESSIONS, numbers, rows, claims)
