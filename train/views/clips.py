"""Views of whole clips: random placement, one draw for all frames of a clip.

Clips are float [B, T, C, H, W] in 0 to 1. A flip changes the class of an action that names a side;
use it only for sets without such actions.
"""

import torch
from torch import Tensor, nn

TURNS_DEG = 2.0, 5.0, 7.0


def centre_crop(clips: Tensor, size: int) -> Tensor:
    """Crop the centre, to [B, T, C, size, size]."""
    top, left = (clips.shape[-2] - size) // 2, (clips.shape[-1] - size) // 2
    return clips[..., top : top + size, left : left + size]


def random_place(
    clips: Tensor, size: int, generator: torch.Generator, *, flip: bool
) -> tuple[Tensor, Tensor]:
    """Crop and rotate every clip at random, and flip about half of them.

    SMaTE, section 3.1.2: a random crop, a rotation by 2, 5 or 7 degrees to either side, a
    horizontal flip.

    Parameters
    ----------
    clips : Tensor float [B, T, C, S, S]
    size : int
        Side of the crop.
    generator : torch.Generator
        On the CPU.
    flip : bool
        False flips none.

    Returns
    -------
    placed : Tensor float [B, T, C, size, size]
    mirrored : Tensor bool [B]
        True for the flipped clips.
    """
    n, room = len(clips), clips.shape[-1] - size
    shift = torch.randint(room + 1, (n, 2), generator=generator) - room / 2
    turn = torch.tensor(TURNS_DEG)[torch.randint(len(TURNS_DEG), (n,), generator=generator)]
    side, way = 2 * torch.randint(2, (2, n), generator=generator) - 1
    mirrored = (way < 0) & flip
    return place(clips, size, shift, turn * side, mirrored), mirrored


def place(clips: Tensor, size: int, shift: Tensor, turn: Tensor, mirrored: Tensor) -> Tensor:
    """Crop a rotated, optionally mirrored square from each clip; the border pixels repeat.

    Parameters
    ----------
    clips : Tensor float [B, T, C, S, S]
    size : int
        Side of the square, in pixels.
    shift : Tensor float [B, 2]
        Shift of the square's centre from the middle, in pixels, right and down.
    turn : Tensor float [B]
        Rotation of the square in degrees, positive clockwise; the face in it turns the other way.
    mirrored : Tensor bool [B]
        True swaps left and right.

    Returns
    -------
    Tensor float [B, T, C, size, size]
    """
    side, angle = clips.shape[-1], torch.deg2rad(turn)
    cos, sin = size / side * angle.cos(), size / side * angle.sin()
    sign = torch.where(mirrored, -1.0, 1.0)
    # From the square to the clip, both from -1 to 1.
    linear = torch.stack([cos * sign, -sin, sin * sign, cos], dim=1).unflatten(1, (2, 2))
    theta = torch.cat([linear, 2 / side * shift[:, :, None]], dim=2).to(clips.device)
    flat = clips.flatten(1, 2)
    grid = nn.functional.affine_grid(theta, [*flat.shape[:2], size, size], align_corners=False)
    cut = nn.functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    return cut.unflatten(1, clips.shape[1:3])
