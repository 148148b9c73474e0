"""A dataset for torch: samples, images with landmarks, padded batches.

Pixels are read one clip at a time, in any order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple, overload

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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


_PIECE = pa.struct([("source", pa.string()), ("start", pa.int32()), ("stop", pa.int32())])
_NAME = pa.dictionary(pa.int32(), pa.string())
_SAMPLE = pa.schema(
    [
        ("key", pa.string()),
        ("subject", _NAME),
        ("label", _NAME),
        ("fold", pa.int32()),
        ("pieces", pa.list_(_PIECE)),
        ("onset", pa.int32()),
        ("offset", pa.int32()),
    ]
)


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


class Samples(Sequence[LabelledClip]):
    """Clips of a dataset in flat arrays; a :class:`LabelledClip` is made when it is asked for.

    Every training process holds all of them: as objects they would take ten times the memory.
    """

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows.cast(_SAMPLE).combine_chunks()

    @classmethod
    def of(cls, clips: Iterable[LabelledClip]) -> "Samples":
        """Return some clips as flat arrays."""
        return cls(pa.Table.from_pylist([asdict(clip) for clip in clips], _SAMPLE))

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def __iter__(self) -> Iterator[LabelledClip]:
        for batch in self._rows.to_batches(max_chunksize=1000):
            yield from map(_clip, batch.to_pylist())

    @overload
    def __getitem__(self, i: int) -> LabelledClip: ...
    @overload
    def __getitem__(self, i: slice) -> "Samples": ...
    def __getitem__(self, i: int | slice) -> "LabelledClip | Samples":
        if isinstance(i, slice):
            return Samples(self._rows.take(np.arange(len(self))[i]))
        return _clip(self._rows.slice(range(len(self))[i], 1).to_pylist()[0])

    def __add__(self, other: "Samples") -> "Samples":
        return Samples(pa.concat_tables([self._rows, other._rows]))

    def of_subjects(self, subjects: Collection[str]) -> "Samples":
        """Return the clips of some subjects."""
        chosen = pa.array(sorted(subjects), pa.string())
        return Samples(self._rows.filter(pc.is_in(self._rows["subject"].cast("string"), chosen)))


def _clip(row: dict[str, Any]) -> LabelledClip:
    return LabelledClip(**row | {"pieces": tuple(Piece(**piece) for piece in row["pieces"])})


def action_samples(dataset: Dataset, column: str = "action") -> Samples:
    """Return every clip of D1, in the order of the shards; a column has the labels."""
    names = ["key", "subject", column, "fold", "n_frames", "onset", "offset"]
    rows = dataset.actions.table(names).combine_chunks()
    frames = rows["n_frames"]
    start = pa.nulls(len(rows), pa.int32()).fill_null(0)
    pieces = pa.StructArray.from_arrays(
        [_flat(rows["key"]), start, _flat(frames)], ["source", "start", "stop"]
    )
    bounds = pa.array(np.arange(len(rows) + 1), pa.int32())
    onset, offset = pc.fill_null(rows["onset"], 0), pc.coalesce(rows["offset"], frames)
    facts = rows["key"], rows["subject"], rows[column].cast(pa.string()), rows["fold"]
    columns = [*facts, pa.ListArray.from_arrays(bounds, pieces), onset, offset]
    return Samples(pa.table(columns, _SAMPLE.names))


def compound_samples(dataset: Dataset) -> Samples:
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
            where=dataset.where,
            todo="run `fmdata synth-compound` again",
        )
    rows = dataset.compounds.table(["key", "subject", "first", "second", "fold", "segments"])
    segments = _flat(rows["segments"])
    source, start, stop = (segments.flatten().field(name) for name in ("source", "start", "stop"))
    # Lead, first, second and tail of each.
    lengths = pc.subtract(stop, start).to_numpy().reshape(-1, 4)
    onset, offset = lengths[:, 0], lengths[:, :3].sum(axis=1)
    pieces = pa.StructArray.from_arrays([source, start, stop], ["source", "start", "stop"])
    bounds = pa.array(np.arange(len(rows) + 1) * 4, pa.int32())
    labels = pc.binary_join_element_wise(rows["first"], rows["second"], " ")
    names = rows["key"], rows["subject"], labels, rows["fold"]
    columns = [*names, pa.ListArray.from_arrays(bounds, pieces), pa.array(onset), pa.array(offset)]
    return Samples(pa.table(columns, _SAMPLE.names))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def share_a_take(one: LabelledClip, other: LabelledClip) -> bool:
    """Return whether two clips are made of one take, so that they show the same pixels."""
    return not one.takes.isdisjoint(other.takes)


def positive_pairs(samples: Sequence[LabelledClip]) -> Iterator[tuple[LabelledClip, LabelledClip]]:
    """Yield every two samples of one subject and one motion."""
    of_motion: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        of_motion[sample.subject, sample.label].append(i)
    for places in of_motion.values():
        yield from combinations([samples[i] for i in places], 2)


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
    return (to_68(clip.landmarks_in_crop) + np.float32(0.5)) / np.float32(clip.size)


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
