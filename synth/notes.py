"""Notes on the compounds of a subject that are missing, or fewer than asked for; none is silent.

Every note begins with the subject, a colon and "no", by which `fmdata forget` finds it.
"""

from collections.abc import Callable, Sequence

from fmdata.synth.plan import Cell


def notes_of(subject: str, actions: Sequence[str], cells: Sequence[Cell], k: int) -> list[str]:
    """Return the notes on one subject.

    Parameters
    ----------
    subject : str
        Name of the subject.
    actions : sequence of str
        All actions of the subject.
    cells : sequence of Cell
        The plan of its compounds.
    k : int
        Copies asked for.
    """
    made = [cell for cell in cells if cell.made]
    used = {action for cell in made for action in (cell.first, cell.second)}
    notes = [
        f"{subject}: no compound with {action} (no usable take)"
        for action in sorted(set(actions) - used)
    ]
    notes += [
        f"{subject}: no compound of {_name(cell)} (no two takes of one frame rate)"
        for cell in cells
        if not cell.made and {cell.first, cell.second} <= used
    ]
    few = [cell for cell in made if cell.pairs < k]
    apart = [cell for cell in made if cell.unpaired]
    twice = [cell for cell in made if cell.one_take_twice]
    less = [cell for cell in made if cell.identical]
    groups = [
        (f"no {k} different pairs of takes", few, lambda cell: f"{cell.pairs}"),
        ("no join of takes whose frame rates differ", apart, lambda cell: f"{cell.unpaired} pairs"),
        ("no two takes, so one is shown twice", twice, lambda cell: f"{cell.takes[0]} usable"),
        ("no identical copies", less, lambda cell: f"{cell.identical} left out"),
    ]
    return notes + [
        f"{subject}: {text}: {_listed(of_kind, number)}"
        for text, of_kind, number in groups
        if of_kind
    ]


def _listed(cells: Sequence[Cell], number: Callable[[Cell], str]) -> str:
    return ", ".join(f"{_name(cell)} ({number(cell)})" for cell in cells)


def _name(cell: Cell) -> str:
    return f"{cell.first} then {cell.second}"
