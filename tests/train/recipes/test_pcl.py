"""PCL on drawn faces: the paper's variants train, training repeats and resumes exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train.loop import Loop, seeded
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.pcl import Pcl, PclSettings
from fmdata.train.split import Split
from tests.helpers.training import MemoryKeeper

pytestmark = pytest.mark.slow

TINY = PclSettings(
    size=16, width=0.1, projection=8, frames=3, batch=8, epochs=3, steps=2, probe_epochs=2
)
ACTIONS = ["brows", "mouth", "smile"]


def trained(
    dataset: Path, settings: PclSettings, keeper: MemoryKeeper | None = None
) -> tuple[Pcl, Loop]:
    with seeded(settings.seed):
        recipe = Pcl(settings, ACTIONS)
    loop = Loop(recipe.model, settings.seed, keeper)
    recipe.train(Material(Dataset(dataset), Split(["a", "b"], ["c"])), loop)
    return recipe, loop


def same(one: Pcl, other: Pcl) -> bool:
    pairs = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def full(drawn_dataset: Path) -> tuple[Pcl, Loop]:
    return trained(drawn_dataset, TINY)


def test_three_phases_and_all_losses_are_recorded(full: tuple[Pcl, Loop]) -> None:
    history = full[1].history
    phases = [epoch["phase"] for epoch in history]
    assert phases == ["pretraining"] * 3 + ["expression"] * 2 + ["pose"] * 2
    names = {"loss", "face", "pose", "reconstruction", "orthogonality"}
    assert all(names <= set(epoch) for epoch in history[:3])
    parts = [history[0][name] for name in names - {"loss"}]
    assert history[0]["loss"] == pytest.approx(sum(parts), rel=1e-5)  # all weights are 1


def test_a_training_repeats_itself_and_resumes_exactly(
    full: tuple[Pcl, Loop], drawn_dataset: Path
) -> None:
    """Interrupted after the second epoch, before the dynamic weights begin, and in a probe."""
    for epochs in (2, 4):
        keeper = MemoryKeeper(interrupt_after=epochs)
        with pytest.raises(KeyboardInterrupt):
            trained(drawn_dataset, TINY, keeper)
        recipe, loop = trained(drawn_dataset, TINY, keeper)
        assert same(recipe, full[0])
        assert loop.history == full[1].history


BASELINE = replace(
    TINY, reconstruction=False, orthogonality="none", pose_contrast=False, dynamic_weights=False
)


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (BASELINE, {"face"}),
        (replace(BASELINE, reconstruction=True), {"face", "pose", "reconstruction"}),
        (replace(BASELINE, orthogonality="product"), {"face", "pose", "orthogonality"}),
        (replace(BASELINE, pose_contrast=True, negatives=2, rotation=20.0), {"face", "pose"}),
    ],
)
def test_a_variant_trains_its_losses_and_its_parts(
    settings: PclSettings, wanted: set[str], drawn_dataset: Path
) -> None:
    recipe, loop = trained(drawn_dataset, replace(settings, epochs=1, probe_epochs=1))
    assert set(loop.history[0]) - {"phase", "epoch", "loss"} == wanted
    changed = {
        name.split(".")[1]
        for (name, before), after in zip(
            initial(settings).items(), recipe.model.state_dict().values(), strict=True
        )
        if name.startswith("network") and not torch.equal(before, after)
    }
    branches = {"face_branch", "pose_branch"} if settings.separated else set()
    heads = {"face_head"} | ({"pose_head"} if settings.separated else set())
    decoder = {"decoder"} if settings.reconstruction else set()
    assert changed == {"trunk"} | branches | heads | decoder


def initial(settings: PclSettings) -> dict[str, torch.Tensor]:
    with seeded(settings.seed):
        return Pcl(settings, ACTIONS).model.state_dict()


def test_an_evaluation_counts_every_labelled_frame_of_the_held_out_subject(
    full: tuple[Pcl, Loop], drawn_dataset: Path
) -> None:
    """The drawn heads never turn: predicting the mean, zero degrees, has no error."""
    evaluation = full[0].evaluate(Dataset(drawn_dataset), ["c"])
    numbers, confusion = evaluation.numbers, evaluation.confusion
    assert confusion is not None
    assert confusion.classes == ["brows", "mouth", "neutral", "smile"]
    true = confusion.counts.sum(axis=1)
    assert (true > 0).all()
    assert true.sum() <= 9 * TINY.frames
    assert numbers["accuracy"] == pytest.approx(np.trace(confusion.counts) / true.sum())
    assert numbers["chance_accuracy"] == pytest.approx(true.max() / true.sum())
    recalls = np.diag(confusion.counts) / true
    assert numbers["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert numbers["constant_pose_error_deg"] == 0
    assert numbers["pose_error_deg"] == pytest.approx(
        np.mean([numbers[f"{angle}_error_deg"] for angle in ("yaw", "pitch", "roll")])
    )


def test_an_untrained_trunk_and_full_supervision_are_rows_of_their_own(
    drawn_dataset: Path,
) -> None:
    """Floor and ceiling: the one leaves the network as it is, the other learns from labels."""
    untrained, loop = trained(drawn_dataset, replace(TINY, epochs=0))
    assert {epoch["phase"] for epoch in loop.history} == {"expression", "pose"}
    for name, before in initial(TINY).items():
        if name.startswith("network"):
            assert torch.equal(before, untrained.model.state_dict()[name]), name
    settings = replace(TINY, supervised=True, epochs=8, steps=20, probe_epochs=20, width=0.125)
    ceiling, loop = trained(drawn_dataset, settings)
    assert loop.history[0]["phase"] == "supervised"
    measured = [
        recipe.evaluate(Dataset(drawn_dataset), ["a", "b"]).numbers["accuracy"]
        for recipe in (untrained, ceiling)
    ]
    assert measured[1] > max(0.8, measured[0])


def test_too_few_frames_are_refused(drawn_dataset: Path) -> None:
    with pytest.raises(DatasetError, match="54 frames with a face"):
        trained(drawn_dataset, replace(TINY, batch=100))
