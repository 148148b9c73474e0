"""The linear probe: standardised features in, a linear layer, units of the targets out."""

import torch

from fmdata.train.networks.probe import LinearProbe


def test_a_probe_is_linear_in_standardised_features_about_the_mean_target() -> None:
    generator = torch.Generator().manual_seed(0)
    features = 5 + 3 * torch.randn(50, 4, generator=generator)
    targets = torch.tensor([10.0, -20.0]) + torch.randn(50, 2, generator=generator)
    probe = LinearProbe(4, 2)
    probe.standardise_by(features, targets)
    with torch.no_grad():
        probe.linear.bias.zero_()
        middle = probe(features.mean(dim=0)[None])[0]
        above = probe((features.mean(dim=0) + features.std(dim=0))[None])[0]
        expected = targets.mean(dim=0) + probe.linear.weight.sum(dim=1) * targets.std(dim=0)
    assert torch.allclose(middle, targets.mean(dim=0), atol=1e-5)
    assert torch.allclose(above, expected, atol=1e-5)


def test_a_constant_feature_gives_finite_predictions() -> None:
    probe = LinearProbe(2, 3)
    features = torch.tensor([[0.0, 7.0], [1.0, 7.0]])
    probe.standardise_by(features)
    assert torch.isfinite(probe(features)).all()
    assert probe.target_mean.equal(torch.zeros(3))


def test_the_statistics_are_saved_with_the_weights() -> None:
    probe, other = LinearProbe(3, 1), LinearProbe(3, 1)
    features = torch.arange(12.0).reshape(4, 3)
    probe.standardise_by(features, features[:, :1])
    other.load_state_dict(probe.state_dict())
    assert torch.equal(probe(features), other(features))
