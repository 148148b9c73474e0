"""Invented embeddings of motions with known similarities, and the facts of their clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fmdata.train.data import LabelledClip, Piece
from fmdata.train.verification.clips import ComparedClips
from fmdata.train.verification.comparisons import Comparisons, Kind
from fmdata.train.verification.measure import EmbeddedClips


def clips_of(
    subjects: Sequence[str], motions: Sequence[str], takes: int, *, day_takes: int = 5
) -> ComparedClips:
    """Return the facts of single actions: every subject shows every motion `takes` times."""
    rows = [(s, m, t) for s in subjects for m in motions for t in range(takes)]
    names, labels = sorted({*subjects}), sorted({*motions})
    motion = np.array([labels.index(m) for _, m, _ in rows])
    take = np.array([t for _, _, t in rows])
    return ComparedClips(
        names=tuple(names),
        subject=np.array([names.index(s) for s, _, _ in rows]),
        motion=motion,
        parts=np.stack([motion, motion], axis=1),
        takes=np.arange(len(rows))[:, None],
        order=np.arange(len(rows)),
        day=take // day_takes,
        amplitude=np.ones(len(rows)),
        seconds=np.ones(len(rows)),
        flash=np.zeros(len(rows), bool),
        facing=np.zeros((len(rows), 2)),
    )


def compounds_of(names: Sequence[str], copies: int) -> ComparedClips:
    """Return the facts of one subject's compounds, such as ``ab``; each of takes of its own."""
    letters = sorted({letter for name in names for letter in name})
    rows = [name for name in names for _ in range(copies)]
    clips = clips_of(["s"], [*names], copies)
    parts = np.array([[letters.index(letter) for letter in row] for row in rows])
    takes = np.arange(2 * len(rows)).reshape(-1, 2)
    return replace(clips, parts=parts, takes=takes)


def embeddings_of(
    clips: ComparedClips, seed: int = 0, *, spread: float = 0.3, identity: float = 0.0
) -> np.ndarray:
    """Return rows of length 1, float32 [N, 16]: motion of the subject, identity, and noise."""
    generator = np.random.default_rng(seed)
    motions = generator.normal(size=(len(clips.names), clips.motion.max() + 1, 16))
    who = generator.normal(size=(len(clips.names), 16)) * identity
    noise = generator.normal(size=(len(clips), 16)) * spread
    rows = motions[clips.subject, clips.motion] + who[clips.subject] + noise
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def embedded(clips: ComparedClips, seed: int = 0, **how: float) -> EmbeddedClips:
    """Return embeddings of the clips, with samples that name subject and motion."""
    samples = [
        LabelledClip(str(i), clips.names[s], str(m), 0, (Piece(str(i), 0, 9),), 0, 9)
        for i, (s, m) in enumerate(zip(clips.subject, clips.motion, strict=True))
    ]
    return EmbeddedClips(embeddings_of(clips, seed, **how), samples)


def scored(
    genuine: Sequence[float], impostors: Sequence[float], names: Sequence[str] = ("a", "b")
) -> Comparisons:
    """Return comparisons of given similarities, within each subject in turn."""
    n = len(genuine) + len(impostors)
    similarity = np.array([*genuine, *impostors], np.float32)
    kind = np.where(np.arange(n) < len(genuine), Kind.GENUINE, Kind.OTHER_MOTION)
    who = np.concatenate([np.arange(len(x)) % len(names) for x in (genuine, impostors)])
    both = np.stack([who, who], axis=1).astype(np.int32)
    places = np.zeros(n, np.int32)
    return Comparisons(similarity, kind.astype(np.int8), places, places, both, tuple(names))
