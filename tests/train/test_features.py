"""Features of samples: parts of their sources' features, relative to the neutral face."""

import torch

from fmdata.train.data import LabelledClip, Piece
from fmdata.train.features import neutral, sample_features

CLIPS = {
    "a": torch.randn(20, 4, generator=torch.Generator().manual_seed(0)),
    "b": torch.randn(15, 4, generator=torch.Generator().manual_seed(1)),
}


def sample(*pieces: Piece) -> LabelledClip:
    return LabelledClip("key", "s", "x", 0, pieces, 0, 9)


def test_a_compound_is_relative_to_the_neutral_face_of_its_first_source() -> None:
    """The compound contains none of the neutral frames."""
    made = sample_features(sample(Piece("a", 8, 12), Piece("b", 5, 9)), CLIPS, 3)
    rest = CLIPS["a"][:3].mean(dim=0)
    wanted = torch.cat([CLIPS["a"][8:12], CLIPS["b"][5:9]]) - rest
    torch.testing.assert_close(made, wanted)


def test_a_constant_offset_of_a_clip_is_removed() -> None:
    shifted = {name: clip + 5 for name, clip in CLIPS.items()}
    whole = sample(Piece("a", 0, 20))
    torch.testing.assert_close(
        sample_features(whole, CLIPS, 3), sample_features(whole, shifted, 3), atol=1e-5, rtol=0
    )
    assert torch.equal(sample_features(whole, CLIPS, 0), CLIPS["a"])


def test_each_variant_of_a_clip_has_its_own_neutral_face() -> None:
    variants = {name: torch.stack([clip, clip * 2]) for name, clip in CLIPS.items()}
    made = sample_features(sample(Piece("a", 2, 6)), variants, 3)
    assert made.shape == (2, 4, 4)
    torch.testing.assert_close(made[1], 2 * made[0])
    assert neutral(variants["a"], 3).shape == (2, 1, 4)
