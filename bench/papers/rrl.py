"""RRL (2023), Table 3: regions and relations added to a global view."""

from dataclasses import replace

from bench.papers.data import EXPRESSIONS
from bench.papers.designs import SUPERVISED, UNTRAINED
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.rrl import RrlSettings

NUMBERS = ("f1", "f1_always", "auc", "n_units")
EPOCHS, STEPS = 10, 300
GLOBAL, LOCAL = "global", "global, local"
CORRELATION, ALL = "global, correlation", "global, local, correlation"


def tables(scale: float) -> list[Table]:
    """Return the paper's ablation, with `scale` times the steps of the page."""
    full = RrlSettings(truth=EXPRESSIONS, epochs=EPOCHS, steps=max(1, round(STEPS * scale)))
    rows = [
        Row(GLOBAL, replace(full, local_weight=0.0, relation_weight=0.0), {"f1": 0.480}),
        Row(LOCAL, replace(full, relation_weight=0.0), {"f1": 0.489}),
        Row(CORRELATION, replace(full, local_weight=0.0), {"f1": 0.495}),
        Row(ALL, full, {"f1": 0.502}),
        Row(UNTRAINED, replace(full, epochs=0)),
        Row(SUPERVISED, replace(full, supervised=True)),
    ]
    claims = [
        Claim("local learning helps", LOCAL, GLOBAL, "f1"),
        Claim("correlation learning helps", CORRELATION, GLOBAL, "f1"),
        Claim("both help more than local learning alone", ALL, LOCAL, "f1"),
        Claim("both help more than correlation learning alone", ALL, CORRELATION, "f1"),
        Claim("all together is better than a global view alone", ALL, GLOBAL, "f1"),
    ]
    about = (
        "Mean F1 of action units on held-out subjects, by a linear classifier on a frozen encoder. "
        "The paper's is of BP4D's labels; here the labels are the true units of drawn heads, above "
        "0.15 of full scale, for those that 5 to 50 % of the training frames show. A unit is found "
        "above the threshold at which F1 is highest on training subjects. `f1_always` predicts "
        "every unit in every frame; without pretraining, the encoder has random weights; full "
        "supervision trains the same network on the labels, and is the ceiling."
    )
    return [Table("RRL 2023, Table 3", about, "rrl", EXPRESSIONS, NUMBERS, rows, claims)]
