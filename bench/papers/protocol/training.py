"""Trials and final trainings, each a job of its own whose result is stored as a JSON file.

Promises: a training gets a :class:`~bench.papers.protocol.sealed.SealedDataset`, in which no
held-out subject exists; a trial's result has numbers of inner subjects only; held-out subjects are
measured after the training has ended, also for its curve, on snapshots of the weights. Equal jobs
are run once, and an interrupted comparison resumes with the jobs that are left. A change of the
code of trainings or of this protocol makes other jobs of them.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bench.papers.protocol
import fmdata.train
from bench.kept import code_digest
from bench.papers.protocol.choice import InnerResult
from bench.papers.protocol.folds import Fold
from bench.papers.protocol.methods import Method, Trained, model_of
from bench.papers.protocol.sealed import SealedDataset
from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.files import write_atomically
from fmdata.train.checkpoint import Checkpoint, Epoch, pack_tensors, unpack_tensors
from fmdata.train.recipes.base import Material
from fmdata.train.verification.measure import Verifier, choose_operating, verify
from fmdata.train.verification.operating import Operating
from fmdata.train.verification.settings import EvaluateSettings

CURVE_POINTS = 8
# Motions of the simulated subjects are their own: equal names are no equal motions.
OWN = EvaluateSettings(day="day", names="own")


@cache
def code() -> str:
    """Return the digest of the code that trains and measures."""
    return code_digest([fmdata.train, bench.papers.protocol])


@dataclass(frozen=True)
class Job:
    """One training: a method with its settings and seed, a dataset, and a fold of it."""

    method: Method
    dataset: Path
    fold: Fold

    def name(self, kind: str) -> str:
        """Return a name that is the same for equal jobs by the same code."""
        data = Dataset(self.dataset).digests()
        facts = [kind, self.method.identity, data, asdict(self.fold), code()]
        digest = hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()
        return f"{kind}-{digest[:16]}"


@dataclass(frozen=True)
class Point:
    """Numbers of a snapshot: of training, inner and held-out subjects, and the training loss."""

    epoch: int
    loss: float | None
    train: Mapping[str, float]
    inner: Mapping[str, float]
    held_out: Mapping[str, float]


@dataclass(frozen=True)
class FinalResult:
    """Result of a final training.

    Attributes
    ----------
    fold : int
        Number of the fold.
    by_subject : dict
        Numbers of each held-out subject.
    pooled : dict
        Numbers of all held-out subjects together.
    curve : list of dict
        :class:`Point` of each snapshot, as JSON.
    verification : dict or None
        Error rates of all held-out subjects together, at thresholds of the inner subjects.
    seconds : float
        Time on one core.
    """

    fold: int
    by_subject: Mapping[str, Mapping[str, float]]
    pooled: Mapping[str, float]
    curve: Sequence[Mapping[str, Any]] = ()
    verification: Mapping[str, Any] | None = None
    seconds: float = 0.0


def run_trial(job: Job, trial: Sequence[str], folder: Path) -> InnerResult:
    """Train, and measure the inner subjects; read the result of an equal job from `folder`."""

    def measured() -> Mapping[str, Any]:
        torch.set_num_threads(1)
        dataset = SealedDataset(job.dataset, job.fold.open)
        material = Material(dataset, job.fold.inner_split)
        trained, _ = job.method.train(material, Snapshots(folder / "shelf", points=0))
        return {"by_subject": by_subject(trained, dataset, job.fold.inner)}

    found = _stored(folder, job.name("trial"), measured)
    return InnerResult(job.fold, tuple(trial), found["by_subject"])


def run_final(job: Job, folder: Path) -> FinalResult:
    """Train, then measure the held-out subjects; read the result of an equal job from `folder`."""

    def measured() -> Mapping[str, Any]:
        torch.set_num_threads(1)
        began = time.monotonic()
        sealed = SealedDataset(job.dataset, job.fold.open)
        snapshots = Snapshots(folder / "shelf", CURVE_POINTS)
        material = Material(sealed, job.fold.inner_split)
        trained, history = job.method.train(material, snapshots)
        seconds = time.monotonic() - began
        operating = choose_operating(trained, sealed, job.fold.outer_split)
        # From here on nothing is trained or chosen any more.
        dataset, held_out = Dataset(job.dataset), job.fold.held_out
        verification = (
            verify(trained, dataset, held_out, operating, OWN)
            if isinstance(trained, Verifier)
            else None
        )
        pooled = dict(trained.evaluate(dataset, held_out).numbers)
        result = FinalResult(
            fold=job.fold.number,
            by_subject=by_subject(trained, dataset, held_out, operating),
            pooled=pooled | (verification.numbers if verification else {}),
            curve=[asdict(p) for p in _curve(trained, snapshots, history, dataset, job.fold)],
            verification=verification.to_json() if verification else None,
            seconds=seconds,
        )
        return asdict(result)

    return FinalResult(**_stored(folder, job.name("final"), measured))


def by_subject(
    trained: Trained, dataset: Dataset, subjects: Sequence[str], operating: Operating | None = None
) -> dict[str, dict[str, float]]:
    """Measure each subject alone; one that cannot be measured, as without a pair, is left out."""
    found: dict[str, dict[str, float]] = {}
    for subject in subjects:
        try:
            numbers = dict(trained.evaluate(dataset, [subject]).numbers)
        except DatasetError:
            continue
        if operating is not None and isinstance(trained, Verifier):
            numbers |= verify(trained, dataset, [subject], operating, OWN).numbers
        found[subject] = numbers
    return found


class Snapshots:
    """A :class:`~fmdata.train.checkpoint.Keeper` of the last phase's weights, evenly spread.

    Tensors that are computed once are shared with all trainings.

    Parameters
    ----------
    folder : Path
        Folder of the shared tensors.
    points : int
        Largest number of snapshots; when there are more, every second one is dropped.
    """

    def __init__(self, folder: Path, points: int) -> None:
        self._folder, self._points = folder, points
        self._phase, self._step = "", 1
        self.weights: dict[int, dict[str, Tensor]] = {}

    def load(self) -> None:
        """Return None: every training starts at its first step."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep the weights of an epoch, and always those of the latest."""
        if not self._points:
            return
        if checkpoint.phase != self._phase:
            self._phase, self._step, self.weights = checkpoint.phase, 1, {}
        epoch = int(checkpoint.history[-1]["epoch"])
        if self.weights and (latest := max(self.weights)) % self._step:
            del self.weights[latest]
        self.weights[epoch] = {n: w.detach().cpu().clone() for n, w in checkpoint.weights.items()}
        if len(self.weights) > self._points:
            self._step *= 2
            kept = {e: w for e, w in self.weights.items() if not e % self._step or e == epoch}
            self.weights = kept

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors made by an earlier training, or make them."""
        path = self._folder / f"{name}-{digest[:16]}-{code()[:16]}.safetensors"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, pack_tensors(make(), {}))
        return unpack_tensors(path, "features of the bench")[0]

    @property
    def phase(self) -> str:
        """Name of the last phase."""
        return self._phase


def _curve(
    trained: Trained, snapshots: Snapshots, history: Sequence[Epoch], dataset: Dataset, fold: Fold
) -> list[Point]:
    """Measure the snapshots of the last phase, then put the final weights back."""
    model = model_of(trained)
    if model is None:
        return []
    final = {name: weight.detach().clone() for name, weight in model.state_dict().items()}
    losses = {e["epoch"]: e.get("loss") for e in history if e["phase"] == snapshots.phase}
    epochs = sorted(snapshots.weights)
    # As many training subjects as held-out ones. One group after the other, since an encoder keeps
    # the features of the group that it has measured last.
    numbers = []
    for subjects in (fold.train[: len(fold.held_out)], fold.inner, fold.held_out):
        of_group = []
        for epoch in epochs:
            model.load_state_dict(snapshots.weights[epoch])
            model.eval()
            of_group.append(dict(trained.evaluate(dataset, subjects).numbers))
        numbers.append(of_group)
    points = [
        Point(epoch, losses.get(epoch), *measured)
        for epoch, *measured in zip(epochs, *numbers, strict=True)
    ]
    model.load_state_dict(final)
    return points


def _stored(folder: Path, name: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the stored result of a name, or make and store it."""
    path = folder / "results" / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make()
        write_atomically(path, json.dumps(made, allow_nan=False).encode())
    result: dict[str, Any] = json.loads(path.read_text())
    return result
