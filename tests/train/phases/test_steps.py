"""Accumulated gradients are those of one larger mini-batch, and a resumed phase reads on."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from fmdata.train import distributed
from fmdata.train.loop import Loop, Phase, Schedule, Step, seeded
from tests.helpers.training import MemoryKeeper

DATA = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))


def net() -> nn.Sequential:
    with seeded(0):
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def trained(batch: int, accumulate: int, keeper: MemoryKeeper | None = None) -> list[Tensor]:
    """Train on rows in order, which the phase's own batches have."""
    model = net()

    def batches(first: int) -> Iterator[Tensor]:
        for number in range(first, 10**6):
            yield DATA[torch.arange(number * batch, (number + 1) * batch) % len(DATA)]

    def loss_at(step: Step) -> Tensor:
        assert len(step.items) == batch
        loss: Tensor = model(step.items).square().mean()
        return loss

    schedule = Schedule(2, 4 * accumulate, 0.05)
    loop = Loop(model, 0, keeper, accumulate=accumulate, scale_rate=False)
    loop.fit(Phase("rows", model, loss_at, schedule, batches=batches))
    return [weight.detach() for weight in model.parameters()]


def test_four_small_mini_batches_make_the_step_of_a_large_one() -> None:
    for one, other in zip(trained(16, 1), trained(4, 4), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert not torch.allclose(trained(16, 1)[0], trained(4, 1)[0], atol=1e-4)


def test_a_resumed_phase_reads_on_where_it_stopped() -> None:
    keeper = MemoryKeeper(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        trained(4, 2, keeper)
    for one, other in zip(trained(4, 2, keeper), trained(4, 2), strict=True):
        assert torch.equal(one, other)


def test_batch_normalisation_is_torchs_over_all_processes_on_cuda_and_else_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The weights keep their names, so a model file is the same. CUDA itself is not used."""
    monkeypatch.setattr(distributed, "world", lambda: 2)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    names = list(model.state_dict())
    assert distributed.synchronised(model, torch.device("cpu")) is model
    assert isinstance(model[1], nn.BatchNorm1d)
    changed = distributed.synchronised(model, torch.device("cuda"))
    assert isinstance(changed[1], nn.SyncBatchNorm)
    assert list(changed.state_dict()) == names
