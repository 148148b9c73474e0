"""Processes and device of a training; ``torchrun`` starts several processes.

Each process draws its own mini-batches and takes the same steps (:mod:`fmdata.train.phases.steps`).
A contrast is formed over the mini-batches of all processes, :func:`gathered` with their gradients,
so its negatives grow with the processes. In a single process every function but :func:`best_device`
has no effect.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel as Parallel

from fmdata.catalog.errors import FmdataError

T = TypeVar("T")
R = TypeVar("R")
_DIVIDES = ContextVar("divides", default=False)  # True inside `divided_work`


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes, if ``torchrun`` has started several, until the block ends.

    A block inside another one stays in its group: a group is made once for a whole command, since
    its processes leave it at different moments and could not meet again. After an error there is
    no waiting for the others, which ``torchrun`` ends.
    """
    if dist.is_initialized() or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    yield
    dist.barrier()
    dist.destroy_process_group()


def best_device() -> torch.device:
    """Return CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def parallel(losses: nn.Module) -> nn.Module:
    """Return a module of losses whose gradients torch averages over the processes."""
    if world() == 1:
        return losses
    # A phase may leave a part of its network out; statistics are shared by `share_buffers`.
    return Parallel(losses, find_unused_parameters=True, broadcast_buffers=False)


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """Replace batch normalisation by torch's own over all processes, where it runs: on CUDA.

    On CPUs each process normalises by its own mini-batch.
    """
    if world() > 1 and device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    return model


def share_buffers(model: nn.Module) -> None:
    """Copy the first process's running statistics to every process."""
    if world() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def gathered(rows: Tensor) -> Tensor:
    """Return the rows of all processes, [n_i, ...] each, in the order of the processes.

    The gradient of a process's rows is the sum of those by all processes. So where each of R
    processes computes one loss of all rows, and gradients are averaged over the processes, every
    weight gets the gradient that the loss has in a single process.
    """
    return rows if world() == 1 else _Gathered.apply(rows)


class _Gathered(torch.autograd.Function):
    """Rows of all processes; backward, each process gets the summed gradient of its own."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(world())]
        dist.all_gather(counts, torch.tensor([len(rows)], device=rows.device))
        ctx.counts = [int(count) for count in counts]
        longest = max(ctx.counts)
        padded = rows.new_zeros(longest, *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in ctx.counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:n] for part, n in zip(parts, ctx.counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        whole = gradients[0].contiguous()
        dist.all_reduce(whole)
        start = sum(ctx.counts[: rank()])
        return whole[start : start + ctx.counts[rank()]]


def part(drawn: Sequence[T]) -> Sequence[T]:
    """Return this process's part of what all processes have drawn alike."""
    n = len(drawn)
    return drawn[rank() * n // world() : (rank() + 1) * n // world()]


def averaged(numbers: dict[str, float]) -> dict[str, float]:
    """Return the means of numbers over the processes."""
    if world() == 1:
        return numbers
    values = torch.tensor(list(numbers.values()), dtype=torch.float64)
    values = values.cuda() if dist.get_backend() == "nccl" else values
    dist.all_reduce(values)
    return dict(zip(numbers, (values / world()).tolist(), strict=True))


def from_first(make: Callable[[], T]) -> T:
    """Return what the first process makes; the others receive it, or raise its FmdataError."""
    if world() == 1:
        return make()
    found: list[Any] = [None, None]
    if rank() == 0:
        try:
            found[0] = make()
        except FmdataError as error:
            found[1] = error
    dist.broadcast_object_list(found, src=0)
    made, refused = found
    if refused is not None:
        raise refused
    return made


def everywhere(value: T) -> list[T]:
    """Return the values of all processes, in their order."""
    found: list[Any] = [None] * world()
    if world() == 1:
        return [value]
    dist.all_gather_object(found, value)
    return found


@contextmanager
def divided_work() -> Iterator[None]:
    """Divide the work of :func:`divided` among the processes, all of which enter this block."""
    token = _DIVIDES.set(True)
    try:
        yield
    finally:
        _DIVIDES.reset(token)


def divided(n: int, work: Callable[[range], Iterable[R]]) -> list[R]:
    """Return the results of `n` pieces of work, in order, on every process.

    `work` yields the result of each piece of a range. Inside :func:`divided_work` each process does
    its part of the pieces; elsewhere, such as in code of the first process alone, it does them all.
    """
    if not _DIVIDES.get() or world() == 1:
        return list(work(range(n)))
    own = range(rank() * n // world(), (rank() + 1) * n // world())
    return [result for part in everywhere(list(work(own))) for result in part]
