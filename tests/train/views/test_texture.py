"""Planes of LBP maps: shares of the pixels that give each answer, and their mirror images."""

import numpy as np
import pytest
import torch

from fmdata.pipeline.cropping.lbp import lbp
from fmdata.train.views.texture import planes_of, with_mirrored_planes


def maps(n: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([lbp(one) for one in rng.integers(0, 256, (n, side, side), dtype=np.uint8)])


@pytest.mark.parametrize("part", [1, 2, 4])
def test_a_plane_is_the_share_of_the_pixels_whose_code_has_its_bit(part: int) -> None:
    """Codes of eight neighbours: bit p of the code, averaged over squares of `part` pixels."""
    codes = maps(3, 12)
    planes = planes_of(codes, 12 // part)
    assert planes.shape == (3, 8, 12 // part, 12 // part)
    for t, p, y, x in np.ndindex(planes.shape):
        square = codes[t, part * y : part * (y + 1), part * x : part * (x + 1)]
        wanted = sum((int(code) // 2**p) % 2 for code in square.ravel()) / part**2
        assert planes[t, p, y, x] / 255 == pytest.approx(wanted, abs=0.003)


def test_planes_of_a_mirrored_face_are_those_of_its_own_maps() -> None:
    """The second of two clips was mirrored; the first stays."""
    faces = np.random.default_rng(1).integers(0, 256, (2, 9, 9), dtype=np.uint8)
    planes, wanted = (
        torch.from_numpy(planes_of(np.stack([lbp(face) for face in of]), 9))[:, None].float()
        for of in (faces, faces[:, :, ::-1])
    )
    pixels = torch.stack([planes[0], planes[1].flip(-1)])
    found = with_mirrored_planes(pixels, torch.tensor([False, True]))
    assert torch.equal(found[0], planes[0])
    assert torch.equal(found[1], wanted[1])
