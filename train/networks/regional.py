"""RRL's network: maps a face to one global vector and one local vector per action unit.

RRL (2023), sections 2.1 and 2.2. The paper's Swin-T (``swin-t``) takes 224 pixels and is fused with
the attention maps at its stage of 14 x 14; in the small backbones 56 pixels lead to the same stage,
and there are only two stages. The target network is updated by :func:`follow`, not by the gradient.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fmdata.train.networks import swin
from fmdata.train.networks.windows import ConvolutionBlock, WindowBlock

SIZES = {"swin": 56, "vgg": 56, "swin-t": swin.SIDE}  # pixels of an image's side, by backbone
GRID = 14  # side of the stage that the attention maps are fused with
HEAD = 16  # channels of one head of the attention


class Backbone(nn.Module):
    """A small encoder f, the part that is used for AU detection.

    Parameters
    ----------
    kind : str
        ``swin``: window attention, as in the paper; ``vgg``: convolutions, as in its Table 4.
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
        """Map images to the grid of the regions, and to the global vector.

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
    """Output of a branch: vectors, and their projections for the losses.

    Attributes
    ----------
    whole, whole_projected : Tensor float [B, d], [B, m]
        Global vectors o_g or t_g, and their projections z.
    units, units_projected : Tensor float [B, K, d], [B, K, m]
        Local vectors o_k or t_k, and their projections.
    """

    whole: Tensor
    whole_projected: Tensor
    units: Tensor
    units_projected: Tensor


class Branch(nn.Module):
    """The online network without its predictor, or the target network: f, the local CNN and g.

    Parameters
    ----------
    kind : str
        A key of :data:`SIZES`.
    width : int
        As of :func:`width_of`; d is twice the width.
    hidden, projected : int
        Hidden and output width (m) of the projector.
    """

    def __init__(self, kind: str, width: int, hidden: int, projected: int) -> None:
        super().__init__()
        self.backbone = swin.SwinT() if kind == "swin-t" else Backbone(kind, width)
        half = width // 2
        self.regions = nn.Sequential(nn.Conv2d(width, half, 3, 2, 1), nn.GELU())
        self.norm = nn.LayerNorm(half)  # makes vectors independent of a region's area
        self.joined = nn.Linear(half + 2 * width, 2 * width)
        self.projector = perceptron(2 * width, hidden, projected)

    def forward(self, images: Tensor, maps: Tensor) -> Vectors:
        """Map images, float [B, 3, S, S], and attention maps, float [B, K, 14, 14]."""
        grid, whole = self.backbone(images)
        units = self.local(grid, whole, maps)
        projected = self.projector(units.flatten(0, 1)).unflatten(0, units.shape[:2])
        return Vectors(whole, self.projector(whole), units, projected)

    def local(self, grid: Tensor, whole: Tensor, maps: Tensor) -> Tensor:
        """Compute local vectors, float [B, K, d], from the grid under each map and the whole face.

        All units share one CNN and differ only by their regions. Each unit's vectors are
        standardised over the batch: otherwise a constant vector per unit would minimise Eq. 6.
        """
        fused = grid[:, None] * maps[:, :, None]
        pooled = self.norm(self.regions(fused.flatten(0, 1)).mean(dim=(2, 3)))
        beside = whole[:, None].expand(-1, maps.shape[1], -1)
        joined = self.joined(torch.cat([pooled.unflatten(0, maps.shape[:2]), beside], dim=2))
        flat = nn.functional.batch_norm(joined.flatten(1), None, None, training=True)
        return flat.view_as(joined)


def width_of(kind: str, heads: int) -> int:
    """Return the channels of the stage of 14 x 14: `heads` times 16, or those of Swin-T."""
    return swin.WIDTH if kind == "swin-t" else heads * HEAD


def perceptron(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    """Return a projector or predictor as in BYOL: linear, batch norm, ReLU, linear.

    It is used in training only, so its batch norm has no running statistics.
    """
    norm = nn.BatchNorm1d(hidden, track_running_stats=False)
    return nn.Sequential(nn.Linear(n_in, hidden), norm, nn.ReLU(), nn.Linear(hidden, n_out))


@torch.no_grad()
def follow(target: nn.Module, online: nn.Module, momentum: float) -> None:
    r"""Update a momentum network in place: RRL, Eq. 1.

    .. math:: \xi = m \xi + (1 - m) \theta

    Parameters
    ----------
    target, online : Module
        Networks of the same shape with the weights :math:`\xi` and :math:`\theta`.
    momentum : float
        :math:`m`, 0 to 1.
    """
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.lerp_(fast, 1 - momentum)


def _stage(kind: str, width: int, side: int) -> nn.Sequential:
    """Return two Swin blocks, the second with shifted windows if there are several; or VGG."""
    if kind == "vgg":
        return nn.Sequential(ConvolutionBlock(width))
    shifts = (0, 3 if side > GRID // 2 else 0)
    return nn.Sequential(*(WindowBlock(width, width // HEAD, side, shift) for shift in shifts))
