"""RRL on drawn faces: it runs, twice the same, taken up exactly, and its parts can be left out."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.frames import UNITS
from fmdata.train.checkpoint import Checkpoint, Nowhere
from fmdata.train.loop import Loop, seeded
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.rrl import Rrl, RrlSettings
from fmdata.train.split import Split

TINY = RrlSettings(
    units="disfa", frames=3, heads=1, hidden=8, projected=4, batch=8, epochs=2, steps=2,
    probe_epochs=2,
)  # fmt: skip
SPLIT = Split(["a", "b"], ["c"])


class KilledError(Exception):
    """The power is cut."""


class Kept(Nowhere):
    """Holds the latest checkpoint in memory, and dies after the n-th."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.left = dies_after
        self.latest: Checkpoint | None = None

    def load(self) -> Checkpoint | None:  # type: ignore[override]
        return self.latest

    def save(self, checkpoint: Checkpoint) -> None:
        weights = {name: w.clone() for name, w in checkpoint.weights.items()}
        state = {
            i: {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in of.items()}
            for i, of in checkpoint.optimizer["state"].items()
        }
        self.latest = replace(
            checkpoint,
            finished=list(checkpoint.finished),
            history=list(checkpoint.history),
            weights=weights,
            optimizer=checkpoint.optimizer | {"state": state},
        )
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise KilledError


def made(settings: RrlSettings) -> Rrl:
    with seeded(settings.seed):
        return Rrl(settings, [])


def trained(dataset: Path, settings: RrlSettings = TINY, keeper: Nowhere | None = None) -> Rrl:
    recipe = made(settings)
    loop = Loop(recipe.model, settings.seed, keeper)
    recipe.train(Material(Dataset(dataset), SPLIT), loop)
    return recipe


def weights(recipe: Rrl) -> torch.Tensor:
    return torch.cat([w.flatten().float() for w in recipe.model.state_dict().values()])


@pytest.fixture(scope="module")
def unbroken(drawn_dataset: Path) -> Rrl:
    return trained(drawn_dataset)


def test_it_is_found_by_its_name() -> None:
    assert recipe_named("rrl") is Rrl


def test_it_measures_the_units_that_the_held_out_subject_shows(
    drawn_dataset: Path, unbroken: Rrl
) -> None:
    """Brows (AU 1, 2), mouth (26, and with it 25) and smile (12): five of DISFA's eight."""
    measured = unbroken.evaluate(Dataset(drawn_dataset), ["c"])
    assert list(measured.f1_per_unit) == ["AU1", "AU2", "AU12", "AU25", "AU26"]
    assert measured.numbers["n_units"] == 5
    assert measured.numbers["f1"] == pytest.approx(sum(measured.f1_per_unit.values()) / 5)
    # Motions are in the middle frame of three. Four units come with one motion of three, p = 1/9,
    # AU 1 with two, p = 2/9; F1 is 2p/(1 + p).
    assert measured.numbers["f1_always"] == pytest.approx((4 * 0.2 + 4 / 11) / 5)


def test_the_relations_are_those_of_the_subjects_trained_on(unbroken: Rrl) -> None:
    """AU 2, 25, 26 are never without 1, nor 25 and 26 apart; 1 is with 2 half the time."""
    units = UNITS["disfa"]
    expected = torch.eye(len(units))
    given = {(2, 1): 1, (25, 1): 1, (26, 1): 1, (25, 26): 1, (26, 25): 1}
    for (i, j), p in (given | {(1, 2): 0.5, (1, 25): 0.5, (1, 26): 0.5}).items():
        expected[units.index(i), units.index(j)] = p
    assert torch.allclose(unbroken.model.relations, expected)


def test_twice_the_same(drawn_dataset: Path, unbroken: Rrl) -> None:
    assert torch.equal(weights(trained(drawn_dataset)), weights(unbroken))


@pytest.mark.parametrize("dies_after", [1, 2, 3])
def test_killed_and_taken_up_it_ends_the_same(
    drawn_dataset: Path, unbroken: Rrl, dies_after: int
) -> None:
    """Killed after the first epoch, between the phases, and within the classifier's."""
    keeper = Kept(dies_after)
    with pytest.raises(KilledError):
        trained(drawn_dataset, TINY, keeper)
    assert torch.equal(weights(trained(drawn_dataset, TINY, keeper)), weights(unbroken))


def test_the_target_moves_slowly_and_the_encoder_not_at_all_once_it_is_frozen(
    drawn_dataset: Path, unbroken: Rrl
) -> None:
    """Without pretraining the encoder is as it was drawn, and only the classifier has learnt."""
    fresh, probed = made(TINY).model, trained(drawn_dataset, replace(TINY, epochs=0)).model

    def moved(a: torch.nn.Module, b: torch.nn.Module) -> float:
        pairs = zip(a.parameters(), b.parameters(), strict=True)
        return sum(float((x - y).abs().sum().detach()) for x, y in pairs)

    assert moved(probed.online, fresh.online) == 0
    assert moved(probed.classifier, fresh.classifier) > 0
    after = unbroken.model
    assert 0 < moved(after.target, fresh.target) < 0.2 * moved(after.online, fresh.online)


@pytest.mark.parametrize(
    "changed",
    [
        {"local_weight": 0.0, "relation_weight": 0.0},
        {"relation_weight": 0.0},
        {"backbone": "vgg"},
        {"augment": False},
        {"relations": "pearson"},
    ],
)
def test_a_setting_changes_what_is_learnt(
    drawn_dataset: Path, unbroken: Rrl, changed: dict[str, float | str | bool]
) -> None:
    other = weights(trained(drawn_dataset, replace(TINY, **changed)))
    assert other.isfinite().all()
    assert not torch.equal(other, weights(unbroken))


def test_faces_without_any_unit_are_refused(drawn_dataset: Path) -> None:
    with pytest.raises(DatasetError, match="shows any action unit"):
        trained(drawn_dataset, replace(TINY, threshold=1.0))
