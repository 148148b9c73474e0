"""The loop: what it learns, keeps and takes up again, and what a step may depend on."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fmdata.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fmdata.train.loop import Loop, Progress, Schedule, Step, seeded

OPTIMIZERS = ("adamw", "adam", "sgd")


class Files:
    """Keeps every checkpoint in one file; dies after so many."""

    def __init__(self, path: Path, dies_after: int | None = None) -> None:
        self.path, self.left = path, dies_after

    def load(self) -> Checkpoint | None:
        return load_checkpoint(self.path)[0] if self.path.exists() else None

    def save(self, checkpoint: Checkpoint) -> None:
        save_checkpoint(checkpoint, self.path, {"run": 1})
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        return make()


class Net(nn.Module):
    """Two parts with dropout and batch norm, so that chance and running statistics matter."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1)]
        self.first, self.second = nn.Sequential(*layers), nn.Linear(4, 1)
        self.register_buffer("follower", torch.zeros(8))


def two_phases(loop: Loop, model: Net, optimizer: str, epochs: int = 3) -> None:
    """The target of a linear rule, learnt by either part, with a follower as in BYOL."""
    rule = torch.tensor([1.0, -2.0, 0.5, 0.0])

    def loss_of(part: nn.Module) -> Callable[[Step], dict[str, Tensor]]:
        def loss_at(step: Step) -> dict[str, Tensor]:
            x = torch.randn(16, 4, generator=step.generator)
            noise = float(step.rng.normal()) * 0.01
            loss = nn.functional.mse_loss(part(x)[:, 0], x @ rule + noise)
            # What earlier epochs have come to may weigh, as in a dynamic weight average.
            weight = 1 / (1 + step.history[-1]["loss"]) if step.history else 1.0
            return {"loss": loss * weight, "plain": loss.detach()}

        return loss_at

    def follow(step: Step) -> None:
        follower, weight = model.get_buffer("follower"), model.first[0].weight
        follower.mul_(0.9).add_(weight.detach().mean(dim=1), alpha=0.1)

    schedule = Schedule(epochs, 5, 0.05, 0.01, last_weight_decay=0.1, optimizer=optimizer)
    loop.fit("one", model.first, loss_of(model.first), schedule, after_step=follow)
    loop.fit("two", model.second, loss_of(model.second), schedule, measure=lambda: {"seen": 1.0})


def made() -> Net:
    with seeded(7):
        return Net()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("dies_after", range(1, 7))
def test_a_killed_training_ends_as_an_unbroken_one(
    tmp_path: Path, optimizer: str, dies_after: int
) -> None:
    """Killed after each of its six checkpoints: same weights, buffers and history, bit for bit."""
    whole = made()
    unbroken = Loop(whole, 3)
    two_phases(unbroken, whole, optimizer)

    keeper = Files(tmp_path / "checkpoint", dies_after)
    broken = made()
    with pytest.raises(KeyboardInterrupt):
        two_phases(Loop(broken, 3, keeper), broken, optimizer)
    keeper.left = None
    again = Net()  # other weights than those that the training began with
    loop = Loop(again, 3, keeper)
    two_phases(loop, again, optimizer)

    assert loop.history == unbroken.history
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_learns(optimizer: str) -> None:
    model = made()
    loop = Loop(model, 0)
    two_phases(loop, model, optimizer, epochs=8)
    for phase in ("one", "two"):
        losses = [epoch["plain"] for epoch in loop.history if epoch["phase"] == phase]
        assert len(losses) == 8
        assert losses[-1] < 0.7 * losses[0]
    assert not model.training or not (model.first.training or model.second.training)


def test_the_callers_chance_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = made()
    two_phases(Loop(model, 0), model, "adamw", epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_or_phase_draws_other_batches() -> None:
    """A step's generators follow from seed, phase and number, and from nothing else."""
    drawn: dict[tuple[int, str], list[float]] = {}
    model = nn.Linear(1, 1)
    for seed in (0, 1):
        loop = Loop(model, seed)
        for phase in ("a", "b"):

            def loss_at(step: Step, key: tuple[int, str] = (seed, phase)) -> Tensor:
                drawn.setdefault(key, []).append(float(step.rng.uniform()))
                return model(torch.rand(1, 1, generator=step.generator)).sum()

            loop.fit(phase, model, loss_at, Schedule(1, 3, 0.1))
    values = [x for numbers in drawn.values() for x in numbers]
    assert len(values) == len(set(values)) == 12


def test_a_loss_that_falls_no_more_ends_the_phase() -> None:
    """Two epochs without a lower loss, and it stops; the last epochs are not trained."""
    model = nn.Linear(1, 1)
    losses = iter([5.0, 4.0, 3.0, 3.5, 3.2, 1.0, 0.5])

    def loss_at(step: Step) -> Tensor:
        return model(torch.zeros(1, 1)).sum() * 0 + next(losses)

    epochs = Loop(model, 0, patience=2).fit("x", model, loss_at, Schedule(7, 1, 0.1))
    assert [epoch["loss"] for epoch in epochs] == [5.0, 4.0, 3.0, 3.5, pytest.approx(3.2)]


def test_rate_and_weight_decay_follow_their_cosines() -> None:
    schedule = Schedule(10, 10, 0.4, 0.04, last_weight_decay=0.4, warmup=0.1)
    rates = [schedule.rate_at(step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.04 * (i + 1) for i in range(10)])
    assert max(rates) == rates[9] == pytest.approx(0.4)
    assert rates[10] == pytest.approx(0.4)
    assert rates[55] == pytest.approx(0.2)  # half-way down
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[-1] < 0.001
    assert schedule.weight_decay_at(0) == pytest.approx(0.04)
    assert schedule.weight_decay_at(50) == pytest.approx(0.22)
    assert schedule.weight_decay_at(100) == pytest.approx(0.4)
    assert Schedule(1, 10, 0.4, 0.04).weight_decay_at(9) == pytest.approx(0.04)


def test_progress_is_told_after_every_step() -> None:
    told: list[Progress] = []
    model = nn.Linear(1, 1)
    loop = Loop(model, 0, on_progress=told.append)
    loop.fit("x", model, lambda _: model(torch.ones(1, 1)).sum(), Schedule(2, 3, 0.1))
    assert [p.done for p in told] == [1, 2, 3, 4, 5, 6]
    assert {(p.phase, p.total) for p in told} == {("x", 6)}
    assert all("loss" in p.measures for p in told)
