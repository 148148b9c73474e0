"""Views of faces with their landmarks: shifted, scaled, rotated, relit."""

import math

import torch
from torch import Tensor, nn


def jitter_faces(
    images: Tensor, landmarks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Shift, scale, rotate and relight faces together with their landmarks.

    Sun et al. 2022, section 2.5: only the training of the spatial feature extractor uses image
    transforms.

    Parameters
    ----------
    images : Tensor float [B, C, H, W], 0 to 1
    landmarks : Tensor float [B, 68, 2], in crop sides
    generator : torch.Generator
        On the CPU.
    """

    def draw(*shape: int) -> Tensor:
        uniform = torch.rand(len(images), *shape, generator=generator)
        return (uniform * 2 - 1).to(images.device)

    turn, scale, shift = draw() * math.radians(8), 1 + 0.08 * draw(), 0.1 * draw(2)
    cos, sin = scale * turn.cos(), scale * turn.sin()
    # Maps a point of the result to its origin, both in -1 to 1.
    linear = torch.stack([cos, -sin, sin, cos], dim=1).unflatten(1, (2, 2))
    grid = nn.functional.affine_grid(
        torch.cat([linear, shift[:, :, None]], dim=2), list(images.shape), align_corners=False
    )
    images = nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    points = (landmarks * 2 - 1 - shift[:, None]) @ torch.linalg.inv(linear).transpose(1, 2)
    gain, offset = 1 + 0.25 * draw(1, 1, 1), 0.15 * draw(1, 1, 1)
    return (images * gain + offset).clamp(0, 1), (points + 1) / 2
