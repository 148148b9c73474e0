"""Arrays in npy files, written row by row and read in slices of rows.

No memory maps: writing to one on a full disk kills the process, and its pages count as the
process's memory.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np


@contextmanager
def npy_writer(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> Iterator[IO[bytes]]:
    """Open an npy file and write its header; the caller writes the rows."""
    with path.open("wb") as file:
        file.write(npy_header(dtype, shape))
        yield file


def npy_header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """Return the header of an npy file as this package and numpy write it."""
    file = io.BytesIO()
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def npy_array(data: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of an npy file whose type and shape are known.

    A header is compared, and never parsed: a wrong one may claim any size, or be code.

    Raises
    ------
    ValueError
        When it is the file of another array.
    """
    header = npy_header(dtype, shape)
    if not data.startswith(header):
        raise ValueError(f"not an array of type {dtype} and shape {list(shape)}")
    array: np.ndarray = np.frombuffer(data, dtype, offset=len(header)).reshape(shape).copy()
    return array


def npy_rows(
    read: Callable[[int, int], bytes], dtype: np.dtype, shape: tuple[int, ...], rows: Sequence[int]
) -> np.ndarray:
    """Return some rows of an npy file whose type and shape are known.

    `read` returns the bytes at an offset, of a size; a row at a time is read.

    Raises
    ------
    ValueError
        When it is the file of another array.
    """
    header = npy_header(dtype, shape)
    if read(0, len(header)) != header:
        raise ValueError(f"not an array of type {dtype} and shape {list(shape)}")
    size = int(np.prod(shape[1:])) * dtype.itemsize
    data = b"".join(read(len(header) + row * size, size) for row in rows)
    return np.frombuffer(data, dtype).reshape(-1, *shape[1:]).copy()


class NpyFile:
    """An array in an npy file, read in slices of rows.

    Attributes
    ----------
    path : Path
        The file.
    shape : tuple of int
    dtype : numpy.dtype

    Raises
    ------
    ValueError
        When the file is no npy file, or holds an array in Fortran order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            self.shape, fortran, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._begin = file.tell()
        if fortran:
            raise ValueError(f"{path.name} is in Fortran's order, wanted C's")

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)} in {self.path.name}"

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Read the rows of a slice without a step."""
        start, stop, _ = rows.indices(self.shape[0])
        shape = max(0, stop - start), *self.shape[1:]
        offset = self._begin + start * int(np.prod(self.shape[1:])) * self.dtype.itemsize
        values = np.fromfile(self.path, self.dtype, int(np.prod(shape)), offset=offset)
        return values.reshape(shape)  # ValueError when the file is cut short
