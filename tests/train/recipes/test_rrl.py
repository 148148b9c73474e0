"""RRL on drawn faces: training repeats and resumes exactly; settings remove its parts."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train.action_units.frames import UNITS
from fmdata.train.loop import Loop, seeded
from fmdata.train.recipes import recipe_named
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.rrl import Rrl, RrlSettings
from fmdata.train.split import Split
from tests.helpers.training import MemoryKeeper

pytestmark = pytest.mark.slow

TINY = RrlSettings(
    units="disfa", frames=3, heads=1, hidden=8, projected=4, batch=8, epochs=2, steps=2,
    probe_epochs=2,
)  # fmt: skip
SPLIT = Split(["a", "b"], ["c"])


def untrained(settings: RrlSettings) -> Rrl:
    with seeded(settings.seed):
        return Rrl(settings, [])


def trained(dataset: Path, settings: RrlSettings = TINY, keeper: MemoryKeeper | None = None) -> Rrl:
    recipe = untrained(settings)
    loop = Loop(recipe.model, settings.seed, keeper)
    recipe.train(Material(Dataset(dataset), SPLIT), loop)
    return recipe


def weights(recipe: Rrl) -> torch.Tensor:
    return torch.cat([w.flatten().float() for w in recipe.model.state_dict().values()])


@pytest.fixture(scope="module")
def uninterrupted(drawn_dataset: Path) -> Rrl:
    return trained(drawn_dataset)


def test_the_recipe_is_found_by_its_name() -> None:
    assert recipe_named("rrl") is Rrl


def test_the_units_that_the_held_out_subject_shows_are_measured(
    drawn_dataset: Path, uninterrupted: Rrl
) -> None:
    """Brows (AU 1, 2), mouth (26, and with it 25) and smile (12): five of DISFA's eight."""
    measured = uninterrupted.evaluate(Dataset(drawn_dataset), ["c"])
    assert list(measured.f1_per_unit) == ["AU1", "AU2", "AU12", "AU25", "AU26"]
    assert measured.numbers["n_units"] == 5
    assert measured.numbers["f1"] == pytest.approx(sum(measured.f1_per_unit.values()) / 5)
    # Motions are in the middle frame of three. Four units come with one motion of three, p = 1/9,
    # AU 1 with two, p = 2/9; F1 is 2p/(1 + p).
    assert measured.numbers["f1_always"] == pytest.approx((4 * 0.2 + 4 / 11) / 5)


def test_the_relations_are_those_of_the_training_subjects(uninterrupted: Rrl) -> None:
    """AU 2, 25 and 26 occur only with 1, and 25 only with 26; half of 1 occurs with 2."""
    units = UNITS["disfa"]
    expected = torch.eye(len(units))
    given = {(2, 1): 1, (25, 1): 1, (26, 1): 1, (25, 26): 1, (26, 25): 1}
    for (i, j), p in (given | {(1, 2): 0.5, (1, 25): 0.5, (1, 26): 0.5}).items():
        expected[units.index(i), units.index(j)] = p
    assert torch.allclose(uninterrupted.model.relations, expected)


def test_a_training_repeats_itself(drawn_dataset: Path, uninterrupted: Rrl) -> None:
    assert torch.equal(weights(trained(drawn_dataset)), weights(uninterrupted))


@pytest.mark.parametrize("interrupt_after", [1, 2, 3])
def test_a_resumed_training_ends_as_an_uninterrupted_one(
    drawn_dataset: Path, uninterrupted: Rrl, interrupt_after: int
) -> None:
    """Interrupted after the first epoch, between the phases, and in the classifier's phase."""
    keeper = MemoryKeeper(interrupt_after)
    with pytest.raises(KeyboardInterrupt):
        trained(drawn_dataset, TINY, keeper)
    assert torch.equal(weights(trained(drawn_dataset, TINY, keeper)), weights(uninterrupted))


def test_the_target_changes_slowly_and_the_frozen_encoder_not_at_all(
    drawn_dataset: Path, uninterrupted: Rrl
) -> None:
    """Without pretraining the encoder keeps its random weights, and only the classifier learns."""
    fresh, probed = untrained(TINY).model, trained(drawn_dataset, replace(TINY, epochs=0)).model

    def difference(a: torch.nn.Module, b: torch.nn.Module) -> float:
        pairs = zip(a.parameters(), b.parameters(), strict=True)
        return sum(float((x - y).abs().sum().detach()) for x, y in pairs)

    assert difference(probed.online, fresh.online) == 0
    assert difference(probed.classifier, fresh.classifier) > 0
    after = uninterrupted.model
    assert 0 < difference(after.target, fresh.target) < 0.2 * difference(after.online, fresh.online)


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
def test_a_setting_changes_the_weights(
    drawn_dataset: Path, uninterrupted: Rrl, changed: dict[str, float | str | bool]
) -> None:
    other = weights(trained(drawn_dataset, replace(TINY, **changed)))
    assert other.isfinite().all()
    assert not torch.equal(other, weights(uninterrupted))


def test_faces_without_any_unit_are_refused(drawn_dataset: Path) -> None:
    with pytest.raises(DatasetError, match="shows any action unit"):
        trained(drawn_dataset, replace(TINY, threshold=1.0))
