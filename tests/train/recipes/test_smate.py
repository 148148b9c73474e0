"""SMaTE learns the drawn actions, is the same twice, and goes on as if it had not been killed."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.train.checkpoint import Checkpoint, Nowhere
from fmdata.train.loop import Loop, seeded
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.smate import Smate, SmateSettings
from fmdata.train.split import Split

ACTIONS = ["brows", "mouth", "smile"]
SPLIT = Split(train=["a", "b"], validation=["c"])
TINY = SmateSettings(
    frames=12, size=16, patch=8, width=16, heads=2, spatial_layers=1, temporal_layers=1,
    copies=1, batch=6, epochs=2, input="both",
)  # fmt: skip


@dataclass
class InMemory(Nowhere):
    """Keeps the latest checkpoint, and stops the training when it has kept so many."""

    stop_after: int = 10**6
    kept: list[Checkpoint] = field(default_factory=list)

    def load(self) -> Checkpoint | None:  # type: ignore[override]
        return self.kept[-1] if self.kept else None

    def save(self, checkpoint: Checkpoint) -> None:
        weights = {name: weight.clone() for name, weight in checkpoint.weights.items()}
        self.kept.append(replace(checkpoint, weights=weights, history=list(checkpoint.history)))
        if len(self.kept) == self.stop_after:
            raise KeyboardInterrupt


def trained(dataset: Path, settings: SmateSettings, keeper: InMemory | None = None) -> Smate:
    with seeded(settings.seed):
        recipe = Smate(settings, ACTIONS)
    loop = Loop(recipe.model, settings.seed, keeper)
    recipe.train(Material(Dataset(dataset), SPLIT), loop)
    return recipe


def weights(recipe: Smate) -> dict[str, Tensor]:
    return recipe.model.state_dict()


def same(a: Smate, b: Smate) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(weights(a).values(), weights(b).values(), strict=True)
    )


@pytest.mark.parametrize("clips", ["original", "augmented", "mixed"])
def test_the_same_twice_and_another_with_another_seed(drawn_dataset: Path, clips: str) -> None:
    settings = replace(TINY, clips=clips, epochs=1, late_starts=clips == "mixed")
    first = trained(drawn_dataset, settings)
    assert same(first, trained(drawn_dataset, settings))
    assert not same(first, trained(drawn_dataset, replace(settings, seed=1)))


def test_a_training_that_was_killed_ends_as_an_unbroken_one(drawn_dataset: Path) -> None:
    keeper = InMemory(stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        trained(drawn_dataset, TINY, keeper)
    assert keeper.kept[0].step == 3
    assert same(trained(drawn_dataset, TINY, keeper), trained(drawn_dataset, TINY))


def test_the_drawn_actions_are_learnt(drawn_dataset: Path) -> None:
    """Of subjects a and b, whose clips it has seen; c comes after only two."""
    recipe = trained(drawn_dataset, replace(TINY, clips="original", epochs=25, rate=3e-3))
    assert recipe.evaluate(Dataset(drawn_dataset), SPLIT.train).numbers["accuracy"] > 0.9


def test_an_evaluation_agrees_with_itself(drawn_dataset: Path) -> None:
    recipe = trained(drawn_dataset, replace(TINY, epochs=1))
    evaluation = recipe.evaluate(Dataset(drawn_dataset), SPLIT.validation)
    assert evaluation.confusion is not None
    assert evaluation.embeddings is not None
    counts, vectors = evaluation.confusion.counts, evaluation.embeddings.vectors
    assert counts.sum(axis=1).tolist() == [3, 3, 3]
    assert evaluation.numbers["accuracy"] == pytest.approx(np.trace(counts) / 9)
    assert set(evaluation.numbers) == {"accuracy", "accuracy_late_4", "accuracy_late_3"}
    assert vectors.shape == (9, 16)
    assert evaluation.embeddings.subjects == ["c"] * 9
    # The head names them from these very embeddings.
    called = recipe.model["head"](torch.from_numpy(vectors)).argmax(dim=1).tolist()
    truth = [ACTIONS.index(label) for label in evaluation.embeddings.labels]
    assert [counts[i, j] > 0 for i, j in zip(truth, called, strict=True)] == [True] * 9


def test_actions_that_it_does_not_know_are_left_out(drawn_dataset: Path) -> None:
    recipe = Smate(TINY, ["mouth", "smile"])
    evaluation = recipe.evaluate(Dataset(drawn_dataset), ["c"])
    assert evaluation.confusion is not None
    assert evaluation.confusion.counts.sum() == 6
    with pytest.raises(DatasetError, match="no clip of an action"):
        Smate(TINY, ["wink", "yawn"]).evaluate(Dataset(drawn_dataset), ["c"])


def test_one_action_is_nothing_to_tell_apart(drawn_dataset: Path) -> None:
    recipe = Smate(TINY, ["smile"])
    with pytest.raises(DatasetError, match="one action only"):
        recipe.train(Material(Dataset(drawn_dataset), SPLIT), Loop(recipe.model, 0))


@pytest.mark.parametrize(
    "impossible", [{"size": 20, "patch": 16}, {"width": 6, "heads": 4}, {"tubelet": 26}]
)
def test_shapes_that_do_not_fit_are_refused(impossible: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        SmateSettings(**impossible)


@pytest.mark.parametrize(("kind", "channels"), [("colour", 3), ("lbp", 1), ("both", 4)])
def test_the_input_is_colour_texture_or_both(kind: str, channels: int) -> None:
    recipe = Smate(replace(TINY, input=kind), ACTIONS)
    assert recipe.model["transformer"].tubes.in_channels == channels
