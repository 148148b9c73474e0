"""Losses of single faces."""

from torch import Tensor

from fmdata.train.losses.precision import full_precision


@full_precision
def landmark_loss(predicted: Tensor, landmarks: Tensor) -> Tensor:
    """Mean absolute difference of landmarks, float [B, 68, 2] each; the unit is theirs."""
    return (predicted - landmarks).abs().mean()
