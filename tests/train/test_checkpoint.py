"""A checkpoint is read as it was written; any other file is refused."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from fmdata.catalog.errors import ModelError
from fmdata.train.checkpoint import Checkpoint, load_checkpoint, pack_tensors, save_checkpoint


def stepped(kind: type[torch.optim.Optimizer], **options: float) -> tuple[nn.Module, dict]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = kind(model.parameters(), lr=0.1, **options)  # type: ignore[call-arg]
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.rand(4, 3)).sum().backward()
        optimizer.step()
    return model, optimizer.state_dict()


@pytest.mark.parametrize(
    ("kind", "options"), [(torch.optim.AdamW, {}), (torch.optim.SGD, {"momentum": 0.9})]
)
def test_a_checkpoint_is_read_as_it_was_written(
    tmp_path: Path, kind: type[torch.optim.Optimizer], options: dict[str, float]
) -> None:
    model, state = stepped(kind, **options)
    history = [{"phase": "a", "epoch": 0, "loss": 0.1 + 0.2}]
    kept = Checkpoint(["a"], "b", 17, history, model.state_dict(), state)
    save_checkpoint(kept, tmp_path / "c", {"recipe": "x", "settings": {"seed": 3}})
    found, run = load_checkpoint(tmp_path / "c")
    assert run == {"recipe": "x", "settings": {"seed": 3}}
    assert (found.finished, found.phase, found.step) == (["a"], "b", 17)
    assert found.history == history
    for name, tensor in kept.weights.items():
        assert torch.equal(found.weights[name], tensor)
    assert found.optimizer["param_groups"] == json.loads(json.dumps(state["param_groups"]))
    assert found.optimizer["state"].keys() == state["state"].keys()
    for index, values in state["state"].items():
        for name, value in values.items():
            assert torch.equal(found.optimizer["state"][index][name], value)


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        model, state = stepped(torch.optim.AdamW)
        kept = Checkpoint([], "x", 3, [], model.state_dict(), state)
        save_checkpoint(kept, tmp_path / name, {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04not a safetensors file",
        pack_tensors({"x": torch.zeros(1)}, {}),
        pack_tensors({"x": torch.zeros(1)}, {"fmdata": "{}"}),
        pack_tensors({"optimizer/x": torch.zeros(1)}, {"fmdata": '{"plain": {}, "groups": []}'}),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(ModelError, match=r"nothing could be read(.|\n)*a checkpoint"):
        load_checkpoint(tmp_path / "c")
