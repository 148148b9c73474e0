"""The file of a plan, ``shard-….parquet``: one row a virtual compound, as in a shard of compounds.

Promise: the bytes follow from the rows alone, however they are handed over. A subject lies in one
shard unless it alone has more rows than a shard.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.card import FileFacts
from fmdata.catalog.storage.schema import VIRTUAL_COLUMNS
from fmdata.catalog.storage.tars.writer import hashed_file

ROWS_PER_SHARD = 1 << 14  # about six megabytes in memory, and a tenth of that on disk
_PLAIN = ("key",)  # all other columns have few values, or repeat those before


def write_plan(folder: Path, name: str, tables: Iterable[pa.Table]) -> FileFacts:
    """Write one shard of a plan, which appears only when complete; return its size and digest.

    Parameters
    ----------
    folder, name
        Its folder, and its name without a suffix.
    tables : iterable of pyarrow.Table
        Its rows, with the columns of :data:`VIRTUAL_COLUMNS`, in pieces of any size.
    """
    schema = VIRTUAL_COLUMNS.clips
    rows = pa.concat_tables([schema.empty_table(), *tables]).combine_chunks()
    names = [column for column in schema.names if column not in _PLAIN]
    with (
        hashed_file(folder / f"{name}.parquet") as file,
        pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=names) as parquet,
    ):
        parquet.write_table(rows, row_group_size=VIRTUAL_COLUMNS.max_group)
    return file.facts
