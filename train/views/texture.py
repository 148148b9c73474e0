"""Texture of clips: the planes of LBP maps, small enough for a network.

A code of LBP is eight answers and no intensity: the average of two codes is the code of another
texture. The average of a plane, which holds one answer, is the share of the pixels that give it.
So planes are averaged down, and may be cropped and rotated a little, where codes may not.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from fmdata.pipeline.cropping.lbp import NEIGHBOURS

PLANES = len(NEIGHBOURS)
# For each plane, the one that holds the same neighbour of a mirrored face.
MIRRORED = [NEIGHBOURS.index((down, -right)) for down, right in NEIGHBOURS]


def planes_of(maps: np.ndarray, size: int) -> np.ndarray:
    """Average the planes of LBP maps down.

    Parameters
    ----------
    maps : uint8 [T, S, S]
        As shards hold them.
    size : int
        Side of the planes, in pixels.

    Returns
    -------
    uint8 [T, 8, size, size]
        Shares of the pixels with 1 at bit p of the code, 0 to 255.
    """
    method = cv2.INTER_AREA if size <= maps.shape[1] else cv2.INTER_LINEAR
    planes = np.empty((len(maps), PLANES, size, size), np.uint8)
    for some, codes in zip(planes, maps, strict=True):
        for p in range(PLANES):
            shown = (codes >> p & 1) * np.uint8(255)
            some[p] = cv2.resize(shown, (size, size), interpolation=method)
    return planes


def with_mirrored_planes(planes: Tensor, mirrored: Tensor) -> Tensor:
    """Give the planes of mirrored clips their places: left neighbours become right ones.

    Parameters
    ----------
    planes : Tensor float [B, T, 8, H, W]
    mirrored : Tensor bool [B]
        True for clips whose pixels were mirrored.
    """
    chosen = mirrored.to(planes.device)[:, None, None, None, None]
    return torch.where(chosen, planes[:, :, MIRRORED], planes)
