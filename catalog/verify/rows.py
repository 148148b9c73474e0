"""Verification of rows: keys, order and folds of all clips together, and the motion of each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.keys import fold
from fmdata.catalog.rest import with_rest
from fmdata.catalog.storage.schema import GIVEN, MOTION_FROM, SPOTTED, TIMES
from fmdata.catalog.storage.tables.index import digest, digests, repeated
from fmdata.catalog.types import STYLES
from fmdata.catalog.verify.duplicates import n_subjects, same_bytes
from fmdata.catalog.verify.finding import REBUILD, Finding, after_deleting
from fmdata.catalog.virtual.compound import CompoundClip


class Names:
    """Keys, order and folds of one half, shard by shard; eight bytes a clip are kept.

    Parameters
    ----------
    half : Clips
        Its clips.
    seed : int
        Seed of the folds.
    todo : str
        The command that makes the half again.
    """

    def __init__(self, half: Clips[ActionClip] | Clips[CompoundClip], seed: int, todo: str) -> None:
        self._half, self._seed = half, seed
        self._todo = after_deleting(f"the files of {half.folder.name}", todo)
        self._digests: list[np.ndarray] = []
        self._last = (-1, "", "")

    def check(self, clips: Iterable[Clip]) -> Iterator[Finding]:
        """Check the order of a shard's clips, and the fold of each subject."""
        keys: list[str] = []
        for clip in clips:
            keys.append(clip.key)
            place = clip.fold, clip.subject, clip.key
            if place < self._last:
                yield self._finding(f"{self._last[2]} before {clip.key}, not in order")
            wanted = fold(clip.subject, self._seed) if place[:2] != self._last[:2] else clip.fold
            if clip.fold != wanted:
                yield self._finding(f"subject {clip.subject} in fold {clip.fold}, wanted {wanted}")
            self._last = place
        self._digests.append(digests(keys))

    def total(self) -> Iterator[Finding]:
        """Check the number of clips, and that all keys differ, after all shards."""
        found, samples = sum(map(len, self._digests)), self._half.part.samples
        if found != samples:
            yield self._finding(f"{found} clips in its shards, and the card says {samples}")
        if not (twice := repeated(self._digests)):
            return
        keys: Counter[str] = Counter()
        for shard in self._half.part.shards:
            table = pq.read_table(self._half.folder / f"{shard.name}.parquet", columns=["key"])
            keys.update(key for key in table["key"].to_pylist() if digest(key) in twice)
        for key, count in keys.items():
            if count > 1:
                yield self._finding(f"{count} samples with the key {key}")

    def _finding(self, problem: str) -> Finding:
        return Finding(str(self._half.folder), problem, self._todo)


def problem_of_motion(clip: ActionClip) -> str | None:
    """Return the problem of a clip's motion, which is not in it or not between frames at rest.

    All facts of a motion are null where there is none.
    """
    row = clip.row
    if problem := _problem_of_spotted(row) or _problem_of_given(row):
        return problem
    onset, apex, offset, style = facts = tuple(row[name] for name in (*TIMES, "style"))
    if facts == (None, None, None, None) and row["motion_from"] == "spotted":
        return None
    ordered = None not in facts and 0 <= onset <= apex < offset <= clip.n_frames
    held_short = style == "hold" and offset != clip.n_frames
    if not ordered or style not in STYLES or held_short:
        return (
            f" of {clip.n_frames} frames has onset {onset}, apex {apex}, "
            f"offset {offset}, style {style}"
        )
    motion = clip.motion
    assert motion is not None
    counted = with_rest(motion, clip.intensity, clip.detected)
    if counted == motion:
        return None
    return (
        f": lead {motion.lead} and trail {motion.trail}, wanted {counted.lead} and "
        f"{counted.trail}, the frames at rest beside its motion"
    )


def _problem_of_spotted(row: Mapping[str, Any]) -> str | None:
    """Return the problem of the motions that were spotted, one of which is the clip's or was."""
    spotted, times = (tuple(row[name] for name in names) for names in (SPOTTED, TIMES))
    spans = [(one["onset"], one["offset"]) for one in row["motions"]]
    listed = (spotted[0], spotted[2]) in spans if spans else spotted == (None, None, None)
    if not listed or any(one[1] > other[0] for one, other in pairwise(spans)):
        return f" has spotted onset, apex and offset {spotted}, and motions {spans}"
    if row["motion_from"] not in MOTION_FROM:
        return f" has a motion from {row['motion_from']!r}, wanted one of {MOTION_FROM}"
    if row["motion_from"] == "spotted" and times != spotted:
        at = ", ".join(f"{name} {time}" for name, time in zip(TIMES, times, strict=True))
        return f" has {at}, and {spotted} were spotted"
    return None


def _problem_of_given(row: Mapping[str, Any]) -> str | None:
    """Return the problem of boundaries that a table gives, which are the clip's unless reviewed."""
    given, times = (tuple(row[name] for name in names) for names in (GIVEN, TIMES))
    onset, apex, offset = given
    spelt = row["given_times"]
    is_given = None not in (onset, offset, spelt)
    if not is_given and (*given, spelt) != (None, None, None, None):
        return f" has given onset, apex and offset {given}, in the table {spelt!r:.80}"
    if row["review"] is not None:
        return None
    if is_given != (row["motion_from"] == "given"):
        return f" has a motion that is {row['motion_from']}, and {given} in the table"
    if is_given and times != (onset, times[1] if apex is None else apex, offset):
        return f" has onset, apex and offset {times}, and {given} are given"
    return None


def check_duplicates(clips: Clips[ActionClip]) -> Iterator[Finding]:
    """Note the clips that have the same source."""
    for group in same_bytes(clips):
        keys, n = ", ".join(use.name for use in group), n_subjects(group)
        whose = "one subject" if n == 1 else f"{n} subjects"
        problem = f"{len(group)} clips of {whose} from the same bytes: {keys}"
        todo = f"remove all but one of the recordings, then {REBUILD}"
        yield Finding(str(clips.folder), problem, todo, is_note=True)
