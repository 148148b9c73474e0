"""A hostile dataset: no content is executed, and `verify` reports it."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.verify.dataset import verify
from tests.helpers.datasets import change_row, make_up, seal


class Bomb:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def objects_npy(path: Path) -> bytes:
    """Return an npy file of Python objects, which numpy reads by unpickling."""
    file = io.BytesIO()
    np.save(file, np.array([Bomb(path)], object), allow_pickle=True)
    return file.getvalue()


def bare_pickle(path: Path) -> bytes:
    return pickle.dumps(Bomb(path))


@pytest.mark.parametrize("content", [objects_npy, bare_pickle])
def test_a_pickle_in_place_of_the_maps_is_not_executed(
    tmp_path: Path, content: Callable[[Path], bytes]
) -> None:
    """The pickle replaces the LBP maps of a clip; row, tar and card all agree with it."""
    fallout = tmp_path / "fallout"
    np.load(io.BytesIO(objects_npy(fallout)), allow_pickle=True)
    assert fallout.is_dir()  # the pickle does run where allowed
    fallout.rmdir()

    path = make_up(tmp_path / "dataset", ["s01"], k=0)
    tar, parquet = path / "actions/shard-00000.tar", path / "actions/shard-00000.parquet"
    row = pq.read_table(parquet).to_pylist()[0]
    data = content(fallout)
    with tar.open("r+b") as file:
        file.seek(row["lbp_offset"])
        file.write(data)
        file.seek(row["lbp_offset"] - tarfile.BLOCKSIZE)
        header = tarfile.TarInfo(f"{row['key']}.lbp.npy")
        header.size, header.mode = row["lbp_size"], 0o644
        file.write(header.tobuf(tarfile.GNU_FORMAT))
    change_row(parquet, 0, lbp_size=len(data))
    seal(path)

    with pytest.raises(DatasetError, match="fmdata verify"):
        Dataset(path).actions[0].lbp()
    assert verify(path, deep=True) != []
    assert not fallout.exists()
