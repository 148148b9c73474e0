"""Processes and device of a training; ``torchrun`` starts several processes.

Each process draws its own mini-batches and the gradients are averaged, so that all processes take
the same step. Pairs are formed within a process's own mini-batch. In a single process every
function but :func:`best_device` has no effect.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn


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


def average_gradients(model: nn.Module) -> None:
    """Replace each gradient by its mean over the processes."""
    if world() > 1:
        for weight in model.parameters():
            if weight.requires_grad:
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
                dist.all_reduce(weight.grad)
                weight.grad /= world()


def averaged(numbers: dict[str, float]) -> dict[str, float]:
    """Return the means of numbers over the processes."""
    if world() == 1:
        return numbers
    values = torch.tensor(list(numbers.values()), dtype=torch.float64)
    values = values.cuda() if dist.get_backend() == "nccl" else values
    dist.all_reduce(values)
    return dict(zip(numbers, (values / world()).tolist(), strict=True))


def share_buffers(model: nn.Module) -> None:
    """Copy the first process's running statistics to every process."""
    if world() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)
