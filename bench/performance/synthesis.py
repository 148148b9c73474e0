"""Synthesis against a file copy and against a script, from the table of ``bench.copying``."""

from collections.abc import Iterator
from pathlib import Path

from bench import copying
from bench.performance.sides import Goal, Ratio

OURS = "`synth-compound`, one process"


def goals(dataset: Path, folder: Path, rounds: int) -> Iterator[Goal]:
    """Measure all sides in turn; the compounds of the dataset are replaced."""
    head, *lines = copying.rows(dataset, folder / "copying", rounds=rounds)
    assert head[3:] == ["÷ synthesis, processor", "÷ synthesis, wall"]
    spent = {name: (f"{processor} s", f"{wall} s") for name, processor, wall, *_ in lines}
    ratios = {name: Ratio(float(one), float(other)) for name, _, _, one, other in lines}
    own, copy, hashed, script, one, two = spent
    sides = (
        ("`cp` of the same bytes", 0.4, copy),
        ("a copy hashed in the same pass", 1.0, hashed),
        ("decode, splice, encode again with OpenCV", 25.0, script),
    )
    for work, least, other in sides:
        yield Goal(OURS, work, least, ratios[other], spent[own][0], spent[other][0])
    both = Ratio(*(a / b for a, b in zip(ratios[one], ratios[two], strict=True)))
    yield Goal("`synth-compound --workers 2`", "--workers 1", 1.8, both, spent[two][1],
               spent[one][1], by_wall=True)  # fmt: skip
