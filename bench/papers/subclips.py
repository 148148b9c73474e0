"""2023: contrastive subclips before fine-tuning (figure 5), and the grid of margins (figure 4)."""

from dataclasses import replace
from itertools import product

from bench.papers.data import PERSONAL
from bench.papers.encoder import shape
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.subclips import SubclipsSettings

AP = "average_precision"
BASELINE, SS, SS_PLUS = "baseline", "SS", "SS+"
PRETRAINING = {BASELINE: "none", SS: "twins", SS_PLUS: "subclips"}
# The average precision of the paper, at its best margins.
PAPER = {BASELINE: 0.859, SS_PLUS: 0.897}
# 3,000 steps of pretraining and 3,000 of fine-tuning.
EPOCHS_OF_A_PHASE, STEPS = 10, 300
BEST, SENSITIVE = (0.2, 0.3), ((0.2, 0.2), (0.3, 0.5), (0.5, 0.5))  # m_p, m_n named in the text


def tables(scale: float) -> list[Table]:
    """Return both figures, with `scale` times the steps of the page."""
    steps = max(1, round(STEPS * scale))
    full = SubclipsSettings(
        extractor="SFE-L",
        landmarks=shape(scale),
        stride=1,
        epochs=EPOCHS_OF_A_PHASE,
        steps=steps,
        pretraining_epochs=EPOCHS_OF_A_PHASE,
        pretraining_steps=steps,
        pairs=16,
    )
    return [_pretraining(full), _margins(full)]


def _pretraining(full: SubclipsSettings) -> Table:
    rows = [
        Row(kind, replace(full, pretraining=PRETRAINING[kind]), _paper(kind))
        for kind in PRETRAINING
    ]
    claims = [
        Claim("contrastive subclips before fine-tuning help", SS_PLUS, BASELINE, AP),
        Claim("they do more than twins of whole clips", SS_PLUS, SS, AP),
    ]
    about = (
        "Compounds of held-out subjects, all within-subject pairs. The baseline is fine-tuned from "
        "scratch, SS after twins of whole clips, SS+ after twins of contrastive subclips. Twins "
        "differ in colour, blur, padding, tempo, amplitude and their ends, the paper's in the "
        "first three."
    )
    numbers = (AP, "peak_f1")
    return Table("2023, Figure 5", about, "subclips", PERSONAL, numbers, rows, claims)


def _margins(full: SubclipsSettings) -> Table:
    rows = [
        Row(
            _name(kind, (m_p, m_n)),
            replace(full, pretraining=PRETRAINING[kind], positive_margin=m_p, negative_margin=m_n),
            _paper(kind) if (m_p, m_n) == BEST else {},
        )
        for kind, (m_p, m_n) in product((BASELINE, SS_PLUS), (BEST, *SENSITIVE))
    ]
    claims = [
        Claim(
            f"the baseline is worse with {m_p} and {m_n} than with 0.2 and 0.3",
            _name(BASELINE, BEST),
            _name(BASELINE, (m_p, m_n)),
            AP,
        )
        for m_p, m_n in SENSITIVE
    ] + [
        Claim(
            f"SS+ is better than the baseline with {m_p} and {m_n}",
            _name(SS_PLUS, (m_p, m_n)),
            _name(BASELINE, (m_p, m_n)),
            AP,
        )
        for m_p, m_n in SENSITIVE
    ]
    about = (
        "The same with other margins of Eq. 2, m_p and m_n: those that the paper's text names, of "
        "the ten pairs of its figure. The paper gives one number, and finds SS+ less sensitive."
    )
    return Table("2023, Figure 4", about, "subclips", PERSONAL, (AP,), rows, claims)


def _name(kind: str, margins: tuple[float, float]) -> str:
    return f"{kind}, {margins[0]} and {margins[1]}"


def _paper(kind: str) -> dict[str, float]:
    return {AP: PAPER[kind]} if kind in PAPER else {}
