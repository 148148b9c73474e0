"""Comparisons of an enrolled motion with a probe: genuine ones, and impostors of five kinds.

A comparison has an enrolment of one or more clips of one motion of one subject, and one probe clip.
Promises: no comparison shares a take between the two sides, so it never compares pixels with
themselves; the number of comparisons grows linearly with the number of subjects, to a limit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from fmdata.train.verification.clips import ComparedClips

MAX_OTHERS = 20  # subjects that each subject is compared with
MAX_COMPARISONS = 2_000_000  # of one person, and of two; more are thinned out at random


class Kind(IntEnum):
    """Kind of a comparison; all but the genuine one are impostors."""

    GENUINE = 0
    OTHER_MOTION = 1  # same person, another motion
    REVERSED = 2  # same person, a compound's two parts in the other order
    ONE_PART = 3  # same person, compounds that have one part in common
    SAME_MOTION = 4  # other person, same motion: one that has watched
    OTHER_PERSON = 5  # other person, other motion


# Kinds that are counted together: the negative pairs of Sun et al. 2022 and 2023 first.
GROUPS: dict[str, tuple[Kind, ...]] = {
    "same person, other motion": (Kind.OTHER_MOTION, Kind.REVERSED, Kind.ONE_PART),
    "same person, order reversed": (Kind.REVERSED,),
    "same person, one part shared": (Kind.ONE_PART,),
    "other person, same motion": (Kind.SAME_MOTION,),
    "other person, other motion": (Kind.OTHER_PERSON,),
}
PAPER = "same person, other motion"


@dataclass(frozen=True)
class Comparisons:
    """P scored comparisons.

    Attributes
    ----------
    similarity : float32 [P]
    kind : int8 [P]
        A :class:`Kind`.
    enrolled, probe : int32 [P]
        Positions of the first enrolled clip, and of the probe.
    who : int32 [P, 2]
        Subjects of both, as positions in `names`.
    names : tuple of str
        Names of all subjects.
    """

    similarity: np.ndarray
    kind: np.ndarray
    enrolled: np.ndarray
    probe: np.ndarray
    who: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.similarity)

    def of(self, *kinds: Kind) -> np.ndarray:
        """Return a mask of the comparisons of some kinds, bool [P]."""
        return np.isin(self.kind, kinds)

    def where(self, mask: np.ndarray) -> "Comparisons":
        """Return the comparisons of a mask, bool [P]."""
        return Comparisons(
            self.similarity[mask], self.kind[mask], self.enrolled[mask], self.probe[mask],
            self.who[mask], self.names,
        )  # fmt: skip

    def renumbered(self) -> "Comparisons":
        """Return the same comparisons with the names of their own subjects only."""
        present, who = np.unique(self.who, return_inverse=True)
        names = tuple(self.names[i] for i in present)
        return replace(self, who=who.reshape(-1, 2).astype(np.int32), names=names)


class Enrolments(NamedTuple):
    """M enrolments: positions of their clips, int [M, n], all of one motion of one subject."""

    clips: np.ndarray


def enrolments(clips: ComparedClips, n: int) -> Enrolments:
    """Return the enrolments of `n` clips: each clip of a motion with the n - 1 that follow it.

    The last is followed by the first. No two clips of an enrolment share a take; clips that would
    are passed over. A motion with fewer than n + 1 such clips, one of them to probe with, has none.
    """
    rows: list[list[int]] = []
    of_both = np.stack([clips.subject, clips.motion], axis=1)
    for subject, motion in np.unique(of_both, axis=0):
        of_motion = np.flatnonzero((clips.subject == subject) & (clips.motion == motion))
        ordered = of_motion[np.argsort(clips.order[of_motion])].tolist()
        for start in range(len(ordered) if n < len(ordered) else 0):
            chosen: list[int] = []
            for clip in ordered[start:] + ordered[:start]:
                if len(chosen) < n and not _shares(clips, np.array([clip]), chosen).any():
                    chosen.append(clip)
            if len(chosen) == n:
                rows.append(chosen)
    return Enrolments(np.array(rows, int).reshape(-1, n))


def compare(
    embeddings: np.ndarray,
    clips: ComparedClips,
    enrolled: Enrolments | None = None,
    *,
    best: bool = False,
    shared_names: bool = True,
    seed: int = 0,
) -> Comparisons:
    """Compare enrolments with all clips, within a subject and with up to 20 other subjects.

    Parameters
    ----------
    embeddings : float [N, n]
        Rows of length 1.
    clips : ComparedClips
        Their facts.
    enrolled : Enrolments, optional
        By default every clip is one. Two clips are then compared once, not in both directions.
    best : bool
        Score by the most similar enrolled clip; otherwise by the mean of the embeddings.
    shared_names : bool
        Whether motions of one name are the same motion in two subjects. Otherwise there is no
        :attr:`Kind.SAME_MOTION`.
    seed : int
        Seed of the thinning.
    """
    single = enrolled is None
    members = np.arange(len(clips))[:, None] if enrolled is None else enrolled.clips
    blocks = list(_blocks(clips, members, both_ways=not single))
    generator, parts = np.random.default_rng(seed), []
    for (rows, probes), share in zip(blocks, _kept_shares(clips, blocks), strict=True):
        similarity = _similarity(embeddings, rows, probes, best=best)
        kind = _kinds(clips, rows[:, 0], probes, shared_names=shared_names)
        kept = _countable(clips, rows, probes, single=single)
        if share < 1:
            kept &= generator.random(kept.shape) < share
        i, j = np.nonzero(kept)
        parts.append((similarity[i, j], kind[i, j], rows[i, 0], probes[j]))
    return _joined(parts, clips)


def _kept_shares(
    clips: ComparedClips, blocks: Sequence[tuple[np.ndarray, np.ndarray]]
) -> list[float]:
    """Return the share of comparisons to keep in each block, 1 where they are few."""
    same = [int(clips.subject[rows[0, 0]] == clips.subject[probes[0]]) for rows, probes in blocks]
    sizes = np.array([len(rows) * len(probes) for rows, probes in blocks])
    of_both = np.bincount(same, sizes, 2) if blocks else np.zeros(2)
    return [float(MAX_COMPARISONS / max(of_both[one], 1)) for one in same]


def _joined(parts: Sequence[tuple[np.ndarray, ...]], clips: ComparedClips) -> Comparisons:
    """Return the comparisons of all blocks: similarity, kind, enrolled and probe of each."""
    arrays = [np.concatenate([p[k] for p in parts]) if parts else np.empty(0) for k in range(4)]
    enrolled, probe = arrays[2].astype(np.int32), arrays[3].astype(np.int32)
    who = np.stack([clips.subject[enrolled], clips.subject[probe]], axis=1).astype(np.int32)
    similarity, kind = arrays[0].astype(np.float32), arrays[1].astype(np.int8)
    return Comparisons(similarity, kind, enrolled, probe, who, clips.names)


def _blocks(
    clips: ComparedClips, members: np.ndarray, *, both_ways: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the enrolments of a subject, [M, n], and the probes of a subject, [B], in blocks."""
    n = len(clips.names)
    of = [np.flatnonzero(clips.subject == subject) for subject in range(n)]
    owners = clips.subject[members[:, 0]]
    rows = [members[owners == subject] for subject in range(n)]
    steps = min(MAX_OTHERS // 2, n // 2)
    for one in range(n):
        # Steps around the circle of subjects; with an even number the half way is met twice.
        others = {(one + step) % n for step in range(1, steps + 1)} - {one}
        if 2 * steps == n and one >= steps:
            others.discard((one + steps) % n)
        pairs = [(one, one), *((one, other) for other in sorted(others))]
        pairs += [(other, one) for other in sorted(others)] if both_ways else []
        for a, b in pairs:
            if len(rows[a]) and len(of[b]):
                yield rows[a], of[b]


def _similarity(
    embeddings: np.ndarray, rows: np.ndarray, probes: np.ndarray, *, best: bool
) -> np.ndarray:
    """Score enrolments [M, n] against probes [B]: float [M, B]."""
    members, seen = embeddings[rows], embeddings[probes]
    if best:
        return np.einsum("mnd,bd->mnb", members, seen).max(axis=1)
    mean = members.mean(axis=1)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    return (mean / np.maximum(length, np.finfo(np.float32).tiny)) @ seen.T


def _kinds(
    clips: ComparedClips, first: np.ndarray, probes: np.ndarray, *, shared_names: bool
) -> np.ndarray:
    """Return the kind of each comparison, int8 [M, B]."""
    same_motion = clips.motion[first][:, None] == clips.motion[probes][None, :]
    if clips.subject[first[0]] != clips.subject[probes[0]]:
        known = same_motion & shared_names
        return np.where(known, Kind.SAME_MOTION, Kind.OTHER_PERSON).astype(np.int8)
    a, b = clips.parts[first][:, None], clips.parts[probes][None, :]
    turned_round = (a == b[..., ::-1]).all(axis=2)
    in_common = (a == b).any(axis=2) | (a == b[..., ::-1]).any(axis=2)
    kind = np.full(same_motion.shape, Kind.OTHER_MOTION, np.int8)
    kind[in_common] = Kind.ONE_PART
    kind[turned_round] = Kind.REVERSED
    kind[same_motion] = Kind.GENUINE
    return kind


def _countable(
    clips: ComparedClips, rows: np.ndarray, probes: np.ndarray, *, single: bool
) -> np.ndarray:
    """Return a mask of the comparisons that count, bool [M, B]."""
    kept = np.ones((len(rows), len(probes)), bool)
    if clips.subject[rows[0, 0]] != clips.subject[probes[0]]:
        return kept
    if single:
        kept = rows[:, :1] < probes[None, :]
    for m, row in enumerate(rows):
        kept[m] &= ~np.isin(probes, row)
        kept[m] &= ~_shares(clips, probes, row.tolist())
    return kept


def _shares(clips: ComparedClips, some: np.ndarray, others: list[int]) -> np.ndarray:
    """Return whether each of some clips shares a take with any of others, bool [len(some)]."""
    taken = clips.takes[others].reshape(-1)
    found = np.isin(clips.takes[some], taken[taken >= 0])
    return np.asarray(found.any(axis=1))
