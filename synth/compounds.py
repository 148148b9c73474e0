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
from fmdata.catalog.rest import first_stops, second_starts, tail_room
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.pack import Planned, change, commit, interrupted, pack
from fmdata.catalog.storage.schema import COMPOUND_COLUMNS, per_frame
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.summary import TakesApart
from fmdata.catalog.timing import nominal_rate
from fmdata.synth.notes import notes_of
from fmdata.synth.plan import Compound, plan_subject
from fmdata.synth.seams import SmoothJoins
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.sources import Sources
from fmdata.synth.splice import splice
from fmdata.synth.takes import Take

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
    takes_apart : TakesApart
        Positive pairs of the compounds, and those that share no take.
    """

    dataset: Path
    card: Card
    reused: bool
    takes_apart: TakesApart

    def __str__(self) -> str:
        part = self.card.compounds
        assert part is not None
        state = "already there" if self.reused else "made"
        folder = printable(str(self.dataset / card_file.COMPOUNDS))
        lines = [f"{part.samples} compounds {state} in {folder}", f"  {self.takes_apart}"]
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
            return _result(path, reused=True)
        _require_intact(dataset)
        part = _write(dataset, settings, progress)
        commit(path, dataset.card.with_compounds(part))
        return _result(path, reused=False)


def _result(path: Path, *, reused: bool) -> Synthesised:
    dataset = Dataset(path)
    return Synthesised(path, dataset.card, reused, TakesApart.of(dataset))


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
        COMPOUND_COLUMNS,
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
    takes = _usable_takes(dataset, smooth=settings.smooth)
    compounds: dict[str, Compound] = {}
    notes: list[str] = []
    for subject, names in sorted(actions.items()):
        of_subject = clips.get(subject, {})
        usable = [takes[key] for key in of_subject if key in takes]
        join = SmoothJoins(Sources(of_subject)) if settings.smooth else None
        cells = plan_subject(
            subject, sorted(names), usable, k=settings.k, seed=settings.seed, join=join
        )
        for compound in (compound for cell in cells for compound in cell.compounds):
            _refuse_same_key(compounds.setdefault(compound.key, compound), compound, dataset.path)
        notes += notes_of(subject, sorted(names), cells, settings.k)
    if not compounds:
        raise DatasetError(
            f"{len(dataset.actions)} clips, none of them with a motion",
            wanted="at least one clip with a motion",
            where=str(dataset.path / card_file.ACTIONS),
            todo="look at the `intensity` of the clips, and build from recordings that move",
        )
    return compounds, notes


def _usable_takes(dataset: Dataset, *, smooth: bool) -> dict[str, Take]:
    """Return the clips with a motion, by key, with the frames that compounds may use."""
    takes = {}
    for clip in dataset.actions:
        motion = clip.motion
        if motion is None:
            continue
        columns = clip.frames_table(["detected", "intensity", "timestamp"]).columns
        detected, intensity, timestamps = map(per_frame, columns)
        takes[clip.key] = Take(
            clip.key,
            clip.action,
            nominal_rate(timestamps, clip.fps),
            motion,
            tail_room(motion, detected),
            tuple(first_stops(motion, intensity)) if smooth else (motion.offset,),
            tuple(second_starts(motion, intensity)) if smooth else (motion.onset,),
        )
    return takes


def _refuse_same_key(one: Compound, other: Compound, path: Path) -> None:
    if one is not other:
        names = [f"{c.subject}: {c.first} then {c.second}" for c in (one, other)]
        raise DatasetError(
            f"two compounds with the key {one.key} ({names[0]}; {names[1]})",
            wanted="names that differ when all but A-Z a-z 0-9 _ is written as _",
            where=str(path / card_file.ACTIONS),
            todo="rename one of the subjects or actions, and build again",
        )


def _planned(compound: Compound, clips: Mapping[str, ActionClip]) -> Planned:
    """Return the key of a compound, and its size, which decides its shard."""
    n_bytes = 0
    for segment in compound.segments:
        clip = clips[segment.source]
        n_bytes += int(clip.jpeg_spans[segment.start : segment.stop, 1].sum())
        n_bytes += segment.n_frames * clip.row["size"] ** 2 if clip.has_lbp else 0
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
