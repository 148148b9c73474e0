"""Initial weights: every one from the file, by a map of names, or an error that says which."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fmdata.catalog.errors import ModelError, UsageError
from fmdata.train.networks.initial import initialise


class Model(nn.Module):
    """Two blocks with a normalisation each, a convolution of clips, a class token, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)) for _ in range(2)
        )
        self.tubes = nn.Conv3d(3, 5, (3, 2, 2))
        self.token = nn.Parameter(torch.zeros(4))
        self.head = nn.Linear(6, 3)
        self.register_buffer("seen", torch.tensor(-1))


def values(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def written(
    folder: Path, tensors: dict[str, Tensor], keys: dict[str, object] | None = None
) -> tuple[Path, Path | None]:
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "w.safetensors")
    if keys is None:
        return folder / "w.safetensors", None
    lines = [f"{json.dumps(ours)} = {json.dumps(theirs)}" for ours, theirs in keys.items()]
    (folder / "keys.toml").write_text("\n".join(lines))
    return folder / "w.safetensors", folder / "keys.toml"


def test_a_file_with_the_models_own_names_needs_no_keys(tmp_path: Path) -> None:
    """Running statistics are weights too; what a training counts is none."""
    theirs, ours = Model(), Model()
    theirs.blocks[1][1].running_mean.fill_(7.0)
    theirs.seen.fill_(12)
    taken = initialise(ours, *written(tmp_path, values(theirs)))
    assert len(taken) == 2 * (2 + 4) + 2 + 1 + 2
    for name in taken:
        assert torch.equal(values(ours)[name], values(theirs)[name]), name
    assert int(ours.seen) == -1


def test_keys_rename_join_and_leave_out(tmp_path: Path) -> None:
    """Two parts of a weight are joined in their order; the head and the second block stay."""
    model = Model()
    before = values(model)
    tensors = {"net.0.q": torch.randn(2, 4), "net.0.k": torch.randn(4, 4), "net.0.b": torch.ones(6)}
    tensors |= {
        "stem": torch.randn(5, 3, 2, 2),
        "stem.b": torch.randn(5),
        "cls": torch.ones(1, 1, 4),
    }
    keys: dict[str, object] = {
        "blocks.0.0.weight": ["net.0.q", "net.0.k"],
        "blocks.0.0.bias": "net.0.b",
        "tubes.weight": "stem",
        "tubes.*": "stem.b",
        "token": "cls",
        "*": "",
    }
    taken = initialise(model, *written(tmp_path, tensors, keys))
    after = values(model)
    assert torch.equal(
        after["blocks.0.0.weight"], torch.cat([tensors["net.0.q"], tensors["net.0.k"]])
    )
    assert torch.equal(after["token"], torch.ones(4))
    # A convolution of images is that of the central of three frames.
    assert torch.equal(after["tubes.weight"][:, :, 1], tensors["stem"])
    assert not after["tubes.weight"][:, :, [0, 2]].any()
    for name in set(before) - set(taken):
        assert torch.equal(before[name], after[name]), name
    assert set(taken) == {
        "blocks.0.0.weight", "blocks.0.0.bias", "tubes.weight", "tubes.bias", "token",
    }  # fmt: skip


def test_a_star_is_the_same_part_on_both_sides(tmp_path: Path) -> None:
    theirs, ours = Model(), Model()
    renamed = {
        n.replace("blocks.", "stage.").replace(".1.running", ".norm.running"): t
        for n, t in values(theirs).items()
    }
    keys = {"blocks.*.1.running_*": "stage.*.norm.running_*", "blocks.*": "stage.*"}
    taken = initialise(ours, *written(tmp_path, renamed, dict(keys)))
    assert {n for n in taken if n.startswith("blocks")} == {
        n for n in values(ours) if n.startswith("blocks") and "batches" not in n
    }
    for name in taken:
        assert torch.equal(values(ours)[name], values(theirs)[name]), name


def test_a_missing_weight_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    model = Model()
    before, tensors = values(model), values(Model())
    del tensors["blocks.1.1.running_var"], tensors["token"]
    with pytest.raises(ModelError) as caught:
        initialise(model, *written(tmp_path, tensors))
    error = caught.value
    assert "token = token" in error.got
    assert "blocks.1.1.running_var" in error.got
    assert "blocks.0.0.bias" in error.wanted
    assert error.where == str(tmp_path / "w.safetensors")
    assert "init_keys" in error.todo
    assert all(torch.equal(before[name], after) for name, after in values(model).items())


def test_a_weight_of_another_shape_is_named_with_both(tmp_path: Path) -> None:
    model = Model()
    before, tensors = values(model), values(Model()) | {"head.weight": torch.zeros(9, 6)}
    with pytest.raises(ModelError, match=r"(?s)head\.weight, \[9, 6\] for \[3, 6\].*init_keys"):
        initialise(model, *written(tmp_path, tensors))
    assert all(torch.equal(before[name], after) for name, after in values(model).items())


def test_a_map_that_takes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weight to take"):
        initialise(Model(), *written(tmp_path, values(Model()), {"*": ""}))


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(?s)nothing could be read.*--set init=FILE"):
        initialise(Model(), tmp_path / "none.safetensors", None)
    weights, _ = written(tmp_path, values(Model()))
    with pytest.raises(UsageError, match="no settings could be read"):
        initialise(Model(), weights, tmp_path / "none.toml")
    weights, keys = written(tmp_path, values(Model()), {"head.weight": 3})
    with pytest.raises(ModelError, match=r"(?s)head\.weight = 3.*a name of a weight"):
        initialise(Model(), weights, keys)
