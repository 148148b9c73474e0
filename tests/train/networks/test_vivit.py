"""The video transformer equals slow versions written from the paper, number by number."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from fmdata.train.networks.vivit import (
    POSITIONS,
    VideoTransformer,
    mix_tokens,
    temporal_encoding,
)


def network(positions: str = "tpe2", *, layers: int = 1, motion: bool = False) -> VideoTransformer:
    torch.manual_seed(0)
    made = VideoTransformer(
        3, 7, 12, 2, 4, 8, 2, layers, layers, 0.0, positions, 1.0, motion=motion
    ).eval()
    # At zero, a normalisation would hide errors in the class tokens.
    torch.nn.init.normal_(made.spatial_class)
    torch.nn.init.normal_(made.temporal_class)
    return made


def clips(n: int = 2) -> Tensor:
    return torch.rand(n, 7, 3, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_equation_9_is_a_logistic_curve_about_the_middle(alpha: float) -> None:
    encoding = temporal_encoding("tpe1", 12, alpha).tolist()
    for pos in range(12):
        wanted = 1 / (1 + math.exp(-alpha * (2 * pos - 12) / 12))
        assert encoding[pos] == pytest.approx(wanted, rel=1e-6)
    assert encoding[6] == 0.5


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_equation_10_is_a_power_of_the_position_over_the_length(alpha: float) -> None:
    encoding = temporal_encoding("tpe2", 12, alpha).tolist()
    for pos in range(12):
        assert encoding[pos] == pytest.approx(pos**alpha / 12, rel=1e-6)
    assert (max(encoding) <= 1) == (alpha <= 1)


def test_tokens_are_mixed_by_equation_7() -> None:
    generator = torch.Generator().manual_seed(0)
    original, *augmented = torch.randn(4, 2, 3, 5, 6, generator=generator)
    mixed = torch.rand(2, 3, 5, generator=generator) < 0.5
    result = mix_tokens(original, augmented, mixed)
    for place in np.ndindex(2, 3, 5):
        for d in range(6):
            if mixed[place]:
                total = float(original[place][d]) + sum(float(a[place][d]) for a in augmented)
                wanted = total / (3 + 1)
            else:
                wanted = float(original[place][d])
            assert float(result[place][d]) == pytest.approx(wanted, abs=1e-6)


def test_the_order_of_copies_is_irrelevant_and_no_token_mixes_where_x_is_0() -> None:
    generator = torch.Generator().manual_seed(0)
    original, a, b = torch.randn(3, 1, 2, 2, 4, generator=generator)
    all_of_them, none = torch.ones(1, 2, 2, dtype=torch.bool), torch.zeros(1, 2, 2).bool()
    torch.testing.assert_close(
        mix_tokens(original, [a, b], all_of_them), mix_tokens(original, [b, a], all_of_them)
    )
    assert torch.equal(mix_tokens(original, [a, b], none), original)


@torch.no_grad()
def test_a_token_is_a_projection_of_its_tubelet() -> None:
    """Eq. 6: three steps of two frames (the seventh frame fills none) by 3 x 3 positions."""
    made, x = network(), clips(1)
    torch.nn.init.normal_(made.tubes.weight)
    tokens = made.tokens(x)
    assert tokens.shape == (1, 3, 9, 8)
    for moment, row, column in np.ndindex(3, 3, 3):
        tube = x[0, 2 * moment : 2 * moment + 2, :, 4 * row : 4 * row + 4, 4 * column :][..., :4]
        for d in (0, 5):
            weight = made.tubes.weight[d].transpose(0, 1)
            wanted = float((weight * tube).sum() + made.tubes.bias[d])
            assert float(tokens[0, moment, 3 * row + column, d]) == pytest.approx(wanted, abs=1e-4)


def test_tubelets_are_initialised_to_project_their_central_frame() -> None:
    made, x = network(), clips()
    torch.testing.assert_close(made.tokens(x), made.tokens(x[:, [2, 1, 0, 3, 4, 5, 6]]))
    swapped = made.tokens(x[:, [0, 3, 2, 1, 4, 5, 6]])
    torch.testing.assert_close(made.tokens(x)[:, [1, 0, 2]], swapped)
    assert not torch.allclose(made.tokens(x)[:, 0], swapped[:, 0])


@torch.no_grad()
@pytest.mark.parametrize("motion", [False, True])
def test_pixels_are_standardised_by_each_channels_mean_and_spread(motion: bool) -> None:
    """Of all training pixels; with `motion`, of their differences from their clips' means."""
    made, x = network(motion=motion), clips(5)
    made.standardise_by([x[:2], x[2:]])
    for channel in range(3):
        seen: list[float] = []
        for clip, row, column in np.ndindex(5, 12, 12):
            one = x[clip, :, channel, row, column].tolist()
            mean = sum(one) / len(one) if motion else 0.0
            seen += [v - mean for v in one]
        mean = sum(seen) / len(seen)
        spread = math.sqrt(sum((v - mean) ** 2 for v in seen) / len(seen))
        assert float(made.mean[channel, 0, 0]) == pytest.approx(mean, abs=1e-5)
        assert float(made.spread[channel, 0, 0]) == pytest.approx(spread, rel=1e-4)
    standard = made.tokens(x)
    made.standardise_by([torch.zeros_like(x)])  # a black set: no division by zero
    assert bool(made.tokens(x).isfinite().all())
    assert not torch.allclose(made.tokens(x), standard)


@torch.no_grad()
def test_only_the_motion_input_leaves_out_the_static_content_of_a_clip() -> None:
    """Another face, or another background, under the same motion: the paper's network sees it."""
    x, face = clips(), torch.rand(2, 1, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    made, motion = network(), network(motion=True)
    torch.testing.assert_close(motion.tokens(x + face), motion.tokens(x))
    assert (made.tokens(x + face) - made.tokens(x)).abs().max() > 0.1


def norm(x: list[float], weight: list[float], bias: list[float]) -> list[float]:
    mean = sum(x) / len(x)
    spread = math.sqrt(sum((v - mean) ** 2 for v in x) / len(x) + 1e-5)
    return [(v - mean) / spread * w + b for v, w, b in zip(x, weight, bias, strict=True)]


def linear(x: list[float], weight: list[list[float]], bias: list[float]) -> list[float]:
    return [
        sum(a * w for a, w in zip(x, row, strict=True)) + b
        for row, b in zip(weight, bias, strict=True)
    ]


def attention(z: list[list[float]], weights: dict[str, list], heads: int) -> list[list[float]]:
    """Eq. 3 for each head, D the head's width, then their projection."""
    width = len(z[0])
    part = width // heads
    joined = [linear(x, weights["self_attn.in_proj_weight"], weights["self_attn.in_proj_bias"])
              for x in z]  # fmt: skip
    result: list[list[float]] = [[] for _ in z]
    for head in range(heads):
        q, k, v = (
            [x[kind * width + head * part : kind * width + (head + 1) * part] for x in joined]
            for kind in range(3)
        )
        for i, query in enumerate(q):
            scores = [
                math.exp(sum(a * b for a, b in zip(query, key, strict=True)) / math.sqrt(part))
                for key in k
            ]
            result[i] += [
                sum(s * value[d] for s, value in zip(scores, v, strict=True)) / sum(scores)
                for d in range(part)
            ]
    return [
        linear(x, weights["self_attn.out_proj.weight"], weights["self_attn.out_proj.bias"])
        for x in result
    ]


def encoder(z: list[list[float]], weights: dict[str, list], heads: int) -> list[float]:
    """Eq. 4 and 5 once, then the last normalisation, of the class token."""
    layer = {n.removeprefix("layers.0."): w for n, w in weights.items() if n.startswith("layers")}
    inner = [norm(x, layer["norm1.weight"], layer["norm1.bias"]) for x in z]
    y = [
        [a + b for a, b in zip(x, seen, strict=True)]
        for x, seen in zip(z, attention(inner, layer, heads), strict=True)
    ]
    hidden = linear(
        norm(y[0], layer["norm2.weight"], layer["norm2.bias"]),
        layer["linear1.weight"],
        layer["linear1.bias"],
    )
    hidden = [v / 2 * (1 + math.erf(v / math.sqrt(2))) for v in hidden]
    out = linear(hidden, layer["linear2.weight"], layer["linear2.bias"])
    last = [a + b for a, b in zip(y[0], out, strict=True)]
    return norm(last, weights["norm.weight"], weights["norm.bias"])


def plain(module: torch.nn.Module) -> dict[str, list]:
    return {name: weight.tolist() for name, weight in module.state_dict().items()}


@torch.no_grad()
@pytest.mark.parametrize("positions", POSITIONS)
def test_equations_3_to_5_and_8_in_space_and_then_in_time(positions: str) -> None:
    made = network(positions)
    tokens = torch.randn(1, 3, 9, 8, generator=torch.Generator().manual_seed(2))
    summed = made.spatial_positions.tolist()
    frames = []
    for moment in tokens[0].tolist():
        z = [made.spatial_class.tolist(), *moment]
        z = [[a + b for a, b in zip(x, p, strict=True)] for x, p in zip(z, summed, strict=True)]
        frames.append(encoder(z, plain(made.space), 2))
    z = [made.temporal_class.tolist(), *frames]
    z = [
        [a + b for a, b in zip(x, p, strict=True)]
        for x, p in zip(z, made.encoding.tolist(), strict=True)
    ]
    wanted = torch.tensor(encoder(z, plain(made.time), 2))
    torch.testing.assert_close(made.encode(tokens)[0], wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("positions", POSITIONS)
def test_the_order_of_steps_matters_unless_there_are_no_positions(positions: str) -> None:
    made, tokens = network(positions), network(positions).tokens(clips())
    forwards, backwards = made.encode(tokens), made.encode(tokens.flip(1))
    assert torch.allclose(forwards, backwards, atol=1e-5) == (positions == "none")


@torch.no_grad()
def test_a_value_added_equally_to_all_components_of_a_step_has_no_effect() -> None:
    """The layer normalisation of Eq. 4 and 5 subtracts it, so TPE cannot be added so."""
    none, alike = network("none", layers=2), network("none", layers=2)
    alike.encoding[1:] = temporal_encoding("tpe2", 3, 1.0)[:, None]
    torch.testing.assert_close(alike(clips()), none(clips()), atol=1e-4, rtol=1e-4)


def test_only_learnt_positions_are_trained() -> None:
    for positions in POSITIONS:
        trained = dict(network(positions).named_parameters())
        assert ("encoding" in trained) == (positions == "bert")
