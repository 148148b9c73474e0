"""A finding of ``verify``: place, problem, and the command that repairs it."""

from dataclasses import dataclass

from fmdata.catalog.printable import printable

REBUILD = "run the `fmdata build` that made it again"
RESYNTH = "run `fmdata synth-compound` again"


@dataclass(frozen=True)
class Finding:
    """One problem in a dataset; ``str()`` of it is the text for the user.

    Attributes
    ----------
    where : str
        Path of the file or folder.
    problem : str
        Description of the problem.
    todo : str
        The next step for the user.
    is_note : bool
        Whether the dataset is as it was built, and the user should know this all the same.
    """

    where: str
    problem: str
    todo: str
    is_note: bool = False

    def __str__(self) -> str:
        place, problem = printable(self.where), printable(self.problem)
        return f"{place}: {problem}\n  to do: {printable(self.todo)}"


def after_deleting(files: str, todo: str) -> str:
    """Return the advice for wrong files that match their digests, so a new run would keep them."""
    return f"delete {files}, then {todo}"
