"""Each of several processes draws its own mini-batches, and all end with the same weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.command import FMDATA, TIMEOUT_S
from tests.helpers.ranks import run_ranks
from tests.train.test_command import TINY

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, torch
from torch import nn
from fmdata.train import distributed
from fmdata.train.loop import Loop, Phase, Schedule, seeded

torch.set_num_threads(1)
with seeded(0):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
drawn = []
def loss_at(step):
    drawn.append(float(step.rng.uniform()))
    return model(torch.randn(8, 3, generator=step.generator)).square().mean()
with distributed.joined():
    Loop(model, 1).fit(Phase("x", model, loss_at, Schedule(2, 3, 0.05)))
    torch.save({"state": model.state_dict(), "drawn": drawn, "world": distributed.world()},
               f"{sys.argv[1]}/{distributed.rank()}.pt")
"""


def test_two_processes_draw_their_own_batches_and_take_the_same_steps(tmp_path: Path) -> None:
    import torch

    run_ranks(PROGRAM, 2, tmp_path)
    a, b = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert a["world"] == b["world"] == 2
    assert not set(a["drawn"]) & set(b["drawn"])
    for name, tensor in a["state"].items():
        assert torch.equal(tensor, b["state"][name]), name


def test_torchrun_trains_fold_after_fold_in_one_group_of_processes(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """As in the README, with a tiny model: two processes, three folds, one result."""
    (tmp_path / "tiny.toml").write_text(TINY)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
    train = ["train", "encoder", "--dataset", str(drawn_dataset), "--settings", "tiny.toml"]
    run = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", *FMDATA, *train, "--folds", "--out", "run"],
        cwd=tmp_path, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("average precision") == 2  # with its spread, and by one process only
    folds = json.loads((tmp_path / "run/metrics.json").read_text())["folds"]
    assert len(folds) == 3
    for fold in folds:
        metrics = json.loads((tmp_path / f"run/fold-{fold}/metrics.json").read_text())
        assert metrics["finished"]
