"""Several processes of one training on this machine, as torchrun starts them."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from tests.helpers.documents import ROOT

TIMEOUT_S = 300


def start_ranks(program: str, ranks: int, *arguments: object) -> list["subprocess.Popen[bytes]"]:
    """Start a Python program once for each rank, with the addresses by which they meet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return [subprocess.Popen(command, env=common | {"RANK": str(rank)}) for rank in range(ranks)]


def run_ranks(program: str, ranks: int, *arguments: object) -> None:
    """Run a program on several ranks, and require that each ends well and none hangs."""
    require_ended(start_ranks(program, ranks, *arguments), [0] * ranks)


def require_ended(processes: Sequence["subprocess.Popen[bytes]"], codes: list[int]) -> None:
    """Wait for processes, and require their exit codes."""
    try:
        assert [process.wait(TIMEOUT_S) for process in processes] == codes
    finally:
        for process in processes:
            process.kill()
