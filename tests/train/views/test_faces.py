"""Landmarks move with the varied face."""

import torch

from fmdata.train.views.faces import jitter_faces


def test_landmarks_stay_on_the_marked_points() -> None:
    """A bright spot at each landmark is still there after shift, scale, rotation and light."""
    size, at = 64, torch.tensor([[20, 24], [41, 30], [33, 45]])  # column, row
    images = torch.full((8, 1, size, size), 0.2)
    for column, row in at.tolist():
        images[:, 0, row - 1 : row + 2, column - 1 : column + 2] = 0.6
    landmarks = ((at + 0.5) / size).repeat(8, 1, 1)
    moved, points = jitter_faces(images, landmarks, torch.Generator().manual_seed(0))
    assert float((points - landmarks).abs().max()) > 0.05
    for image, spots in zip(moved[:, 0], points, strict=True):
        level = image.median()
        for x, y in (spots * size - 0.5).round().long().tolist():
            assert image[y, x] > level + 0.15
