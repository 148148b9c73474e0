"""Losses of single faces."""

from torch import Tensor

from fmdata.train.losses.precision import full_precision


@full_precision
def landmark_loss(predicted: Tensor, landmarks: Tensor) -> Tensor:
    """Return the mean absolute difference of landmarks, float [B, 68, 2] each, in their unit."""
    return (predicted - landmarks).abs().mean()
