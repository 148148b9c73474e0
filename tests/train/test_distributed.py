"""Several processes take the same steps, with the losses and gradients of one process."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import class_names
from fmdata.train.run import train
from tests.helpers import contrasts, tiny_recipes
from tests.helpers.command import FMDATA, TIMEOUT_S
from tests.helpers.ranks import run_ranks, start_ranks
from tests.train.test_command import TINY
from tests.train.test_run import TINY as TINY_RUN

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
    run_ranks(PROGRAM, 2, tmp_path)
    a, b = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert a["world"] == b["world"] == 2
    assert not set(a["drawn"]) & set(b["drawn"])
    for name, tensor in a["state"].items():
        assert torch.equal(tensor, b["state"][name]), name


CONTRASTS = """
import sys, torch
from torch import nn
from fmdata.train import distributed
from tests.helpers.contrasts import CONTRASTS, global_batch, network

torch.set_num_threads(1)
with distributed.joined():
    found = {}
    for name, (loss_of, split) in CONTRASTS.items():
        net = network()
        mine = slice(0, split) if distributed.rank() == 0 else slice(split, None)
        class Losses(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = net
            def forward(self):
                return loss_of(net, [x[mine] for x in global_batch()])
        losses = distributed.parallel(Losses())
        loss = losses()
        loss.backward()
        total = distributed.averaged({"loss": loss.item()})["loss"]
        found[name] = total, net.weight.grad.tolist()
    torch.save(found, f"{sys.argv[1]}/{distributed.rank()}.pt")
"""


def test_two_processes_have_the_losses_and_gradients_of_one_for_the_same_global_batch(
    tmp_path: Path,
) -> None:
    """Every contrast; the processes' parts are unequal where a loss is of all rows together."""
    run_ranks(CONTRASTS, 2, tmp_path)
    both = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for name, (loss_of, _) in contrasts.CONTRASTS.items():
        net = contrasts.network()
        loss = loss_of(net, contrasts.global_batch())
        loss.backward()
        for found, gradient in (of_rank[name] for of_rank in both):
            assert found == pytest.approx(loss.item(), rel=1e-5), name
            assert torch.allclose(torch.tensor(gradient), net.weight.grad, atol=1e-6), name
        # The batch of one process alone has another loss: the other's rows count.
        half = loss_of(net, [x[:6] for x in contrasts.global_batch()])
        assert abs(half.item() - loss.item()) > 1e-3, name


RECIPES = """
import sys, torch
from pathlib import Path
from fmdata.catalog import Dataset
from fmdata.train import distributed
from fmdata.train.checkpoint import Nowhere
from fmdata.train.recipes.base import Material
from fmdata.train.run import fit
from fmdata.train.split import Split
from tests.helpers.tiny_recipes import TINY

torch.set_num_threads(1)
with distributed.joined():
    found = {}
    for name, settings in TINY.items():
        material = Material(Dataset(Path(sys.argv[1])), Split(["a", "b"], ["c"]))
        recipe, _ = fit(name, settings, material, Nowhere())
        with distributed.divided_work():
            numbers = recipe.evaluate(material.dataset, ["a", "c"]).numbers
        found[name] = recipe.model.state_dict(), numbers
    torch.save(found, f"{sys.argv[2]}/{distributed.rank()}.pt")
"""


@pytest.mark.long
def test_two_processes_train_every_recipe_and_divide_its_evaluation(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """Both end with the same weights; their numbers are those of one process with these weights."""
    run_ranks(RECIPES, 2, drawn_dataset, tmp_path)
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    dataset = Dataset(drawn_dataset)
    for name, settings in tiny_recipes.TINY.items():
        weights, numbers = one[name]
        assert numbers == other[name][1]
        assert all(torch.equal(weights[n], other[name][0][n]) for n in weights)
        recipe = recipe_named(name)(settings, class_names(dataset, ["a", "b"], ""))
        recipe.model.load_state_dict(weights)
        recipe.model.eval()
        assert recipe.evaluate(dataset, ["a", "c"]).numbers == numbers, name


RUN = """
import os, signal, sys
from pathlib import Path
import torch
from fmdata.train.keeper import FolderKeeper
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.run import train
from tests.train.test_run import TINY
from dataclasses import replace

torch.set_num_threads(1)
dataset, out, left = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
save = FolderKeeper.save
def killed_after(self, checkpoint):
    global left
    save(self, checkpoint)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
FolderKeeper.save = killed_after
train("encoder", dataset, out, replace(TINY, epochs=3, loss="n_pair", accumulate=2))
"""


@pytest.mark.long
def test_a_killed_run_of_two_processes_goes_on_with_the_numbers_of_an_uninterrupted_one(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """The first process is killed in each phase; negatives are gathered, gradients accumulated."""
    run_ranks(RUN, 2, drawn_dataset, tmp_path / "whole", 0)
    for saves in (1, 4):
        one, other = start_ranks(RUN, 2, drawn_dataset, tmp_path / f"killed{saves}", saves)
        assert one.wait(TIMEOUT_S) == -signal.SIGKILL
        other.kill()
        run_ranks(RUN, 2, drawn_dataset, tmp_path / f"killed{saves}", 0)
        for name in ("metrics.json", "model.safetensors"):
            wanted = (tmp_path / "whole" / name).read_bytes()
            assert (tmp_path / f"killed{saves}" / name).read_bytes() == wanted
    # One process is another run, as its draws are others.
    settings = replace(TINY_RUN, epochs=3, loss="n_pair", accumulate=2)
    with pytest.raises(UsageError, match="other processes"):
        train("encoder", drawn_dataset, tmp_path / "whole", settings)


FOLDERS = """
import sys
from pathlib import Path
from fmdata.catalog.errors import UsageError
from fmdata.train import distributed
from fmdata.train.keeper import FolderKeeper

out = Path(sys.argv[1])
with distributed.joined():
    rank = distributed.rank()
    FolderKeeper(out / str(rank), {})
    (out / "file").touch()
    try:
        FolderKeeper(out / ("file" if rank == 0 else "1"), {})
    except UsageError as error:
        (out / f"refused{rank}").write_text(error.got)
"""


def test_the_first_process_alone_makes_the_folder_and_all_learn_why_one_is_refused(
    tmp_path: Path,
) -> None:
    """Here the other process names a folder that could be made."""
    run_ranks(FOLDERS, 2, tmp_path)
    assert (tmp_path / "0").is_dir()
    assert not (tmp_path / "1").exists()
    refusals = [(tmp_path / f"refused{rank}").read_text() for rank in range(2)]
    assert refusals == ["a folder that cannot be written to: File exists"] * 2


MOTIONS = 'train_on = "brows,smile"\nmeasure_on = "mouth,smile"\n'


@pytest.mark.long
def test_torchrun_trains_fold_after_fold_in_one_group_of_processes(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    """As in the README, with a tiny model: two processes, three folds, one result.

    Thresholds need the features of motions that are measured and not trained on: both processes
    compute them.
    """
    (tmp_path / "tiny.toml").write_text(MOTIONS + TINY)
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
