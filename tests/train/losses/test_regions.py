"""RRL's losses equal slow versions written from the paper, and values computed by hand."""

import math

import pytest
import torch
from torch import Tensor

from fmdata.train.losses.regions import (
    EPSILON,
    FLOOR,
    ITERATIONS,
    correlation_loss,
    global_loss,
    local_loss,
    marginals,
    overall_loss,
    transport,
    transport_cost,
)

B, K, M = 3, 4, 5


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def dot(a: Tensor, b: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def cosine(a: Tensor, b: Tensor) -> float:
    return dot(a, b) / math.sqrt(dot(a, a)) / math.sqrt(dot(b, b))


def positive(seed: int) -> Tensor:
    """Draw marginals: B rows of sum 1."""
    return torch.softmax(drawn(B, K, seed=seed), dim=1)


def related(seed: int) -> Tensor:
    """Draw a relation matrix, 1 on the diagonal."""
    relations = drawn(K, K, seed=seed).sigmoid()
    return relations.fill_diagonal_(1)


def test_the_global_loss_equals_equation_2() -> None:
    q, z = drawn(B, M, seed=0), drawn(B, M, seed=1)
    literal = sum(-cosine(z[b], q[b]) for b in range(B)) / B
    assert float(global_loss(q, z)) == pytest.approx(literal, abs=1e-6)
    assert float(global_loss(q, 3 * q)) == pytest.approx(-1)
    assert float(global_loss(q, -q)) == pytest.approx(1)


def test_the_local_loss_equals_equation_3() -> None:
    q, t, whole = drawn(B, K, M, seed=2), drawn(B, K, M, seed=3), drawn(B, M, seed=4)
    literal = 0.0
    for b in range(B):
        inner = sum(cosine(q[b, k], t[b, k]) + cosine(t[b, k], whole[b]) for k in range(K))
        literal += -inner / (2 * K) / B
    assert float(local_loss(q, t, whole)) == pytest.approx(literal, abs=1e-6)


def test_the_local_loss_depends_on_matching_units_but_not_on_their_order() -> None:
    q, t, whole = drawn(B, K, M, seed=2), drawn(B, K, M, seed=3), drawn(B, M, seed=4)
    order = [2, 0, 3, 1]
    loss = float(local_loss(q, t, whole))
    assert float(local_loss(q[:, order], t[:, order], whole)) == pytest.approx(loss, abs=1e-6)
    assert abs(float(local_loss(q[:, order], t, whole)) - loss) > 0.01


def test_the_transport_cost_equals_equation_4() -> None:
    relations = related(5)
    cost = transport_cost(relations)
    for i in range(K):
        for j in range(K):
            assert float(cost[i, j]) == pytest.approx(1 - float(relations[i, j]))
        assert float(cost[i, i]) == 0


def test_the_marginals_equal_equation_5_scaled_to_one() -> None:
    o, t = drawn(B, K, M, seed=6), drawn(B, M, seed=7)
    found, floored = marginals(o, t), 0
    for b in range(B):
        weights = [max(dot(o[b, i], t[b]), FLOOR) for i in range(K)]
        floored += weights.count(FLOOR)
        for i in range(K):
            assert float(found[b, i]) == pytest.approx(weights[i] / sum(weights), rel=1e-4)
    assert 0 < floored < B * K  # both cases were there


def test_equation_5_of_regions_that_all_oppose_the_face_weighs_them_alike() -> None:
    """No product is above 0, so all have the floor: a K-th each, and no division by nothing."""
    t = drawn(B, M, seed=7)
    opposed = -t[:, None].expand(B, K, M)
    assert torch.allclose(marginals(opposed, t), torch.full((B, K), 1 / K))


def test_the_transport_equals_sinkhorns_iterations() -> None:
    cost, a, b = transport_cost(related(8)), positive(9), positive(10)
    plan = transport(cost, a, b)
    for n in range(B):
        kernel = [[math.exp(-float(cost[i, j]) / EPSILON) for j in range(K)] for i in range(K)]
        v = [1.0] * K
        for _ in range(ITERATIONS):
            u = [float(a[n, i]) / sum(kernel[i][j] * v[j] for j in range(K)) for i in range(K)]
            v = [float(b[n, j]) / sum(kernel[i][j] * u[i] for i in range(K)) for j in range(K)]
        for i in range(K):
            for j in range(K):
                assert float(plan[n, i, j]) == pytest.approx(u[i] * kernel[i][j] * v[j], abs=1e-5)


def test_a_plan_meets_the_demand() -> None:
    cost, a, b = transport_cost(related(8)), positive(9), positive(10)
    plan = transport(cost, a, b)
    assert torch.allclose(plan.sum(dim=1), b, atol=1e-5)
    assert float(plan.sum()) == pytest.approx(B, abs=1e-4)
    assert (plan >= 0).all()


def test_mass_stays_in_place_unless_the_demand_is_elsewhere() -> None:
    """Supply equals demand and moving costs 1: nothing moves.

    With all supply at unit 0 and half the demand at units 1 and 2 each, unit 0 supplies both.
    """
    a = torch.tensor([[0.2, 0.3, 0.5]])
    assert torch.allclose(transport(1 - torch.eye(3), a, a)[0], torch.diag(a[0]), atol=1e-4)
    all_at_0, half_each = torch.tensor([[1.0, 0, 0]]), torch.tensor([[0, 0.5, 0.5]])
    plan = transport(1 - torch.eye(3), all_at_0, half_each)
    assert plan[0, 0].tolist() == pytest.approx([0, 0.5, 0.5], abs=1e-4)


def test_the_correlation_loss_equals_equation_6() -> None:
    o, t, plan = drawn(B, K, M, seed=11), drawn(B, K, M, seed=12), drawn(B, K, K, seed=13).abs()
    literal = 0.0
    for n in range(B):
        for i in range(K):
            for j in range(K):
                literal -= cosine(o[n, i], t[n, j]) * float(plan[n, i, j]) / B
    assert float(correlation_loss(o, t, plan)) == pytest.approx(literal, abs=1e-5)


def test_the_correlation_loss_is_minimal_when_related_units_are_equal() -> None:
    """The plan moves 0 to 1 and 1 to 0: swapped vectors have loss -1, unswapped ones 0."""
    o = torch.eye(2)[None]
    swap = torch.tensor([[[0, 0.5], [0.5, 0]]])
    assert float(correlation_loss(o, o.flip(1), swap)) == pytest.approx(-1)
    assert float(correlation_loss(o, o, swap)) == pytest.approx(0)


def test_the_overall_loss_equals_equation_7() -> None:
    losses = tuple(drawn(3, seed=14))
    literal = 0.4 * float(losses[0]) + 0.6 * float(losses[1]) + 1.0 * float(losses[2])
    assert float(overall_loss(losses, (0.4, 0.6, 1.0))) == pytest.approx(literal, abs=1e-6)
    assert float(overall_loss(losses, (1, 0, 0))) == pytest.approx(float(losses[0]))
