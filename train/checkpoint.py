"""A training in mid-flight, in one file: safetensors, with a JSON text in its metadata.

One file and not two, so that a kill never leaves weights of one step beside the count of another.
Nothing in it is executed when it is read.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fmdata.catalog.errors import ModelError
from fmdata.catalog.storage.files import write_atomically


@dataclass(frozen=True)
class Checkpoint:
    """What a loop needs to go on as if nothing had happened.

    Attributes
    ----------
    finished : list of str
        Phases that need no more training.
    phase : str
        The latest phase.
    step : int
        Steps of it that are done.
    history : list of dict
        Of every epoch.
    weights : dict of str to Tensor
        Of the whole model.
    optimizer : dict
        The optimiser's state, as torch gives it.
    """

    finished: list[str]
    phase: str
    step: int
    history: list[dict[str, Any]]
    weights: dict[str, Tensor]
    optimizer: dict[str, Any]


class Keeper(Protocol):
    """Where checkpoints are kept."""

    def load(self) -> Checkpoint | None:
        """Return the latest, or None."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep it in place of the latest."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors kept under a name for a digest, or make and keep them."""


class Nowhere:
    """Keeps nothing."""

    def load(self) -> None:
        """Return None."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Let it go."""

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Make them."""
        return make()


def save_checkpoint(checkpoint: Checkpoint, path: Path, run: dict[str, Any]) -> None:
    """Write a checkpoint, and of which run it is, all at once."""
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
    """Read a checkpoint and of which run it is.

    Raises
    ------
    ModelError
        When there is none that can be read.
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
                index, _, what = rest.partition("/")
                state.setdefault(int(index), {})[what] = tensor
        optimizer = {"state": state, "param_groups": facts["groups"]}
        checkpoint = Checkpoint(
            facts["finished"], facts["phase"], facts["step"], facts["history"], weights, optimizer
        )
        return checkpoint, facts["run"]
    except (KeyError, ValueError, TypeError) as fault:
        raise unreadable(path, "a checkpoint of `fmdata train`", fault) from fault


def pack_tensors(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Return a safetensors file; `metadata` has one entry at most, for no order is kept of more."""
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    return safetensors.torch.save(plain, metadata)


def unpack_tensors(path: Path, wanted: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: tensors and metadata.

    Raises
    ------
    ModelError
        When it is missing or broken; `wanted` says what it should have been.
    """
    try:
        with safe_open(path, "pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as fault:
        raise unreadable(path, wanted, fault) from fault


def unreadable(path: Path, wanted: str, fault: Exception) -> ModelError:
    """Return the error of a file that is not what it should be."""
    return ModelError(
        f"nothing could be read: {fault}",
        wanted=wanted,
        where=str(path),
        todo="name its folder, or train anew into another one",
    )
