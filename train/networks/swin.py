"""Swin-T (Liu et al. 2021), the backbone of RRL at the paper's size, from the package transformers.

Its stage of 14 x 14 is fused with the attention maps; its last stage, pooled, is the global vector.
"""

from importlib.util import find_spec

import torch
from torch import Tensor, nn

from fmdata.catalog.errors import ModelError

SIDE = 224  # pixels of an image
WIDTH = 384  # channels of the stage of 14 x 14; the last stage has twice as many
# Of the colours of ImageNet, on which published weights were trained.
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SwinT(nn.Module):
    """Swin-T with random weights; the package's own are never fetched.

    Raises
    ------
    ModelError
        When the package is not installed.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        if find_spec("transformers") is None:
            raise ModelError(
                "the package transformers, which has Swin-T, is not installed",
                wanted="the extra swin",
                where="backbone = swin-t",
                todo="pip install 'fmdata[swin]', or choose the backbone swin",
            )
        from transformers import SwinBackbone, SwinConfig

        stages = ["stage3", "stage4"]
        config = SwinConfig(
            image_size=SIDE,
            embed_dim=WIDTH // 4,
            depths=[2, 2, 6, 2],
            num_heads=[3, 6, 12, 24],
            out_features=stages,
        )
        self.network = SwinBackbone(config)
        self.network.swin.layernorm = nn.Identity()  # each map has a norm of its own
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map images to the grid of the regions, and to the global vector.

        Parameters
        ----------
        images : Tensor float [B, 3, 224, 224], 0 to 1

        Returns
        -------
        grid : Tensor float [B, 384, 14, 14]
        whole : Tensor float [B, 768]
        """
        grid, last = self.network((images - self.mean) / self.spread).feature_maps
        return grid, last.mean(dim=(2, 3))
