"""Runs a table: extractors, trials on inner subjects, then the final trainings, in parallel.

Each job is stored in the folder, so an interrupted table resumes, and equal jobs of several tables
are run once.
"""

import hashlib
import json
import multiprocessing
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch

from bench.papers.designs import Comparison, Line
from bench.papers.protocol.choice import Choice, InnerResult, choose
from bench.papers.protocol.folds import Fold, subject_folds
from bench.papers.protocol.methods import Method, RecipeMethod
from bench.papers.protocol.sealed import SealedDataset
from bench.papers.protocol.training import FinalResult, Job, code, run_final, run_trial
from fmdata.catalog import Dataset
from fmdata.train.checkpoint import Nowhere
from fmdata.train.model_file import MODEL, save
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.landmarks import LandmarkSettings
from fmdata.train.run import fit, folds_of

K = TypeVar("K", bound=Hashable)
Extractors: TypeAlias = Mapping[str, tuple[str, LandmarkSettings]]
"""Datasets and settings of the extractors that rows name."""


@dataclass(frozen=True)
class Plan:
    """Size of a run.

    Attributes
    ----------
    scale : float
        Share of the steps of the page.
    tuning : float
        Share of a row's steps that a trial has.
    folds : int or None
        Number of folds in place of the table's.
    measured : int or None
        Number of folds that are run; None for all.
    trials : int or None
        Number of trials of every row in place of the table's.
    doubling : int or None
        Number of folds on which a row is also trained with half the steps; None for all.
    """

    scale: float = 1.0
    tuning: float = 0.25
    folds: int | None = None
    measured: int | None = None
    trials: int | None = None
    doubling: int | None = None


FULL = Plan(doubling=3)
QUICK = Plan(scale=0.05, tuning=1.0, folds=3, measured=1, trials=1, doubling=0)


@dataclass(frozen=True)
class TableResults:
    """Results of a table.

    Attributes
    ----------
    comparison : Comparison
    choices : dict
        Choice of each row in each fold, by row and fold.
    finals, halves : dict
        Results by row, fold and seed; `halves` with half the steps.
    """

    comparison: Comparison
    choices: Mapping[tuple[str, int], Choice] = field(default_factory=dict)
    finals: Mapping[tuple[str, int, int], FinalResult] = field(default_factory=dict)
    halves: Mapping[tuple[str, int, int], FinalResult] = field(default_factory=dict)


@dataclass(frozen=True)
class Workshop:
    """The folder, data and processes with which tables are run.

    Attributes
    ----------
    folder : Path
        Folder of all results.
    datasets : mapping of str to Path
    extractors : mapping
        Extractors that settings name.
    plan : Plan
    workers : int
        Number of processes.
    files : mapping
        Files that settings name, by the setting and the name.
    """

    folder: Path
    datasets: Mapping[str, Path]
    extractors: Extractors
    plan: Plan
    workers: int
    files: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)

    def run(self, comparisons: Callable[[float], list[Comparison]], name: str) -> TableResults:
        """Run the table of a name; `comparisons` returns a paper's at a share of the steps."""

        def at(scale: float) -> Comparison:
            return next(one for one in comparisons(scale) if one.name == name)

        plan = self.plan
        table, half, short = (at(plan.scale * share) for share in (1.0, 0.5, plan.tuning))
        dataset = self.datasets[table.table.dataset]
        n_folds = plan.folds or table.folds
        folds = subject_folds(folds_of(Dataset(dataset)), n_folds)[: plan.measured]
        with _pool(self.workers) as pool:
            made = self._made_extractors(table, folds, pool)
            choices = self._choices(short, folds, made, pool)
            finals = self._finals(table, table.every_row, folds, made, choices, pool)
            some = folds[: plan.doubling]
            halves = self._finals(half, half.rows, some, made, choices, pool)
        return TableResults(table, choices, finals, halves)

    def _choices(
        self, table: Comparison, folds: list[Fold], made: "_Made", pool: ProcessPoolExecutor
    ) -> dict[tuple[str, int], Choice]:
        """Choose the settings of every row in every fold; one trial needs no training."""
        jobs = {}
        choices: dict[tuple[str, int], Choice] = {}
        for row in table.rows:
            trials = row.trials[: self.plan.trials]
            for fold in folds:
                if len(trials) == 1:
                    choices[row.name, fold.number] = Choice(trials[0], ())
                    continue
                for trial in trials:
                    job = self._job(table, row, trial, fold, 0, made)
                    jobs[row.name, fold.number, trial] = (run_trial, job, trial, self.folder)
        results = _done(pool, jobs, f"{table.name}: trials")
        of_row: dict[tuple[str, int], list[InnerResult]] = {}
        for (row_name, number, _), result in results.items():
            of_row.setdefault((row_name, number), []).append(result)
        return choices | {key: choose(some, table.numbers[0]) for key, some in of_row.items()}

    def _finals(
        self, table: Comparison, rows: Sequence[Line], folds: list[Fold], made: "_Made",
        choices: Mapping[tuple[str, int], Choice], pool: ProcessPoolExecutor,
    ) -> dict[tuple[str, int, int], FinalResult]:  # fmt: skip
        jobs = {}
        for row in rows:
            for fold in folds:
                choice = choices.get((row.name, fold.number), Choice((), ()))
                for seed in table.seeds:
                    job = self._job(table, row, choice.trial, fold, seed, made)
                    jobs[row.name, fold.number, seed] = (run_final, job, self.folder)
        return _done(pool, jobs, table.name)

    def _job(
        self,
        table: Comparison,
        row: Line,
        trial: tuple[str, ...],
        fold: Fold,
        seed: int,
        made: "_Made",
    ) -> Job:
        method: Method = row.method.tried(trial, seed)
        if isinstance(method, RecipeMethod):
            named = {setting: self.files[setting] for setting in self.files}
            if name := _extractor(method):
                named["extractor"] = {name: made[name, fold.number]}
            for setting, paths in named.items():
                if name := str(getattr(method.settings, setting, "")):
                    method = method.tried([f"{setting}={paths[name]}"], seed)
        return Job(method, self.datasets[table.table.dataset], fold)

    def _made_extractors(
        self, table: Comparison, folds: list[Fold], pool: ProcessPoolExecutor
    ) -> "_Made":
        """Train the extractors that the rows name: one for each fold of the table's dataset.

        One that is trained on another dataset, of other people, is the same for all folds.
        """
        named = {_extractor(row.method) for row in table.every_row} - {""}
        jobs, places = {}, {}
        for name in sorted(named):
            dataset, settings = self.extractors[name]
            own = dataset == table.table.dataset
            others = folds if own else subject_folds(folds_of(Dataset(self.datasets[dataset])), 3)
            for fold in folds:
                open_fold = fold if own else others[0]
                order = self.datasets[dataset], open_fold, settings, self.folder
                place = _extractor_place(*order)
                jobs[place] = (make_extractor, *order)
                places[name, fold.number] = place
        _done(pool, jobs, f"{table.name}: extractors")
        return places


_Made: TypeAlias = Mapping[tuple[str, int], Path]


def make_extractor(dataset: Path, fold: Fold, settings: LandmarkSettings, folder: Path) -> Path:
    """Train an extractor on a fold's training subjects, unless it is there; return its run."""
    place = _extractor_place(dataset, fold, settings, folder)
    torch.set_num_threads(1)
    if not (place / MODEL).exists():
        sealed = SealedDataset(dataset, fold.open)
        recipe, _ = fit("landmarks", settings, Material(sealed, fold.inner_split), Nowhere())
        place.mkdir(parents=True, exist_ok=True)
        save("landmarks", recipe, place, sealed, fold.train)
    return place


def _extractor_place(dataset: Path, fold: Fold, settings: LandmarkSettings, folder: Path) -> Path:
    facts = [Dataset(dataset).digests(), fold.train, fold.inner, settings.to_json(), code()]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return folder / "extractors" / digest[:16]


def _extractor(method: Method) -> str:
    """Return the name of the extractor that a method takes; empty for none."""
    settings = method.settings if isinstance(method, RecipeMethod) else None
    return str(getattr(settings, "extractor", ""))


def _done(pool: ProcessPoolExecutor, jobs: Mapping[K, tuple[Any, ...]], title: str) -> dict[K, Any]:
    """Run jobs, each a function and its arguments, and equal ones once; print their progress."""
    results: dict[K, Any] = {}
    began = time.monotonic()
    first: dict[str, list[K]] = {}
    for key, job in jobs.items():
        name = job[1].name(job[0].__name__) if isinstance(job[1], Job) else str(key)
        first.setdefault(name, []).append(key)
    waiting = {pool.submit(*jobs[keys[0]]): keys for keys in first.values()}
    for n, done in enumerate(as_completed(waiting), 1):
        result = done.result()
        results |= dict.fromkeys(waiting[done], result)
        print(f"{time.monotonic() - began:5.0f} s  {title}  {n}/{len(waiting)}", flush=True)
    return {key: results[key] for key in jobs}


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # New processes, since threads of native libraries do not survive a fork.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield pool
