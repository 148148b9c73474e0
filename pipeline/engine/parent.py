"""Ties the life of a process to that of its parent, also while native code holds Python."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def end_with(parent: int) -> None:
    """Have the system kill this process when the thread that started it ends (on Linux).

    Parameters
    ----------
    parent : int
        Process id of the parent, as the parent itself gave it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(0)
