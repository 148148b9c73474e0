"""InfoNCE equals a slow version in plain floats, and known values."""

import math

import pytest
import torch

from fmdata.train.losses.infonce import info_nce


def cosine(v: list[float], w: list[float]) -> float:
    dot = sum(a * b for a, b in zip(v, w, strict=True))
    return dot / math.sqrt(sum(a * a for a in v)) / math.sqrt(sum(b * b for b in w))


@pytest.mark.parametrize("tau", [0.1, 0.5, 1.0])
def test_infonce_equals_its_sum_of_terms(tau: float) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(5, 4, generator=generator) for _ in range(2))
    u, v = first.tolist(), second.tolist()
    total = 0.0
    for i in range(5):
        twin = math.exp(cosine(u[i], v[i]) / tau)
        total += math.log(twin / sum(math.exp(cosine(u[i], v[k]) / tau) for k in range(5)))
        total += math.log(twin / sum(math.exp(cosine(v[i], u[k]) / tau) for k in range(5)))
    assert float(info_nce(first, second, tau)) == pytest.approx(-total / 10, abs=1e-5)


def test_infonce_does_not_depend_on_the_order_of_views_or_clips() -> None:
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.randn(6, 4, generator=generator) for _ in range(2))
    loss = float(info_nce(first, second, 0.2))
    order = torch.randperm(6, generator=generator)
    assert float(info_nce(second, first, 0.2)) == pytest.approx(loss, abs=1e-5)
    assert float(info_nce(first[order], second[order], 0.2)) == pytest.approx(loss, abs=1e-5)


def test_distinct_twins_have_loss_zero_and_equal_clips_the_logarithm() -> None:
    """Eight equal clips: a guess among eight."""
    assert float(info_nce(torch.eye(8), 3 * torch.eye(8), 0.05)) < 1e-6
    assert float(info_nce(torch.ones(8, 3), torch.ones(8, 3), 0.05)) == pytest.approx(math.log(8))
