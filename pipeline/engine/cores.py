"""Cores that this process may use, by Dask: the limits of a container count."""

from dask.system import CPU_COUNT


def n_processes(workers: int | None) -> int:
    """Return the number of processes for a setting; None is one a core."""
    return CPU_COUNT if workers is None else workers
