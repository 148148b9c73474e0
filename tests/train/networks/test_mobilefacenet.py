"""MobileFaceNet has the published size, and maps an image to one vector."""

import pytest
import torch

from fmdata.train.networks.mobilefacenet import MobileFaceNet


def test_mobilefacenet_at_full_width_has_the_published_number_of_parameters() -> None:
    model = MobileFaceNet(size=112, channels=3, width=1.0)
    head = 512 * 136 + 2 * 136  # 68 points, batch norm
    n = sum(p.numel() for p in model.parameters()) + head
    assert n == pytest.approx(1.007e6, rel=0.01)


@pytest.mark.parametrize(("size", "channels", "width"), [(56, 1, 0.25), (64, 3, 0.125)])
def test_an_image_is_mapped_to_one_vector(size: int, channels: int, width: float) -> None:
    model = MobileFaceNet(size, channels, width).eval()
    images = torch.rand(2, channels, size, size)
    assert model(images).shape == (2, model.n_features) == (2, round(512 * width))
