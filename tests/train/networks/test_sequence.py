"""The sequence encoder: padding, order of frames, and the maximum over time."""

import pytest
import torch

from fmdata.catalog.errors import UsageError
from fmdata.train.data import pad
from fmdata.train.networks.sequence import SequenceEncoder, SequenceShape, positional_encoding


def encoder() -> SequenceEncoder:
    torch.manual_seed(0)
    shape = SequenceShape(embedding=8, feedforward=32)
    return SequenceEncoder(16, shape).eval()


def clips(*lengths: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(n, 16, generator=generator) for n in lengths]


def test_the_positional_encoding_is_that_of_vaswani() -> None:
    table = positional_encoding(5, 4)
    position, rate = 3, 10_000 ** (-2 / 4)
    sines = torch.tensor([position, position, position * rate, position * rate])
    expected = torch.stack([sines[0].sin(), sines[1].cos(), sines[2].sin(), sines[3].cos()])
    torch.testing.assert_close(table[3], expected)


def test_padding_changes_no_embedding() -> None:
    model, batch = encoder(), clips(2, 9, 30)
    features, mask = pad(batch, torch.device("cpu"))
    features[~mask] = 1e4  # any finite value
    together = model(features, mask)
    for i, clip in enumerate(batch):
        alone = model(*pad([clip], torch.device("cpu")))
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)


def test_padding_changes_no_embedding_in_training() -> None:
    model, batch = encoder().train(), clips(5, 12)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.MultiheadAttention):
            module.dropout = module.p = 0.0
    together = model(*pad(batch, torch.device("cpu")))
    torch.testing.assert_close(together[:1], model(*pad(batch[:1], torch.device("cpu"))))


def test_embeddings_have_length_one_and_depend_on_the_order_of_frames() -> None:
    model, (clip,) = encoder(), clips(12)
    forward = model(*pad([clip], torch.device("cpu")))
    backward = model(*pad([clip.flip(0)], torch.device("cpu")))
    assert float(forward.detach().norm(dim=1)) == pytest.approx(1, abs=1e-6)
    assert float((forward * backward).detach().sum()) < 0.999


def test_the_embedding_is_the_projection_of_the_maximum_over_time() -> None:
    """Without the transformer, every element is the maximum of its column."""
    model, (clip,) = encoder(), clips(7)
    model.transformer.forward = lambda x, src_key_padding_mask: x  # type: ignore[method-assign]
    largest = (clip + positional_encoding(7, 16)).max(dim=0).values
    expected = torch.nn.functional.normalize(model.projection(largest), dim=0)
    torch.testing.assert_close(model(*pad([clip], torch.device("cpu")))[0], expected)


def test_heads_that_do_not_divide_the_features_are_refused() -> None:
    with pytest.raises(UsageError, match="heads = 3 for features of length 16"):
        SequenceEncoder(16, SequenceShape(heads=3))
