"""The sequence encoder of 2022 and 2023: maps the features of a clip's frames to one embedding.

Sun et al. 2022, section 2.2. Promise: padded frames change no embedding.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import Settings, number


@dataclass(frozen=True)
class SequenceShape(Settings):
    """Shape of a sequence encoder. The papers give two layers, and none of the other numbers.

    The width of the transformer is the number of features of a frame.
    """

    embedding: int = number(64, 1, help="Length n of the embedding.")
    layers: int = number(2, 1, help="Layers of the transformer.")
    heads: int = number(4, 1, help="Attention heads of a layer.")
    feedforward: int = number(256, 1, help="Width of a layer's feed-forward network.")
    dropout: float = number(0.1, 0, 0.99, help="Dropout in the transformer.")


def positional_encoding(n_frames: int, width: int) -> Tensor:
    """Return sines and cosines of the frames (Vaswani et al. 2017), float32 [n_frames, width]."""
    frame = torch.arange(n_frames, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.stack([torch.sin(frame * rate), torch.cos(frame * rate)], dim=2).flatten(1)


class SequenceEncoder(nn.Module):
    """Transformer over the frames' features, maximum over time, projection to an embedding.

    Parameters
    ----------
    n_features : int
        m, the length of a frame's feature vector; even. The transformer maps [L, m] to [L, m].
    shape : SequenceShape

    Raises
    ------
    UsageError
        When the heads do not divide half the features.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, n_features: int, shape: SequenceShape) -> None:
        super().__init__()
        if n_features % (2 * shape.heads):
            raise UsageError(
                f"heads = {shape.heads} for features of length {n_features}",
                wanted="twice the number of heads to divide the length of a frame's features",
                where="[sequence], and `width` in [landmarks]",
                todo="change one of them",
            )
        self.shape = shape
        # Standardised by the training frames, features have the scale of the positional encoding.
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))
        layer = nn.TransformerEncoderLayer(
            n_features,
            shape.heads,
            shape.feedforward,
            shape.dropout,
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
        self.projection = nn.Linear(n_features, shape.embedding)

    @torch.no_grad()
    def standardise_by(self, clips: Iterable[Tensor]) -> None:
        """Take mean and spread from the training clips' features, float [T_i, m] each."""
        frames = torch.cat(list(clips))
        self.mean.copy_(frames.mean(dim=0))
        # The minimum keeps a constant feature from being divided by nearly zero.
        self.spread.copy_(frames.std(dim=0).clamp(min=1e-3))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Embed clips of unequal length.

        Parameters
        ----------
        features : Tensor float [B, L, m]
            Frames of each clip, padded to a common length by any finite values.
        mask : Tensor bool [B, L]
            True where there is a frame.

        Returns
        -------
        Tensor float [B, n]
            Embeddings of length 1, so that Eq. 3's cosine is Eq. 4's dot product.
        """
        x = (features - self.mean) / self.spread
        x = x + positional_encoding(x.shape[1], x.shape[2]).to(x.device)
        x = self.transformer(x, src_key_padding_mask=~mask)
        pooled = x.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)
        return nn.functional.normalize(self.projection(pooled), dim=1)

    @torch.no_grad()
    def embed(self, clips: Iterable[Tensor]) -> np.ndarray:
        """Embed clips by their features, float [T_i, m] each: float32 [N, n].

        One clip at a time, since the last bits of a result depend on the shape of its batch.
        """
        device = self.mean.device
        rows = []
        for clip in clips:
            mask = torch.ones(1, len(clip), dtype=torch.bool, device=device)
            rows.append(self(clip[None].to(device), mask).cpu().numpy())
        return np.concatenate([np.zeros((0, self.shape.embedding), np.float32), *rows])
