"""PCL's losses equal slow versions written from the paper, and values computed by hand."""

import math

import pytest
import torch
from torch import Tensor

from fmdata.train.losses.disentangle import (
    correlation_orthogonality,
    disentangling_loss,
    dynamic_weights,
    face_contrast,
    pose_contrast,
    product_orthogonality,
    total_loss,
)


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def test_four_reconstructions_are_summed() -> None:
    """Eq. 2 image by image, with a decoder F_f + 2 F_p, for which all swaps differ."""
    n, shape = 3, (3, 2, 2)
    face = drawn(n, 12, seed=0), drawn(n, 12, seed=1)
    pose = drawn(n, 12, seed=2), drawn(n, 12, seed=3)
    images = drawn(n, *shape, seed=4), drawn(n, *shape, seed=5)

    def decode(f: Tensor, p: Tensor) -> Tensor:
        return (f + 2 * p).unflatten(1, shape)

    expected = 0.0
    for f in range(2):
        for p in range(2):  # the reconstructed image has the pose of the input
            for i in range(n):
                made, wanted = face[f][i] + 2 * pose[p][i], images[p][i].flatten()
                pixels = zip(made.tolist(), wanted.tolist(), strict=True)
                expected += sum(abs(x - y) for x, y in pixels) / 12 / n
    assert float(disentangling_loss(decode, images, face, pose)) == pytest.approx(expected)


def test_a_perfect_swap_costs_nothing() -> None:
    """Both images have the same face and differ in the pose: Eq. 1 holds and Eq. 2 is zero."""
    face, pose, other = (drawn(2, 12, seed=i) for i in range(3))

    def decode(f: Tensor, p: Tensor) -> Tensor:
        return (f + p).unflatten(1, (3, 2, 2))

    images = decode(face, pose), decode(face, other)
    assert float(disentangling_loss(decode, images, (face, face), (pose, other))) == 0


def test_product_orthogonality_is_the_mean_square_of_dot_products() -> None:
    face, pose = drawn(5, 4, seed=0), drawn(5, 4, seed=1)
    expected = 0.0
    for f, p in zip(face.tolist(), pose.tolist(), strict=True):
        expected += sum(x * y for x, y in zip(f, p, strict=True)) ** 2
    assert float(product_orthogonality(face, pose)) == pytest.approx(expected / 5)


def test_correlation_orthogonality_sums_over_all_pairs_of_features() -> None:
    n, m = 5, 3
    face, pose = drawn(n, m, seed=0), drawn(n, m, seed=1)

    def centred(x: list[list[float]]) -> list[list[float]]:
        means = [sum(row[k] for row in x) / n for k in range(m)]
        rows = [[row[k] - means[k] for k in range(m)] for row in x]
        return [[v / math.sqrt(sum(w * w for w in row)) for v in row] for row in rows]

    f, p = centred(face.tolist()), centred(pose.tolist())
    expected = 0.0
    for a in range(m):
        for b in range(m):
            expected += sum(f[i][a] * p[i][b] for i in range(n)) ** 2
    assert float(correlation_orthogonality(face, pose)) == pytest.approx(expected / n**2)


def test_correlation_detects_a_copy_that_the_dot_product_does_not() -> None:
    """The pose branch repeats the face's two features in another order: orthogonal, yet a copy."""
    x, zero = torch.tensor([-1.0, 1, -1, 1]), torch.zeros(4)
    face, pose = torch.stack([x, zero], dim=1), torch.stack([zero, x], dim=1)
    assert float(product_orthogonality(face, pose)) == 0
    assert float(correlation_orthogonality(face, pose)) == pytest.approx(1)
    unrelated = torch.stack([zero, torch.tensor([-1.0, -1, 1, 1])], dim=1)
    assert float(correlation_orthogonality(face, unrelated)) == pytest.approx(0)


@pytest.mark.parametrize("n_negatives", [1, 3])
def test_pose_contrast_equals_the_paper_with_each_faces_own_negatives(n_negatives: int) -> None:
    n, tau = 4, 0.3
    first, second = drawn(n, 5, seed=0), drawn(n, 5, seed=1)
    negatives = drawn(n, n_negatives, 5, seed=2)

    def one(a: list[float], b: list[float], others: list[list[float]]) -> float:
        positive = math.exp(cosine(a, b) / tau)
        rest = sum(math.exp(cosine(a, other) / tau) for other in others)
        return -math.log(positive / (positive + rest))

    expected = 0.0
    for i in range(n):
        a, b, others = first[i].tolist(), second[i].tolist(), negatives[i].tolist()
        expected += (one(a, b, others) + one(b, a, others)) / n
    assert float(pose_contrast(first, second, negatives, tau)) == pytest.approx(expected, rel=1e-5)


def test_pose_contrast_ignores_the_poses_of_other_faces() -> None:
    """The loss of two faces is the mean of both alone; scale is irrelevant too."""
    first, second, negatives = drawn(2, 5, seed=0), drawn(2, 5, seed=1), drawn(2, 2, 5, seed=2)
    alone = [
        float(pose_contrast(first[i : i + 1], second[i : i + 1], negatives[i : i + 1], 0.07))
        for i in range(2)
    ]
    both = float(pose_contrast(3 * first, second, 0.1 * negatives, 0.07))
    assert both == pytest.approx(sum(alone) / 2, rel=1e-5)


def test_equal_views_have_the_loss_of_a_guess() -> None:
    """Equal positive and M negatives: a guess among M + 1, from either view."""
    same = torch.ones(3, 4)
    loss = pose_contrast(same, same, torch.ones(3, 2, 4), 0.07)
    assert float(loss) == pytest.approx(2 * math.log(3))


def test_face_contrast_equals_the_paper_over_both_views_of_all_faces() -> None:
    n, tau = 4, 0.3
    first, second = drawn(n, 5, seed=0), drawn(n, 5, seed=1)
    views = first.tolist() + second.tolist()

    def one(i: int, j: int) -> float:
        others = [math.exp(cosine(views[i], views[z]) / tau) for z in range(2 * n) if z != i]
        return -math.log(math.exp(cosine(views[i], views[j]) / tau) / sum(others))

    expected = sum(one(i, n + i) + one(n + i, i) for i in range(n)) / n
    assert float(face_contrast(first, second, tau)) == pytest.approx(expected, rel=1e-5)


def test_face_contrast_does_not_depend_on_the_order_of_faces_or_views() -> None:
    first, second = drawn(6, 5, seed=0), drawn(6, 5, seed=1)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    loss = float(face_contrast(first, second, 0.07))
    assert float(face_contrast(second[order], first[order], 0.07)) == pytest.approx(loss, rel=1e-5)


def test_weights_are_one_for_two_epochs_and_then_depend_on_the_ratios() -> None:
    history = [{"face": 4.0, "pose": 2.0}, {"face": 3.0, "pose": 2.0}, {"face": 3.0, "pose": 1.0}]
    names = ["face", "pose"]
    assert dynamic_weights(history[:0], names) == {"face": 1, "pose": 1}
    # A contrast with distant negatives is 0 in float32, and no divisor.
    none = [{"face": 1.0, "pose": 0.0}, {"face": 1.0, "pose": 0.0}]
    assert sum(dynamic_weights(none, names).values()) == pytest.approx(2)
    assert dynamic_weights(history[:1], names) == {"face": 1, "pose": 1}
    # In the third epoch, the face's loss has fallen to 3/4 and the pose's has not changed.
    face, pose = math.exp(0.75 / 2), math.exp(1 / 2)
    third = dynamic_weights(history[:2], names)
    assert third["face"] == pytest.approx(2 * face / (face + pose))
    assert third["pose"] == pytest.approx(2 * pose / (face + pose))
    fourth = dynamic_weights(history, names)
    assert fourth["face"] > 1 > fourth["pose"]
    assert sum(fourth.values()) == pytest.approx(2)


def test_the_noise_of_a_loss_near_zero_does_not_take_all_the_weight() -> None:
    history = [{"face": 4.0, "pose": 1e-6}, {"face": 4.0, "pose": 1e-3}]
    weights = dynamic_weights(history, ["face", "pose"])
    assert weights["pose"] == pytest.approx(2 * math.exp(1) / (math.exp(1) + math.exp(0.5)))


def test_only_the_contrasts_are_weighted() -> None:
    values = {"reconstruction": 1.0, "orthogonality": 10.0, "face": 100.0, "pose": 1000.0}
    parts = {name: torch.tensor(value) for name, value in values.items()}
    assert float(total_loss(parts, {"face": 0.5, "pose": 1.5})) == 1 + 10 + 50 + 1500
    assert float(total_loss(parts, {})) == 1111
