"""Initial weights of a model from a safetensors file, such as those of another training.

Every weight of the model is taken from the file by its own name, or as a file of keys says.
Promise: a weight that is not there, or has another shape, is an error, never left at random in
silence.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from fmdata.catalog.errors import ModelError
from fmdata.catalog.settings import read_settings
from fmdata.train.checkpoint import unpack_tensors

Keys: TypeAlias = Mapping[str, str | list[str]]
"""Names of the model's weights, and those of the file's that make them up.

A ``*`` on the left stands for any part of a name, and is the same on the right; the first that fits
counts. Several names on the right are concatenated along the first axis, as queries, keys and
values are; an empty one leaves the weight as it is.
"""
# What a training computes from its data, or counts, is no weight.
_STATISTICS = re.compile(r"\.running_(mean|var)$")
_SHOWN = 5  # names in a message


def initialise(model: nn.Module, weights: Path, keys: Path | None) -> list[str]:
    """Replace weights of a model by those of a file, in place.

    A convolution of images starts one of clips as its central frame (Arnab et al. 2021); axes of
    length 1 do not count.

    `keys` is a TOML or JSON file with :data:`Keys`; None where the names are the model's. Returns
    the names of the weights that were taken.

    Raises
    ------
    ModelError
        When the file cannot be read, or a weight is missing in it or has another shape.
    UsageError
        When the file of keys cannot be read.
    """
    tensors, state = _read(weights), model.state_dict()
    names = _checked(read_settings(keys), keys) if keys else {}
    sources = {ours: _source(ours, names) for ours in _weights(model)}
    wanted = {ours: theirs for ours, theirs in sources.items() if theirs}
    _require_all(wanted, tensors, weights)
    fitted, wrong = {}, []
    for ours, theirs in wanted.items():
        made = torch.cat([tensors[n] for n in theirs]) if len(theirs) > 1 else tensors[theirs[0]]
        one = _fitted(made, state[ours])
        if one is None:
            wrong.append(f"{ours}, {list(made.shape)} for {list(state[ours].shape)}")
        else:
            fitted[ours] = one
    if wrong:
        raise _refused(
            f"weights of another shape: {_listed(wrong)}",
            "weights of this network",
            weights,
            "change the sizes of the recipe, or leave them out in init_keys: ours = ''",
        )
    with torch.no_grad():
        for ours, one in fitted.items():
            state[ours].copy_(one)
    return list(fitted)


def _require_all(
    wanted: Mapping[str, list[str]], tensors: Mapping[str, Tensor], weights: Path
) -> None:
    """Refuse a file in which a wanted weight is missing."""
    missing = [f"{o} = {n}" for o, theirs in wanted.items() for n in theirs if n not in tensors]
    if missing or not wanted:
        raise _refused(
            f"no weights for {_listed(missing)}" if missing else "no weight to take",
            f"a file with all of them; it has {_listed(sorted(tensors))}",
            weights,
            "name them in a file, --set init_keys=FILE: ours = theirs, or ours = '' to leave it",
        )


def _read(weights: Path) -> dict[str, Tensor]:
    try:
        return unpack_tensors(weights, "a safetensors file of weights")[0]
    except ModelError as error:
        todo = "name another file with --set init=FILE, or leave it out"
        raise _refused(error.got, error.wanted, weights, todo) from error


def _weights(model: nn.Module) -> list[str]:
    """Return the names of parameters, and of running statistics."""
    parameters = {name for name, _ in model.named_parameters()}
    return [n for n in model.state_dict() if n in parameters or _STATISTICS.search(n)]


def _source(ours: str, keys: Keys) -> list[str]:
    """Return the names in the file of one weight of the model; none to leave it."""
    for pattern, theirs in keys.items():
        found = re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)"), ours)
        if found is not None:
            parts = [theirs] if isinstance(theirs, str) else theirs
            return [_filled(part, found.groups()) for part in parts if part]
    return [ours]


def _filled(name: str, parts: tuple[str, ...]) -> str:
    for part in parts:
        name = name.replace("*", part, 1)
    return name


def _fitted(tensor: Tensor, ours: Tensor) -> Tensor | None:
    """Return a tensor in the shape of ours; None where it has another one."""
    if tensor.squeeze().shape == ours.squeeze().shape:
        return tensor.reshape(ours.shape)
    if ours.ndim == 5 and tensor.shape == ours[:, :, 0].shape:
        clips = torch.zeros_like(ours)
        clips[:, :, ours.shape[2] // 2] = tensor
        return clips
    return None


def _checked(keys: Mapping[str, object], path: Path) -> Keys:
    for name, theirs in keys.items():
        listed = theirs if isinstance(theirs, list) else [theirs]
        if not all(isinstance(one, str) for one in listed):
            raise _refused(
                f"{name} = {theirs!r}",
                "a name of a weight in the file, or a list of names",
                path,
                "write it as 'ours' = 'theirs'",
            )
    return keys  # type: ignore[return-value]


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _refused(got: str, wanted: str, where: Path, todo: str) -> ModelError:
    return ModelError(got, wanted=wanted, where=str(where), todo=todo)
