"""A region depends on the area of its map, and the target is updated by Eq. 1."""

import copy

import pytest
import torch

from fmdata.train.networks.regional import GRID, SIZES, Branch, follow


def branch(kind: str = "swin") -> Branch:
    torch.manual_seed(0)
    return Branch(kind, width=16, hidden=8, projected=6)


@pytest.mark.parametrize("kind", ["swin", "vgg"])
def test_a_face_has_one_vector_and_each_unit_another(kind: str) -> None:
    images, maps = torch.rand(3, 3, SIZES[kind], SIZES[kind]), torch.rand(3, 5, GRID, GRID)
    vectors = branch(kind)(images, maps)
    shapes = [tuple(x.shape) for x in vectors]
    assert shapes == [(3, 32), (3, 6), (3, 5, 32), (3, 5, 6)]
    assert all(x.isfinite().all() for x in vectors)


def test_a_region_does_not_depend_on_pixels_outside_its_map() -> None:
    """A change in the grid's lower half does not affect a region of the upper half."""
    network = branch()
    grid, whole = torch.rand(2, 16, GRID, GRID), torch.rand(2, 32)
    other = grid.clone()
    other[..., GRID // 2 :, :] += 1
    maps = torch.zeros(2, 2, GRID, GRID)
    maps[:, 0, : GRID // 2] = maps[:, 1, GRID // 2 :] = 1
    before, after = network.local(grid, whole, maps), network.local(other, whole, maps)
    assert torch.equal(before[:, 0], after[:, 0])
    assert (before[:, 1] - after[:, 1]).abs().max() > 1e-3


def test_vectors_have_the_order_of_their_units() -> None:
    network, order = branch(), [2, 0, 1]
    # Vectors are standardised over the batch; with two faces only, rounding would dominate.
    grid, whole = torch.rand(8, 16, GRID, GRID), torch.rand(8, 32)
    maps = torch.rand(8, 3, GRID, GRID)
    one, other = network.local(grid, whole, maps), network.local(grid, whole, maps[:, order])
    assert torch.allclose(one[:, order], other, atol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.98, 1.0])
def test_the_target_is_updated_by_equation_1(momentum: float) -> None:
    online, target = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    before = copy.deepcopy(target)
    follow(target, online, momentum)
    for xi, old, theta in zip(
        target.parameters(), before.parameters(), online.parameters(), strict=True
    ):
        flat = (weights.detach().flatten().tolist() for weights in (xi, old, theta))
        for now, was, other in zip(*flat, strict=True):
            literal = momentum * was + (1 - momentum) * other
            assert now == pytest.approx(literal, abs=1e-6)
