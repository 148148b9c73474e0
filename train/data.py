"""A dataset for torch: samples, images with landmarks, padded batches.

Pixels are read one clip at a time, in any order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog import Dataset
from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.pipeline.geometry.points import to_68


@dataclass(frozen=True)
class Piece:
    """Frames ``[start, stop)`` of one action clip."""

    source: str
    start: int
    stop: int


@dataclass(frozen=True)
class LabelledClip:
    """One clip, action or compound, before its pixels are read.

    Attributes
    ----------
    key, subject : str
        Key and subject of the clip.
    label : str
        The motion; two samples of one subject and one label are a positive pair.
    fold : int
        Fold of the subject.
    pieces : tuple of Piece
        Its frames, as pieces of action clips in order; an action is one piece.
    onset, offset : int
        The motion is ``[onset, offset)`` in frames of the sample; all frames where no motion was
        found.
    """

    key: str
    subject: str
    label: str
    fold: int
    pieces: tuple[Piece, ...]
    onset: int
    offset: int

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return sum(piece.stop - piece.start for piece in self.pieces)

    @property
    def takes(self) -> frozenset[str]:
        """Keys of the action clips that it is made of."""
        return frozenset(piece.source for piece in self.pieces)


class Faces(NamedTuple):
    """Single frames.

    Attributes
    ----------
    images : Tensor uint8 [N, C, H, W]
    landmarks : Tensor float [N, 68, 2]
        In crop sides, 0 to 1.
    labels : Tensor int [N]
        The expression, as an index.
    """

    images: Tensor
    landmarks: Tensor
    labels: Tensor


def action_samples(dataset: Dataset) -> list[LabelledClip]:
    """Return every clip of D1, in the order of the shards."""
    samples = []
    for row in dataset.actions.table(
        ["key", "subject", "action", "fold", "n_frames", "onset", "offset"]
    ).to_pylist():
        n = row["n_frames"]
        onset, offset = (0, n) if row["onset"] is None else (row["onset"], row["offset"])
        piece = Piece(row["key"], 0, n)
        samples.append(
            LabelledClip(
                row["key"], row["subject"], row["action"], row["fold"], (piece,), onset, offset
            )
        )
    return samples


def compound_samples(dataset: Dataset) -> list[LabelledClip]:
    """Return every clip of D2, in the order of the shards.

    Raises
    ------
    DatasetError
        When there are no compounds, or their actions have changed since.
    """
    if dataset.card.stale:
        raise DatasetError(
            "stale compounds: the actions have changed since they were made",
            wanted="compounds of the present actions",
            where=str(dataset.path),
            todo="run `fmdata synth-compound` again",
        )
    samples = []
    for row in dataset.compounds.table(
        ["key", "subject", "first", "second", "fold", "segments"]
    ).to_pylist():
        length = dict.fromkeys(("lead", "first", "second", "tail"), 0)
        pieces = []
        for segment in row["segments"]:
            length[segment["role"]] += segment["stop"] - segment["start"]
            pieces.append(Piece(segment["source"], segment["start"], segment["stop"]))
        onset = length["lead"]
        offset = onset + length["first"] + length["second"]
        label = f"{row['first']} {row['second']}"
        samples.append(
            LabelledClip(
                row["key"], row["subject"], label, row["fold"], tuple(pieces), onset, offset
            )
        )
    return samples


def of_subjects(samples: Iterable[LabelledClip], subjects: Collection[str]) -> list[LabelledClip]:
    """Return the samples of some subjects."""
    return [sample for sample in samples if sample.subject in subjects]


def keys_of(dataset: Dataset, subjects: Collection[str]) -> list[str]:
    """Return the keys of some subjects' action clips, in the order of the shards."""
    table = dataset.actions.table(["key", "subject"])
    rows = zip(table["key"].to_pylist(), table["subject"].to_pylist(), strict=True)
    return [key for key, subject in rows if subject in subjects]


def share_a_take(one: LabelledClip, other: LabelledClip) -> bool:
    """Return whether two clips are made of one take, so that they show the same pixels."""
    return not one.takes.isdisjoint(other.takes)


def positive_pairs(samples: Iterable[LabelledClip]) -> Iterator[tuple[LabelledClip, LabelledClip]]:
    """Yield every two samples of one subject and one motion."""
    of_motion: dict[tuple[str, str], list[LabelledClip]] = defaultdict(list)
    for sample in samples:
        of_motion[sample.subject, sample.label].append(sample)
    for clips in of_motion.values():
        yield from combinations(clips, 2)


def require_positive_pair(
    samples: Sequence[LabelledClip], purpose: str, where: str, *, shared_takes: bool = False
) -> None:
    """Refuse samples in which no subject shows a motion twice.

    With `shared_takes`, a motion is shown twice by two clips of one take as well.

    Raises
    ------
    DatasetError
        When there is no positive pair.
    """
    if next(positive_pairs(samples), None) is None:
        raise DatasetError(
            f"no motion was recorded twice by a subject to {purpose}",
            wanted="at least two takes of a motion",
            where=where,
            todo="add takes and build again",
        )
    if not shared_takes and all(share_a_take(*pair) for pair in positive_pairs(samples)):
        raise DatasetError(
            f"no two clips of a motion without a common take to {purpose}",
            wanted="at least two takes of a motion, or two of each motion of a compound",
            where=where,
            todo="add takes and build again, or count such pairs with --set shared_takes=true",
        )


def images_of(frames: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Resize crops, uint8 [T, S, S, 3] RGB, to uint8 [T, channels, size, size]."""
    method = cv2.INTER_AREA if size <= frames.shape[1] else cv2.INTER_LINEAR
    images = np.empty((len(frames), size, size, channels), np.uint8)
    for image, frame in zip(images, frames, strict=True):
        if channels == 1:
            frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        image[:] = cv2.resize(frame, (size, size), interpolation=method).reshape(image.shape)
    return images.transpose(0, 3, 1, 2)


def crop_landmarks(clip: ActionClip) -> np.ndarray:
    """Return the 68 landmarks in a clip's crops, float32 [T, 68, 2], in crop sides, 0 to 1.

    Pixel centres have whole coordinates in the crop, hence the half.
    """
    points = to_68(clip.landmarks)[..., :2]
    transform = clip.transform
    pixels = np.einsum("tij,tkj->tki", transform[:, :, :2], points) + transform[:, None, :, 2]
    return ((pixels + 0.5) / clip.row["size"]).astype(np.float32)


def spread_frames(frames: np.ndarray, n: int) -> np.ndarray:
    """Return up to `n` of some frame numbers, int [F], evenly spread."""
    spread = np.linspace(0, len(frames) - 1, min(n, len(frames))).round().astype(int)
    return frames[spread]


def pad(features: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Stack clips of unequal length, float [T_i, m] each.

    Returns
    -------
    features : Tensor float [B, L, m]
        Zero after each clip's end; L is the longest.
    mask : Tensor bool [B, L]
        True where there is a frame.
    """
    lengths = torch.tensor([len(f) for f in features])
    mask = torch.arange(int(lengths.max()))[None, :] < lengths[:, None]
    return nn.utils.rnn.pad_sequence(list(features), batch_first=True).to(device), mask.to(device)


def scaled(images: Tensor) -> Tensor:
    """Scale pixels, uint8 0 to 255, to float 0 to 1."""
    return images.float() / 255
