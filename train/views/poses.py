"""Views that change only a face's pose, and views that change everything but the pose.

Images are float [B, 3, H, W] in 0 to 1; each of the B has its own draw.
"""

import math

import torch
from torch import Tensor, nn

from fmdata.train.views.colour import blur, distort, edges, to_grey


def other_pose(images: Tensor, generator: torch.Generator, rotation: float = 0.0) -> Tensor:
    """Mirror faces, and rotate them in the image plane by up to `rotation` degrees either way.

    Liu et al. 2023, section 4.1: mirroring alone performed best. It negates yaw and roll.
    """
    mirrored = images.flip(-1)
    if rotation == 0:
        return mirrored
    angle = math.radians(rotation) * (2 * torch.rand(len(images), generator=generator) - 1)
    cos, sin = angle.cos(), angle.sin()
    return _sampled(mirrored, torch.stack([cos, -sin, sin, cos], 1), torch.zeros(len(images), 2))


def same_pose(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change colours and sharpness, or keep only edges; shares as in the authors' code."""
    images = distort(images, generator, 0.8, 0.8, 0.8, 0.2, share=0.8)
    images = to_grey(images, generator, share=0.2)
    images = blur(images, generator, share=0.8)
    return edges(images, generator, share=0.6)


def random_crop(images: Tensor, generator: torch.Generator, min_area: float = 0.5) -> Tensor:
    """Crop a square from each image, its area a share from `min_area` to 1, and enlarge it."""
    drawn = torch.rand(len(images), 3, generator=generator)
    side = (min_area + (1 - min_area) * drawn[:, 0]).sqrt()
    shift = (1 - side)[:, None] * (2 * drawn[:, 1:] - 1)
    return _sampled(images, side[:, None] * torch.tensor([1.0, 0, 0, 1]), shift)


def _sampled(images: Tensor, linear: Tensor, shift: Tensor) -> Tensor:
    """Sample images at ``linear @ pixel + shift``, [B, 4] and [B, 2], pixels from -1 to 1."""
    theta = torch.cat([linear.unflatten(1, (2, 2)), shift[:, :, None]], dim=2).to(images.device)
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
