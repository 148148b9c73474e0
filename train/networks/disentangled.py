"""PCL's network: one trunk, a branch for the face, a branch for its pose, one decoder.

Liu et al. 2023, "Pose-disentangled Contrastive Learning for Self-supervised Facial
Representation", section 3.1 and Fig. 3, with the layout of the authors' code. Only the trunk is
used after the pretraining.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

SLOPE = 0.1  # of every LeakyReLU
STRIDE = 16  # of the trunk
# Channels before and between the decoder's convolutions, at width 1; the image has three.
DECODER = (512, 256, 256, 128, 128, 64)


def conv(n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution and LeakyReLU; trunk and branches have no batch norm."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, stride, 1), nn.LeakyReLU(SLOPE))


class Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(n, n), nn.Conv2d(n, n, 3, 1, 1))
        self.last = nn.LeakyReLU(SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        """Map float [B, n, H, W] to the same shape."""
        return self.last(x + self.body(x))


class Decoder(nn.Module):
    """Maps features to an image by six blocks, each doubling the size, then tanh.

    Parameters
    ----------
    n_features : int
        Length of F_f + F_p.
    size : int
        Side of the image, pixels.
    width : float
        Multiplier of every layer's width.
    """

    def __init__(self, n_features: int, size: int, width: float) -> None:
        super().__init__()
        channels = [scaled(n, width) for n in DECODER]
        self.first = nn.Linear(n_features, channels[0])
        self.sides = [max(1, size >> k) for k in reversed(range(len(channels)))]
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, 3, 1, 1), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in pairwise(channels)
        )
        self.last = nn.Conv2d(channels[-1], 3, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features, float [B, n], to images, float [B, 3, S, S] in -1 to 1."""
        x = self.first(features)[:, :, None, None].relu()
        for side, block in zip(self.sides, [*self.blocks, self.last], strict=True):
            x = block(nn.functional.interpolate(x, (side, side), mode="bilinear"))
        return x.tanh()


class PoseDisentangled(nn.Module):
    """The trunk B, the branches g_f and g_p, a projection after each, and the decoder D.

    Parameters
    ----------
    size : int
        Side of the images, pixels.
    width : float
        Multiplier of every layer's width; 1 is the published network, with images of 64 pixels
        and features of length 2048.
    n_projection : int
        Length of the vectors that the contrastive losses compare.

    Attributes
    ----------
    n_features : int
        Length of F_s, of F_f and of F_p.
    """

    def __init__(self, size: int, width: float, n_projection: int) -> None:
        super().__init__()
        a, b, c = (scaled(n, width) for n in (64, 128, 256))
        self.trunk = nn.Sequential(
            *[conv(3, a, 2), conv(a, a), conv(a, a), conv(a, a)],
            *[conv(a, b, 2), conv(b, b), Residual(b), Residual(b)],
            *[conv(b, b, 2), conv(b, b), conv(b, c, 2), conv(c, b)],
        )
        self.face_branch = nn.Sequential(conv(b, b), conv(b, b))
        self.pose_branch = nn.Sequential(conv(b, b), conv(b, b))
        side = math.ceil(size / STRIDE)
        self._map = b, side, side
        self.n_features = b * side**2
        self.face_head = projection(self.n_features, n_projection)
        self.pose_head = projection(self.n_features, n_projection)
        self.decoder = Decoder(self.n_features, size, width)
        # With torch's default initialisation the signal halves at each of 14 layers, and the
        # training stalls.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, SLOPE, nonlinearity="leaky_relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        # A third faster on a CPU; torch's annotations lack this argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, images: Tensor) -> Tensor:
        """Map images, float [B, 3, S, S] in 0 to 1, to face-aware features F_s, float [B, n]."""
        images = 2 * images.contiguous(memory_format=torch.channels_last) - 1
        return self.trunk(images).flatten(1)

    def face(self, features: Tensor) -> Tensor:
        """Map F_s to pose-unrelated features F_f, float [B, n]."""
        return self.face_branch(features.unflatten(1, self._map)).flatten(1)

    def pose(self, features: Tensor) -> Tensor:
        """Map F_s to pose-related features F_p, float [B, n]."""
        return self.pose_branch(features.unflatten(1, self._map)).flatten(1)

    def decode(self, face: Tensor, pose: Tensor) -> Tensor:
        """Map F_f and F_p, float [B, n] each, to an image, float [B, 3, S, S] in 0 to 1."""
        return (self.decoder(nn.functional.normalize(face + pose, dim=1)) + 1) / 2


def projection(n_in: int, n_out: int) -> nn.Sequential:
    """Return the projection head between features and a contrastive loss."""
    return nn.Sequential(
        nn.Linear(n_in, n_in), nn.ReLU(), nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out)
    )


def scaled(n: int, width: float) -> int:
    """Return the number of channels at a width."""
    return max(4, round(n * width))
