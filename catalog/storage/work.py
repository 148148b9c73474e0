"""Unfinished work: one unit for each recording that is done but not yet packed into a shard.

A unit is a folder below ``.work``, named by the recording's digest. It holds either a clip
(``row.arrow``, ``frames.arrow``, ``landmarks.npy``, ``clip.avi`` and, if asked for, ``lbp.npy``
and ``sound.wav``) or, for a dropped recording, ``dropped.parquet`` alone, or the motions of a
session, ``session.json``. Promise: a folder gets its unit's name only when it is whole, so a unit
that exists is done. Facts of frames are written and read in blocks. Landmarks have a file of their
own because the stages write them while they decode.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.files import atomic_folder
from fmdata.catalog.storage.npy import NpyFile
from fmdata.catalog.storage.schema import (
    ACTION_FACTS,
    ACTION_FRAME_FACTS,
    DROPPED_COLUMNS,
    frame_rows,
    one_row,
)
from fmdata.catalog.storage.shards import Sample
from fmdata.catalog.storage.tables.frames import FRAMES_PER_BLOCK
from fmdata.catalog.storage.tars.wav import HEADER_BYTES, samples_in, wav_blocks, wav_header
from fmdata.catalog.types import Dropped

_LANDMARKS = pa.schema([ACTION_FRAME_FACTS.field("landmarks")])
UNIT_FRAME_FACTS = pa.schema([field for field in ACTION_FRAME_FACTS if field not in _LANDMARKS])
# Errors from reading a damaged unit: no table, or one with other columns or without its row.
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    pa.ArrowException,
    struct.error,
)


@dataclass(frozen=True)
class Unit:
    """One unit's folder and the files in it.

    Attributes
    ----------
    path : Path
        The folder, finished or being filled.
    """

    path: Path

    @property
    def digest(self) -> str:
        """Digest of the recording, which is the folder's name."""
        return self.path.name

    @property
    def row(self) -> Path:
        """Arrow file of the clip's row."""
        return self.path / "row.arrow"

    @property
    def frame_facts(self) -> Path:
        """Arrow file of the facts of every frame but its landmarks, in blocks."""
        return self.path / "frames.arrow"

    @property
    def landmarks(self) -> Path:
        """Landmarks of every frame, float32 [T, N, 3]."""
        return self.path / "landmarks.npy"

    @property
    def avi(self) -> Path:
        """Motion JPEG file of the crops."""
        return self.path / "clip.avi"

    @property
    def lbp(self) -> Path:
        """LBP maps, uint8 [T, S, S]; missing in a dataset without them."""
        return self.path / "lbp.npy"

    @property
    def wav(self) -> Path:
        """Sound of the clip; missing in a dataset without it."""
        return self.path / "sound.wav"

    @property
    def session(self) -> Path:
        """JSON file of the motions of a session; its unit holds no clip."""
        return self.path / "session.json"

    @property
    def sheet(self) -> Path:
        """Picture of a session's motions; missing where none was asked for."""
        return self.path / "sheet.jpg"

    @property
    def dropped(self) -> Path:
        """Parquet file with the row of a dropped recording."""
        return self.path / "dropped.parquet"

    @contextmanager
    def filling(self) -> Iterator["Unit"]:
        """Yield an empty unit to fill, which gets this unit's name when the block has ended."""
        with atomic_folder(self.path) as folder:
            yield Unit(folder)

    def write_facts(self, row: pa.Table, frames: pa.Table) -> None:
        """Write a clip's row, and the facts of its frames, :data:`UNIT_FRAME_FACTS`."""
        for path, table in ((self.row, row), (self.frame_facts, frames)):
            with (
                pa.OSFile(str(path), "wb") as file,
                pa.ipc.new_file(file, table.schema) as writer,
            ):
                writer.write_table(table, max_chunksize=FRAMES_PER_BLOCK)

    def read_row(self) -> pa.Table:
        """Read a clip's row."""
        with pa.OSFile(str(self.row)) as file:
            return pa.ipc.open_file(file).read_all()

    def read_frames(self) -> Iterator[pa.Table]:
        """Read the facts of a clip's frames, a block at a time."""
        landmarks = NpyFile(self.landmarks)
        with pa.OSFile(str(self.frame_facts)) as file:
            reader, at = pa.ipc.open_file(file), 0
            for number in range(reader.num_record_batches):
                block = pa.table(reader.get_batch(number))
                meshes = landmarks[at : at + block.num_rows]
                at += block.num_rows
                column = frame_rows(_LANDMARKS, {"landmarks": meshes})["landmarks"]
                yield block.append_column(_LANDMARKS.field(0), column)

    def write_dropped(self, dropped: Dropped) -> None:
        """Make this the unit of a dropped recording, whole or not at all."""
        with self.filling() as unit:
            row = one_row(DROPPED_COLUMNS, asdict(dropped) | {"digest": self.digest})
            pq.write_table(row, unit.dropped)

    def read_dropped(self) -> Dropped | None:
        """Read the row of a dropped recording; None for a clip.

        Raises
        ------
        ValueError
            When the row belongs to another unit.
        """
        if not self.dropped.exists():
            return None
        values = pq.read_table(self.dropped).to_pylist()[0]
        if values.pop("digest") != self.digest:
            raise ValueError(f"{self.dropped} belongs to another unit")
        return Dropped(**values)

    def is_whole(self) -> bool:
        """Return whether a clip's files all exist and have one length; pixels are not read."""
        if self.session.exists():
            return True
        row = self.read_row()
        row.validate(full=True)
        if not row.schema.equals(ACTION_FACTS):
            return False
        n_rows = 0
        for block in self.read_frames():
            block.validate(full=True)
            if not block.select(UNIT_FRAME_FACTS.names).schema.equals(UNIT_FRAME_FACTS):
                return False
            n_rows += block.num_rows
        with self.avi.open("rb") as avi:
            n_jpegs = sum(1 for _ in jpeg_spans(avi, self.avi.stat().st_size))
        arrays = [self.landmarks, *([self.lbp] if self.lbp.exists() else [])]
        lengths = [n_rows, n_jpegs, *map(_length, arrays)]
        if lengths != [row["n_frames"][0].as_py()] * len(lengths):
            return False
        return self.wav.exists() == row["sound_s"][0].is_valid and self._has_whole_sound()

    def _has_whole_sound(self) -> bool:
        """Return whether a WAV has the header of its size; True without one."""
        if not self.wav.exists():
            return True
        with self.wav.open("rb") as wav:
            return wav.read(HEADER_BYTES) == wav_header(samples_in(self.wav.stat().st_size))

    @property
    def n_bytes(self) -> int:
        """Size of a clip's pixels, LBP maps and sound."""
        members = (self.avi, self.lbp, self.wav)
        return sum(path.stat().st_size for path in members if path.exists())

    def sample(self) -> Sample:
        """Return a clip, ready for a shard; the facts of its frames are not read yet."""
        lbp, wav = (path if path.exists() else None for path in (self.lbp, self.wav))
        return Sample(self.read_row(), _Frames(self), self.avi, lbp, wav=wav)

    def subject(self) -> str | None:
        """Return the subject, as far as one of the unit's tables can be read; else None."""
        with suppress(*UNREADABLE):
            if self.row.exists():
                return str(self.read_row()["subject"][0].as_py())
            return str(pq.read_table(self.dropped, columns=["subject"])["subject"][0].as_py())
        return None

    def frames(self) -> Iterator[bytes]:
        """Yield every JPEG, LBP map, frame of landmarks and second of sound that can be read."""
        with suppress(OSError, ValueError), self.avi.open("rb") as file:
            for span in jpeg_spans(file, self.avi.stat().st_size):
                file.seek(span.offset)
                yield file.read(span.size)
        for path in (self.lbp, self.landmarks):
            with suppress(OSError, ValueError):
                array = NpyFile(path)
                for frame in range(array.shape[0]):
                    yield array[frame : frame + 1].tobytes()
        with suppress(OSError), self.wav.open("rb") as file:
            for offset, size in wav_blocks(0, self.wav.stat().st_size).tolist():
                file.seek(offset)
                yield file.read(size)


def _length(npy: Path) -> int:
    """Return the number of rows of an array; ValueError where the file ends before the last."""
    array = NpyFile(npy)
    array[-1:]
    return array.shape[0]


@dataclass(frozen=True)
class _Frames(Iterable[pa.Table]):
    """Facts of a unit's frames, read block by block each time they are iterated over."""

    unit: Unit

    def __iter__(self) -> Iterator[pa.Table]:
        return self.unit.read_frames()
