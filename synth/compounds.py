"""D1 → D2: writes all compounds of a dataset into shards of their own, beside the actions."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.printable import printable
from fmdata.catalog.progress import SILENT, Progress
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.pack import Planned, change, commit, interrupted, pack
from fmdata.catalog.storage.schema import COMPOUND_FACTS
from fmdata.catalog.storage.shards import Sample
from fmdata.synth.plan import Compound, Take, plan_subject
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.splice import Sources, splice

ClipsBySubject = Mapping[str, Mapping[str, ActionClip]]  # by subject, then by key


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
    """

    dataset: Path
    card: Card
    reused: bool

    def __str__(self) -> str:
        part = self.card.compounds
        assert part is not None
        state = "already there" if self.reused else "made"
        folder = printable(str(self.dataset / card_file.COMPOUNDS))
        lines = [f"{part.samples} compounds {state} in {folder}"]
        return "\n".join(lines + [f"  {printable(note)}" for note in part.notes])


def synth_compounds(
    path: Path, settings: CompoundSettings, progress: Progress = SILENT
) -> Synthesised:
    """Write the compounds of a dataset, and replace earlier ones.

    Parameters
    ----------
    path : Path
        Folder of the dataset.
    settings : CompoundSettings
        Number of copies, seed and size of shards.
    progress : Progress
        Receives one step per compound.

    Raises
    ------
    DatasetError
        When there is no dataset, an action shard is damaged, no clip has a motion, or two
        compounds would have the same key.
    """
    if not interrupted(path):
        Dataset(path)  # raises before anything is written to a folder without a dataset
    # The finished units of an interrupted build are kept for its next run.
    with change(path, keep_work=True):
        dataset = Dataset(path)
        if _is_current(dataset, settings):
            return Synthesised(path, dataset.card, reused=True)
        _require_intact(dataset)
        part = _write(dataset, settings, progress)
        card = dataset.card.with_compounds(part)
        commit(path, card)
        return Synthesised(path, card, reused=False)


def _is_current(dataset: Dataset, settings: CompoundSettings) -> bool:
    """Return whether the dataset holds the compounds of these settings, undamaged."""
    made = dataset.card.compounds
    if not made or dataset.card.stale or made.settings != settings.to_json():
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


def _write(dataset: Dataset, settings: CompoundSettings, progress: Progress) -> Part:
    """Plan, splice and pack the compounds; return their part of the card."""
    clips: dict[str, dict[str, ActionClip]] = defaultdict(dict)
    for clip in dataset.actions:
        clips[clip.subject][clip.key] = clip
    compounds, notes = _plan(dataset, clips, settings)
    progress.start("synth-compound", len(compounds), "compounds")
    shards = pack(
        dataset.path,
        card_file.COMPOUNDS,
        (_planned(compound, clips[compound.subject]) for compound in compounds.values()),
        _loader(compounds, clips, progress),
        COMPOUND_FACTS,
        settings.shard_mb * 10**6,
    )
    digest = dataset.card.actions.digest
    return Part(settings.to_json(), len(compounds), shards, digest, notes)


def _plan(
    dataset: Dataset, clips: ClipsBySubject, settings: CompoundSettings
) -> tuple[dict[str, Compound], list[str]]:
    """Return the compounds of all subjects by key, and notes on the missing ones."""
    actions: dict[str, set[str]] = defaultdict(set)
    for clip in dataset.actions:
        actions[clip.subject].add(clip.action)
    for row in dataset.dropped().to_pylist():
        if row["action"]:  # that of a misplaced file is unknown
            actions[row["subject"]].add(row["action"])
    compounds: dict[str, Compound] = {}
    notes: list[str] = []
    for subject, names in sorted(actions.items()):
        takes = _takes(clips.get(subject, {}))
        planned = plan_subject(subject, sorted(names), takes, k=settings.k, seed=settings.seed)
        for compound in planned:
            _refuse_same_key(compounds.setdefault(compound.key, compound), compound, dataset.path)
        notes += _missing(subject, names, planned)
    if not compounds:
        raise DatasetError(
            f"{len(dataset.actions)} clips, none of them with a motion",
            wanted="at least one clip with a motion",
            where=str(dataset.path / card_file.ACTIONS),
            todo="look at the `intensity` of the clips, and build from recordings that move",
        )
    return compounds, notes


def _takes(clips: Mapping[str, ActionClip]) -> list[Take]:
    return [
        Take(clip.key, clip.action, clip.n_frames, clip.fps, clip.motion)
        for clip in clips.values()
        if clip.motion is not None
    ]


def _refuse_same_key(one: Compound, other: Compound, path: Path) -> None:
    if one is not other:
        names = [f"{c.subject}: {c.first} then {c.second}" for c in (one, other)]
        raise DatasetError(
            f"two compounds with the key {one.key} ({names[0]}; {names[1]})",
            wanted="names that differ when all but A-Z a-z 0-9 _ is written as _",
            where=str(path / card_file.ACTIONS),
            todo="rename one of the subjects or actions, and build again",
        )


def _missing(subject: str, actions: set[str], planned: list[Compound]) -> list[str]:
    """Return a note for every compound of a subject that has no usable takes."""
    made = {(compound.first, compound.second) for compound in planned}
    unused = sorted(a for a in actions if all(a not in pair for pair in made))
    notes = [f"{subject}: no compound with {action} (no usable take)" for action in unused]
    rest = [(i, j) for i in sorted(actions) for j in sorted(actions) if (i, j) not in made]
    return notes + [
        f"{subject}: no compound of {i} then {j} (no two takes of one frame rate)"
        for i, j in rest
        if i not in unused and j not in unused
    ]


def _planned(compound: Compound, clips: Mapping[str, ActionClip]) -> Planned:
    """Return the key of a compound, and its size, which decides its shard."""
    n_bytes = 0
    for segment in compound.segments:
        row = clips[segment.source].row
        n_bytes += sum(row["frame_size"][segment.start : segment.stop])
        n_bytes += segment.n_frames * row["size"] ** 2 if clips[segment.source].has_lbp else 0
    fold = clips[compound.segments[0].source].fold
    return Planned(fold, compound.subject, compound.key, n_bytes)


def _loader(
    compounds: Mapping[str, Compound], clips: ClipsBySubject, progress: Progress
) -> Callable[[str], Sample]:
    """Return the function that makes the sample of a key."""

    # Samples are loaded subject by subject, so only one subject's sources are in memory.
    @lru_cache(maxsize=1)
    def sources(subject: str) -> Sources:
        return Sources(clips[subject])

    def load(key: str) -> Sample:
        compound = compounds[key]
        made = splice(compound, sources(compound.subject))
        progress.step()
        return made

    return load
