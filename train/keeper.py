"""A run's folder: checkpoints, metrics and curves."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage.files import write_atomically
from fmdata.train import distributed as parallel
from fmdata.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    pack_tensors,
    save_checkpoint,
    unpack_tensors,
)
from fmdata.train.figures import draw_curves
from fmdata.train.loop import Epoch

METRICS, SETTINGS = "metrics.json", "settings.json"
DRAW_EVERY_S = 15.0  # a picture takes half a second, an epoch may take less
CHECKPOINT, CURVES, EVALUATION = "checkpoint.safetensors", "curves.png", "evaluation.json"


class FolderKeeper:
    """Keeps the checkpoints of a run in its folder, with ``metrics.json`` and the curves.

    Parameters
    ----------
    out : Path
        The folder; made where it is missing.
    run : dict
        What the run follows from, as JSON values; another run's folder is refused.
    """

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        self._out, self._run = out, run
        self._drawn = time.monotonic()
        _make_folder(out)

    def load(self) -> Checkpoint | None:
        """Return the run's latest checkpoint, or None.

        Raises
        ------
        UsageError
            When the folder holds another run's.
        """
        path = self._out / CHECKPOINT
        if not path.exists():
            return None
        checkpoint, run = load_checkpoint(path)
        if run != self._run:
            changed = [name for name in self._run if run.get(name) != self._run[name]]
            raise UsageError(
                f"a folder that holds another run: other {' and '.join(changed)}",
                wanted="a new folder, or the one of this very run, to take it up again",
                where=f"--out {self._out}",
                todo="name another folder, or remove this one yourself",
            )
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, and now and then draw the curves so far."""
        write_atomically(self._out / SETTINGS, _json(self._run["settings"]))
        save_checkpoint(checkpoint, self._out / CHECKPOINT, self._run)
        self.write_metrics(checkpoint.history)
        if time.monotonic() - self._drawn > DRAW_EVERY_S:
            self.draw(checkpoint.history)

    def draw(self, history: list[Epoch]) -> None:
        """Draw the curves."""
        draw_curves(history, self._out / CURVES)
        self._drawn = time.monotonic()

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return tensors that were made before from what `digest` stands for, or make them."""
        path = self._out / f"{name}-{digest[:12]}.safetensors"
        if path.exists():
            return unpack_tensors(path, f"{name} kept by a run; remove the file")[0]
        tensors = make()
        if parallel.rank() > 0:
            return tensors
        for other in self._out.glob(f"{name}-*.safetensors"):
            other.unlink()
        write_atomically(path, pack_tensors(tensors, {}))
        return tensors

    def write_metrics(
        self,
        history: list[Epoch],
        split: dict[str, list[str]] | None = None,
        numbers: dict[str, float] | None = None,
    ) -> None:
        """Write ``metrics.json``: numbers of a finished run at the top, then every epoch."""
        finished = numbers is not None
        facts = {"recipe": self._run["recipe"], "finished": finished, **(numbers or {})}
        facts |= {"split": split} if split else {}
        write_atomically(self._out / METRICS, _json({**facts, "history": history}))


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
    return (json.dumps(values, indent=2, allow_nan=False) + "\n").encode()
