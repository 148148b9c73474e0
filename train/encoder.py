"""The 2022 encoder, small enough for two CPU cores: landmarks first, then motion.

Sun et al. 2022, "Learning Facial Motion Representation with a Lightweight Encoder for Identity
Verification". Phase one makes the spatial feature extractor; then the features of all frames are
computed once and kept; phase two trains the sequence encoder on them with Eq. 1 to 4. Held-out
subjects serve for the numbers after each epoch and for nothing else: no number chooses anything.

Promise: the same dataset, settings and seed give the same metrics on a CPU.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.files import write_atomically
from fmdata.train.data import (
    Sample,
    SubjectBatches,
    action_samples,
    compound_samples,
    pad,
    require_positive_pair,
)
from fmdata.train.evaluate import PairScores, score_embeddings
from fmdata.train.landmarks import fit_landmarks
from fmdata.train.loop import OnProgress, Progress, Schedule, best_device, fit, seeded, silent
from fmdata.train.losses import contrastive_loss
from fmdata.train.motion_encoder import FacialMotionEncoder, save_encoder
from fmdata.train.settings import EncoderSettings
from fmdata.train.split import Split, split_by_folds
from fmdata.train.views import random_trim

METRICS, SETTINGS = "metrics.json", "settings.json"

Features: TypeAlias = Mapping[str, Tensor]
"""Features of the frames of action clips, float [T, m] each, by key."""


@dataclass(frozen=True)
class Metrics:
    """What a training is worth on subjects that it has not seen.

    Attributes
    ----------
    scores : PairScores
        Over all within-subject pairs of the held-out subjects' full clips.
    landmark_error : float
        Of the spatial feature extractor on held-out subjects, in interocular distances.
    history : list of dict
        Of each epoch its phase, number, loss and measures.
    split : Split
        Subjects trained on, and held out.
    settings : EncoderSettings
        The ones used.
    """

    scores: PairScores
    landmark_error: float
    history: list[dict[str, Any]]
    split: Split
    settings: EncoderSettings

    def to_json(self) -> dict[str, Any]:
        """Plain values, the scores at the top."""
        values = asdict(self)
        return values.pop("scores") | values


def train_encoder(
    dataset: Path,
    out: Path,
    settings: EncoderSettings | None = None,
    on_progress: OnProgress = silent,
) -> Metrics:
    """Train an encoder on a dataset and write it to a folder.

    Writes ``settings.json``, ``model.safetensors`` and, last, ``metrics.json``.

    Raises
    ------
    DatasetError
        When there is no dataset, no subject-disjoint split, no positive pair to learn from or to
        measure on, or when the compounds to learn from are stale.
    UsageError
        When `out` cannot be written to.
    """
    data, settings = Dataset(dataset), settings or EncoderSettings()
    material = divide(data, settings)
    _make_folder(out)
    model, metrics = fit_encoder(data, material, settings, on_progress)
    # Old metrics must not stand beside a new model.
    (out / METRICS).unlink(missing_ok=True)
    write_atomically(out / SETTINGS, _json(metrics.settings.to_json()))
    save_encoder(model, out)
    write_atomically(out / METRICS, _json(metrics.to_json()))
    return metrics


class Material(NamedTuple):
    """Clips to learn from and clips to measure on, and the split of subjects they follow."""

    split: Split
    train: list[Sample]
    held: list[Sample]


def divide(dataset: Dataset, settings: EncoderSettings) -> Material:
    """Divide a dataset's clips by subject, or raise DatasetError as :func:`train_encoder` says."""
    where = str(dataset.path)
    samples = action_samples(dataset) if settings.on == "actions" else compound_samples(dataset)
    split = split_by_folds({s.subject: s.fold for s in samples}, where)
    train = [s for s in samples if s.subject in split.train]
    held = [s for s in samples if s.subject in split.validation]
    require_positive_pair(train, "train on", where)
    require_positive_pair(held, "validate on", where)
    return Material(split, train, held)


def fit_encoder(
    dataset: Dataset,
    material: Material,
    settings: EncoderSettings,
    on_progress: OnProgress = silent,
) -> tuple[FacialMotionEncoder, Metrics]:
    """Train an encoder, both phases, and measure it; see :func:`train_encoder`."""
    split, train, held = material
    actions = action_samples(dataset)
    sfe, landmark_history = fit_landmarks(
        dataset,
        [s.key for s in actions if s.subject in split.train],
        [s.key for s in actions if s.subject in split.validation],
        settings.landmarks,
        settings.seed,
        on_progress,
    )
    with seeded(settings.seed):
        model = FacialMotionEncoder(settings, sfe).to(best_device())
    features = frame_features(model, dataset, [*train, *held], on_progress)
    motion_history = fit_motion(model, train, held, features, on_progress)
    history = [
        {"phase": phase, "epoch": i, **epoch}
        for phase, epochs in (("landmarks", landmark_history), ("motion", motion_history))
        for i, epoch in enumerate(epochs)
    ]
    scores = score(model, held, features)
    error = landmark_history[-1]["landmark_error"]
    return model.eval(), Metrics(scores, error, history, split, settings)


def frame_features(
    model: FacialMotionEncoder,
    dataset: Dataset,
    samples: Iterable[Sample],
    on_progress: OnProgress = silent,
) -> dict[str, Tensor]:
    """Features of every action clip that the samples consist of, each computed once.

    A compound's frames are its sources' own, byte for byte, so it needs none of its own.
    """
    keys = list(dict.fromkeys(piece.source for sample in samples for piece in sample.pieces))
    features = {}
    for i, key in enumerate(keys):
        features[key] = model.features(dataset.actions[key].frames())
        on_progress(Progress("features", i + 1, len(keys), {}))
    return features


def sample_features(sample: Sample, features: Features) -> Tensor:
    """Features of a sample's frames, float [T, m], cut from its sources'."""
    return torch.cat([features[p.source][p.start : p.stop] for p in sample.pieces])


def fit_motion(
    model: FacialMotionEncoder,
    train: Sequence[Sample],
    held: Sequence[Sample],
    features: Features,
    on_progress: OnProgress = silent,
) -> list[dict[str, float]]:
    """Phase two: train the sequence encoder in place on frozen features; return its history."""
    settings, sequence, device = model.settings, model.sequence, best_device()
    sources = dict.fromkeys(piece.source for sample in train for piece in sample.pieces)
    sequence.standardise_by(features[key] for key in sources)
    subject_ids = {name: i for i, name in enumerate(sorted({s.subject for s in train}))}
    label_ids = {name: i for i, name in enumerate(sorted({s.label for s in train}))}
    batches = SubjectBatches(train, settings.subjects, settings.motions, settings.takes)

    def loss_at(step: int) -> Tensor:
        generator = np.random.default_rng((settings.seed, step))
        chosen = [train[i] for i in batches.draw(generator)]
        clips = []
        for sample in chosen:
            clip = sample_features(sample, features)
            if settings.trimming:
                start, stop = random_trim(len(clip), sample.onset, sample.offset, generator)
                clip = clip[start:stop]
            clips.append(clip)
        return contrastive_loss(
            sequence(*pad(clips, device)),
            torch.tensor([label_ids[s.label] for s in chosen], device=device),
            torch.tensor([subject_ids[s.subject] for s in chosen], device=device),
            settings.margin,
        )

    def measure() -> dict[str, float]:
        scores = score(model, held, features)
        return {"average_precision": scores.average_precision, "peak_f1": scores.peak_f1}

    schedule = Schedule(
        settings.epochs, settings.steps, settings.rate, settings.weight_decay, settings.seed
    )
    return fit("motion", sequence, loss_at, schedule, measure, on_progress)


def score(model: FacialMotionEncoder, samples: Sequence[Sample], features: Features) -> PairScores:
    """Score full clips, untrimmed, as the paper does (section 2.5)."""
    embeddings = model.embed_features(sample_features(s, features) for s in samples)
    return score_embeddings(embeddings, [s.subject for s in samples], [s.label for s in samples])


def _make_folder(out: Path) -> None:
    """Make the run's folder; a fault shows now and not after the training."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as fault:
        raise UsageError(
            f"a folder that cannot be written to: {fault.strerror}",
            wanted="a folder for the model and its metrics",
            where=f"--out {out}",
            todo="name another one; nothing was trained",
        ) from fault


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()
