"""The spatial feature extractor, made from the user's own shards: a landmark detector (SFE-L).

Sun et al. 2022, section 2.1. The paper takes a detector trained on 300-W; here a narrow
MobileFaceNet learns the 68 points that the shards carry for every frame, from the training
subjects alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.train.data import landmark_frames, scaled
from fmdata.train.loop import OnProgress, Schedule, best_device, fit, seeded, silent
from fmdata.train.losses import landmark_loss
from fmdata.train.models import MobileFaceNet
from fmdata.train.settings import LandmarkSettings
from fmdata.train.views import jitter_faces

OUTER_EYE_CORNERS = 36, 45  # among the 68 points
BATCH = 256  # images at once where nothing is learnt


def fit_landmarks(
    dataset: Dataset,
    train: Sequence[str],
    held: Sequence[str],
    settings: LandmarkSettings,
    seed: int,
    on_progress: OnProgress = silent,
) -> tuple[MobileFaceNet, list[dict[str, float]]]:
    """Train a spatial feature extractor.

    Parameters
    ----------
    dataset : Dataset
        Its action clips are read.
    train, held : sequence of str
        Keys of the clips to learn from, and of those to measure the error on.
    settings : LandmarkSettings
    seed : int
    on_progress : callable, optional

    Returns
    -------
    model : MobileFaceNet
        In evaluation mode.
    history : list of dict
        For each epoch the training ``loss`` (crop sides) and the ``landmark_error`` on the held
        clips: mean distance to the shards' landmarks, in interocular distances.
    """
    device = best_device()
    images, landmarks = _read(dataset, train, settings)
    held_images, held_landmarks = _read(dataset, held, settings)
    with seeded(seed):
        model = MobileFaceNet(settings.size, settings.channels, settings.width)
    model.start_at(landmarks)
    model = model.to(device)

    def loss_at(step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        chosen = torch.randint(len(images), (settings.batch,), generator=generator)
        x, y = scaled(images[chosen].to(device)), landmarks[chosen].to(device)
        x, y = jitter_faces(x, y, generator)
        return landmark_loss(model(x), y)

    def measure() -> dict[str, float]:
        found = [model(scaled(x.to(device))).cpu() for x in held_images.split(BATCH)]
        return {"landmark_error": landmark_error(torch.cat(found), held_landmarks)}

    schedule = Schedule(settings.epochs, settings.steps, settings.rate, settings.weight_decay, seed)
    return model, fit("landmarks", model, loss_at, schedule, measure, on_progress)


def landmark_error(found: Tensor, landmarks: Tensor) -> float:
    """Mean distance of 68 points, float [N, 68, 2], from the true ones; unit: the true IOD."""
    left, right = (landmarks[:, i] for i in OUTER_EYE_CORNERS)
    distance = (found - landmarks).norm(dim=2).mean(dim=1)
    return float((distance / (left - right).norm(dim=1)).mean())


def _read(
    dataset: Dataset, keys: Sequence[str], settings: LandmarkSettings
) -> tuple[Tensor, Tensor]:
    clips = [
        landmark_frames(dataset.actions[key], settings.frames, settings.size, settings.channels)
        for key in keys
    ]
    images, landmarks = (np.concatenate(parts) for parts in zip(*clips, strict=True))
    return torch.from_numpy(images), torch.from_numpy(landmarks)
