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
from fmdata.catalog.storage.card import Card, Part, Shard
from fmdata.catalog.storage.division import Run, divide
from fmdata.catalog.storage.place import is_url
from fmdata.catalog.storage.shards import shard_name
from fmdata.catalog.storage.tables.dropped import digest_of, dropped_actions
from fmdata.catalog.summary import TakesApart, first_of
from fmdata.pipeline.engine.remote.hands import Hands
from fmdata.synth.places.folder import FolderPlace, Place
from fmdata.synth.places.url import place_at
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.shards import Made, Named, ShardPlan, Synthesis
from fmdata.synth.subject import same_key

_GROUP = 16  # subjects that a process plans at a time


@dataclass(frozen=True)
class Synthesised:
    """Result of a synthesis; prints as the number of compounds and their notes.

    Attributes
    ----------
    dataset : str
        Folder of the dataset, or its URL.
    card : Card
        Card of the dataset, with the compounds in it.
    reused : bool
        True if the same compounds existed already and nothing was written.
    found : int
        Shards that an interrupted run had finished.
    takes_apart : TakesApart
        Positive pairs of the compounds, and those that share no take.
    """

    dataset: str
    card: Card
    reused: bool
    found: int
    takes_apart: TakesApart

    def __str__(self) -> str:
        part = self.card.compounds
        assert part is not None
        state = "already there" if self.reused else "planned" if part.virtual else "made"
        folder = printable(f"{self.dataset}/{card_file.COMPOUNDS}")
        if self.found:
            state += f" ({self.found} of {len(part.shards)} shards by an interrupted run)"
        kind = "virtual compounds" if part.virtual else "compounds"
        lines = [f"{part.samples} {kind} {state} in {folder}", f"  {self.takes_apart}"]
        return "\n".join(lines + [f"  {printable(note)}" for note in first_of(part.notes)])


def synth_compounds(
    path: Path | str,
    settings: CompoundSettings,
    progress: Progress = SILENT,
    *,
    workers: int = 0,
    scheduler: str | None = None,
) -> Synthesised:
    """Write the compounds of a dataset, and replace earlier ones.

    A run that was interrupted is resumed: shards that it had finished are not made again.

    Parameters
    ----------
    path : Path or str
        Folder of the dataset, or its URL.
    settings : CompoundSettings
        Number of copies, seed and size of shards.
    progress : Progress
        Receives the subjects that are planned, then the compounds that are made.
    workers : int
        Number of processes, which changes no byte; 0 works in this process.
    scheduler : str, optional
        Address of a Dask scheduler whose workers do the work instead.

    Raises
    ------
    DatasetError
        For a missing or damaged dataset, one without a motion, or two compounds with one key.
    FmdataError
        When worker processes crash again and again.
    """
    if is_url(path):
        with place_at(str(path), workers, scheduler) as place:
            return _synthesised(place, settings, progress)
    return _synthesised(FolderPlace(Path(path), workers, scheduler), settings, progress)


def _synthesised(place: Place, settings: CompoundSettings, progress: Progress) -> Synthesised:
    with place.change():
        dataset = Dataset(place.folder)
        synthesis = Synthesis.of(dataset, settings)
        if _is_current(dataset, settings, place):
            place.clear(synthesis, keep_own=False)
            return _result(place, reused=True)
        _require_intact(dataset, place)
        place.clear(synthesis, keep_own=True)
        found = _write(dataset, synthesis, place, progress)
        place.clear(synthesis, keep_own=False)
        return _result(place, reused=False, found=found)


def _result(place: Place, *, reused: bool, found: int = 0) -> Synthesised:
    dataset = place.outcome()
    return Synthesised(place.where, dataset.card, reused, found, TakesApart.of(dataset))


def _is_current(dataset: Dataset, settings: CompoundSettings, place: Place) -> bool:
    """Return whether the dataset holds the compounds of these settings, undamaged."""
    made = dataset.card.compounds
    if not made or dataset.card.stale or made.settings != settings.card_json():
        return False
    if made.dropped_actions != digest_of(_dropped_actions(dataset)):
        return False
    return all(place.is_intact(card_file.COMPOUNDS, shard) for shard in made.shards)


def _require_intact(dataset: Dataset, place: Place) -> None:
    half = card_file.ACTIONS
    damaged = [s.name for s in dataset.card.actions.shards if not place.is_intact(half, s)]
    if damaged:
        raise DatasetError(
            f"action shards that are not as they were written: {', '.join(damaged)}",
            wanted="shards whose bytes match the card",
            where=f"{place.where}/{half}",
            todo="repeat the `fmdata build` that made them; it rebuilds the damaged ones",
        )


def _write(dataset: Dataset, synthesis: Synthesis, place: Place, progress: Progress) -> int:
    """Plan and make the shards, and put them in place.

    Returns the number of shards that an earlier run had finished.
    """
    with place.hands() as hands:
        plans, notes = _plan(dataset, synthesis, _named(dataset), hands, progress)
        progress.start("synth-compound", sum(plan.samples for plan in plans), "compounds")
        made: dict[str, Made] = {}
        for one in hands.each(synthesis.make, _large_first(synthesis, plans)):
            made[one.shard.name] = one
            progress.step(one.shard.samples)
    in_order = [made[plan.name] for plan in plans]
    actions, dropped = dataset.card.actions.digest, digest_of(_dropped_actions(dataset))
    settings = synthesis.settings.card_json()

    def card(shards: list[Shard]) -> Card:
        samples = sum(shard.samples for shard in shards)
        part = Part(settings, samples, shards, actions, dropped, notes)
        return dataset.card.with_compounds(part)

    place.commit(card, in_order)
    return sum(one.found for one in in_order)


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
    hands: Hands,
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
    for group in hands.each(synthesis.plan, groups):
        for subject in group:
            runs += subject.runs
            if subject.notes:
                notes[subject.subject] = subject.notes
        progress.step(len(group))
    with_runs = [named[name] for name in sorted({run.subject for run in runs})]
    _refuse_same_keys(synthesis, with_runs, hands)
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


def _refuse_same_keys(synthesis: Synthesis, named: Iterable[Named], hands: Hands) -> None:
    """Raise DatasetError where compounds of two subjects have the same key."""
    first: dict[str, Named] = {}  # by the subject's part of a key
    for one in named:
        other = first.setdefault(key_part(one.subject), one)
        if other is not one:
            keys = list(hands.each(synthesis.keys, (other, one)))
            if not keys[0].isdisjoint(keys[1]):
                where = str(synthesis.dataset / card_file.ACTIONS)
                raise same_key(other.subject, one.subject, where)
