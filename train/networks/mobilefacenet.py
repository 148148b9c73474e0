"""MobileFaceNet, the spatial feature extractor: its output is the input of a task's head.

Sun et al. 2022, section 2.1. The head, for landmarks or expressions, belongs to the recipe.
"""

import math

import torch
from torch import Tensor, nn

# (channels out, channels inside, blocks, stride of the first block), at width 1: Chen et al. 2018
# as laid out by the landmark detector that Sun et al. start from.
STAGES = (
    (64, 128, 1, 2),
    (64, 128, 4, 1),
    (128, 256, 1, 2),
    (128, 256, 6, 1),
    (128, 512, 1, 2),
    (128, 256, 2, 1),
)
STEM, HEAD = 64, 512
STRIDE = 16  # of the whole trunk


def conv_block(
    n_in: int, n_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return a convolution, batch norm and PReLU."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(n_out),
        nn.PReLU(n_out),
    )


class Bottleneck(nn.Module):
    """Inverted residual with a linear end: 1x1 expand, 3x3 depthwise, 1x1 project."""

    def __init__(self, n_in: int, n_out: int, n_inside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_block(n_in, n_inside),
            conv_block(n_inside, n_inside, kernel=3, stride=stride, groups=n_inside),
            nn.Conv2d(n_inside, n_out, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.residual = stride == 1 and n_in == n_out

    def forward(self, x: Tensor) -> Tensor:
        """Map float [B, n_in, H, W] to float [B, n_out, H/stride, W/stride]."""
        return x + self.body(x) if self.residual else self.body(x)


class MobileFaceNet(nn.Module):
    """Maps images to features, without the head of a task.

    Parameters
    ----------
    size : int
        Side of the input image, pixels.
    channels : int
        1 for grey, 3 for RGB.
    width : float
        Multiplier of every layer's width; 1 is the published network.

    Attributes
    ----------
    n_features : int
        m, the length of an image's feature vector.
    """

    def __init__(self, size: int, channels: int, width: float) -> None:
        super().__init__()

        def scaled(n: int) -> int:
            return max(8, round(n * width))

        n = scaled(STEM)
        layers: list[nn.Module] = [
            conv_block(channels, n, kernel=3, stride=2),
            conv_block(n, n, kernel=3, groups=n),
        ]
        for n_out, n_inside, n_blocks, stride in STAGES:
            for i in range(n_blocks):
                block = Bottleneck(n, scaled(n_out), scaled(n_inside), stride if i == 0 else 1)
                layers.append(block)
                n = scaled(n_out)
        self.n_features = scaled(HEAD)
        layers.append(conv_block(n, self.n_features))
        self.trunk = nn.Sequential(*layers)
        # Global depthwise convolution: a learnt weight per position and channel instead of the
        # average, since the middle of a face is more informative than the corners of the crop.
        side = math.ceil(size / STRIDE)
        self.pool = nn.Sequential(
            nn.Conv2d(self.n_features, self.n_features, side, groups=self.n_features, bias=False),
            nn.BatchNorm2d(self.n_features),
            nn.Flatten(),
        )
        # A third faster on a CPU; torch's annotations lack this argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float [B, C, H, W] in 0 to 1, to features, float [B, m]."""
        return self.pool(self.trunk(images.contiguous(memory_format=torch.channels_last)))
