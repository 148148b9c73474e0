"""Faces are mirrored together with their attention maps."""

import numpy as np
import torch

from fmdata.pipeline.geometry.points import MIRROR_68
from fmdata.train.action_units.attention import attention_maps
from fmdata.train.views.mirror import mirror


def test_half_of_the_faces_are_mirrored_with_their_maps_and_the_others_unchanged() -> None:
    images, maps = torch.rand(200, 3, 4, 4), torch.rand(200, 5, 2, 2)
    seen, regions = mirror(images, maps, torch.Generator().manual_seed(0))
    turned = (seen == images.flip(-1)).flatten(1).all(dim=1)
    kept = (seen == images).flatten(1).all(dim=1)
    assert (turned ^ kept).all()
    assert 80 < int(turned.sum()) < 120
    assert torch.equal(regions[turned], maps.flip(-1)[turned])
    assert torch.equal(regions[kept], maps[kept])


def test_mirrored_maps_equal_those_of_mirrored_landmarks() -> None:
    """Mirrored landmarks, left and right renamed, have the mirrored maps."""
    size = 56
    points = np.random.default_rng(0).uniform(10, size - 10, (1, 68, 2))
    points[:, [39, 42], 0] = [[20, 34]]
    mirrored = points[:, MIRROR_68] * [-1, 1] + [size - 1, 0]
    maps = torch.from_numpy(attention_maps(points, size))
    _, regions = mirror(torch.zeros(1, 3, 2, 2), maps, torch.Generator(), share=1.0)
    assert torch.allclose(regions, torch.from_numpy(attention_maps(mirrored, size)), atol=1e-5)
