"""D1 → D2: every compound of every subject, into shards of their own beside the actions."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage import card as card_file
from fmdata.catalog.storage.card import Card, Part
from fmdata.catalog.storage.pack import Planned, change, commit, interrupted, pack
from fmdata.catalog.storage.schema import COMPOUND_FACTS
from fmdata.catalog.storage.shards import Sample
from fmdata.synth.plan import Compound, Take, plan_subject
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.splice import Sources, sample


@dataclass(frozen=True)
class Synthesised:
    """What a synthesis has come to: the card, and whether it was all there already."""

    card: Card
    reused: bool


def synth_compounds(
    path: Path,
    settings: CompoundSettings,
    *,
    on_start: Callable[[int], None] | None = None,
    on_sample: Callable[[], None] | None = None,
) -> Synthesised:
    """Make the compounds of a dataset, in the place of any that are there.

    Parameters
    ----------
    path : Path
        The dataset.
    settings : CompoundSettings
        How many of each, and the seed.
    on_start, on_sample : callable, optional
        Told of the number of compounds, and of each as it is written.

    Raises
    ------
    DatasetError
        When there is no dataset, or no clip in it has a motion.
    """
    if not interrupted(path):
        Dataset(path)  # before anything is written where there is none
    with change(path, keep_work=True):  # units of a build that did not end are not its business
        return _synth(Dataset(path), settings, on_start, on_sample)


def _synth(
    dataset: Dataset,
    settings: CompoundSettings,
    on_start: Callable[[int], None] | None,
    on_sample: Callable[[], None] | None,
) -> Synthesised:
    path, card = dataset.path, dataset.card
    made = card.compounds
    same = made and not card.stale and made.settings == settings.to_json()
    if made and same and all(s.intact(path / card_file.COMPOUNDS) for s in made.shards):
        return Synthesised(card, reused=True)
    _require_intact(dataset)
    clips: dict[str, dict[str, ActionClip]] = defaultdict(dict)
    names: dict[str, set[str]] = defaultdict(set)
    for clip in dataset.actions:
        clips[clip.subject][clip.key] = clip
        names[clip.subject].add(clip.action)
    for row in dataset.dropped().to_pylist():
        names[row["subject"]].add(row["action"])
    compounds: dict[str, Compound] = {}
    notes: list[str] = []
    for subject, actions in sorted(names.items()):
        takes = _takes(clips[subject])
        planned = plan_subject(subject, sorted(actions), takes, k=settings.k, seed=settings.seed)
        for compound in planned:
            _refuse_same_key(compounds.setdefault(compound.key, compound), compound, path)
        notes += _missing(subject, actions, planned)
    if not compounds:
        raise DatasetError(
            f"{len(dataset.actions)} clips, none of them with a motion",
            wanted="at least one clip in which a motion was found",
            where=str(path / card_file.ACTIONS),
            todo="look at the `intensity` of the clips, and build from recordings that move",
        )
    if on_start:
        on_start(len(compounds))
    shards = pack(
        path,
        card_file.COMPOUNDS,
        (_planned(compound, clips[compound.subject]) for compound in compounds.values()),
        _loader(compounds, clips, on_sample),
        COMPOUND_FACTS,
        settings.shard_mb * 10**6,
    )
    part = Part(settings.to_json(), len(compounds), shards, card.actions.digest, notes)
    card = card.with_compounds(part)
    commit(path, card)
    return Synthesised(card, reused=False)


def _require_intact(dataset: Dataset) -> None:
    folder = dataset.path / card_file.ACTIONS
    damaged = [s.name for s in dataset.card.actions.shards if not s.intact(folder)]
    if damaged:
        raise DatasetError(
            f"files of the actions that are not as they were written: {', '.join(damaged)}",
            wanted="whole actions to splice from",
            where=str(folder),
            todo="run the `fmdata build` that made them again, which makes the damaged ones anew",
        )


def _takes(clips: dict[str, ActionClip]) -> list[Take]:
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
    """Return what to say of the compounds that a subject could not make."""
    made = {(compound.first, compound.second) for compound in planned}
    idle = sorted(a for a in actions if all(a not in pair for pair in made))
    notes = [f"{subject}: no compound with {action} (no usable take)" for action in idle]
    rest = [(i, j) for i in sorted(actions) for j in sorted(actions) if (i, j) not in made]
    return notes + [
        f"{subject}: no compound of {i} then {j} (no two takes of one frame rate)"
        for i, j in rest
        if i not in idle and j not in idle
    ]


def _planned(compound: Compound, clips: dict[str, ActionClip]) -> Planned:
    n_bytes = 0
    for segment in compound.segments:
        row = clips[segment.source].row
        n_bytes += sum(row["frame_size"][segment.start : segment.stop])
        n_bytes += segment.n_frames * row["size"] ** 2 if clips[segment.source].has_lbp else 0
    fold = clips[compound.segments[0].source].fold
    return Planned(fold, compound.subject, compound.key, n_bytes)


def _loader(
    compounds: dict[str, Compound],
    clips: dict[str, dict[str, ActionClip]],
    on_sample: Callable[[], None] | None,
) -> Callable[[str], Sample]:
    # Samples are asked for subject by subject, so one subject's sources are in memory at a time.
    @lru_cache(maxsize=1)
    def sources(subject: str) -> Sources:
        return Sources(clips[subject])

    def load(key: str) -> Sample:
        compound = compounds[key]
        made = sample(compound, sources(compound.subject))
        if on_sample:
            on_sample()
        return made

    return load
