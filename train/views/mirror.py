"""Views mirrored left to right: faces together with their attention maps."""

import torch
from torch import Tensor


def mirror(
    images: Tensor, maps: Tensor, generator: torch.Generator, share: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Mirror a share of the faces together with their maps.

    An action unit's map covers both sides of the face, so the maps of a mirrored face are the
    mirrored maps in the same order.

    Parameters
    ----------
    images : Tensor float [B, C, H, W]
    maps : Tensor float [B, K, h, w]
    generator : torch.Generator
        On the CPU.
    share : float
        Share of the batch, 0 to 1.
    """
    drawn = torch.rand(len(images), generator=generator) < share
    mirrored = drawn.to(images.device)[:, None, None, None]
    return torch.where(mirrored, images.flip(-1), images), torch.where(
        mirrored, maps.flip(-1), maps
    )
