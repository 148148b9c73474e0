"""What a synthesis can be told. Goes into the card, and comes back from it, as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from fmdata.catalog.errors import UsageError


@dataclass(frozen=True)
class CompoundSettings:
    """Settings of a synthesis; the same settings and actions give the same bytes.

    Attributes
    ----------
    k : int
        Copies of each of a subject's N² compounds.
    seed : int
        Seed of every draw.
    shard_mb : int
        Size of a tar to aim for, in units of 10^6 bytes.
    """

    k: int = 5
    seed: int = 0
    shard_mb: int = 256

    def __post_init__(self) -> None:
        for option, value in (("--k", self.k), ("--shard-mb", self.shard_mb)):
            if value < 1:
                raise UsageError(
                    f"{option} {value}",
                    wanted="a whole number from 1",
                    where=option,
                    todo="give the number of copies of each compound, such as --k 5"
                    if option == "--k"
                    else "give a number of megabytes, such as --shard-mb 256",
                )

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values, by name."""
        return asdict(self)
