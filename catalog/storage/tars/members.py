"""Members of one sample in the tar of its shard, read on demand: crops, LBP maps and sound."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.npy import npy_array, npy_rows
from fmdata.catalog.storage.tables.opened import OpenedShard
from fmdata.catalog.storage.tars.content import TarSlice
from fmdata.catalog.storage.tars.wav import SOUND_RATE, wav_array

SIZES = ("avi_size", "lbp_size", "wav_size")  # columns; of the members that decide a shard


def bytes_of(row: Mapping[str, Any]) -> int:
    """Return the size of a sample's pixels, LBP maps and sound, of the row of an action."""
    return sum(row[name] or 0 for name in SIZES)


class Members:
    """Base class of the clips: reads the members of one sample of a shard.

    Attributes
    ----------
    row : dict
        Facts of the clip and positions of its members, by column; no facts of its frames.
    tar : Path
        The tar of its shard.
    shard : OpenedShard
        The files of the shard.
    """

    row: dict[str, Any]
    tar: Path
    shard: OpenedShard

    @property
    def key(self) -> str:
        """Key of the sample, unique in its half of the dataset."""
        return str(self.row["key"])

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return int(self.row["n_frames"])

    @property
    def size(self) -> int:
        """Width and height of a crop, in pixels."""
        return self.shard.size

    @property
    def has_lbp(self) -> bool:
        """True where the sample has LBP maps."""
        return self.row["lbp_offset"] is not None

    @property
    def has_sound(self) -> bool:
        """True where the sample has a WAV, with samples or without; never of a compound."""
        return self.row.get("wav_offset") is not None

    @property
    def sound_rate(self) -> int:
        """Samples of :meth:`sound` a second."""
        return SOUND_RATE

    def avi(self) -> bytes:
        """Return the clip as a Motion JPEG AVI file."""
        return self._read(self.row["avi_offset"], self.row["avi_size"])

    def lbp(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Return the LBP maps of some frames, by default of all, uint8 [T, S, S].

        Raises
        ------
        DatasetError
            When the dataset was built without LBP maps.
        """
        dtype, shape = np.dtype(np.uint8), (self.n_frames, self.size, self.size)
        begin = self._lbp_offset()
        with self.shard.reading(self.tar):
            if indices is None:
                return npy_array(self.lbp_npy(), dtype, shape)
            return npy_rows(lambda at, n: self._read(begin + at, n), dtype, shape, indices)

    def lbp_npy(self) -> bytes:
        """Return the LBP maps as the bytes of an npy file; raises as :meth:`lbp` does."""
        return self._read(self._lbp_offset(), self.row["lbp_size"])

    def sound(self) -> np.ndarray:
        """Return the sound of the clip, int16 [N], mono, :attr:`sound_rate` samples a second.

        Sample 0 is at the time of the first frame. N is 0 for a clip without sound.

        Raises
        ------
        DatasetError
            When the dataset was built without sound, and for a compound.
        """
        data = self.wav()
        with self.shard.reading(self.tar):
            return wav_array(data)

    def wav(self) -> bytes:
        """Return the sound as the bytes of a WAV file; raises as :meth:`sound` does."""
        if not self.has_sound:
            raise self._no_sound()
        return self._read(self.row["wav_offset"], self.row["wav_size"])

    def _slice(self, kind: str) -> TarSlice | None:
        """Return the place of a member in the tar; None where the sample has none of its kind."""
        offset, size = (self.row[f"{kind}_{what}"] for what in ("offset", "size"))
        return None if offset is None else TarSlice(self.tar, offset, size)

    def _lbp_offset(self) -> int:
        if not self.has_lbp:
            raise self._no_maps()
        return int(self.row["lbp_offset"])

    def _no_maps(self) -> DatasetError:
        return self._without("LBP maps", "build it without --no-lbp")

    def _no_sound(self) -> DatasetError:
        return self._without("sound", "build it with --audio")

    def _without(self, what: str, todo: str) -> DatasetError:
        return DatasetError(
            f"no {what} for {self.key}",
            wanted=f"a dataset with {what}",
            where=str(self.shard.folder),
            todo=todo,
        )

    def _read(self, offset: int, size: int) -> bytes:
        with self.shard.reading(self.tar), self.tar.open("rb") as file:
            if not 0 <= offset <= offset + size <= self.shard.n_bytes(self.tar):
                raise EOFError(f"{size} bytes at {offset}, outside the file")
            file.seek(offset)
            data = file.read(size)
            if len(data) != size:
                raise EOFError(f"{len(data)} bytes at {offset}, wanted {size}")
            return data
