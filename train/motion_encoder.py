"""A facial motion encoder at work: frames to features to an embedding; saved and loaded.

Promise: a loaded encoder embeds a clip as the saved one did, and a clip's embedding never depends
on the clips it is embedded with.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from fmdata.catalog.errors import ModelError
from fmdata.catalog.files import write_atomically
from fmdata.train.data import images_of, pad, scaled
from fmdata.train.loop import best_device
from fmdata.train.models import MobileFaceNet, SequenceEncoder
from fmdata.train.settings import EncoderSettings

MODEL = "model.safetensors"


class FacialMotionEncoder(nn.Module):
    """Spatial feature extractor, sequence encoder, and the settings both were made with."""

    def __init__(self, settings: EncoderSettings, sfe: MobileFaceNet | None = None) -> None:
        super().__init__()
        shape = settings.landmarks
        self.settings = settings
        self.sfe = sfe or MobileFaceNet(shape.size, shape.channels, shape.width)
        self.sequence = SequenceEncoder(
            self.sfe.n_features,
            settings.embedding,
            settings.layers,
            settings.heads,
            settings.feedforward,
            settings.dropout,
            settings.neutral_frames,
        )

    @torch.no_grad()
    def features(self, frames: np.ndarray) -> Tensor:
        """Features of a clip's crops, uint8 [T, S, S, 3] RGB: float [T, m], on the CPU."""
        shape = self.settings.landmarks
        images = torch.from_numpy(images_of(frames, shape.size, shape.channels))
        return self.sfe.features(scaled(images.to(self._device))).cpu()

    @torch.no_grad()
    def embed_features(self, features: Iterable[Tensor]) -> np.ndarray:
        """Embeddings of clips by their features, float [T_i, m] each: float32 [N, n].

        One clip at a time: the last bits of a number depend on the shape of its batch.
        """
        rows = [self.sequence(*pad([clip], self._device)).cpu().numpy() for clip in features]
        return np.concatenate([np.zeros((0, self.settings.embedding), np.float32), *rows])

    def embed(self, clips: Iterable[np.ndarray]) -> np.ndarray:
        """Embeddings of clips by their crops, uint8 [T_i, S, S, 3] RGB each: float32 [N, n]."""
        return self.embed_features(self.features(frames) for frames in clips)

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device


def save_encoder(model: FacialMotionEncoder, folder: Path) -> None:
    """Write a model, and in its metadata the settings, to ``model.safetensors`` in a folder."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    # One entry only: safetensors keeps no order among several, and files would differ.
    metadata = {"settings": json.dumps(model.settings.to_json())}
    write_atomically(folder / MODEL, safetensors.torch.save(tensors, metadata))


def load_encoder(folder: Path) -> FacialMotionEncoder:
    """Read a model back, in evaluation mode, on CUDA where there is one.

    Raises
    ------
    ModelError
        When there is none, or it is not an encoder's.
    """
    path = folder / MODEL
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        model = FacialMotionEncoder(EncoderSettings.from_json(json.loads(metadata["settings"])))
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"no encoder could be read: {error}",
            wanted="a model that `fmdata train encoder` has written",
            where=str(path),
            todo="name its folder, or train one",
        ) from error
    return model.to(best_device()).eval()
