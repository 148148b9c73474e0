"""Losses equal slow versions written from the papers, and values computed by hand."""

import math

import pytest
import torch

from fmdata.train.losses.pairs import (
    contrastive_loss,
    cosine_distance,
    n_pair_loss,
    two_margin_loss,
)


def literal_loss(v: torch.Tensor, motion: list[int], margin: float) -> float:
    """Compute Sun et al. 2022, Eq. 1 to 3, for one subject's mini-batch, clip by clip."""
    n = len(v)
    total = 0.0
    for i in range(n):
        inner = 0.0
        for j in range(n):
            if j == i:
                continue
            dot = sum(float(a * b) for a, b in zip(v[i], v[j], strict=True))
            s = dot / math.sqrt(float((v[i] ** 2).sum())) / math.sqrt(float((v[j] ** 2).sum()))
            y = 0 if motion[i] == motion[j] else 1
            inner += (1 - y) * (1 - s) + y * max(0.0, s - margin)
        total += inner / (n - 1)
    return total / n


def unit(n: int, seed: int) -> torch.Tensor:
    v = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(v, dim=1)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_the_loss_of_one_subject_equals_the_papers_equations(margin: float) -> None:
    v, motion = unit(7, 0), [0, 0, 1, 1, 1, 2, 3]
    loss = contrastive_loss(v, torch.tensor(motion), torch.zeros(7, dtype=torch.long), margin)
    assert float(loss) == pytest.approx(literal_loss(v, motion, margin), abs=1e-6)


def test_pairs_across_subjects_do_not_count() -> None:
    """A batch of two equally large subjects has the mean of their losses, for any labels."""
    v, w, motion = unit(4, 1), unit(4, 2), [0, 0, 1, 1]
    both = contrastive_loss(
        torch.cat([v, w]), torch.tensor(motion * 2), torch.tensor([0] * 4 + [1] * 4), 0.1
    )
    expected = (literal_loss(v, motion, 0.1) + literal_loss(w, motion, 0.1)) / 2
    assert float(both) == pytest.approx(expected, abs=1e-6)


def test_a_perfect_batch_has_loss_zero_and_equal_clips_that_of_the_equation() -> None:
    x, y = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    labels, one = torch.tensor([0, 0, 1, 1]), torch.zeros(4, dtype=torch.long)
    assert float(contrastive_loss(torch.stack([x, x, y, y]), labels, one, 0.2)) == 0
    # All equal: of three partners, one positive costs 0 and two negatives 1 - 0.2 each.
    assert float(contrastive_loss(torch.stack([x, x, x, x]), labels, one, 0.2)) == pytest.approx(
        2 * 0.8 / 3
    )


def test_a_clip_without_a_partner_does_not_count() -> None:
    v = unit(3, 3)
    loss = contrastive_loss(v, torch.tensor([0, 0, 0]), torch.tensor([0, 0, 1]), 0.2)
    assert float(loss) == pytest.approx(literal_loss(v[:2], [0, 0], 0.2), abs=1e-6)


def literal_n_pair(v: torch.Tensor, motion: list[int], temperature: float) -> float:
    """Compute Sun et al. 2022, Eq. 5 and 6, for one subject; every clip has a partner."""
    n = len(v)

    def s(i: int, j: int) -> float:
        return sum(float(a * b) for a, b in zip(v[i], v[j], strict=True))

    total = 0.0
    for i in range(n):
        positives = [j for j in range(n) if j != i and motion[j] == motion[i]]
        below = sum(math.exp(s(i, k) / temperature) for k in range(n) if k != i)
        inner = sum(-math.log(math.exp(s(i, j) / temperature) / below) for j in positives)
        total += inner / len(positives)
    return total / n


@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_n_pair_equals_the_papers_equations(temperature: float) -> None:
    v, motion = unit(7, 4), [0, 0, 1, 1, 1, 2, 2]
    loss = n_pair_loss(v, torch.tensor(motion), torch.zeros(7, dtype=torch.long), temperature)
    assert float(loss) == pytest.approx(literal_n_pair(v, motion, temperature), rel=1e-5)


def test_n_pair_ignores_pairs_across_subjects_and_clips_without_a_partner() -> None:
    v, w, motion = unit(4, 5), unit(4, 6), [0, 0, 1, 1]
    alone = unit(2, 7)  # two clips of two further subjects
    labels = torch.tensor([*motion, *motion, 0, 2])
    subjects = torch.tensor([0] * 4 + [1] * 4 + [2, 3])
    loss = n_pair_loss(torch.cat([v, w, alone]), labels, subjects, 0.3)
    expected = (literal_n_pair(v, motion, 0.3) + literal_n_pair(w, motion, 0.3)) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    v.requires_grad_()
    n_pair_loss(
        torch.cat([v, alone]), torch.tensor([0, 0, 1, 1, 0, 2]), torch.arange(6) // 4, 0.3
    ).backward()
    assert v.grad is not None
    assert v.grad.isfinite().all()


def cosine(v: torch.Tensor, w: torch.Tensor) -> float:
    dot = sum(float(a) * float(b) for a, b in zip(v, w, strict=True))
    lengths = [math.sqrt(sum(float(a) ** 2 for a in x)) for x in (v, w)]
    return dot / lengths[0] / lengths[1]


def test_the_distance_equals_the_papers_for_vectors_of_any_length() -> None:
    """Sun et al. 2023, Eq. 1."""
    v, w = unit(6, 8) * 3, unit(6, 9) * 0.5
    expected = [1 - cosine(a, b) for a, b in zip(v, w, strict=True)]
    assert cosine_distance(v, w).tolist() == pytest.approx(expected, abs=1e-6)
    assert cosine_distance(v, 2 * v).tolist() == pytest.approx([0] * 6, abs=1e-6)


@pytest.mark.parametrize("m_p", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("m_n", [0.1, 0.3, 1.5])
def test_the_two_margin_loss_equals_the_papers_equations(m_p: float, m_n: float) -> None:
    """Sun et al. 2023, Eq. 2 and 3, pair by pair: three positive and three negative pairs."""
    v, w, y = unit(6, 10), unit(6, 11), [1, 1, 1, 0, 0, 0]
    total = 0.0
    for i in range(6):
        d = 1 - cosine(v[i], w[i])
        total += y[i] * max(d - m_p, 0.0) + (1 - y[i]) * max(m_n - d, 0.0)
    loss = two_margin_loss(cosine_distance(v, w), torch.tensor(y) == 1, m_p, m_n)
    assert float(loss) == pytest.approx(total / (2 * 3), abs=1e-6)


def test_pairs_within_the_margins_have_loss_zero_in_any_order() -> None:
    """Positive pairs at the tolerated and negative pairs at the sufficient distance."""
    distance = torch.tensor([0.0, 0.2, 0.3, 2.0])
    positive = torch.tensor([True, True, False, False])
    assert float(two_margin_loss(distance, positive, 0.2, 0.3)) == pytest.approx(0, abs=1e-7)
    worse = two_margin_loss(distance, ~positive, 0.2, 0.3)
    assert float(worse) == pytest.approx((0.3 + 0.1 + 0.1 + 1.8) / 4)
    order = torch.tensor([2, 0, 3, 1])
    again = two_margin_loss(distance[order], ~positive[order], 0.2, 0.3)
    assert float(again) == pytest.approx(float(worse))
