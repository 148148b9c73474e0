"""The folder of a run: checkpoints, metrics, curves, and tensors computed once."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.storage.files import write_atomically
from fmdata.train import distributed
from fmdata.train.checkpoint import (
    Checkpoint,
    Epoch,
    load_checkpoint,
    pack_tensors,
    save_checkpoint,
    unpack_tensors,
)
from fmdata.train.figures import draw_curves
from fmdata.train.model_file import MODEL
from fmdata.train.recipes.base import RecipeSettings

SETTINGS, METRICS, EVALUATION = "settings.json", "metrics.json", "evaluation.json"
CHECKPOINT, CURVES = "checkpoint.safetensors", "curves.png"
SECONDS_BETWEEN_CURVES = 15.0  # drawing takes half a second, an epoch may take less


class FolderKeeper:
    """Stores the checkpoints of a run in its folder, beside ``metrics.json`` and the curves.

    Parameters
    ----------
    out : Path
        The folder, of the first process; created where it is missing.
    run : dict
        Identity of the run, as JSON values; the folder of another run is refused.

    Raises
    ------
    UsageError
        When the folder cannot be written to, or holds files that a run would replace, and no run.
    """

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        self._out, self._run = out, run
        self._drawn = time.monotonic()
        distributed.from_first(self._prepare)

    def _prepare(self) -> None:
        _make_folder(self._out)
        self._require_no_other()

    def _require_no_other(self) -> None:
        """Refuse a folder whose files are no run's: a run writes its checkpoint before these."""
        if (self._out / CHECKPOINT).exists():
            return
        settings = self._out / SETTINGS
        names = [METRICS, CURVES, MODEL, EVALUATION]
        others = [name for name in names if (self._out / name).exists()]
        if settings.exists() and settings.read_bytes() != json_bytes(self._run["settings"]):
            others.append(SETTINGS)
        if others:
            raise UsageError(
                f"a folder with {others[0]} and without {CHECKPOINT}, so not one of a run",
                wanted="a new folder, or the folder of this run, to resume it",
                where=f"--out {self._out}",
                todo="name another folder, or remove this one yourself",
            )

    def load(self) -> Checkpoint | None:
        """Return the run's latest checkpoint, or None.

        Raises
        ------
        UsageError
            When the folder holds another run.
        """
        path = self._out / CHECKPOINT
        if not path.exists():
            return None
        checkpoint, run = load_checkpoint(path)
        if run != self._run:
            changed = [name for name in self._run if run.get(name) != self._run[name]]
            raise UsageError(
                f"a folder that holds another run: other {' and '.join(changed)}",
                wanted="a new folder, or the folder of this run, to resume it",
                where=f"--out {self._out}",
                todo="name another folder, or remove this one yourself",
            )
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint and the metrics; redraw the curves at most every 15 seconds."""
        write_json(self._out / SETTINGS, self._run["settings"])
        save_checkpoint(checkpoint, self._out / CHECKPOINT, self._run)
        self.write_metrics(checkpoint.history)
        if time.monotonic() - self._drawn > SECONDS_BETWEEN_CURVES:
            self.draw(checkpoint.history)

    def draw(self, history: list[Epoch]) -> None:
        """Draw the curves."""
        draw_curves(history, self._out / CURVES)
        self._drawn = time.monotonic()

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Return the tensors stored under a name and the digest of their inputs, or make them.

        Making them replaces the tensors of the same name and another digest. Where a process does
        not see the file, all make them, since they may divide that work.
        """
        path = self._out / f"{name}-{digest[:12]}.safetensors"
        if all(distributed.everywhere(path.exists())):
            return unpack_tensors(path, f"{name} stored by a run; remove the file")[0]
        tensors = make()
        if distributed.rank() > 0:
            return tensors
        for other in self._out.glob(f"{name}-{'[0-9a-f]' * 12}.safetensors"):
            other.unlink()
        write_atomically(path, pack_tensors(tensors, {}))
        return tensors

    def write_metrics(
        self,
        history: list[Epoch],
        split: dict[str, list[str]] | None = None,
        numbers: dict[str, float] | None = None,
    ) -> None:
        """Write ``metrics.json``: the numbers of a finished run at the top, then every epoch."""
        finished = numbers is not None
        facts = {"recipe": self._run["recipe"], "finished": finished, **(numbers or {})}
        facts |= {"split": split} if split else {}
        write_json(self._out / METRICS, {**facts, "history": history})


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write an indented JSON file atomically."""
    write_atomically(path, json_bytes(values))


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """Return values as an indented JSON file."""
    return (json.dumps(values, indent=2, allow_nan=False) + "\n").encode()


def _make_folder(out: Path) -> None:
    """Create the folder of a run, and check that it can be written to before the training."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise UsageError(
            f"a folder that cannot be written to: {error.strerror}",
            wanted="a folder for the model and its metrics",
            where=f"--out {out}",
            todo="name another one; nothing was trained",
        ) from error


def identity_of(name: str, data: Dataset, settings: RecipeSettings) -> dict[str, Any]:
    """Return the inputs of a run: recipe, settings, digests of dataset and files, processes."""
    values = settings.to_json()
    del values["workers"]  # which change no number
    facts: dict[str, Any] = {"recipe": name, "settings": values, "dataset": data.digests()}
    # Each process draws its own mini-batches, so with another number of them the numbers differ.
    facts["processes"] = distributed.world()
    extractor, truth = getattr(settings, "extractor", ""), getattr(settings, "truth", "")
    files = {
        "extractor": Path(extractor) / MODEL if extractor else None,
        "init": Path(settings.init) if settings.init else None,
        "init_keys": Path(settings.init_keys) if settings.init_keys else None,
        "truth": Path(truth) if truth else None,
    }
    for what, path in files.items():
        if path is not None:
            facts[what] = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return facts
