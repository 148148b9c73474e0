"""Checkpoints: the state of an unfinished training in one safetensors file with JSON metadata.

One file and not two, so that a kill never leaves weights of one step beside the count of another.
Reading a checkpoint executes nothing.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fmdata.catalog.errors import ModelError
from fmdata.catalog.storage.files import write_atomically

Epoch: TypeAlias = dict[str, Any]
"""One epoch: ``phase``, ``epoch`` (from 0), means of the losses, and the measured numbers."""


@dataclass(frozen=True)
class Checkpoint:
    """State from which a loop resumes without a trace of the interruption.

    Attributes
    ----------
    finished : list of str
        Names of the finished phases.
    phase : str
        The latest phase.
    step : int
        Number of its completed steps.
    history : list of Epoch
        All epochs so far.
    weights : dict of str to Tensor
        Weights of the whole model.
    optimizer : dict
        State of the optimiser, as torch returns it.
    """

    finished: list[str]
    phase: str
    step: int
    history: list[Epoch]
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]


class Keeper(Protocol):
    """Storage for the checkpoints of a run."""

    def load(self) -> Checkpoint | None:
        """Return the latest checkpoint, or None."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the latest checkpoint."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return the tensors stored under a name and a digest, or make and store them."""


class Nowhere:
    """A :class:`Keeper` that stores nothing."""

    def load(self) -> None:
        """Return None."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Do nothing."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Make the tensors."""
        return make()


def save_checkpoint(checkpoint: Checkpoint, path: Path, run: dict[str, Any]) -> None:
    """Write a checkpoint and the identity of its run, atomically."""
    tensors = {f"weights/{name}": t for name, t in checkpoint.weights.items()}
    plain: dict[str, dict[str, Any]] = {}
    for index, state in checkpoint.optimizer["state"].items():
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    facts = {
        "run": run,
        "finished": checkpoint.finished,
        "phase": checkpoint.phase,
        "step": checkpoint.step,
        "history": checkpoint.history,
        "groups": checkpoint.optimizer["param_groups"],
        "plain": plain,
    }
    write_atomically(path, pack_tensors(tensors, {"fmdata": json.dumps(facts)}))


def load_checkpoint(path: Path) -> tuple[Checkpoint, dict[str, Any]]:
    """Read a checkpoint and the identity of its run.

    Raises
    ------
    ModelError
        When the file is missing or is no checkpoint.
    """
    tensors, metadata = unpack_tensors(path, "a checkpoint of `fmdata train`")
    try:
        facts = json.loads(metadata["fmdata"])
        state: dict[int, dict[str, Any]] = {int(i): dict(v) for i, v in facts["plain"].items()}
        weights = {}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition("/")
            if kind == "weights":
                weights[rest] = tensor
            else:
                index, _, slot = rest.partition("/")
                state.setdefault(int(index), {})[slot] = tensor
        optimizer = {"state": state, "param_groups": facts["groups"]}
        checkpoint = Checkpoint(
            facts["finished"], facts["phase"], facts["step"], facts["history"], weights, optimizer
        )
        return checkpoint, facts["run"]
    except (KeyError, ValueError, TypeError) as error:
        raise unreadable(path, "a checkpoint of `fmdata train`", error) from error


def pack_tensors(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Return the bytes of a safetensors file.

    `metadata` has one entry at most: safetensors stores several in no fixed order, and the bytes
    would differ from run to run.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    return safetensors.torch.save(plain, metadata)


def unpack_tensors(path: Path, wanted: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: tensors and metadata.

    Raises
    ------
    ModelError
        When the file is missing or damaged; `wanted` describes the expected file.
    """
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise unreadable(path, wanted, error) from error


def unreadable(path: Path, wanted: str, error: Exception) -> ModelError:
    """Return the error for a file that cannot be read as the `wanted` one."""
    return ModelError(
        f"nothing could be read: {error}",
        wanted=wanted,
        where=str(path),
        todo="name the run's folder, or train again into another one",
    )
