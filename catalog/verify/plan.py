"""Verification of one shard of virtual compounds, of which the rows are all there is."""

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from fmdata.catalog.clips import Clips
from fmdata.catalog.keys import compound_key
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.schema import VIRTUAL_COLUMNS
from fmdata.catalog.storage.tables.parquet import open_parquet
from fmdata.catalog.verify.finding import Finding
from fmdata.catalog.verify.shard import problem_of_nulls

_CLIPS_AT_A_TIME = 64


class PlanCheck:
    """Checks one shard of a plan, row by row.

    Parameters
    ----------
    clips : Clips
        The virtual compounds.
    shard : Shard
        Entry of the shard in the card.
    todo : str
        The next step for the user, for all findings.
    """

    def __init__(self, clips: Clips[Any], shard: Shard, todo: str) -> None:
        self._clips, self._shard, self._todo = clips, shard, todo
        self._path = clips.opened(shard).clips
        with open_parquet(self._path, VIRTUAL_COLUMNS.max_group) as file:
            self._rows = file.read()

    def problem_of_tables(self) -> str | None:
        """Return the problem that prevents reading the rows, or None."""
        if not self._rows.schema.equals(VIRTUAL_COLUMNS.clips):
            return "other columns than the format's"
        return problem_of_nulls(self._rows)

    @property
    def is_whole(self) -> bool:
        """True where the table has the card's number of clips."""
        return bool(self._rows.num_rows == self._shard.samples)

    def clips(self) -> Iterator[Any]:
        """Yield the clips, a few rows at a time."""
        for batch in self._rows.to_batches(_CLIPS_AT_A_TIME):
            for row in batch.to_pylist():
                yield self._clips.made(row, self._shard)

    def findings(self) -> Iterator[Finding]:
        """Check folds, subjects and keys of a table without a problem."""
        for problem in self._problems():
            yield Finding(str(self._path), problem, self._todo)

    def _problems(self) -> Iterator[str]:
        rows, shard = self._rows, self._shard
        folds = sorted(pc.unique(rows["fold"]).to_pylist())
        if folds != [shard.fold]:
            yield f"folds {folds}, wanted {shard.fold} alone"
        if rows.num_rows != shard.samples:
            yield f"{rows.num_rows} samples, and the card says {shard.samples}"
        if pc.unique(rows["subject"]).to_pylist() != shard.subjects:
            yield "other subjects than the card says"
        for clip in self.clips():
            row = clip.row
            key = compound_key(row["subject"], row["first"], row["second"], row["copy"])
            if row["key"] != key:
                yield f"the key {row['key']}, wanted {key}"
            shown = sum(segment["stop"] - segment["start"] for segment in row["segments"])
            if row["n_frames"] != shown:
                yield f"{row['key']}: {row['n_frames']} frames, and its segments have {shown}"
