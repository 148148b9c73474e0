"""A schedule of steps that take several mini-batches: as many samples an epoch, a higher rate."""

from dataclasses import replace

import pytest

from fmdata.train.phases.schedule import Schedule


def test_the_rate_grows_with_the_batch_as_the_optimiser_bears_it() -> None:
    plain = Schedule(epochs=3, steps_per_epoch=10, rate=0.1, optimizer="sgd")
    assert plain.for_batches(1, scale_rate=True) == plain
    grown = plain.for_batches(4, scale_rate=True)
    assert (grown.epochs, grown.steps_per_epoch) == (3, 3)
    assert grown.rate == pytest.approx(0.4)
    for optimizer in ("adam", "adamw"):
        of_adam = replace(plain, optimizer=optimizer).for_batches(4, scale_rate=True)
        assert of_adam.rate == pytest.approx(0.2)
    assert plain.for_batches(4, scale_rate=False).rate == 0.1
    # The warm-up is a share of the steps, whatever their number.
    assert grown.rate_at(grown.steps - 1) < grown.rate_at(1)


def test_a_raised_rate_is_warmed_up_to() -> None:
    """Also where a schedule of single mini-batches, as SGD's here, needs no warm-up."""
    cold = Schedule(epochs=10, steps_per_epoch=40, rate=0.1, optimizer="sgd", warmup=0.0)
    grown = cold.for_batches(4, scale_rate=True)
    assert grown.rate_at(0) == pytest.approx(0.4 / 5)  # five of the hundred steps rise
    assert max(map(grown.rate_at, range(grown.steps))) == pytest.approx(0.4)
    assert cold.for_batches(4, scale_rate=False).warmup == 0
    assert cold.for_batches(1, scale_rate=True) == cold
    longer = replace(cold, warmup=0.2).for_batches(4, scale_rate=True)
    assert longer.warmup == 0.2
