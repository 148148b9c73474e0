"""Views that change only a face's pose, and views that change everything but the pose.

Images are float [B, 3, H, W] in 0 to 1; each of the B has its own draw.
"""

import math

import torch
from torch import Tensor, nn

from fmdata.train.views.colour import blur, distort, edges, to_grey


def mirrored(images: Tensor) -> Tensor:
    """Mirror faces, which negates yaw and roll (Liu et al. 2023, section 4.1)."""
    return images.flip(-1)


def other_poses(
    images: Tensor, generator: torch.Generator, n: int, rotation: float = 0.0
) -> list[Tensor]:
    """Return faces in `n` other poses each: the first is the mirror image.

    The others are also rotated in the image plane, by half of `rotation` degrees to all of it
    either way, and half of them are mirrored: M of Liu et al. 2023, Eq. 5, by "flipping and
    rotation" (section 3.2).
    """
    poses = [mirrored(images)]
    for _ in range(n - 1):
        drawn = torch.rand(3, len(images), generator=generator)
        angle = math.radians(rotation) * (1 + drawn[0]) / 2 * torch.where(drawn[1] < 0.5, 1, -1)
        side = torch.where(drawn[2] < 0.5, -1.0, 1.0)
        cos, sin = angle.cos(), angle.sin()
        linear = torch.stack([side * cos, -sin, side * sin, cos], 1)
        poses.append(_sampled(images, linear, torch.zeros(len(images), 2)))
    return poses


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
