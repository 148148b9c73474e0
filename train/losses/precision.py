"""Losses in 32 bits, independent of the precision of the networks."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

P = ParamSpec("P")
R = TypeVar("R")


def full_precision(loss: Callable[P, R]) -> Callable[P, R]:
    """Decorate a loss so that it is computed in float32 within mixed precision.

    bfloat16 may round two similarities that differ by less than a hundredth to one number, and a
    loss with a small temperature depends on such differences.
    """

    @wraps(loss)
    def precise(*args: P.args, **kwargs: P.kwargs) -> R:
        device = next((a.device.type for a in args if isinstance(a, Tensor)), "cpu")
        with torch.autocast(device, enabled=False):
            return loss(*map(_wide, args), **kwargs)  # type: ignore[arg-type]

    return precise


def _wide(value: object) -> object:
    half = isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)
    return value.float() if half else value  # type: ignore[attr-defined]
