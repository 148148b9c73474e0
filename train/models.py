"""The two networks of the 2022 encoder: a spatial feature extractor, a sequence encoder.

Sun et al. 2022, sections 2.1 and 2.2. ``MobileFaceNet`` sees single frames, ``SequenceEncoder``
sees what it made of all frames of a clip. Promise: padded frames change no embedding.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

N_POINTS = 68

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
    """Convolution, batch norm, PReLU."""
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
    """A landmark detector whose last layer but one is the spatial feature extractor (SFE-L).

    Parameters
    ----------
    size : int
        Side of the input image, pixels.
    channels : int
        1 for grey, 3 for RGB.
    width : float
        Multiplier of every layer's width; 1 is the published network.
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
        # Global depthwise convolution: one learned weight per place and channel in the place of
        # the average, since the middle of a face says more than its corners.
        side = math.ceil(size / STRIDE)
        self.pool = nn.Sequential(
            nn.Conv2d(self.n_features, self.n_features, side, groups=self.n_features, bias=False),
            nn.BatchNorm2d(self.n_features),
            nn.Flatten(),
        )
        self.points = nn.Sequential(
            nn.Linear(self.n_features, 2 * N_POINTS, bias=False), nn.BatchNorm1d(2 * N_POINTS)
        )
        # A third faster on a CPU; torch's own annotations do not know this argument.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def start_at(self, landmarks: Tensor) -> None:
        """Let the first prediction have mean and spread of `landmarks`, float [N, 68, 2]."""
        norm = self.points[1]
        assert isinstance(norm, nn.BatchNorm1d)
        norm.bias.copy_(landmarks.flatten(1).mean(dim=0))
        norm.weight.copy_(landmarks.flatten(1).std(dim=0))

    def features(self, images: Tensor) -> Tensor:
        """Map images, float [B, C, H, W] in 0 to 1, to features, float [B, m]."""
        return self.pool(self.trunk(images.contiguous(memory_format=torch.channels_last)))

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float [B, C, H, W], 0 to 1, to landmarks, float [B, 68, 2] in crop sides."""
        return self.points(self.features(images)).unflatten(1, (N_POINTS, 2))


def positional_encoding(n_frames: int, width: int) -> Tensor:
    """Sines and cosines of the frame's number, float32 [n_frames, width] (Vaswani et al. 2017)."""
    frame = torch.arange(n_frames, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.stack([torch.sin(frame * rate), torch.cos(frame * rate)], dim=2).flatten(1)


class SequenceEncoder(nn.Module):
    """Features of all frames to one embedding: transformer, maximum over time, projection.

    Parameters
    ----------
    n_features : int
        m, the width of a frame's feature vector; even.
    n_embedding : int
        n, the width of the embedding.
    layers, heads, feedforward, dropout
        Shape of the transformer, which keeps [L, m] throughout.
    neutral_frames : int
        Frames at a clip's start whose mean is subtracted from its features; 0 for none.
    """

    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        n_features: int,
        n_embedding: int,
        layers: int,
        heads: int,
        feedforward: int,
        dropout: float,
        neutral_frames: int,
    ) -> None:
        super().__init__()
        self.neutral_frames = neutral_frames
        # Features are standardised by the training frames' statistics, lest the positional
        # encoding drown in them or drown them.
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))
        layer = nn.TransformerEncoderLayer(
            n_features, heads, feedforward, dropout, batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.projection = nn.Linear(n_features, n_embedding)

    @torch.no_grad()
    def standardise_by(self, clips: Iterable[Tensor]) -> None:
        """Take mean and spread from the training clips' features, float [T_i, m] each."""
        frames = torch.cat(
            [self.relative(f[None], torch.ones(1, len(f), dtype=torch.bool))[0] for f in clips]
        )
        self.mean.copy_(frames.mean(dim=0))
        # A feature that never changes says nothing, and must not be blown up either.
        self.spread.copy_(frames.std(dim=0).clamp(min=1e-3))

    def relative(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features less the mean of each clip's first frames, float [B, L, m]."""
        if self.neutral_frames == 0:
            return features
        start = mask[:, : self.neutral_frames, None]
        total = (features[:, : self.neutral_frames] * start).sum(dim=1, keepdim=True)
        return features - total / start.sum(dim=1, keepdim=True)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Embed clips of unequal length.

        Parameters
        ----------
        features : Tensor float [B, L, m]
            Frames of each clip, padded to a common length with anything finite.
        mask : Tensor bool [B, L]
            True where there is a frame.

        Returns
        -------
        Tensor float [B, n]
            Embeddings of length 1, so that Eq. 3's cosine is Eq. 4's dot product.
        """
        x = (self.relative(features, mask) - self.mean) / self.spread
        x = x + positional_encoding(x.shape[1], x.shape[2]).to(x.device)
        x = self.transformer(x, src_key_padding_mask=~mask)
        pooled = x.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)
        return nn.functional.normalize(self.projection(pooled), dim=1)
