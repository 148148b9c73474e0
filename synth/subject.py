"""All compounds of one subject: their plan, sizes, rows and samples, from its clips alone.

Any process can plan any subject, so a synthesis holds the plans of no others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.keys import key_part
from fmdata.catalog.rest import first_stops, second_starts, tail_room
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.timing import nominal_rate
from fmdata.catalog.virtual.facts import FramesByKey, frames_of
from fmdata.catalog.virtual.sources import Sources
from fmdata.catalog.virtual.splice import Timed, spliced_avi, spliced_maps, spliced_rows
from fmdata.synth.notes import notes_of
from fmdata.synth.plan import plan_subject
from fmdata.synth.planned import LEAD, START, STOP, TAIL
from fmdata.synth.rows import rows_of
from fmdata.synth.seams import Changes, SmoothJoins, measure_seams
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.takes import Take

_COLUMNS = ("detected", "intensity", "timestamp", "change", "jpeg_offset", "jpeg_size")
_SPLICED = 64  # compounds whose rows are made together
_LONG = 2000  # frames of a compound that is made alone, to hold little in memory


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
        found = list(clips.of_subject(subject))
        self._clips = {clip.key: clip for clip in found}
        frames = frames_of(found, _COLUMNS)
        change = {key: of_clip["change"] for key, of_clip in frames.items()}
        self._changes = Changes(self._clips, change)
        self._sources = _sources(self._clips, frames)
        names = sorted({clip.action for clip in found} | set(dropped))
        takes = _usable_takes(found, frames, smooth=settings.smooth)
        join = SmoothJoins(self._clips, self._changes) if settings.smooth else None
        self.plan = plan_subject(subject, names, takes, k=settings.k, seed=settings.seed, join=join)
        self._refuse_same_parts(str(clips.folder))
        self.notes = notes_of(subject, names, self.plan.cells, settings.k)

    def __len__(self) -> int:
        return len(self.plan)

    @property
    def fold(self) -> int:
        """Fold of the subject."""
        return next(iter(self._clips.values())).fold

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of the pixels and LBP maps of each compound, which decide its shard, int64 [N]."""
        before = [self._sources[take.key].n_bytes for take in self.plan.takes]
        starts = np.cumsum([0, *map(len, before)])
        n_bytes = np.concatenate([np.zeros(0, np.int64), *before])
        one, other = starts[self.plan.one], starts[self.plan.other]
        cuts = self.plan.cuts
        size: np.ndarray = (
            n_bytes[one + cuts[:, STOP]]
            - n_bytes[one + cuts[:, LEAD]]
            + n_bytes[other + cuts[:, TAIL]]
            - n_bytes[other + cuts[:, START]]
        )
        return size

    def rows(self, start: int, stop: int) -> pa.Table:
        """Return the rows of some of the compounds."""
        seams = measure_seams(self.plan, start, stop, self._changes)
        return rows_of(self.plan, start, stop, self.fold, seams)

    def samples(self, start: int, stop: int) -> Iterator[Sample]:
        """Yield the samples of some of the compounds; frames have the bytes of their sources."""
        for at in range(start, stop, _SPLICED):
            compounds = [self.plan[i] for i in range(at, min(at + _SPLICED, stop))]
            facts = self.rows(at, at + len(compounds))
            timed = [Timed(compound.segments, compound.fps) for compound in compounds]
            lengths = [compound.n_frames for compound in compounds]
            frames, ends = spliced_rows(timed, self._sources), np.cumsum(lengths)
            samples = (
                self._sample(facts.slice(number, 1), frames.slice(end - n, n), one)
                for number, (one, n, end) in enumerate(zip(timed, lengths, ends, strict=True))
            )
            # Made before the first is copied, which would drive all this from the caches.
            yield from list(samples) if max(lengths) < _LONG else samples

    def _sample(self, facts: pa.Table, frames: pa.Table, timed: Timed) -> Sample:
        avi, spans = spliced_avi(timed.segments, timed.fps, self._sources)
        maps = spliced_maps(timed.segments, self._sources)
        return Sample(facts, [frames], avi, maps, spans)

    def _refuse_same_parts(self, where: str) -> None:
        """Raise DatasetError where two actions in use would give two compounds one key."""
        known: dict[str, str] = {}
        for name in sorted({take.action for take in self.plan.takes}):
            other = known.setdefault(key_part(name), name)
            if other != name:
                raise same_key(f"{self.plan.subject}: {other}", name, where)


def _sources(clips: Mapping[str, ActionClip], frames: FramesByKey) -> Sources:
    """Return the sources of compounds, with what is known of their frames."""
    sources = Sources(clips)
    for key, clip in clips.items():
        of_clip = frames[key]
        clip.jpeg_spans = np.stack([of_clip["jpeg_offset"], of_clip["jpeg_size"]], axis=1)
        sources[key].timestamps = of_clip["timestamp"]
    return sources


def _usable_takes(clips: Iterable[ActionClip], frames: FramesByKey, *, smooth: bool) -> list[Take]:
    """Return the clips with a motion, with the frames that compounds may use."""
    takes = []
    for clip in clips:
        motion = clip.motion
        if motion is None:
            continue
        detected, intensity, timestamps = map(
            frames[clip.key].__getitem__, ("detected", "intensity", "timestamp")
        )
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


def same_key(one: str, other: str, where: str) -> DatasetError:
    """Return the error for two compounds that would have one key."""
    return DatasetError(
        f"compounds with the same keys ({one}; {other})",
        wanted="names that differ when all but A-Z a-z 0-9 _ is written as _",
        where=where,
        todo="rename one of the subjects or actions, and build again",
    )
