"""Labels of action units, frame by frame, from a file: those of coders, or of a simulation.

A Parquet file with a row a frame: `path` below the folder of recordings, `frame` in the recording,
from 0, and a column for each unit: ``AU1``, ``AU2`` and so on (present or not, or an intensity), or
the weights of ARKit's units by their names, as ``truth.frames.parquet`` of `fmdata simulate`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.clip import ActionClip
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.stand_ins import BLENDSHAPES, au_stand_ins

_TODO = "name the file that belongs to the recordings, or leave `truth` out"
_ROWS = "path", "frame"


class UnitTruth:
    """The labels of a file.

    Parameters
    ----------
    path : Path
        The file.
    units : sequence of int
        The K action units; one without a column is unknown.

    Raises
    ------
    DatasetError
        When it cannot be read, or has no column of any of the units.
    """

    def __init__(self, path: Path, units: Sequence[int]) -> None:
        self._path = path
        try:
            names = pq.read_schema(path).names
            columns = _columns(names, units)
            table = pq.read_table(path, columns=[*_ROWS, *columns]) if columns else None
        except (OSError, pa.ArrowException) as error:
            raise self._refused(f"labels that cannot be read: {error}") from error
        if table is None:
            raise self._refused(f"no column of any of the units {', '.join(map(str, units))}")
        self._values = _scores(table, units)
        self._frames = table["frame"].to_numpy()
        # Rows of a recording by its path; a stable order keeps them as they are in the file.
        paths = table["path"].combine_chunks().dictionary_encode()
        number = paths.indices.to_numpy()
        self._order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=len(paths.dictionary)))
        starts = np.concatenate([[0], ends[:-1]])
        of_path = zip(starts.tolist(), ends.tolist(), strict=True)
        self._rows = dict(zip(paths.dictionary.to_pylist(), of_path, strict=True))

    def of(self, clip: ActionClip) -> np.ndarray:
        """Return the scores of the frames of a clip, float32 [T, K]; NaN where unknown.

        Raises
        ------
        DatasetError
            When the file has no row for the clip's recording.
        """
        source, first = str(clip.row["source"]), int(clip.row["first_frame"])
        if source not in self._rows:
            raise self._refused(f"no row of {source}, the recording of {clip.key}")
        start, stop = self._rows[source]
        rows = self._order[start:stop]
        scores = np.full((clip.n_frames, self._values.shape[1]), np.nan, np.float32)
        place = self._frames[rows] - first
        inside = (place >= 0) & (place < clip.n_frames)
        scores[place[inside]] = self._values[rows[inside]]
        return scores

    def _refused(self, got: str) -> DatasetError:
        wanted = "a Parquet file with path, frame, and AU1, AU2 … or ARKit's units"
        return DatasetError(got, wanted=wanted, where=f"truth = {self._path}", todo=_TODO)


def _columns(names: Sequence[str], units: Sequence[int]) -> list[str]:
    """Return the columns to read: those of the units; without any, ARKit's."""
    coded = [name for unit in units if (name := f"AU{unit}") in names]
    return coded or [name for name in BLENDSHAPES if name in names]


def _scores(table: pa.Table, units: Sequence[int]) -> np.ndarray:
    """Return the score of each unit in each row, float32 [N, K]."""
    values = {
        name: table[name].cast(pa.float32()).to_numpy()
        for name in table.column_names
        if name not in _ROWS
    }
    unknown = np.full(table.num_rows, np.nan, np.float32)
    if any(name.startswith("AU") for name in values):
        return np.stack([values.get(f"AU{unit}", unknown) for unit in units], axis=1)
    zero = np.zeros(table.num_rows, np.float32)
    return au_stand_ins(np.stack([values.get(n, zero) for n in BLENDSHAPES], axis=1), units)
