"""2022, Table 1: extractors, losses, random trimming; Table 2: lip movements."""

from dataclasses import replace

from bench.papers.data import EXPRESSIONS, LIPS, PERSONAL
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, LandmarkSettings

NUMBERS = ("average_precision", "peak_f1")
# Extractor, loss, trimming: AP and peak F1 of the paper.
PAPER = {
    ("SFE-E", "contrastive", True): (0.967, 0.914),
    ("SFE-E", "contrastive", False): (0.966, 0.912),
    ("SFE-E", "n_pair", True): (0.969, 0.918),
    ("SFE-E", "n_pair", False): (0.969, 0.914),
    ("SFE-L", "contrastive", True): (0.988, 0.959),
    ("SFE-L", "contrastive", False): (0.987, 0.955),
    ("SFE-L", "n_pair", True): (0.986, 0.957),
    ("SFE-L", "n_pair", False): (0.986, 0.955),
}
# Motions trained on and measured on, of facial motions (FM) and lip movements (LM).
LIP_PAPER = {
    ("LM", "LM"): (0.819, 0.742),
    ("FM, LM", "LM"): (0.816, 0.741),
    ("FM, LM", "FM"): (0.984, 0.951),
    ("FM", "FM"): (0.988, 0.959),
}
MOTIONS = {"FM": "personal_*", "LM": "word_*", "FM, LM": "*"}

AP, BEST = NUMBERS[0], "SFE-L, contrastive, trimmed"
SFE_LIPS = "SFE-L, lips"


def extractors(scale: float) -> dict[str, tuple[str, LandmarkSettings]]:
    """Return the extractors that the comparisons share: the dataset and settings of each."""
    many = LandmarkSettings(**shape(scale).to_json())
    return {
        "SFE-L": (PERSONAL, many),
        # The people of both sets are the same, so each needs an extractor for each of its folds.
        SFE_LIPS: (LIPS, many),
        # As in the paper, SFE-E is trained on expressions of other people.
        "SFE-E": (EXPRESSIONS, replace(many, task="expressions")),
    }


def shape(scale: float) -> ExtractorSettings:
    """Return the settings of the extractors, also for the recipes that take one."""
    return ExtractorSettings(epochs=10, steps=max(1, round(40 * scale)))


def tables(scale: float) -> list[Table]:
    """Return the paper's comparisons, with `scale` times the steps of the page."""
    return [_extractors_and_losses(scale), _lip_movements(scale)]


def settings(scale: float) -> EncoderSettings:
    """Return the settings of all rows: 1,500 steps, and the paper's best extractor."""
    return EncoderSettings(
        extractor="SFE-L",
        landmarks=shape(scale),
        epochs=10,
        steps=max(1, round(150 * scale)),
        rate=1e-3,
    )


def _extractors_and_losses(scale: float) -> Table:
    def row(sfe: str, loss: str, trimming: bool) -> Row:
        changed = replace(settings(scale), extractor=sfe, loss=loss, trimming=trimming)
        name = f"{sfe}, {loss.replace('_', '-')}, {'trimmed' if trimming else 'as it is'}"
        return Row(name, changed, dict(zip(NUMBERS, PAPER[sfe, loss, trimming], strict=True)))

    claims = [
        Claim("SFE-L is better than SFE-E", BEST, "SFE-E, contrastive, trimmed", AP),
        Claim("also with N-pair", "SFE-L, n-pair, trimmed", "SFE-E, n-pair, trimmed", AP),
        Claim("contrastive is better than N-pair on SFE-L", BEST, "SFE-L, n-pair, trimmed", AP),
        Claim("random trimming helps", BEST, "SFE-L, contrastive, as it is", AP),
    ]
    about = (
        "Full clips of held-out subjects, all within-subject pairs. SFE-L is trained on the "
        "landmarks of each fold's training subjects, SFE-E once, to classify seven expressions of "
        "other faces."
    )
    rows = [row(*which) for which in PAPER]
    return Table("2022, Table 1", about, "encoder", PERSONAL, NUMBERS, rows, claims)


def _lip_movements(scale: float) -> Table:
    full = replace(settings(scale), extractor=SFE_LIPS)
    rows = [
        Row(
            f"{trained} → {measured}",
            replace(full, train_on=MOTIONS[trained], measure_on=MOTIONS[measured]),
            dict(zip(NUMBERS, paper, strict=True)),
        )
        for (trained, measured), paper in LIP_PAPER.items()
    ]
    lips, both_lips, both_faces, faces = (row.name for row in rows)
    claims = [
        Claim("facial motions are verified better than lip movements", faces, lips, AP),
        Claim("training on facial motions too does not help lip movements", lips, both_lips, AP),
        Claim("training on lip movements too harms facial motions", faces, both_faces, AP),
    ]
    about = (
        "Motions trained on → measured on: facial motions (FM) or lip movements (LM), by the same "
        "subjects. A lip movement is a word of two to four syllables, of an opening and a rounding "
        "mouth with few levels, so that two words of a subject may look alike. SFE-L is trained "
        "on the landmarks of the training subjects, in both kinds of motion. The paper has the "
        "last row in its Table 1."
    )
    return Table("2022, Table 2", about, "encoder", LIPS, NUMBERS, rows, claims)
