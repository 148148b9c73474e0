"""Losses within mixed precision equal those of 32 bits."""

import torch

from fmdata.train.losses.pairs import contrastive_loss


def test_a_loss_is_the_same_within_mixed_precision() -> None:
    v = torch.nn.functional.normalize(
        torch.randn(32, 64, generator=torch.Generator().manual_seed(0)), dim=1
    )
    labels, subjects = torch.arange(32) // 4, torch.zeros(32, dtype=torch.long)
    plain = contrastive_loss(v, labels, subjects, 0.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert (v @ v.T).dtype == torch.bfloat16
        assert torch.equal(contrastive_loss(v, labels, subjects, 0.0), plain)
        half = contrastive_loss(v.bfloat16(), labels, subjects, 0.0)
    assert half.dtype == torch.float32
