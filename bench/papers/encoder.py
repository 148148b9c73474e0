"""2022, Table 1: extractors, losses, random trimming."""

from dataclasses import replace
from pathlib import Path

from bench.papers.data import EXPRESSIONS, PERSONAL
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import LandmarkSettings

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


def extractors(scale: float) -> dict[str, tuple[str, LandmarkSettings]]:
    """Return the extractors that the comparisons share: the dataset and settings of each."""
    many = LandmarkSettings(epochs=10, steps=_scaled(40, scale))
    return {
        "SFE-L": (PERSONAL, many),
        # The paper's SFE-E comes from other people's pictures of expressions, and so does ours.
        "SFE-E": (EXPRESSIONS, replace(many, task="expressions")),
    }


def tables(extractor_runs: dict[str, Path], scale: float) -> list[Table]:
    """Return the paper's comparison, its extractors in folders of finished runs."""
    shapes = {
        name: EncoderSettings().from_json({"landmarks": _shape(settings)}).landmarks
        for name, (_, settings) in extractors(scale).items()
    }

    def row(sfe: str, loss: str, trimming: bool) -> Row:
        settings = EncoderSettings(
            extractor=str(extractor_runs[sfe]),
            landmarks=shapes[sfe],
            epochs=6,
            steps=_scaled(40, scale),
            loss=loss,
            trimming=trimming,
        )
        name = f"{sfe}, {loss.replace('_', '-')}, {'trimmed' if trimming else 'as it is'}"
        paper = dict(zip(NUMBERS, PAPER[sfe, loss, trimming], strict=True))
        return Row(name, settings, paper)

    rows = [row(*which) for which in PAPER]
    best = "SFE-L, contrastive, trimmed"
    ap = NUMBERS[0]
    claims = [
        Claim("SFE-L is better than SFE-E", best, "SFE-E, contrastive, trimmed", ap),
        Claim("also with N-pair", "SFE-L, n-pair, trimmed", "SFE-E, n-pair, trimmed", ap),
        Claim("contrastive is better than N-pair on SFE-L", best, "SFE-L, n-pair, trimmed", ap),
        Claim("random trimming helps", best, "SFE-L, contrastive, as it is", ap),
    ]
    about = (
        "Full clips of held-out subjects, all within-subject pairs. SFE-L learnt the shards' "
        "landmarks of the training subjects, SFE-E which of seven expressions other faces show."
    )
    return [Table("2022, Table 1", about, "encoder", PERSONAL, NUMBERS, rows, claims)]


def _shape(settings: LandmarkSettings) -> dict[str, object]:
    values = settings.to_json()
    return {name: v for name, v in values.items() if name not in ("seed", "hold_out")}


def _scaled(steps: int, scale: float) -> int:
    return max(1, round(steps * scale))
