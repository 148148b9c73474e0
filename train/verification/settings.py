"""Settings of an evaluation; imports nothing heavy, since the command line reads them."""

from dataclasses import dataclass

from fmdata.catalog.settings import Options, choice, text


@dataclass(frozen=True)
class EvaluateSettings(Options):
    """Settings of `fmdata evaluate`; the help of each field describes it."""

    day: str = text(
        "day", help="Label of the table of recordings that names the day or the sitting of a "
        "take, for comparisons across days."
    )  # fmt: skip
    names: str = choice(
        "shared", "own", help="Meaning of the names of motions: shared by all subjects, so that "
        "another person may show the same motion, or each subject's own."
    )  # fmt: skip
