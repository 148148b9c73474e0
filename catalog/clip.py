"""One clip of a dataset: its row in memory, pixels and facts of its frames read on demand.

A clip holds paths and a row but no open file, so it can be sent to another process.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fmdata.catalog.storage.jpeg import decode_jpegs
from fmdata.catalog.storage.schema import ACTION_COLUMNS, Columns, one_row, per_frame, with_labels
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tables.frames import FramesReader
from fmdata.catalog.storage.tables.opened import OpenedShard
from fmdata.catalog.storage.tables.rows import FramesOf, motion_of
from fmdata.catalog.storage.tars.members import Members, bytes_of
from fmdata.catalog.types import N_BLENDSHAPES, Motion

if TYPE_CHECKING:
    from fmdata.catalog.loading.at_rate import ClipAtRate


class Clip(Members):
    """One sample of a shard: an action or a compound.

    Attributes
    ----------
    row : dict
        Facts of the clip and positions of its members, by column; no facts of its frames.
    tar : Path
        The tar of its shard.
    shard, reader
        The files of the shard, and what reads its rows of frames.
    sources : mapping or None
        The action clips, by key, for a compound that has not been sent to another process.
    """

    COLUMNS: Columns
    sources: Any = None

    def __init__(self, row: dict[str, Any], shard: OpenedShard, reader: FramesReader) -> None:
        self.row = row
        self.tar = shard.tar
        self.shard = shard
        self.reader = reader

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key}, {self.n_frames} frames at {self.fps:g} fps)"

    def _repr_html_(self) -> str:
        from fmdata.catalog.pictures.notebook import html_of_clip

        return html_of_clip(self)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"sources": None}

    @property
    def subject(self) -> str:
        """Name or pseudonym of the subject."""
        return str(self.row["subject"])

    @property
    def fold(self) -> int:
        """Fold of the subject, 0 to 9."""
        return int(self.row["fold"])

    @property
    def fps(self) -> float:
        """Frames per second."""
        return float(self.row["fps"])

    @property
    def timestamps(self) -> np.ndarray:
        """float32 [T], seconds: of an action in its source, of a compound from its first frame."""
        return self.column("timestamp")

    def jpegs(self, indices: Sequence[int] | None = None) -> list[bytes]:
        """Return the JPEG bytes of some frames, by default of all, in one read."""
        data, spans = self._read_jpegs(range(self.n_frames) if indices is None else indices)
        return [data[at : at + size] for at, size in spans]

    @cached_property
    def jpeg_spans(self) -> np.ndarray:
        """int64 [T, 2], offset and size of each frame's JPEG in the tar, in bytes."""
        table = self.frames_table(["jpeg_offset", "jpeg_size"])
        return np.stack([per_frame(column) for column in table.columns], axis=1)

    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the pixels of some frames, by default of all, uint8 [T, S, S, 3], RGB."""
        numbers = range(self.n_frames) if indices is None else indices
        pixels = np.empty((len(numbers), self.size, self.size, 3), np.uint8)
        self.decode(numbers, pixels, range(len(numbers)))
        return pixels

    def locate(self) -> None:
        """Read where the frames lie; the pixels can then be read by any thread."""
        assert len(self.jpeg_spans) == self.n_frames

    def decode(self, numbers: Sequence[int], into: np.ndarray, places: Iterable[int]) -> None:
        """Decode the frames of some numbers into places of an array, uint8 [N, S, S, 3], RGB."""
        data, spans = self._read_jpegs(numbers)
        with self.shard.reading(self.tar):
            decode_jpegs(data, spans, self.size, into, places)

    def facts(self) -> pa.Table:
        """Return the facts of the clip as a table of one row, without positions."""
        facts = with_labels(self.COLUMNS, self.shard.labels).facts
        return one_row(facts, {name: self.row[name] for name in facts.names})

    def frame_blocks(self, columns: Sequence[str] | None = None) -> Iterable[pa.Table]:
        """Return an iterable of tables, each a block of the clip's frames, one row a frame.

        However long the clip, one block is in memory. By default all columns are read.
        """
        names = tuple(self.COLUMNS.frames.names if columns is None else columns)
        start = self.row["frames_row"]
        return FramesOf(self.shard, start, start + self.n_frames, names, self.reader)

    def frames_table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table of the clip's frames, one row a frame, by default of all columns."""
        every = self.COLUMNS.frames
        wanted = every if columns is None else pa.schema([every.field(name) for name in columns])
        return pa.concat_tables([wanted.empty_table(), *self.frame_blocks(wanted.names)])

    def column(self, name: str, shape: Sequence[int] = ()) -> np.ndarray:
        """Return one fact of every frame, [T, *shape]; empty where all are null."""
        return per_frame(self.frames_table([name])[name], shape)

    def sample(self) -> Sample:
        """Return the clip as a sample for another shard; its pixels and frames are not read yet."""
        avi, lbp, wav = map(self._slice, ("avi", "lbp", "wav"))
        assert avi is not None
        frames = self.frame_blocks(self.COLUMNS.frame_facts.names)
        return Sample(self.facts(), frames, avi, lbp, wav=wav)

    def _read_jpegs(self, numbers: Sequence[int]) -> tuple[bytes, list[list[int]]]:
        """Read some JPEGs at once; return the bytes, and where each begins and its size."""
        spans = self.jpeg_spans[list(numbers)]
        if len(spans) == 0:
            return b"", []
        begin, end = int(spans[:, 0].min()), int(spans.sum(axis=1).max())
        return self._read(begin, end - begin), (spans - [begin, 0]).tolist()


class ActionClip(Clip):
    """A clip of D1: one take of one action of one subject."""

    COLUMNS = ACTION_COLUMNS

    @property
    def action(self) -> str:
        """Name of the action."""
        return str(self.row["action"])

    @property
    def take(self) -> str:
        """Name of the take."""
        return str(self.row["take"])

    @property
    def labels(self) -> dict[str, Any]:
        """Values of the labels that the table of recordings gives, by name; None where empty."""
        return {label.name: self.row[label.column] for label in self.shard.labels}

    @property
    def n_bytes(self) -> int:
        """Size of the pixels, the LBP maps and the sound in the tar."""
        return bytes_of(self.row)

    @property
    def motion(self) -> Motion | None:
        """Onset, apex and offset of the clip's motion; None where no motion was found."""
        return motion_of(self.row)

    @property
    def motions(self) -> tuple[Motion, ...]:
        """All motions of the recording, in the order of time; the largest is the clip's."""
        return tuple(filter(None, map(motion_of, self.row["motions"])))

    def at(self, fps: float) -> "ClipAtRate":
        """Return the clip at a constant frame rate, by nearest frames."""
        from fmdata.catalog.loading.at_rate import ClipAtRate

        return ClipAtRate(self, fps)

    @property
    def landmarks(self) -> np.ndarray:
        """float32 [T, N, 3], in pixels of the source frame; N is 478 (MediaPipe) or 68 (FAN)."""
        return self.column("landmarks").reshape(self.n_frames, -1, 3)

    @property
    def landmarks_in_crop(self) -> np.ndarray:
        """float32 [T, N, 2], in pixels of the crop; pixel centres have whole coordinates."""
        turn, shift = np.split(self.transform, [2], axis=2)
        points = np.einsum("tij,tnj->tni", turn, self.landmarks[..., :2])
        return (points + shift.transpose(0, 2, 1)).astype(np.float32)

    @property
    def pose(self) -> np.ndarray:
        """float32 [T, 3], yaw, pitch, roll in degrees; signs as in ``Track``."""
        return self.column("pose", (3,))

    @property
    def blendshapes(self) -> np.ndarray:
        """float32 [T, 52], MediaPipe's scores in its order; empty from a backend without them."""
        return self.column("blendshapes", (N_BLENDSHAPES,))

    @property
    def frame_face_px(self) -> np.ndarray:
        """float32 [T], interocular distance in pixels of the source frame."""
        return self.column("face_px")

    @property
    def frame_sharpness(self) -> np.ndarray:
        """float32 [T], variance of the Laplacian inside the face box."""
        return self.column("sharpness")

    @property
    def frame_brightness(self) -> np.ndarray:
        """float32 [T], mean grey level inside the face box, 0 to 255."""
        return self.column("brightness")

    @property
    def transform(self) -> np.ndarray:
        """float32 [T, 2, 3], from pixels of the source frame to pixels of the crop."""
        return self.column("transform", (2, 3))

    @property
    def detected(self) -> np.ndarray:
        """Mask bool [T], false where the face was not found."""
        return self.column("detected")

    @property
    def change(self) -> np.ndarray:
        """float32 [T], mean absolute difference of each frame to the one before, 0 to 255."""
        return self.column("change")

    @property
    def intensity(self) -> np.ndarray:
        """float32 [T], displacement from neutral in interocular distances."""
        return self.column("intensity")
