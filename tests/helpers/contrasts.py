"""Every contrastive loss, of the embeddings of one batch by one small network."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fmdata.train.losses.disentangle import (
    correlation_orthogonality,
    face_contrast,
    pose_contrast,
)
from fmdata.train.losses.infonce import info_nce
from fmdata.train.losses.pairs import (
    contrastive_loss,
    cosine_distance,
    n_pair_loss,
    two_margin_loss,
)

N = 12
Batch = Sequence[Tensor]


def network() -> nn.Linear:
    """Make the same network at each call."""
    with torch.random.fork_rng([]):
        torch.manual_seed(1)
        return nn.Linear(5, 4, bias=False)


def global_batch() -> list[Tensor]:
    """Return two views, [12, 5] each, motions and subjects [12], and a mask of positive pairs."""
    generator = torch.Generator().manual_seed(2)
    views = [torch.randn(N, 5, generator=generator) for _ in range(2)]
    labels, subjects = torch.arange(N) % 3, torch.arange(N) // 3 % 2
    return [*views, labels, subjects, torch.arange(N) % 2 == 0]


def _unit(net: nn.Module, x: Tensor) -> Tensor:
    return nn.functional.normalize(net(x), dim=1)


# Each with the number of rows of the first of two processes. Losses that are a mean over pairs that
# do not see one another need equal parts.
CONTRASTS: dict[str, tuple[Callable[[nn.Module, Batch], Tensor], int]] = {
    "contrastive": (lambda net, b: contrastive_loss(_unit(net, b[0]), b[2], b[3], 0.2), 7),
    "n_pair": (lambda net, b: n_pair_loss(_unit(net, b[0]), b[2], b[3], 0.1), 7),
    "info_nce": (lambda net, b: info_nce(net(b[0]), net(b[1]), 0.1), 7),
    "face": (lambda net, b: face_contrast(net(b[0]), net(b[1]), 0.1), 5),
    "orthogonality": (lambda net, b: correlation_orthogonality(net(b[0]), net(b[1])), 5),
    "pose": (lambda net, b: pose_contrast(net(b[0]), net(b[1]), net(-b[1])[:, None], 0.1), 6),
    "two_margin": (
        lambda net, b: two_margin_loss(cosine_distance(net(b[0]), net(b[1])), b[4], 0.2, 0.3),
        6,
    ),
}
