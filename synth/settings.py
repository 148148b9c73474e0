"""Settings of a synthesis; the card stores them as JSON."""

from dataclasses import dataclass
from typing import Any

from fmdata.catalog.settings import MAX_SEED, MIN_SEED, Options, flag, number, shard_megabytes, text

# Raised whenever the same actions and settings give other compounds, so that old ones are replaced.
SYNTHESIS_VERSION = 2


@dataclass(frozen=True)
class CompoundSettings(Options):
    """Settings of a synthesis; the same settings and actions give the same bytes."""

    k: int = number(5, 1, help="Copies of each of a subject's N² compounds.")
    seed: int = number(0, MIN_SEED, MAX_SEED, help="Seed of every draw.")
    smooth: bool = flag(
        False, help="Choose the takes, and edges of the two motions within five frames, that join "
        "best; without it, they are drawn at random."
    )  # fmt: skip
    virtual: bool = flag(
        False, help="Write the plan alone: the rows of all compounds. Their frames are spliced "
        "from the actions when they are read."
    )  # fmt: skip
    shard_mb: int = shard_megabytes()

    def card_json(self) -> dict[str, Any]:
        """Return what the card keeps: the settings, and the version of the synthesis."""
        return self.to_json() | {"version": SYNTHESIS_VERSION}


@dataclass(frozen=True)
class SynthesisSettings(Options):
    """Settings of one run of a synthesis, which change no byte."""

    workers: int | None = number(
        None, 0, help="Worker processes, by default one a core. 0 works in this process."
    )
    scheduler: str | None = text(
        None, help="Address of a running Dask scheduler whose workers do the work instead."
    )
