"""SMaTE learns the drawn actions; its training repeats and resumes exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError, UsageError
from fmdata.catalog.storage.tars.members import Members
from fmdata.train.loop import Loop, seeded
from fmdata.train.networks.vivit import VideoTransformer
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.smate import Smate, SmateSettings
from fmdata.train.split import Split
from fmdata.train.views.frames import sample_frames
from fmdata.train.views.texture import planes_of
from tests.helpers.training import MemoryKeeper

pytestmark = pytest.mark.slow

ACTIONS = ["brows", "mouth", "smile"]
SPLIT = Split(train=["a", "b"], validation=["c"])
TINY = SmateSettings(
    frames=12, size=16, patch=8, width=16, heads=2, spatial_layers=1, temporal_layers=1,
    copies=1, batch=6, epochs=2, input="both",
)  # fmt: skip


def trained(dataset: Path, settings: SmateSettings, keeper: MemoryKeeper | None = None) -> Smate:
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
def test_a_training_repeats_itself_and_depends_on_the_seed(drawn_dataset: Path, clips: str) -> None:
    settings = replace(TINY, clips=clips, epochs=1, late_starts=clips == "mixed")
    first = trained(drawn_dataset, settings)
    assert same(first, trained(drawn_dataset, settings))
    assert not same(first, trained(drawn_dataset, replace(settings, seed=1)))


def test_a_resumed_training_ends_as_an_uninterrupted_one(drawn_dataset: Path) -> None:
    keeper = MemoryKeeper(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        trained(drawn_dataset, TINY, keeper)
    assert keeper.latest is not None
    assert keeper.latest.step == 3
    assert same(trained(drawn_dataset, TINY, keeper), trained(drawn_dataset, TINY))


def test_the_drawn_actions_are_learnt(drawn_dataset: Path) -> None:
    """The training subjects' actions; two subjects are too few for a third one."""
    recipe = trained(drawn_dataset, replace(TINY, clips="original", epochs=25, rate=3e-3))
    assert recipe.evaluate(Dataset(drawn_dataset), SPLIT.train).numbers["accuracy"] > 0.9


def test_numbers_confusion_and_embeddings_of_an_evaluation_agree(drawn_dataset: Path) -> None:
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
    # The head classifies the clips from these embeddings.
    predicted = recipe.model["head"](torch.from_numpy(vectors)).argmax(dim=1).tolist()
    truth = [ACTIONS.index(label) for label in evaluation.embeddings.labels]
    assert [counts[i, j] > 0 for i, j in zip(truth, predicted, strict=True)] == [True] * 9


def test_clips_of_unknown_actions_are_ignored(drawn_dataset: Path) -> None:
    recipe = Smate(TINY, ["mouth", "smile"])
    evaluation = recipe.evaluate(Dataset(drawn_dataset), ["c"])
    assert evaluation.confusion is not None
    assert evaluation.confusion.counts.sum() == 6
    with pytest.raises(DatasetError, match="no clip of a class"):
        Smate(TINY, ["wink", "yawn"]).evaluate(Dataset(drawn_dataset), ["c"])


def test_a_single_action_is_refused(drawn_dataset: Path) -> None:
    recipe = Smate(TINY, ["smile"])
    with pytest.raises(DatasetError, match="one class only"):
        recipe.train(Material(Dataset(drawn_dataset), SPLIT), Loop(recipe.model, 0))


@pytest.mark.parametrize(
    "impossible", [{"size": 20, "patch": 16}, {"width": 6, "heads": 4}, {"tubelet": 26}]
)
def test_inconsistent_shapes_are_refused(impossible: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        SmateSettings(**impossible)


@pytest.mark.parametrize(("kind", "channels"), [("colour", 3), ("lbp", 8), ("both", 11)])
def test_the_input_is_colour_texture_or_both(kind: str, channels: int) -> None:
    recipe = Smate(replace(TINY, input=kind), ACTIONS)
    assert recipe.model["transformer"].tubes.in_channels == channels


def test_texture_is_that_of_the_shards_own_maps(drawn_dataset: Path) -> None:
    """Made at 64 pixels, before JPEG, and averaged down to 18; colour has nothing to do with it."""
    data = Dataset(drawn_dataset)
    reader = Smate(replace(TINY, input="lbp"), ACTIONS)._reader(data)
    for clip in data.actions:
        numbers = sample_frames(clip.n_frames, TINY.frames, TINY.stride)
        np.testing.assert_array_equal(reader(clip).frames[0], planes_of(clip.lbp()[numbers], 18))


def test_a_dataset_without_maps_is_refused_for_texture_alone(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Members, "has_lbp", False)
    with pytest.raises(DatasetError, match="no LBP maps"):
        Smate(replace(TINY, input="lbp"), ACTIONS).evaluate(Dataset(drawn_dataset), ["c"])
    Smate(replace(TINY, input="colour"), ACTIONS).evaluate(Dataset(drawn_dataset), ["c"])


@pytest.mark.parametrize(("copies", "share"), [(1, 1 / 2), (3, 3 / 4)])
def test_copies_stand_beside_the_originals(
    drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch, copies: int, share: float
) -> None:
    """18 clips and as many copies of each as asked for: so many more steps in an epoch.

    Every original is trained on, as it will be tested; nearly every copy is another one.
    """
    seen: list[Tensor] = []
    forward = VideoTransformer.forward

    def watched(network: VideoTransformer, clips: Tensor) -> Tensor:
        seen.extend(clips.clone())
        return forward(network, clips)

    monkeypatch.setattr(VideoTransformer, "forward", watched)
    settings = replace(TINY, clips="augmented", copies=copies, epochs=6)
    recipe = trained(drawn_dataset, settings)
    assert len(seen) == settings.epochs * 18 * (1 + copies)
    data = Dataset(drawn_dataset)
    reader = recipe._reader(data)
    plain = recipe._plain(recipe._pixels([reader(c) for c in data.actions if c.subject != "c"]))
    matches = torch.stack([(plain - one).flatten(1).abs().amax(dim=1) == 0 for one in seen])
    assert matches.any(dim=0).all()
    assert float((~matches.any(dim=1)).float().mean()) == pytest.approx(share, abs=0.08)
    rest = torch.stack(seen)[~matches.any(dim=1)]
    assert len({one.numpy().tobytes() for one in rest}) > 0.95 * len(rest)


def test_the_clips_mean_is_taken_off_only_where_asked_for(drawn_dataset: Path) -> None:
    """A brighter clip is another input for the paper's network, and the same motion."""
    for motion in (False, True):
        recipe = Smate(replace(TINY, input="colour", motion_input=motion), ACTIONS)
        clip = torch.rand(1, 12, 3, 16, 16)
        network = recipe.model["transformer"]
        assert torch.allclose(network(clip), network(clip + 0.3), atol=1e-4) == motion
