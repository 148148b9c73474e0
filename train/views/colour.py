"""Views in colour: distortion, grey, blur, edges, as pure functions of images and a generator.

Images are float [B, ..., 3, H, W] in 0 to 1. Each of the B items has one draw, so that all frames
of a clip along a middle axis change alike.
"""

import math

import torch
from torch import Tensor, nn

LUMA = 0.299, 0.587, 0.114  # of red, green and blue, as in JPEG


def distort(
    images: Tensor,
    generator: torch.Generator,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
    share: float = 1.0,
) -> Tensor:
    """Change brightness, contrast, saturation and hue of a share of the items.

    The first three are factors drawn from 1 - x to 1 + x for an argument x; hue is a rotation of
    the colour circle, drawn from -x to x full turns.
    """
    n = len(images)

    def factor(spread: float) -> Tensor:
        return 1 + spread * (2 * torch.rand(n, generator=generator) - 1)

    bright, strong, vivid = factor(brightness), factor(contrast), factor(saturation)
    angle = 2 * math.pi * (factor(hue) - 1)
    chosen = torch.rand(n, generator=generator) < share
    # All four are affine in colour, so each item needs one matrix and one offset.
    same, grey = torch.eye(3), torch.tensor(LUMA).expand(3, 3)
    saturate = vivid[:, None, None] * (same - grey) + grey
    matrix = (bright * strong)[:, None, None] * _hue_turns(angle) @ saturate
    mean = images.mean(dim=(-2, -1)).reshape(n, -1, 3).mean(dim=1).cpu() @ torch.tensor(LUMA)
    offset = torch.where(chosen, (1 - strong) * bright * mean, 0)
    matrix = torch.where(chosen[:, None, None], matrix, same)
    ones = [1] * (images.ndim - 4)
    columns = matrix.reshape(n, *ones, 3, 3, 1, 1).to(images.device).unbind(dim=-3)
    channels = images.split(1, dim=-3)
    # Products and sums, since mixed precision would round a matrix product to 8 bits.
    turned = sum(column * channel for column, channel in zip(columns, channels, strict=True))
    return (turned + offset.reshape(n, *ones, 1, 1, 1).to(images.device)).clamp(0, 1)


def to_grey(images: Tensor, generator: torch.Generator, share: float = 0.2) -> Tensor:
    """Convert a share of the items to grey."""
    return _some(images, luma(images).expand_as(images), generator, share)


def blur(
    images: Tensor,
    generator: torch.Generator,
    spread: tuple[float, float] = (0.1, 2.0),
    share: float = 0.5,
) -> Tensor:
    """Blur a share of the items by a Gaussian with a random standard deviation, in pixels.

    The kernel has 7 pixels.
    """
    low, high = spread
    sigma = low + (high - low) * torch.rand(len(images), generator=generator)
    x = torch.arange(-3, 4)
    kernel = torch.exp(-0.5 * (x / sigma[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).to(images.device)
    return _some(images, _filtered(images, kernel), generator, share)


def edges(images: Tensor, generator: torch.Generator, share: float = 0.6) -> Tensor:
    """Replace a share of the items by their gradient magnitude (Sobel), scaled to 0 to 1."""
    grey = luma(images)
    flat = nn.functional.pad(grey.reshape(-1, 1, *grey.shape[-2:]), (1, 1, 1, 1), "replicate")
    across = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]], device=images.device)
    kernels = torch.stack([across, across.T])[:, None]
    # norm(dim=1) would take ten times as long on a CPU.
    size = nn.functional.conv2d(flat, kernels).square().sum(dim=1).sqrt().reshape(grey.shape)
    peak = size.amax(dim=tuple(range(1, images.ndim)), keepdim=True)
    return _some(images, (size / peak.clamp(min=1e-6)).expand_as(images), generator, share)


def luma(images: Tensor) -> Tensor:
    """Return the brightness, float [B, ..., 1, H, W]."""
    weights = images.new_tensor(LUMA)[:, None, None]
    return (images * weights).sum(dim=-3, keepdim=True)


def _hue_turns(angle: Tensor) -> Tensor:
    """Return rotations of colour about the grey axis, which leave grey unchanged, [B, 3, 3]."""
    # Rodrigues' formula for the axis (1, 1, 1)/sqrt(3).
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return cos * torch.eye(3) + sin * cross + (1 - cos) / 3


def _filtered(images: Tensor, kernel: Tensor) -> Tensor:
    """Convolve each item along both axes with its own kernel, float [B, 2r+1]; edges repeat."""
    n, radius = len(images), kernel.shape[1] // 2
    # One group per item; channels and frames take the batch dimension.
    flat = images.reshape(n, -1, *images.shape[-2:]).transpose(0, 1)
    padded = nn.functional.pad(flat, (radius,) * 4, "replicate")
    rows = nn.functional.conv2d(padded, kernel[:, None, :, None], groups=n)
    both = nn.functional.conv2d(rows, kernel[:, None, None, :], groups=n)
    return both.transpose(0, 1).reshape(images.shape)


def _draw(images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one number from 0 to 1 for each item, float [B, 1, ..., 1]."""
    drawn = torch.rand(len(images), generator=generator).to(images.device)
    return drawn.reshape(-1, *[1] * (images.ndim - 1))


def _some(before: Tensor, after: Tensor, generator: torch.Generator, share: float) -> Tensor:
    return torch.where(_draw(before, generator) < share, after, before)
