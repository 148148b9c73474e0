"""The design of each comparison: anchors, trials of every row, folds, and seeds.

A paper's module lists rows and claims; everything here follows from the recipe, so that all tables
are judged alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.papers.job import Claim, Table
from bench.papers.protocol.handmade import (
    PEAKS,
    QUARTERS,
    ClassifiedLandmarks,
    WhitenedLandmarks,
)
from bench.papers.protocol.methods import Method, RecipeMethod

RATES = 0.3, 1.0, 3.0  # trials: multiples of a row's own learning rate
UNTRAINED, SUPERVISED = "no pretraining", "full supervision"  # rows of a paper's module
VERIFICATION = "eer", "frr_at_far_1"
Trial = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A row ready to be run: a method, the trials of its settings, and the paper's figures.

    Attributes
    ----------
    name : str
    method : Method
    trials : tuple of Trial
        Assignments of settings, such as ``rate=0.001``; none for an anchor.
    paper : mapping of str to float
    """

    name: str
    method: Method
    trials: tuple[Trial, ...] = ()
    paper: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Lacking:
    """An anchor that a table does not have, and the reason, which the page states."""

    reason: str


@dataclass(frozen=True)
class Anchors:
    """Four marks between which a method is seen.

    Attributes
    ----------
    chance : str or float
        Name of a number of each row, or the expected value of a guess.
    untrained, hand_made, ceiling : Line, str or Lacking
        The same network with random weights; a baseline without a network; and full supervision,
        or an oracle. A name is that of one of the table's rows.
    """

    chance: str | float
    untrained: Line | str | Lacking
    hand_made: Line | str | Lacking
    ceiling: Line | str | Lacking

    @property
    def named(self) -> dict[str, Line | str | Lacking]:
        """The three that are measured, by their names."""
        return {
            "untrained": self.untrained,
            "hand-made": self.hand_made,
            "ceiling": self.ceiling,
        }


@dataclass(frozen=True)
class Comparison:
    """A table with its design.

    Attributes
    ----------
    table : Table
    rows : tuple of Line
        The rows of the table.
    anchors : Anchors
    numbers : tuple of str
        Names of the numbers shown; trials are chosen by the first.
    folds : int
        Number of folds of the full size.
    seeds : tuple of int

    Raises
    ------
    ValueError
        At construction, when rows have different numbers of trials, two have one name, or a claim
        or an anchor names no row.
    """

    table: Table
    rows: tuple[Line, ...]
    anchors: Anchors
    numbers: tuple[str, ...]
    folds: int = 10
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        names = [row.name for row in self.every_row]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.table.title}: two rows of one name")
        if len({len(row.trials) for row in self.rows}) > 1:
            raise ValueError(f"{self.table.title}: rows with different numbers of trials")
        claimed = {name for claim in self.claims for name in (claim.more, claim.less)}
        anchored = {one for one in self.anchors.named.values() if isinstance(one, str)}
        if unknown := (claimed | anchored) - {*names}:
            raise ValueError(f"{self.table.title}: there is no row {min(unknown)!r}")

    @property
    def name(self) -> str:
        """Name for the command line."""
        return self.table.name

    @property
    def claims(self) -> Sequence[Claim]:
        """Claims of the table."""
        return self.table.claims

    @property
    def every_row(self) -> list[Line]:
        """The rows, then the anchors that are none of them."""
        added = [one for one in self.anchors.named.values() if isinstance(one, Line)]
        return [*self.rows, *added]

    @property
    def anchor_of(self) -> dict[str, str]:
        """Names of the anchors, by the names of their rows."""
        return {
            one if isinstance(one, str) else one.name: kind
            for kind, one in self.anchors.named.items()
            if not isinstance(one, Lacking)
        }


def compared(table: Table) -> Comparison:
    """Return a table with the design of its recipe."""
    rows = tuple(
        Line(row.name, RecipeMethod(table.recipe, row.settings), _trials(row.settings), row.paper)
        for row in table.rows
    )
    anchors, numbers, folds = _DESIGNS[table.recipe](table)
    return Comparison(table, rows, anchors, (*table.numbers, *numbers), folds)


def _trials(settings: object) -> tuple[Trial, ...]:
    return tuple((f"rate={settings.rate * factor:.6g}",) for factor in RATES)


_Design = tuple[Anchors, tuple[str, ...], int]


def _verification(table: Table, on: str) -> _Design:
    settings = table.rows[-1].settings
    motions = str(getattr(settings, "measure_on", "*"))
    # At a rate of 0 the network keeps its random weights, and its input is standardised as usual.
    still = settings.replaced(["rate=0.0", "epochs=1", "steps=1"])
    still = still.replaced(["pretraining=none"]) if on == "compounds" else still
    anchors = Anchors(
        chance="chance",
        untrained=Line("random sequence encoder", RecipeMethod(table.recipe, still)),
        hand_made=Line("whitened landmarks", WhitenedLandmarks(on, QUARTERS, motions)),
        ceiling=Line("whitened landmarks at known peaks", WhitenedLandmarks(on, PEAKS, motions)),
    )
    return anchors, VERIFICATION, 10


def _encoder(table: Table) -> _Design:
    return _verification(table, str(getattr(table.rows[0].settings, "on", "actions")))


def _subclips(table: Table) -> _Design:
    return _verification(table, "compounds")


def _smate(table: Table) -> _Design:
    still = table.rows[0].settings.replaced(["rate=0.0", "epochs=1"])
    anchors = Anchors(
        chance="accuracy_chance",
        untrained=Line("random network", RecipeMethod(table.recipe, still)),
        hand_made=Line("classified landmarks", ClassifiedLandmarks(QUARTERS)),
        ceiling=Line("classified landmarks at known peaks", ClassifiedLandmarks(PEAKS)),
    )
    return anchors, (), 5


def _probed(chance: str) -> Callable[[Table], _Design]:
    def design(table: Table) -> _Design:
        names = {row.name for row in table.rows}
        no_row = Lacking("the recipe has no such row")
        pixels = Lacking("a classifier of raw pixels is not among the rows")
        anchors = Anchors(
            chance=chance,
            untrained=UNTRAINED if UNTRAINED in names else no_row,
            hand_made=pixels,
            ceiling=SUPERVISED if SUPERVISED in names else no_row,
        )
        return anchors, (), 5

    return design


_DESIGNS = {
    "encoder": _encoder,
    "subclips": _subclips,
    "smate": _smate,
    "rrl": _probed("f1_always"),
    "pcl": _probed("chance_accuracy"),
}
