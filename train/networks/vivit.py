"""A video transformer in two stages: over space within each time step, then over time.

SMaTE (Kim, Cho and Bae 2022), section 3.2, on the factorised encoder of ViViT (Arnab et al. 2021).
The paper starts from weights pretrained on Kinetics-400; here all weights are random at first.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

POSITIONS = "tpe2", "tpe1", "bert", "none"


def temporal_encoding(kind: str, length: int, alpha: float) -> Tensor:
    r"""Return the temporal position values of `length` tokens, float32 [L].

    SMaTE, Eq. 9 (``tpe1``) and Eq. 10 (``tpe2``):

    .. math::
        TPE_1(pos) = \frac{1}{1 + e^{-\alpha (2 pos - L) / L}}, \qquad
        TPE_2(pos) = \frac{pos^\alpha}{L}, \qquad pos \in [0, L - 1]

    The second stays within 0 to 1, as the paper requires, only for :math:`\alpha \le 1`.
    """
    pos = torch.arange(length, dtype=torch.float32)
    if kind == "tpe1":
        return 1 / (1 + torch.exp(-alpha * (2 * pos - length) / length))
    return pos**alpha / length


def mix_tokens(original: Tensor, augmented: list[Tensor], mixed: Tensor) -> Tensor:
    r"""Mix the tokens of a clip with those of its N augmented copies.

    SMaTE, Eq. 7, with the direct sum read as the sum of tokens in the same position:

    .. math::
        z_{mix} = \begin{cases} z_{origin} & X = 0 \\
        \frac{1}{N + 1} (z_{origin} + \sum_n z_{aug_n}) & X = 1 \end{cases}

    Parameters
    ----------
    original : Tensor float [B, n_t, n_s, d]
    augmented : list of N Tensors like `original`
    mixed : Tensor bool [B, n_t, n_s]
        X of each token: the paper samples "subsets" of a sequence, segment by segment.

    Returns
    -------
    Tensor float [B, n_t, n_s, d]
    """
    mean = torch.stack([original, *augmented]).mean(dim=0)
    return torch.where(mixed[..., None], mean, original)


class VideoTransformer(nn.Module):
    """Maps each clip to a vector by tubelets, a spatial and a temporal transformer.

    Parameters
    ----------
    channels, frames, size : int
        C, T and the side of the images; trailing frames that fill no tubelet are ignored.
    tubelet, patch : int
        Frames and side of a tubelet; `patch` divides `size`.
    width, heads : int
        d, the width of a token, and the number of attention heads.
    spatial_layers, temporal_layers : int
        Depth of the two encoders.
    dropout : float
        Dropout in the layers.
    positions : str
        Positions of time: ``bert`` (learnt), ``tpe1``, ``tpe2``, or ``none``.
    alpha : float
        Alpha of Eq. 9 and 10.
    motion : bool
        Subtract each clip's mean over time, which the paper does not.

    Notes
    -----
    TPE gives one value to each time step. Added equally to all d components of a token, as the
    paper reads, it has no effect: the layer normalisation of Eq. 4 and 5 subtracts the mean of the
    components, and so exactly this value. Here it is added with alternating sign, which has no
    mean. The paper's reading is equivalent to ``none``.
    """

    encoding: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        channels: int,
        frames: int,
        size: int,
        tubelet: int,
        patch: int,
        width: int,
        heads: int,
        spatial_layers: int,
        temporal_layers: int,
        dropout: float,
        positions: str,
        alpha: float,
        *,
        motion: bool = False,
    ) -> None:
        super().__init__()
        moments, places = frames // tubelet, (size // patch) ** 2
        self._motion = motion
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))
        self.tubes = nn.Conv3d(channels, width, (tubelet, patch, patch), (tubelet, patch, patch))
        _start_at_central_frame(self.tubes)
        self.spatial_class = nn.Parameter(torch.zeros(width))
        self.temporal_class = nn.Parameter(torch.zeros(width))
        # Of the tokens' scale.
        self.spatial_positions = nn.Parameter(torch.randn(places + 1, width))
        self.space = _encoder(width, heads, spatial_layers, dropout)
        self.time = _encoder(width, heads, temporal_layers, dropout)
        # The class token is learnt and absorbs any constant, so its position is zero.
        encoding = torch.zeros(moments + 1, width)
        if positions == "bert":
            self.encoding = nn.Parameter(0.02 * torch.randn(moments + 1, width))
            return
        if positions != "none":
            signs = 1.0 - 2.0 * (torch.arange(width) % 2)
            encoding[1:] = temporal_encoding(positions, moments, alpha)[:, None] * signs
        self.register_buffer("encoding", encoding)

    @torch.no_grad()
    def standardise_by(self, batches: Iterable[Tensor]) -> None:
        """Set each channel's mean and spread by training clips.

        Parameters
        ----------
        batches : iterable of Tensor float [B, T, C, H, W]
        """
        moments = []
        for clips in batches:
            content, pixels = self._content(clips), (1, 3, 4)
            moments.append(torch.stack([content.mean(pixels), content.square().mean(pixels)]))
        mean, square = torch.cat(moments, dim=1).mean(dim=1)[..., None, None]
        self.mean.copy_(mean)
        self.spread.copy_((square - mean.square()).clamp(min=1e-6).sqrt())

    def tokens(self, clips: Tensor) -> Tensor:
        """Project tubelets to tokens (Eq. 6), float [B, T, C, H, W] to [B, n_t, n_s, d]."""
        standard = (self._content(clips) - self.mean) / self.spread
        projected: Tensor = self.tubes(standard.transpose(1, 2))
        return projected.flatten(3).permute(0, 2, 3, 1)

    def encode(self, tokens: Tensor) -> Tensor:
        """Return the temporal class token of the last layer (Eq. 8), [B, n_t, n_s, d] to [B, d]."""
        n, moments = tokens.shape[:2]
        within = _with_class(self.spatial_class, tokens.flatten(0, 1)) + self.spatial_positions
        frames = self.space(within)[:, 0].unflatten(0, (n, moments))
        across = _with_class(self.temporal_class, frames) + self.encoding
        encoded: Tensor = self.time(across)[:, 0]
        return encoded

    def forward(self, clips: Tensor) -> Tensor:
        """Embed clips, float [B, T, C, H, W] to [B, d]."""
        return self.encode(self.tokens(clips))

    def _content(self, clips: Tensor) -> Tensor:
        """Return clips, or their differences from their means over time."""
        return clips - clips.mean(dim=1, keepdim=True) if self._motion else clips


def _encoder(width: int, heads: int, layers: int, dropout: float) -> nn.TransformerEncoder:
    """Return the layers of Eq. 3 to 5; the MLP is four times as wide as the tokens."""
    layer = nn.TransformerEncoderLayer(
        width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)


def _with_class(token: Tensor, tokens: Tensor) -> Tensor:
    """Prepend a class token to each sequence, [d] and [B, n, d] to [B, n + 1, d]."""
    return torch.cat([token.expand(len(tokens), 1, -1), tokens], dim=1)


@torch.no_grad()
def _start_at_central_frame(tubes: nn.Conv3d) -> None:
    """Initialise as an image convolution of the central frame, else zeros (Arnab et al. 2021)."""
    depth = tubes.weight.shape[2]
    image = nn.Conv2d(tubes.in_channels, tubes.out_channels, tubes.weight.shape[-1])
    tubes.weight.zero_()
    tubes.weight[:, :, depth // 2] = image.weight
