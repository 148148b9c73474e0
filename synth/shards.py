"""Shards of compounds: planned from the sizes of all subjects, each made by itself and kept.

A shard's content follows from its plan. Finished shards lie in a folder of unfinished work that is
named by all that decides their bytes, so a run that was killed finds those of its own kind.
Promise: a shard has its final name only when it is whole, and one whose files are damaged is made
again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.storage.card import FileFacts, Shard
from fmdata.catalog.storage.division import Run, runs_of
from fmdata.catalog.storage.files import atomic_folder, remove_folder, remove_temporaries
from fmdata.catalog.storage.lock import WORK
from fmdata.catalog.storage.made_by.tools import tool_versions
from fmdata.catalog.storage.schema import COMPOUND_COLUMNS
from fmdata.catalog.storage.shards import FILES, write_shard
from fmdata.catalog.storage.tables.opened import OpenedCard
from fmdata.catalog.virtual.plan import ROWS_PER_SHARD, write_plan
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.subject import SubjectCompounds

_PREFIX = "compounds-"
FACTS = "shard.json"


class Named(NamedTuple):
    """A subject, and those of its actions of which recordings were dropped."""

    subject: str
    dropped: tuple[str, ...]


class SubjectPlan(NamedTuple):
    """The compounds of one subject as runs, and notes on the missing ones."""

    subject: str
    runs: list[Run]
    notes: list[str]


class ShardPlan(NamedTuple):
    """Name of a shard, and its runs with their subjects."""

    name: str
    runs: list[tuple[Run, Named]]

    @property
    def weight(self) -> int:
        """Size of its compounds' pixels and LBP maps, or their number where they are virtual."""
        return sum(run.weight for run, _ in self.runs)

    @property
    def samples(self) -> int:
        """Number of compounds."""
        return sum(run.stop - run.start for run, _ in self.runs)

    def shard(self, tar: FileFacts | None, parquet: FileFacts, frames: FileFacts | None) -> Shard:
        """Return its entry for the card."""
        subjects = [named.subject for _, named in self.runs]
        fold = self.runs[0][0].fold
        return Shard(self.name, fold, subjects, self.samples, tar, parquet, frames)

    def entry(self, files: Mapping[str, FileFacts]) -> Shard:
        """Return its entry for the card, of the facts of its files by name."""
        tar, parquet, frames = (files.get(f"{self.name}{suffix}") for suffix in FILES)
        assert parquet is not None
        return self.shard(tar, parquet, frames)


class Made(NamedTuple):
    """Path of a shard's files without a suffix, its entry for the card; True if it was found."""

    stem: Path
    shard: Shard
    found: bool


@dataclass(frozen=True)
class Synthesis:
    """One synthesis, as any process needs it.

    Attributes
    ----------
    dataset : Path
        Folder of the dataset.
    inputs : tuple of str
        Digests of the actions and of the dropped list, which decides labels and notes.
    settings : CompoundSettings
        Settings of the compounds.
    """

    dataset: Path
    inputs: tuple[str, str]
    settings: CompoundSettings

    @classmethod
    def of(cls, dataset: Dataset, settings: CompoundSettings) -> "Synthesis":
        """Return the synthesis of a dataset."""
        card = dataset.card
        return cls(dataset.path, (card.actions.digest, card.dropped_file.sha256), settings)

    @cached_property
    def folder(self) -> Path:
        """Folder of the finished shards."""
        versions = {"fmdata": metadata.version("fmdata"), **tool_versions(landmarks="")}
        made_by = [self.settings.card_json(), *self.inputs, versions]
        name = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16]
        return self.dataset / WORK / f"{_PREFIX}{name}"

    def plan(self, named: Sequence[Named]) -> list[SubjectPlan]:
        """Plan some subjects."""
        return [self._plan(one) for one in named]

    def _plan(self, named: Named) -> SubjectPlan:
        made = self.compounds_of(named)
        runs: list[Run] = []
        if len(made):
            weights = np.ones(len(made), np.int64) if self.settings.virtual else made.sizes
            runs = runs_of(made.fold, named.subject, weights, self.limit)
        return SubjectPlan(named.subject, runs, made.notes)

    @property
    def limit(self) -> int:
        """Size of a shard, in the unit of :attr:`ShardPlan.weight`."""
        return ROWS_PER_SHARD if self.settings.virtual else self.settings.shard_mb * 10**6

    def compounds_of(self, named: Named) -> SubjectCompounds:
        """Return the compounds of one subject; a process keeps those of the last one."""
        return _compounds(OpenedCard.of(self.dataset), named, self.settings)

    def keys(self, named: Named) -> set[str]:
        """Return the keys of the compounds of one subject."""
        plan = self.compounds_of(named).plan
        return {plan[i].key for i in range(len(plan))}

    def make(self, plan: ShardPlan) -> Made:
        """Make one shard, unless an earlier run has finished it."""
        folder = self.folder / plan.name
        facts = folder / FACTS
        if facts.exists():
            shard = _parsed(json.loads(facts.read_bytes()))
            if shard.intact(folder):
                return Made(folder / plan.name, shard, found=True)
        self.folder.mkdir(exist_ok=True)
        with atomic_folder(folder) as new:
            shard = plan.shard(*self._write(new, plan))
            (new / FACTS).write_text(json.dumps(asdict(shard)))
        return Made(folder / plan.name, shard, found=False)

    def _write(
        self, folder: Path, plan: ShardPlan
    ) -> tuple[FileFacts | None, FileFacts, FileFacts | None]:
        """Write the files of a shard: three, or the plan alone."""
        runs = [(self.compounds_of, named, run.start, run.stop) for run, named in plan.runs]
        if self.settings.virtual:
            tables = (of(named).rows(start, stop) for of, named, start, stop in runs)
            return None, write_plan(folder, plan.name, tables), None
        samples = (sample for of, named, *places in runs for sample in of(named).samples(*places))
        written = write_shard(folder, plan.name, samples, COMPOUND_COLUMNS)
        return written.tar, written.parquet, written.frames

    def clear(self, *, keep_own: bool) -> None:
        """Remove finished shards of other syntheses, and by `keep_own` those of this one."""
        for folder in (self.dataset / WORK).glob(f"{_PREFIX}*"):
            if keep_own and folder == self.folder:
                remove_temporaries(folder)
            else:
                remove_folder(folder)


@lru_cache(maxsize=1)
def _actions(card: OpenedCard) -> Clips[ActionClip]:
    """Return the actions of a dataset; opened once by a process, for all its shards."""
    return Dataset(card.path.parent).actions


@lru_cache(maxsize=1)
def _compounds(card: OpenedCard, named: Named, settings: CompoundSettings) -> SubjectCompounds:
    """Return the compounds of one subject; several shards in a row may hold them."""
    return SubjectCompounds(_actions(card), named.subject, named.dropped, settings)


def _parsed(facts: dict[str, object]) -> Shard:
    files = {
        name: FileFacts(**entry)
        for name in ("tar", "parquet", "frames")
        if isinstance(entry := facts[name], dict)
    }
    return Shard(**facts | files)  # type: ignore[arg-type]
