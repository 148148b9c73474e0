"""What `verify` has to say: where something is wrong, what, and what to run to mend it."""

from dataclasses import dataclass

REBUILD = "run the `fmdata build` that made it again"
RESYNTH = "run `fmdata synth-compound` again"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, and how to mend it."""

    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  to do: {self.mend}"


def after_deleting(files: str, mend: str) -> str:
    """Say how to mend files that have the digests their card names, and so would be kept."""
    return f"delete {files}, then {mend}"
