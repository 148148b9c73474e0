"""One clip of a dataset: scalar facts in memory, pixels and per-frame columns read on demand.

A clip holds paths and a row but no open file, so it can be sent to another process.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.avi import decode_jpeg
from fmdata.catalog.storage.schema import ACTION_FACTS, COMPOUND_FACTS, POSITIONS, per_frame
from fmdata.catalog.storage.shards import Sample, TarSlice
from fmdata.catalog.types import N_BLENDSHAPES, Motion, Segment


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an error from reading a dataset's file into a DatasetError with advice."""
    try:
        yield
    except (OSError, EOFError, IndexError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"a file of the dataset cannot be read: {error}",
            wanted="the file that the dataset's card names, as it was written",
            where=str(path),
            todo="run `fmdata verify`, which reports the damage and how to repair it",
        ) from error


def motion_of(row: Mapping[str, Any]) -> Motion | None:
    """Return the motion of a row of the actions; None where no motion was found."""
    if row["onset"] is None:
        return None
    return Motion(
        onset=row["onset"],
        apex=row["apex"],
        offset=row["offset"],
        style=row["style"],
        amplitude_iod=row["amplitude"],
        snr=row["snr"],
        lead=row["lead"],
        style_margin=row["style_margin"],
        trail=row["trail"],
    )


class Clip:
    """Base class of the clips: one sample of a shard.

    Attributes
    ----------
    row : dict
        Scalar facts of the clip and positions in its tar, by column; no per-frame facts.
    """

    FACTS: pa.Schema

    def __init__(self, row: dict[str, Any], tar: Path, parquet: Path, index: int) -> None:
        self.row = row
        self._tar, self._parquet, self._index = tar, parquet, index

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key}, {self.n_frames} frames at {self.fps:g} fps)"

    @property
    def key(self) -> str:
        """Key of the sample, unique in its half of the dataset."""
        return str(self.row["key"])

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
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.row["n_frames"])

    @property
    def timestamps(self) -> np.ndarray:
        """float32 [T], seconds: of an action in its source, of a compound from its first frame."""
        return self.column("timestamps")

    def avi(self) -> bytes:
        """Return the clip as a Motion JPEG AVI file."""
        return self._read(self.row["avi_offset"], self.row["avi_size"])

    def jpegs(self, indices: Sequence[int] | None = None) -> list[bytes]:
        """Return the JPEG bytes of some frames, by default of all, in one read."""
        offsets, sizes = self.row["frame_offset"], self.row["frame_size"]
        chosen = range(self.n_frames) if indices is None else indices
        if len(chosen) == 0:
            return []
        spans = [(offsets[i], offsets[i] + sizes[i]) for i in chosen]
        begin, end = min(s[0] for s in spans), max(s[1] for s in spans)
        data = self._read(begin, end - begin)
        return [data[start - begin : stop - begin] for start, stop in spans]

    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the pixels of some frames, by default of all, uint8 [T, S, S, 3], RGB."""
        jpegs = self.jpegs(indices)
        if not jpegs:
            return np.zeros((0, 0, 0, 3), np.uint8)
        with reading(self._tar):
            return np.stack([decode_jpeg(jpeg) for jpeg in jpegs])

    def lbp(self) -> np.ndarray:
        """Return the LBP maps, uint8 [T, S, S].

        Raises
        ------
        DatasetError
            When the dataset was built without LBP maps.
        """
        data = self.lbp_npy()
        with reading(self._tar):
            array: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
        return array

    def lbp_npy(self) -> bytes:
        """Return the LBP maps as the bytes of an npy file; raises as :meth:`lbp` does."""
        if not self.has_lbp:
            raise DatasetError(
                f"no LBP maps for {self.key}",
                wanted="a dataset with LBP maps",
                where=str(self._tar),
                todo="build it without --no-lbp",
            )
        return self._read(self.row["lbp_offset"], self.row["lbp_size"])

    @property
    def has_lbp(self) -> bool:
        """True where the sample has LBP maps."""
        return self.row["lbp_offset"] is not None

    def facts(self) -> pa.Table:
        """Return the whole row as a table: scalar and per-frame columns, without positions."""
        positions = {field.name for field in POSITIONS}
        with reading(self._parquet), pq.ParquetFile(self._parquet) as file:
            columns = [name for name in file.schema_arrow.names if name not in positions]
        return self._row(columns)

    def sample(self) -> Sample:
        """Return the clip as a sample for another shard; its pixels are not read yet."""
        row = self.row
        avi = TarSlice(self._tar, row["avi_offset"], row["avi_size"])
        lbp = TarSlice(self._tar, row["lbp_offset"], row["lbp_size"]) if self.has_lbp else None
        facts = self.facts().cast(self.FACTS)
        # A slice would keep its whole row group in memory, once for each clip.
        return Sample(facts.take([0]), avi, lbp)

    def column(self, name: str, shape: Sequence[int] = ()) -> np.ndarray:
        """Return one per-frame column, [T, *shape]."""
        return per_frame(self._row([name])[name], shape)

    def _row(self, columns: Sequence[str]) -> pa.Table:
        with reading(self._parquet), pq.ParquetFile(self._parquet) as file:
            # Row groups differ in size (fewer rows where clips are long), so rows are counted.
            group, index = 0, self._index
            while index >= (rows := file.metadata.row_group(group).num_rows):
                group, index = group + 1, index - rows
            return file.read_row_group(group, columns=list(columns)).slice(index, 1)

    def _read(self, offset: int, size: int) -> bytes:
        with reading(self._tar), self._tar.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
            if len(data) != size:
                raise EOFError(f"{len(data)} bytes at {offset}, wanted {size}")
            return data


class ActionClip(Clip):
    """A clip of D1: one take of one action of one subject."""

    FACTS = ACTION_FACTS

    @property
    def action(self) -> str:
        """Name of the action."""
        return str(self.row["action"])

    @property
    def take(self) -> str:
        """Name of the take."""
        return str(self.row["take"])

    @property
    def n_bytes(self) -> int:
        """Size of the AVI and the LBP maps in the tar."""
        return int(self.row["avi_size"] + (self.row["lbp_size"] or 0))

    @property
    def motion(self) -> Motion | None:
        """Onset, apex and offset of the clip's motion; None where no motion was found."""
        return motion_of(self.row)

    @property
    def motions(self) -> tuple[Motion, ...]:
        """All motions of the recording, in the order of time; the largest is the clip's."""
        return tuple(filter(None, map(motion_of, self.row["motions"])))

    @property
    def landmarks(self) -> np.ndarray:
        """float32 [T, N, 3], in pixels of the source frame; N is 478 (MediaPipe) or 68 (FAN)."""
        return self.column("landmarks").reshape(self.n_frames, -1, 3)

    @property
    def pose(self) -> np.ndarray:
        """float32 [T, 3], yaw, pitch, roll in degrees; signs as in ``Track``."""
        return self.column("pose", (3,))

    @property
    def blendshapes(self) -> np.ndarray:
        """float32 [T, 52], MediaPipe's scores in its order."""
        return self.column("blendshapes", (N_BLENDSHAPES,))

    @property
    def frame_face_px(self) -> np.ndarray:
        """float32 [T], interocular distance in pixels of the source frame."""
        return self.column("frame_face_px")

    @property
    def frame_sharpness(self) -> np.ndarray:
        """float32 [T], variance of the Laplacian inside the face box."""
        return self.column("frame_sharpness")

    @property
    def frame_brightness(self) -> np.ndarray:
        """float32 [T], mean grey level inside the face box, 0 to 255."""
        return self.column("frame_brightness")

    @property
    def transform(self) -> np.ndarray:
        """float32 [T, 2, 3], from pixels of the source frame to pixels of the crop."""
        return self.column("transform", (2, 3))

    @property
    def intensity(self) -> np.ndarray:
        """float32 [T], displacement from neutral in interocular distances."""
        return self.column("intensity")


class CompoundClip(Clip):
    """A clip of D2: two actions of one subject, one after the other."""

    FACTS = COMPOUND_FACTS

    @property
    def segments(self) -> list[Segment]:
        """Lead, first, second and tail, in order; lead and tail may be empty."""
        return [Segment(**segment) for segment in self.row["segments"]]

    @property
    def takes(self) -> tuple[str, str]:
        """Keys of the two action clips; two compounds that share one show the same pixels."""
        return str(self.row["first_take"]), str(self.row["second_take"])
