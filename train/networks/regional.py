"""From a face to one global vector and one local vector for each action unit.

RRL (2023), sections 2.1 and 2.2, small: the paper's Swin-T takes 224 pixels and is fused with the
attention maps at its stage of 14 x 14; here 56 pixels lead to the same stage and two stages are
all there are. Everything that is not learnt by the gradient follows by :func:`follow`.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fmdata.train.networks.windows import ConvolutionBlock, WindowBlock

SIZE = 56  # pixels of an image's side
GRID = 14  # side of the stage that the attention maps are fused with
HEAD = 16  # channels of one head of the attention


class Backbone(nn.Module):
    """The encoder f: all that is kept for AU detection.

    Parameters
    ----------
    kind : str
        ``swin``: window attention, as the paper's; ``vgg``: convolutions, as in its Table 4.
    width : int
        Channels of the stage of 14 x 14, a multiple of 16; the global vector has twice as many.
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 2, 3, 2, 1),
            nn.GroupNorm(1, width // 2),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 3, 2, 1),
            nn.GroupNorm(1, width),
        )
        self.local_stage = _stage(kind, width, GRID)
        self.merge = nn.Sequential(nn.GroupNorm(1, width), nn.Conv2d(width, 2 * width, 2, 2))
        self.global_stage = _stage(kind, 2 * width, GRID // 2)
        self.norm = nn.LayerNorm(2 * width)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images to the grid that regions are cut from, and to the global vector.

        Parameters
        ----------
        images : Tensor float [B, 3, 56, 56], 0 to 1

        Returns
        -------
        grid : Tensor float [B, n, 14, 14]
        whole : Tensor float [B, 2n]
            Pooled over the last stage.
        """
        grid = self.local_stage(self.stem(images - 0.5))
        whole = self.global_stage(self.merge(grid)).mean(dim=(2, 3))
        return grid, self.norm(whole)


class Vectors(NamedTuple):
    """What a branch makes of faces: vectors, and their projections for the losses.

    Attributes
    ----------
    whole, whole_projected : Tensor float [B, d], [B, m]
        Global: o_g and its z, or t_g and its own.
    units, units_projected : Tensor float [B, K, d], [B, K, m]
        Local: o_k or t_k, and theirs.
    """

    whole: Tensor
    whole_projected: Tensor
    units: Tensor
    units_projected: Tensor


class Branch(nn.Module):
    """The online network without its predictor, or the target network: f, the local CNN and g.

    Parameters
    ----------
    kind, width
        Of the :class:`Backbone`; d is twice the width.
    hidden, projected : int
        Width inside the projector, and of what it returns, m.
    """

    def __init__(self, kind: str, width: int, hidden: int, projected: int) -> None:
        super().__init__()
        self.backbone = Backbone(kind, width)
        half = width // 2
        self.regions = nn.Sequential(nn.Conv2d(width, half, 3, 2, 1), nn.GELU())
        self.norm = nn.LayerNorm(half)  # a small region says as much as a large one
        self.joined = nn.Linear(half + 2 * width, 2 * width)
        self.projector = perceptron(2 * width, hidden, projected)

    def forward(self, images: Tensor, maps: Tensor) -> Vectors:
        """Map images, float [B, 3, 56, 56], and attention maps, float [B, K, 14, 14]."""
        grid, whole = self.backbone(images)
        units = self.local(grid, whole, maps)
        projected = self.projector(units.flatten(0, 1)).unflatten(0, units.shape[:2])
        return Vectors(whole, self.projector(whole), units, projected)

    def local(self, grid: Tensor, whole: Tensor, maps: Tensor) -> Tensor:
        """Local vectors, float [B, K, d]: the grid under each map, and the whole face.

        One CNN serves all units, so that what tells them apart is where they lie. Each unit's
        vectors are standardised over the batch: else one vector a unit, whatever the face, would
        be all that Eq. 6 asks for.
        """
        fused = grid[:, None] * maps[:, :, None]
        pooled = self.norm(self.regions(fused.flatten(0, 1)).mean(dim=(2, 3)))
        beside = whole[:, None].expand(-1, maps.shape[1], -1)
        joined = self.joined(torch.cat([pooled.unflatten(0, maps.shape[:2]), beside], dim=2))
        flat = nn.functional.batch_norm(joined.flatten(1), None, None, training=True)
        return flat.view_as(joined)


def perceptron(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    """Return a projector or predictor as BYOL's: linear, batch norm, ReLU, linear.

    It is used in training only, so its batch norm keeps no running statistics.
    """
    norm = nn.BatchNorm1d(hidden, track_running_stats=False)
    return nn.Sequential(nn.Linear(n_in, hidden), norm, nn.ReLU(), nn.Linear(hidden, n_out))


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, momentum: float) -> None:
    r"""Let a network of the same shape follow another in place: RRL, Eq. 1.

    .. math:: \xi = m \xi + (1 - m) \theta

    Parameters
    ----------
    target, online : Module
        With the weights :math:`\xi` and :math:`\theta`.
    momentum : float
        :math:`m`, 0 to 1.
    """
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.lerp_(fast, 1 - momentum)


def _stage(kind: str, width: int, side: int) -> nn.Sequential:
    """Two Swin blocks, the second's windows moved where there are several; or a VGG stage."""
    if kind == "vgg":
        return nn.Sequential(ConvolutionBlock(width))
    shifts = (0, 3 if side > GRID // 2 else 0)
    return nn.Sequential(*(WindowBlock(width, width // HEAD, side, shift) for shift in shifts))
