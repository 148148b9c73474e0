"""Messages of native libraries."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_logs_off() -> Iterator[None]:
    """Silence the start-up messages of a native library.

    The libraries write them directly to file descriptor 2, and no setting turns them off. Errors
    are not affected: the libraries raise them.
    """
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
