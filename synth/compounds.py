"""D1 → D2: writes all compounds of a dataset into shards of their own, beside the actions.

Subjects are planned in groups and shards are made one by one, each in any process. Memory holds the
sizes of all subjects, and the plan and clips of one for each process.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.keys import key_part
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.division import Run, divide
from fmdata.catalog.storage.pack import change, commit, interrupted, stage
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.storage.tables.dropped import digest_of, dropped_actions
from fmdata.catalog.summary import TakesApart, first_of
from fmdata.synth.processes import Processes
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.shards import Made, Named, ShardPlan, Synthesis
from fmdata.synth.subject import same_key

_GROUP = 16  # subjects that a process plans at a time


@dataclass(frozen=True)
class Synthesised:
    """Result of a synthesis; prints as the number of compounds and their notes.

    Attributes
    ----------
    dataset : Path
        Folder of the dataset.
    card : Card
        Card of the dataset, with the compounds in it.
    reused : bool
        True if the same compounds existed already and nothing was written.
    found : int
        Shards that an interrupted run had finished.
    takes_apart : TakesApart
        Positive pairs of the compounds, and those that share no take.
    """

    dataset: Path
    card: Card
    reused: bool
    found: int
    takes_apart: TakesApart

    def __str__(self) -> str:
        part = self.card.compounds
        assert part is not None
        state = "already there" if self.reused else "planned" if part.virtual else "made"
        folder = printable(str(self.dataset / card_file.COMPOUNDS))
        if self.found:
            state += f" ({self.found} of {len(part.shards)} shards by an interrupted run)"
        kind = "virtual compounds" if part.virtual else "compounds"
        lines = [f"{part.samples} {kind} {state} in {folder}", f"  {self.takes_apart}"]
        return "\n".join(lines + [f"  {printable(note)}" for note in first_of(part.notes)])


def synth_compounds(
    path: Path, settings: CompoundSettings, progress: Progress = SILENT, *, workers: int = 0
) -> Synthesised:
    """Write the compounds of a dataset, and replace earlier ones.

    A run that was interrupted is resumed: shards that it had finished are not made again.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    settings : CompoundSettings
        Number of copies, seed and size of shards.
    progress : Progress
        Receives the subjects that are planned, then the compounds that are made.
    workers : int
        Number of processes, which changes no byte; 0 works in this process.

    Raises
    ------
    DatasetError
        For a missing or damaged dataset, one without a motion, or two compounds with one key.
    FmdataError
        When worker processes crash again and again.
    """
    if not interrupted(path):
        Dataset(path)  # raises before anything is written to a folder without a dataset
    # The finished units of an interrupted build are kept for its next run.
    with change(path, keep_work=True):
        dataset = Dataset(path)
        synthesis = Synthesis.of(dataset, settings)
        if _is_current(dataset, settings):
            synthesis.clear(keep_own=False)
            return _result(path, reused=True)
        _require_intact(dataset)
        synthesis.clear(keep_own=True)
        part, found = _write(dataset, synthesis, workers, progress)
        commit(path, dataset.card.with_compounds(part))
        synthesis.clear(keep_own=False)
        return _result(path, reused=False, found=found)


def _result(path: Path, *, reused: bool, found: int = 0) -> Synthesised:
    dataset = Dataset(path)
    return Synthesised(path, dataset.card, reused, found, TakesApart.of(dataset))


def _is_current(dataset: Dataset, settings: CompoundSettings) -> bool:
    """Return whether the dataset holds the compounds of these settings, undamaged."""
    made = dataset.card.compounds
    if not made or dataset.card.stale or made.settings != settings.card_json():
        return False
    if made.dropped_actions != digest_of(_dropped_actions(dataset)):
        return False
    return all(shard.intact(dataset.path / card_file.COMPOUNDS) for shard in made.shards)


def _require_intact(dataset: Dataset) -> None:
    folder = dataset.path / card_file.ACTIONS
    damaged = [s.name for s in dataset.card.actions.shards if not s.intact(folder)]
    if damaged:
        raise DatasetError(
            f"action shards that are not as they were written: {', '.join(damaged)}",
            wanted="shards whose bytes match the card",
            where=str(folder),
            todo="repeat the `fmdata build` that made them; it rebuilds the damaged ones",
        )


def _write(
    dataset: Dataset, synthesis: Synthesis, workers: int, progress: Progress
) -> tuple[Part, int]:
    """Plan and make the shards, and stage them; return their part of the card.

    The second value is the number of shards that an earlier run had finished.
    """
    with Processes(workers, str(dataset.path)) as processes:
        plans, notes = _plan(dataset, synthesis, _named(dataset), processes, progress)
        progress.start("synth-compound", sum(plan.samples for plan in plans), "compounds")
        made: dict[str, Made] = {}
        for one in processes.each(synthesis.make, _large_first(synthesis, plans)):
            made[one.shard.name] = one
            progress.step(one.shard.samples)
    in_order = [made[plan.name] for plan in plans]
    shards = stage(dataset.path, card_file.COMPOUNDS, ((one.stem, one.shard) for one in in_order))
    samples = sum(shard.samples for shard in shards)
    actions, dropped = dataset.card.actions.digest, digest_of(_dropped_actions(dataset))
    part = Part(synthesis.settings.card_json(), samples, shards, actions, dropped, notes)
    return part, sum(one.found for one in in_order)


def _large_first(synthesis: Synthesis, plans: Sequence[ShardPlan]) -> list[ShardPlan]:
    """Return plans in an order that ends with small shards, so that processes end together.

    Shards of about one size stay in order: neighbours often have one subject, which a process then
    plans once. So do those of a plan, which are made in a moment.
    """
    if synthesis.settings.virtual:
        return list(plans)
    largest = max(plan.weight for plan in plans)
    return sorted(plans, key=lambda plan: -round(8 * plan.weight / largest))


def _dropped_actions(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    return dropped_actions(dataset.dropped().select(["subject", "action"]).to_pylist())


def _named(dataset: Dataset) -> dict[str, Named]:
    """Return all subjects by name, those with nothing but dropped recordings too."""
    dropped = _dropped_actions(dataset)
    names = sorted({*dataset.actions.subjects, *dropped})
    return {name: Named(name, dropped.get(name, ())) for name in names}


def _plan(
    dataset: Dataset,
    synthesis: Synthesis,
    named: Mapping[str, Named],
    processes: Processes,
    progress: Progress,
) -> tuple[list[ShardPlan], list[str]]:
    """Return the plan of every shard, and notes on missing compounds."""
    # In the order of the shards, so that each shard of the actions is read once.
    ordered = list(dict.fromkeys([*dataset.actions.subjects, *named]))
    groups = [
        [named[name] for name in ordered[i : i + _GROUP]] for i in range(0, len(ordered), _GROUP)
    ]
    progress.start("plan", len(ordered), "subjects")
    runs: list[Run] = []
    notes: dict[str, list[str]] = {}
    for group in processes.each(synthesis.plan, groups):
        for subject in group:
            runs += subject.runs
            if subject.notes:
                notes[subject.subject] = subject.notes
        progress.step(len(group))
    _refuse_same_keys(synthesis, [named[name] for name in sorted({run.subject for run in runs})])
    if not runs:
        raise DatasetError(
            f"{len(dataset.actions)} clips, none of them with a motion",
            wanted="at least one clip with a motion",
            where=str(dataset.path / card_file.ACTIONS),
            todo="look at the `intensity` of the clips, and build from recordings that move",
        )
    shards = divide(sorted(runs), synthesis.limit)
    plans = [
        ShardPlan(shard_name(i), [(run, named[run.subject]) for run in shard])
        for i, shard in enumerate(shards)
    ]
    return plans, [note for name in sorted(notes) for note in notes[name]]


def _refuse_same_keys(synthesis: Synthesis, named: Iterable[Named]) -> None:
    """Raise DatasetError where compounds of two subjects have the same key."""
    first: dict[str, Named] = {}  # by the subject's part of a key
    for one in named:
        other = first.setdefault(key_part(one.subject), one)
        if other is not one:
            plans = [synthesis.compounds_of(named).plan for named in (other, one)]
            keys = [{plan[i].key for i in range(len(plan))} for plan in plans]
            if not keys[0].isdisjoint(keys[1]):
                where = str(synthesis.dataset / card_file.ACTIONS)
                raise same_key(other.subject, one.subject, where)
