"""PCL's network has the shapes of the paper, and every weight gets a gradient."""

import pytest
import torch

from fmdata.train.networks.disentangled import PoseDisentangled


def test_the_published_network_has_the_papers_features() -> None:
    """2048 numbers at 64 pixels; 14 convolutions in the trunk and 2 in a branch make the 16."""
    network = PoseDisentangled(64, 1.0, 512).eval()
    assert network.n_features == 2048
    n_layers = sum(isinstance(m, torch.nn.Conv2d) for m in network.trunk.modules())
    assert n_layers == 14
    with torch.no_grad():
        features = network.features(torch.rand(1, 3, 64, 64))
        assert features.shape == (1, 2048)
        assert network.face(features).shape == network.pose(features).shape == (1, 2048)
        assert network.face_head(features).shape == (1, 512)
        assert network.decode(features, features).shape == (1, 3, 64, 64)


@pytest.mark.parametrize("size", [32, 50, 64])
def test_images_of_any_size_are_reconstructed(size: int) -> None:
    torch.manual_seed(0)
    network = PoseDisentangled(size, 0.1, 8)
    features = network.features(torch.rand(2, 3, size, size))
    image = network.decode(network.face(features), network.pose(features))
    assert image.shape == (2, 3, size, size)
    assert 0 <= float(image.detach().min()) <= float(image.detach().max()) <= 1


def test_the_decoder_depends_on_the_sum_of_both_branches() -> None:
    torch.manual_seed(0)
    network = PoseDisentangled(32, 0.1, 8).eval()
    with torch.no_grad():
        a, b = torch.randn(2, 2, network.n_features)
        assert torch.equal(network.decode(a, b), network.decode(b, a))
        assert not torch.allclose(network.decode(a, b), network.decode(a, 2 * b), atol=1e-3)


def test_every_weight_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = PoseDisentangled(32, 0.1, 8)
    features = network.features(torch.rand(4, 3, 32, 32))
    face, pose = network.face(features), network.pose(features)
    heads = network.face_head(face).square().mean() + network.pose_head(pose)[:2].sum()
    (heads + network.decode(face, pose).square().mean()).backward()
    assert all(w.grad is not None and bool(w.grad.any()) for w in network.trunk.parameters())
    assert all(w.grad is not None for w in network.parameters())
