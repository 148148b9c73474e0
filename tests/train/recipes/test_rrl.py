"""RRL on drawn faces: training repeats and resumes exactly; settings remove its parts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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
    # Motions are in two frames of three. Four units come with one motion of three, p = 2/9, AU 1
    # with two, p = 4/9; F1 is 2p/(1 + p).
    assert measured.numbers["f1_always"] == pytest.approx((4 * 4 / 11 + 8 / 13) / 5)
    assert 0 < measured.numbers["auc"] <= 1


def test_units_that_nearly_all_training_frames_show_do_not_count(drawn_dataset: Path) -> None:
    """AU 1 is there in four frames of nine."""
    recipe = trained(drawn_dataset, replace(TINY, epochs=0, max_prevalence=0.4))
    measured = recipe.evaluate(Dataset(drawn_dataset), ["c"])
    assert list(measured.f1_per_unit) == ["AU2", "AU12", "AU25", "AU26"]
    assert measured.numbers["n_units"] == 4


def test_thresholds_come_from_the_training_subjects(
    drawn_dataset: Path, uninterrupted: Rrl
) -> None:
    """Measuring changes no threshold."""
    before = uninterrupted.model.probe.thresholds.clone()
    assert before.any()
    uninterrupted.evaluate(Dataset(drawn_dataset), ["c"])
    uninterrupted.evaluate(Dataset(drawn_dataset), ["a"])
    assert torch.equal(uninterrupted.model.probe.thresholds, before)


def test_labels_of_a_file_take_the_place_of_stand_ins(drawn_dataset: Path, tmp_path: Path) -> None:
    """All drawn clips name one recording: AU 4 is there in its first ten frames, AU 9 in none."""
    frames = np.arange(40)
    labels = {"path": ["x"] * 40, "frame": frames, "AU4": frames < 10, "AU9": frames < 0}
    pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
    settings = replace(TINY, truth=str(tmp_path / "labels.parquet"), max_prevalence=1.0)
    measured = trained(drawn_dataset, settings).evaluate(Dataset(drawn_dataset), ["c"])
    assert list(measured.f1_per_unit) == ["AU4"]


def test_a_unit_that_every_frame_shows_has_no_area_and_all_numbers_are_finite(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    labels = {"path": ["x"] * 40, "frame": np.arange(40), "AU4": np.full(40, True)}
    pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
    settings = replace(
        TINY, truth=str(tmp_path / "labels.parquet"), max_prevalence=1.0, epochs=0, probe_epochs=1
    )
    numbers = trained(drawn_dataset, settings).evaluate(Dataset(drawn_dataset), ["c"]).numbers
    assert set(numbers) == {"f1", "f1_always", "n_units"}
    assert np.isfinite(list(numbers.values())).all()


def test_full_supervision_trains_the_encoder_on_labels_alone(drawn_dataset: Path) -> None:
    """The ceiling: no target network, and drawn units are found in the trained subjects."""
    settings = replace(TINY, supervised=True, epochs=6, steps=20, rate=3e-3, probe_epochs=30)
    recipe, fresh = untrained(settings), untrained(settings).model
    loop = Loop(recipe.model, 0)
    recipe.train(Material(Dataset(drawn_dataset), SPLIT), loop)
    assert {epoch["phase"] for epoch in loop.history[:6]} == {"supervised"}
    pairs = zip(recipe.model.target.parameters(), fresh.target.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    numbers = recipe.evaluate(Dataset(drawn_dataset), SPLIT.train).numbers
    assert numbers["f1"] > numbers["f1_always"] + 0.15
    assert numbers["auc"] > 0.8


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
    assert difference(probed.probe, fresh.probe) > 0
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
    with pytest.raises(DatasetError, match="no action unit in 5% to 50%"):
        trained(drawn_dataset, replace(TINY, threshold=1.0))
