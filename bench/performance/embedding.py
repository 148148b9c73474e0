"""From a raw video to a vector by a trained encoder, beside the stages of a build alone."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from bench.performance.sides import Goal, Unit, compare
from fmdata.catalog.types import Recording
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.run import train
from fmdata.train.verification.embedder import Embedder


def goals(raw: Path, dataset: Path, folder: Path, rounds: int) -> Iterator[Goal]:
    """Measure one video of the raw folder on one thread, by an encoder of the default size."""
    settings = EncoderSettings().replaced(
        ["epochs=1", "steps=1", "landmarks.epochs=1", "landmarks.steps=1"]
    )
    train("encoder", dataset, folder / "run", settings)
    embedder = Embedder(folder / "run")
    video = sorted(raw.glob("*/*/*.mp4"))[0]
    n_frames, threads = len(embedder.crops(video)), torch.get_num_threads()
    torch.set_num_threads(1)
    yield compare(
        f"a vector of a raw video of {n_frames} frames",
        "decoding, landmarks, spotting and crops of a build",
        0.75,
        lambda: embedder(video),
        lambda: _stages(video),
        2 * rounds,
        Unit(1e-3, "ms"),
    )
    torch.set_num_threads(threads)


def _stages(video: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        recording = Recording(video, video.name, "subject", "action", "take")
        process(Job(recording, Identity("", "timed")), BuildSettings(lbp=False), Path(work))
