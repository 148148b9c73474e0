"""All compounds of one subject: their plan, sizes and samples, from the subject's clips alone.

Any process can plan any subject, so a synthesis holds the plans of no others.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.dataset import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.rest import first_stops, second_starts, tail_room
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.timing import nominal_rate
from fmdata.catalog.types import Segment
from fmdata.synth.notes import notes_of
from fmdata.synth.plan import Compound, plan_subject
from fmdata.synth.seams import SmoothJoins
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.sources import Sources
from fmdata.synth.splice import splice
from fmdata.synth.takes import Take

_SPLICED = 64  # compounds whose rows are made together


class SubjectCompounds:
    """Compounds of one subject, sorted by key.

    Parameters
    ----------
    clips : Clips
        The actions of the dataset; the subject's are read.
    subject : str
        Name of the subject.
    dropped : sequence of str
        Actions of the subject with dropped recordings; they count for labels and notes.
    settings : CompoundSettings
        Number of copies, seed, and the choice of takes.

    Raises
    ------
    DatasetError
        When two compounds would have the same key.
    """

    def __init__(
        self,
        clips: Clips[ActionClip],
        subject: str,
        dropped: Sequence[str],
        settings: CompoundSettings,
    ) -> None:
        self._clips = {clip.key: clip for clip in clips.of_subject(subject)}
        self._sources = Sources(self._clips)
        names = sorted({clip.action for clip in self._clips.values()} | set(dropped))
        takes = _usable_takes(self._clips.values(), smooth=settings.smooth)
        join = SmoothJoins(self._sources) if settings.smooth else None
        cells = plan_subject(subject, names, takes, k=settings.k, seed=settings.seed, join=join)
        by_key: dict[str, Compound] = {}
        for compound in (compound for cell in cells for compound in cell.compounds):
            refuse_same_key(by_key.setdefault(compound.key, compound), compound, str(clips.folder))
        self.compounds = [by_key[key] for key in sorted(by_key)]
        self.notes = notes_of(subject, names, cells, settings.k)

    @property
    def fold(self) -> int:
        """Fold of the subject."""
        return next(iter(self._clips.values())).fold

    @cached_property
    def sizes(self) -> list[int]:
        """Bytes of the pixels and LBP maps of each compound, which decide its shard."""
        return [sum(map(self._n_bytes, compound.segments)) for compound in self.compounds]

    def samples(self, start: int, stop: int) -> Iterator[Sample]:
        """Yield the samples of some of the compounds."""
        for at in range(start, stop, _SPLICED):
            yield from splice(self.compounds[at : min(at + _SPLICED, stop)], self._sources)

    def _n_bytes(self, segment: Segment) -> int:
        clip = self._clips[segment.source]
        lbp = segment.n_frames * clip.row["size"] ** 2 if clip.has_lbp else 0
        return int(clip.jpeg_spans[segment.start : segment.stop, 1].sum()) + lbp


def _usable_takes(clips: Iterable[ActionClip], *, smooth: bool) -> list[Take]:
    """Return the clips with a motion, with the frames that compounds may use."""
    takes = []
    for clip in clips:
        motion = clip.motion
        if motion is None:
            continue
        columns = clip.frames_table(["detected", "intensity", "timestamp"]).columns
        detected, intensity, timestamps = map(per_frame, columns)
        take = Take(
            clip.key,
            clip.action,
            nominal_rate(timestamps, clip.fps),
            motion,
            tail_room(motion, detected),
            tuple(first_stops(motion, intensity)) if smooth else (motion.offset,),
            tuple(second_starts(motion, intensity)) if smooth else (motion.onset,),
        )
        takes.append(take)
    return takes


def refuse_same_key(one: Compound, other: Compound, where: str) -> None:
    """Raise DatasetError where two compounds with one key are not the same object."""
    if one is not other:
        names = [f"{c.subject}: {c.first} then {c.second}" for c in (one, other)]
        raise DatasetError(
            f"two compounds with the key {one.key} ({names[0]}; {names[1]})",
            wanted="names that differ when all but A-Z a-z 0-9 _ is written as _",
            where=where,
            todo="rename one of the subjects or actions, and build again",
        )
