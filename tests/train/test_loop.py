"""The loop learns, resumes exactly, and makes a step a function of (seed, phase, step)."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from fmdata.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from fmdata.train.loop import Loop, Phase, Schedule, Step, seeded
from tests.helpers.training import RecordedTraining

pytestmark = pytest.mark.slow

OPTIMIZERS = ("adamw", "adam", "sgd")


class Files:
    """Keeps the latest checkpoint in a file; raises KeyboardInterrupt after so many."""

    def __init__(self, path: Path, interrupt_after: int | None = None) -> None:
        self.path, self.left = path, interrupt_after

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
    """Two parts with dropout and batch norm, which need random numbers and running statistics."""

    def __init__(self) -> None:
        super().__init__()
        layers = [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1)]
        self.first, self.second = nn.Sequential(*layers), nn.Linear(4, 1)
        self.register_buffer("follower", torch.zeros(8))


def two_phases(loop: Loop, model: Net, optimizer: str, epochs: int = 3) -> None:
    """Fit a linear rule by either part, with a momentum copy as in BYOL."""
    rule = torch.tensor([1.0, -2.0, 0.5, 0.0])

    def loss_of(part: nn.Module) -> Callable[[Step], dict[str, Tensor]]:
        def loss_at(step: Step) -> dict[str, Tensor]:
            x = torch.randn(16, 4, generator=step.generator)
            noise = float(step.rng.normal()) * 0.01
            loss = nn.functional.mse_loss(part(x)[:, 0], x @ rule + noise)
            # The loss may depend on earlier epochs, as in a dynamic weight average.
            weight = 1 / (1 + step.history[-1]["loss"]) if step.history else 1.0
            return {"loss": loss * weight, "plain": loss.detach()}

        return loss_at

    def follow(step: Step) -> None:
        follower, weight = model.get_buffer("follower"), model.first[0].weight
        follower.mul_(0.9).add_(weight.detach().mean(dim=1), alpha=0.1)

    schedule = Schedule(epochs, 5, 0.05, 0.01, last_weight_decay=0.1, optimizer=optimizer)
    loop.fit(Phase("one", model.first, loss_of(model.first), schedule, after_step=follow))
    second = loss_of(model.second)
    loop.fit(Phase("two", model.second, second, schedule, measure=lambda: {"seen": 1.0}))


def new_net() -> Net:
    with seeded(7):
        return Net()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("interrupt_after", range(1, 7))
def test_a_resumed_training_ends_as_an_uninterrupted_one(
    tmp_path: Path, optimizer: str, interrupt_after: int
) -> None:
    """After each of the six checkpoints: same weights, buffers and history, bit for bit."""
    whole = new_net()
    uninterrupted = Loop(whole, 3)
    two_phases(uninterrupted, whole, optimizer)

    keeper = Files(tmp_path / "checkpoint", interrupt_after)
    killed = new_net()
    with pytest.raises(KeyboardInterrupt):
        two_phases(Loop(killed, 3, keeper), killed, optimizer)
    keeper.left = None
    resumed = Net()  # other initial weights
    loop = Loop(resumed, 3, keeper)
    two_phases(loop, resumed, optimizer)

    assert loop.history == uninterrupted.history
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_loss_falls_in_both_phases(optimizer: str) -> None:
    model = new_net()
    loop = Loop(model, 0)
    two_phases(loop, model, optimizer, epochs=8)
    for phase in ("one", "two"):
        losses = [epoch["plain"] for epoch in loop.history if epoch["phase"] == phase]
        assert len(losses) == 8
        assert losses[-1] < 0.7 * losses[0]
    assert not model.training or not (model.first.training or model.second.training)


def test_the_callers_random_state_is_restored() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = new_net()
    two_phases(Loop(model, 0), model, "adamw", epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_every_seed_phase_and_step_has_its_own_random_numbers() -> None:
    """Two seeds, two phases and three steps: twelve different numbers."""
    drawn: dict[tuple[int, str], list[float]] = {}
    model = nn.Linear(1, 1)
    for seed in (0, 1):
        loop = Loop(model, seed)
        for phase in ("a", "b"):

            def loss_at(step: Step, key: tuple[int, str] = (seed, phase)) -> Tensor:
                drawn.setdefault(key, []).append(float(step.rng.uniform()))
                return model(torch.rand(1, 1, generator=step.generator)).sum()

            loop.fit(Phase(phase, model, loss_at, Schedule(1, 3, 0.1)))
    values = [x for numbers in drawn.values() for x in numbers]
    assert len(values) == len(set(values)) == 12


def test_a_stalled_loss_ends_the_phase() -> None:
    """The phase ends after two epochs without a lower loss, before its last two epochs."""
    model = nn.Linear(1, 1)
    losses = iter([5.0, 4.0, 3.0, 3.5, 3.2, 1.0, 0.5])

    def loss_at(step: Step) -> Tensor:
        return model(torch.zeros(1, 1)).sum() * 0 + next(losses)

    progress = RecordedTraining()
    loop = Loop(model, 0, progress=progress, patience=2)
    epochs = loop.fit(Phase("x", model, loss_at, Schedule(7, 1, 0.1)))
    assert progress.counts == {"train: x": [1, 2, 3, 4, 7]}
    assert [epoch["loss"] for epoch in epochs] == [5.0, 4.0, 3.0, 3.5, pytest.approx(3.2)]


def test_rate_and_weight_decay_follow_half_a_cosine() -> None:
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


def test_progress_is_reported_after_every_step() -> None:
    progress = RecordedTraining()
    model = nn.Linear(1, 1)

    def loss_at(_: Step) -> Tensor:
        return model(torch.ones(1, 1)).sum()

    Loop(model, 0, progress=progress).fit(Phase("x", model, loss_at, Schedule(2, 3, 0.1)))
    assert progress.phases == [("train: x", 6, "steps")]
    assert progress.counts == {"train: x": [1, 2, 3, 4, 5, 6]}
    assert len(progress.notes) == 6
    assert all(note.startswith("loss ") for note in progress.notes)


def test_progress_of_a_resumed_phase_begins_at_its_checkpoint(tmp_path: Path) -> None:
    keeper = Files(tmp_path / "checkpoint", interrupt_after=1)
    for interrupted in (True, False):
        model, progress = new_net(), RecordedTraining()
        loop = Loop(model, 3, keeper, progress)
        if interrupted:
            with pytest.raises(KeyboardInterrupt):
                two_phases(loop, model, "sgd")
        else:
            two_phases(loop, model, "sgd")
            assert progress.done_before == [5, 0]
            assert progress.counts["train: one"] == [*range(6, 16)]
