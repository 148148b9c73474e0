"""2023: contrastive subclips before fine-tuning (figure 5), and the grid of margins (figure 4)."""

from itertools import product

from bench.papers.data import PERSONAL
from bench.papers.job import Claim, Row, Table
from fmdata.train.recipes.subclips import SubclipsSettings

BASELINE, SS, SS_PLUS = "baseline", "SS: twins", "SS+: contrastive subclips"
PRETRAINING = {BASELINE: "none", SS: "twins", SS_PLUS: "subclips"}
MARGINS = 0.1, 0.2, 0.3, 0.5
AP, EPOCHS = "average_precision", "epochs_to_0.8"
BEST = 0.859, 0.897  # of the baseline and of SS+, as the text has them


def grid(kind: str) -> Table:
    """Figure 4 for one kind of pretraining: m_p, then m_n, and where the paper gives a number."""
    paper = {BASELINE: BEST[0], SS_PLUS: BEST[1]}[kind]
    rows = [
        Row(
            margins(m_p, m_n),
            SubclipsSettings(
                pretraining=PRETRAINING[kind], positive_margin=m_p, negative_margin=m_n
            ),
            {AP: paper} if (m_p, m_n) == (0.2, 0.3) else {},
        )
        for m_p, m_n in product(MARGINS, MARGINS)
    ]
    return Table(
        f"2023, Figure 4: {kind}",
        "Distance margins of Eq. 2. The paper draws ten of the sixteen pairs and prints the average "
        "precision of one.",
        "subclips",
        PERSONAL,
        (AP,),
        rows,
        GRID_CLAIMS[kind],
        seeds=(0,),
    )


def margins(m_p: float, m_n: float) -> str:
    """Return what the grid's line is called."""
    return f"m_p {m_p}, m_n {m_n}"


# What section 4 says of single pairs of margins. That SS+ depends less on them is the grids'
# spread, to be read off both tables.
GRID_CLAIMS = {
    BASELINE: [
        Claim(f"the baseline is best with 0.2 and 0.3, not {m_p} and {m_n}", best, other, AP)
        for best in (margins(0.2, 0.3),)
        for m_p, m_n in ((0.2, 0.2), (0.3, 0.5), (0.5, 0.5))
        for other in (margins(m_p, m_n),)
    ],
    SS_PLUS: [],
}

PRETRAINED = Table(
    "2023, Figure 5",
    "Fine-tuning on compounds from scratch, after twins by colour, blur and padding (SS), and after "
    "contrastive subclips (SS+). The paper has 46 subjects to train on and recorded motions.",
    "subclips",
    PERSONAL,
    (AP, "peak_f1", EPOCHS),
    [
        Row(BASELINE, SubclipsSettings(pretraining="none"), {AP: BEST[0]}),
        Row(SS, SubclipsSettings(pretraining="twins"), {EPOCHS: 10}),
        Row(SS_PLUS, SubclipsSettings(), {AP: BEST[1], EPOCHS: 10}),
    ],
    [
        Claim("contrastive subclips make the encoder better", SS_PLUS, BASELINE, AP),
        Claim("contrastive subclips do more than twins alone", SS_PLUS, SS, AP),
    ],
)

TABLES = [PRETRAINED, grid(BASELINE), grid(SS_PLUS)]
