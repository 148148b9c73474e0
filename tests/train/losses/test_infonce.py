"""InfoNCE against a slow version in plain floats, and where its value is known."""

import math

import pytest
import torch

from fmdata.train.losses.infonce import info_nce


def cosine(v: list[float], w: list[float]) -> float:
    dot = sum(a * b for a, b in zip(v, w, strict=True))
    return dot / math.sqrt(sum(a * a for a in v)) / math.sqrt(sum(b * b for b in w))


@pytest.mark.parametrize("tau", [0.1, 0.5, 1.0])
def test_infonce_term_by_term(tau: float) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(5, 4, generator=generator) for _ in range(2))
    u, v = first.tolist(), second.tolist()
    total = 0.0
    for i in range(5):
        twin = math.exp(cosine(u[i], v[i]) / tau)
        total += math.log(twin / sum(math.exp(cosine(u[i], v[k]) / tau) for k in range(5)))
        total += math.log(twin / sum(math.exp(cosine(v[i], u[k]) / tau) for k in range(5)))
    assert float(info_nce(first, second, tau)) == pytest.approx(-total / 10, abs=1e-5)


def test_views_may_change_sides_and_clips_their_order() -> None:
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.randn(6, 4, generator=generator) for _ in range(2))
    loss = float(info_nce(first, second, 0.2))
    order = torch.randperm(6, generator=generator)
    assert float(info_nce(second, first, 0.2)) == pytest.approx(loss, abs=1e-5)
    assert float(info_nce(first[order], second[order], 0.2)) == pytest.approx(loss, abs=1e-5)


def test_twins_told_apart_cost_nothing_and_clips_all_alike_the_logarithm() -> None:
    """Eight clips that look the same: a guess among eight."""
    assert float(info_nce(torch.eye(8), 3 * torch.eye(8), 0.05)) < 1e-6
    assert float(info_nce(torch.ones(8, 3), torch.ones(8, 3), 0.05)) == pytest.approx(math.log(8))
