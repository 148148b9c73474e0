"""Window attention equals attention computed token by token, and stays within its window."""

import math

import pytest
import torch
from torch import Tensor

from fmdata.train.networks.windows import WINDOW, ConvolutionBlock, WindowBlock

SIDE, WIDTH, HEADS = 14, 4, 2


def block(shift: int) -> WindowBlock:
    torch.manual_seed(0)
    made = WindowBlock(WIDTH, HEADS, SIDE, shift)
    torch.nn.init.normal_(made.bias)
    return made


def window_of(shift: int, row: int, column: int) -> list[tuple[int, int]]:
    """Return the tokens of the same window: 7 tokens wide, from `shift` on, cut at the edges."""

    def window(at: int) -> int:
        return (at + WINDOW - shift) // WINDOW if shift else at // WINDOW

    tokens = [(r, c) for r in range(SIDE) for c in range(SIDE)]
    return [t for t in tokens if [*map(window, t)] == [window(row), window(column)]]


@torch.no_grad()
def literal(made: WindowBlock, x: Tensor, shift: int, row: int, column: int) -> Tensor:
    """Compute the block's output at one token of one image, [n], by Swin's equations."""

    def qkv(r: int, c: int) -> tuple[Tensor, Tensor, Tensor]:
        return made.qkv(made.before(x[:, r, c])).split(WIDTH)

    seen = window_of(shift, row, column)
    query, heads, d = qkv(row, column)[0], [], WIDTH // HEADS
    for h in range(HEADS):
        part = slice(h * d, (h + 1) * d)
        scores = []
        for r, c in seen:
            offset = (row - r + WINDOW - 1) * (2 * WINDOW - 1) + column - c + WINDOW - 1
            similarity = float(query[part] @ qkv(r, c)[1][part]) / math.sqrt(d)
            scores.append(math.exp(similarity + float(made.bias[h, offset])))
        values = [s / sum(scores) * qkv(r, c)[2][part] for s, (r, c) in zip(scores, seen)]  # noqa: B905
        heads.append(torch.stack(values).sum(dim=0))
    y = x[:, row, column] + made.out(torch.cat(heads))
    return y + made.mlp(made.after(y))


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("at", [(0, 0), (5, 9), (13, 2), (13, 13)])
def test_the_block_equals_swins_equations(shift: int, at: tuple[int, int]) -> None:
    made = block(shift)
    x = torch.randn(2, WIDTH, SIDE, SIDE)
    y = made(x)[1, :, at[0], at[1]]
    assert torch.allclose(y, literal(made, x[1], shift, *at), atol=1e-5)


def test_the_shifted_windows_are_nine_and_share_no_token() -> None:
    windows = {tuple(window_of(3, r, c)) for r in range(SIDE) for c in range(SIDE)}
    assert sorted(map(len, windows)) == sorted(a * b for a in (3, 7, 4) for b in (3, 7, 4))


def test_convolutions_keep_the_shape() -> None:
    assert ConvolutionBlock(6)(torch.rand(2, 6, 7, 7)).shape == (2, 6, 7, 7)
