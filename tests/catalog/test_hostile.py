"""A dataset from elsewhere may be hostile: nothing in it is executed, and it is said."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fmdata.catalog.dataset import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Card, FileFacts
from fmdata.catalog.verify.dataset import verify


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def objects_npy(path: Path) -> bytes:
    """An npy file of Python objects, which numpy reads by unpickling them."""
    file = io.BytesIO()
    np.save(file, np.array([Bomb(path)], object), allow_pickle=True)
    return file.getvalue()


def bare_pickle(path: Path) -> bytes:
    return pickle.dumps(Bomb(path))


@pytest.mark.parametrize("content", [objects_npy, bare_pickle])
def test_a_pickle_in_place_of_the_maps_is_not_executed(
    made_up: Callable, tmp_path: Path, content: Callable[[Path], bytes]
) -> None:
    """The pickle is put where the maps were, and row, tar and card agree that it belongs there."""
    fallout = tmp_path / "fallout"
    np.load(io.BytesIO(objects_npy(fallout)), allow_pickle=True)
    assert fallout.is_dir()  # the bomb works
    fallout.rmdir()

    path = made_up(tmp_path / "dataset", ["s01"], k=0)
    tar, parquet = path / "actions/shard-00000.tar", path / "actions/shard-00000.parquet"
    table = pq.read_table(parquet)
    rows = table.to_pylist()
    data = content(fallout)
    with tar.open("r+b") as file:
        file.seek(rows[0]["lbp_offset"])
        file.write(data)
        file.seek(rows[0]["lbp_offset"] - tarfile.BLOCKSIZE)
        header = tarfile.TarInfo(f"{rows[0]['key']}.lbp.npy")
        header.size, header.mode = rows[0]["lbp_size"], 0o644
        file.write(header.tobuf(tarfile.GNU_FORMAT))
    rows[0]["lbp_size"] = len(data)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), parquet)
    card = Card.read(path)
    shard = replace(card.actions.shards[0], tar=FileFacts.of(tar), parquet=FileFacts.of(parquet))
    replace(card, actions=replace(card.actions, shards=[shard])).write(path)

    with pytest.raises(DatasetError, match="fmdata verify"):
        Dataset(path).actions[0].lbp()
    assert verify(path, deep=True) != []
    assert not fallout.exists()
