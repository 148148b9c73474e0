"""The decorator of compiled functions: one thread, strict arithmetic, kept on disk if possible."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function at its first call; a division by zero gives infinity."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        return njit(error_model="numpy")(function)
