"""Blocks of a backbone: self-attention within windows (Swin), or convolutions (VGG).

Both map float [B, n, S, S] to the same shape.
"""

import torch
from torch import Tensor, nn

WINDOW = 7  # tokens along a side


class WindowBlock(nn.Module):
    """A Swin Transformer block (Liu et al. 2021): attention within windows of 7 x 7, then an MLP.

    Parameters
    ----------
    width : int
        Channels, n; a multiple of `heads`.
    heads : int
        Heads of the attention.
    side : int
        S, a multiple of 7.
    shift : int
        Tokens by which the windows are shifted down and right. A mask keeps tokens that wrap
        around the edge from attending to the other side.
    """

    outside: Tensor
    offset: Tensor

    def __init__(self, width: int, heads: int, side: int, shift: int) -> None:
        super().__init__()
        self.heads, self.shift, self.windows = heads, shift, side // WINDOW
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.bias = nn.Parameter(torch.zeros(heads, (2 * WINDOW - 1) ** 2))
        place = torch.cartesian_prod(torch.arange(WINDOW), torch.arange(WINDOW))
        apart = place[:, None] - place[None, :] + WINDOW - 1
        offset = apart[..., 0] * (2 * WINDOW - 1) + apart[..., 1]  # index of two tokens' bias
        self.register_buffer("offset", offset, persistent=False)
        # Rows, or columns, that were contiguous before the shift have the same number.
        stretch = (torch.arange(side) >= side - shift).long()
        region = self._split((2 * stretch[:, None] + stretch)[None, :, :, None])[..., 0]
        outside = region[:, :, None] != region[:, None, :]
        self.register_buffer("outside", outside[:, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map float [B, n, S, S] to the same shape."""
        x = x.permute(0, 2, 3, 1)
        x = x + self._attend(self.before(x))
        return (x + self.mlp(self.after(x))).permute(0, 3, 1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        tokens = self._split(x.roll((-self.shift, -self.shift), (1, 2)))
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        allowed = self.bias[:, self.offset].masked_fill(self.outside, float("-inf"))
        allowed = allowed.repeat(len(x), 1, 1, 1).to(q.dtype)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, allowed)
        joined = self._join(self.out(mixed.transpose(1, 2).flatten(2)))
        return joined.roll((self.shift, self.shift), (1, 2))

    def _split(self, x: Tensor) -> Tensor:
        """Split [B, S, S, n] into windows of tokens, [B W W, 49, n]."""
        cells = x.unflatten(2, (self.windows, WINDOW)).unflatten(1, (self.windows, WINDOW))
        return cells.transpose(2, 3).reshape(-1, WINDOW * WINDOW, x.shape[-1])

    def _join(self, tokens: Tensor) -> Tensor:
        """Undo :meth:`_split`."""
        cells = tokens.reshape(-1, self.windows, self.windows, WINDOW, WINDOW, tokens.shape[-1])
        return cells.transpose(2, 3).flatten(3, 4).flatten(1, 2)


class ConvolutionBlock(nn.Module):
    """Two 3 x 3 convolutions, as in a stage of VGG."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [
            layer
            for _ in range(2)
            for layer in (nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(1, width), nn.ReLU())
        ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map float [B, n, S, S] to the same shape."""
        y: Tensor = self.layers(x)
        return y
