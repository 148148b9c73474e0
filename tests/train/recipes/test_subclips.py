"""The recipe of 2023 on drawn faces: it runs, learns, repeats itself, and is taken up exactly."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train import features
from fmdata.train.checkpoint import Checkpoint, Keeper
from fmdata.train.data import Sample, compound_samples
from fmdata.train.features import varied_features
from fmdata.train.loop import Loop, seeded
from fmdata.train.model_file import save
from fmdata.train.networks.mobilefacenet import MobileFaceNet
from fmdata.train.recipes import subclips
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.landmarks import Landmarks, LandmarkSettings
from fmdata.train.recipes.subclips import Subclips, SubclipsSettings, epochs_to
from fmdata.train.split import Split

TINY = SubclipsSettings.from_json(
    {
        "landmarks": {
            "size": 16, "width": 0.0625, "epochs": 1, "steps": 10, "batch": 16, "frames": 2,
        },
        "sequence": {"embedding": 16, "layers": 1, "feedforward": 8, "heads": 2, "dropout": 0.0},
        "pretraining_epochs": 2, "pretraining_steps": 2, "clips": 4, "variants": 2,
        "epochs": 2, "steps": 2, "pairs": 3,
    }
)  # fmt: skip
SPLIT = Split(["a", "b"], ["c"])


class Memory:
    """Keeps the latest checkpoint, and breaks off after a number of them.

    What is made once is kept for all tests: features follow from the extractor and the clips alone.
    """

    made: ClassVar[dict[tuple[str, str], dict[str, Tensor]]] = {}

    def __init__(self, breaks_after: int = -1) -> None:
        self.latest: Checkpoint | None = None
        self.left = breaks_after

    def load(self) -> Checkpoint | None:
        return self.latest

    def save(self, checkpoint: Checkpoint) -> None:
        self.latest = deepcopy(checkpoint)
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def once(
        self, name: str, digest: str, make: Callable[[], dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        if (name, digest) not in self.made:
            self.made[name, digest] = make()
        return self.made[name, digest]


def trained(
    dataset: Path, settings: SubclipsSettings, keeper: Keeper | None = None
) -> tuple[Subclips, Loop]:
    with seeded(settings.seed):
        recipe = Subclips(settings, ["brows", "mouth", "smile"])
    loop = Loop(recipe.model, settings.seed, keeper or Memory())
    recipe.train(Material(Dataset(dataset), SPLIT), loop)
    return recipe, loop


@pytest.fixture(scope="module")
def tiny(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> SubclipsSettings:
    """The settings, with an extractor made once."""
    folder = tmp_path_factory.mktemp("extractor")
    shape = TINY.landmarks.to_json()
    with seeded(0):
        landmarks = Landmarks(LandmarkSettings.from_json(shape), ["brows", "mouth", "smile"])
    landmarks.train(Material(Dataset(drawn_dataset), SPLIT), Loop(landmarks.model, 0))
    save("landmarks", landmarks, folder, Dataset(drawn_dataset), SPLIT.train)
    return replace(TINY, extractor=str(folder))


def test_it_can_make_its_own_extractor(drawn_dataset: Path) -> None:
    _, loop = trained(drawn_dataset, TINY)
    phases = [epoch["phase"] for epoch in loop.history]
    assert phases == ["landmarks", *["pretraining"] * 2, *["fine-tuning"] * 2]


@pytest.mark.parametrize("pretraining", ["none", "twins", "subclips"])
def test_it_trains_in_its_phases_and_repeats_itself(
    drawn_dataset: Path, tiny: SubclipsSettings, pretraining: str
) -> None:
    settings = replace(tiny, pretraining=pretraining)
    (recipe, loop), (_, again) = (trained(drawn_dataset, settings) for _ in range(2))
    phases = {epoch["phase"] for epoch in loop.history}
    assert phases == {"fine-tuning"} | (set() if pretraining == "none" else {"pretraining"})
    assert loop.history == again.history
    numbers = recipe.evaluate(Dataset(drawn_dataset), ["c"]).numbers
    measured = loop.history[-1]["average_precision"]
    assert numbers["average_precision"] == pytest.approx(measured, abs=1e-6)
    tuned = [epoch for epoch in loop.history if epoch["phase"] == "fine-tuning"]
    assert numbers["epochs_to_0.8"] == epochs_to(0.8, tuned)


@pytest.mark.parametrize("breaks_after", [1, 3])
def test_a_training_that_broke_off_ends_as_an_unbroken_one(
    drawn_dataset: Path, tiny: SubclipsSettings, breaks_after: int
) -> None:
    """Either phase has two epochs: the first breaks off amid the one, the third amid the other."""
    _, whole = trained(drawn_dataset, tiny)
    keeper = Memory(breaks_after)
    with pytest.raises(KeyboardInterrupt):
        trained(drawn_dataset, tiny, keeper)
    recipe, loop = trained(drawn_dataset, tiny, keeper)
    assert loop.history == whole.history
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, recipe.model.state_dict()[name]), name


@pytest.mark.parametrize("pretraining", ["none", "subclips"])
def test_plain_motions_are_learnt_and_told_apart_on_a_new_subject(
    drawn_dataset: Path,
    tiny: SubclipsSettings,
    monkeypatch: pytest.MonkeyPatch,
    pretraining: str,
) -> None:
    """Made-up features: an action's direction times its intensity, with a little noise.

    Four kinds of compounds then are as far apart as can be, whoever makes them: the first phase's
    loss falls and nearly every pair of the held-out subject is put right; chance is one in seven.
    """
    rng = np.random.default_rng(0)
    directions = {action: rng.normal(size=32) for action in ("brows", "mouth", "smile")}

    def plain(_: object, dataset: Dataset, samples: list[Sample], *__: object) -> dict[str, Tensor]:
        clips = [dataset.actions[k] for k in sorted({p.source for s in samples for p in s.pieces})]
        made = {c.key: np.outer(c.intensity, directions[c.action]) for c in clips}
        return {
            k: torch.from_numpy(x + rng.normal(0, 0.05, x.shape)).float() for k, x in made.items()
        }

    def variants(*arguments: Any) -> dict[str, Tensor]:
        one, two = plain(*arguments), plain(*arguments)
        return {key: torch.stack([one[key], two[key]]) for key in one}

    monkeypatch.setattr(Memory, "made", {})
    monkeypatch.setattr(features, "frame_features", plain)
    monkeypatch.setattr(features, "varied_features", variants)
    sizes = ["pretraining_steps=12", "steps=12", "epochs=3", "stride=1", "rate=0.2"]
    settings = tiny.replaced([f"pretraining={pretraining}", *sizes])
    recipe, loop = trained(drawn_dataset, settings)
    first = [e["loss"] for e in loop.history if e["phase"] == loop.history[0]["phase"]]
    assert first[-1] < 0.9 * first[0]
    numbers = recipe.evaluate(Dataset(drawn_dataset), ["c"]).numbers
    assert numbers["average_precision"] > 0.8
    reached = [e["average_precision"] >= 0.8 for e in loop.history if e["phase"] == "fine-tuning"]
    assert numbers["epochs_to_0.8"] == reached.index(True) + 1


def test_pretraining_never_sees_a_held_out_subject_nor_a_label(
    drawn_dataset: Path, tiny: SubclipsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other labels change nothing before fine-tuning; variants are of the training subjects."""

    def relabelled(dataset: Dataset) -> list[Sample]:
        samples = compound_samples(dataset)
        return [Sample(**{**vars(s), "label": f"{i // 3}"}) for i, s in enumerate(samples)]

    seen: set[str] = set()

    def watched(*arguments: object) -> dict[str, Tensor]:
        made = varied_features(*arguments)  # type: ignore[arg-type]
        seen.update(key.split("-")[0] for key in made)
        return made

    monkeypatch.setattr(features, "varied_features", watched)
    monkeypatch.setattr(Memory, "made", {})
    _, loop = trained(drawn_dataset, tiny)
    monkeypatch.setattr(subclips, "compound_samples", relabelled)
    _, other = trained(drawn_dataset, tiny)
    one, two = (
        [e["loss"] for e in x.history if e["phase"] == "pretraining"] for x in (loop, other)
    )
    assert seen == {"a", "b"}
    assert one == two
    assert loop.history[-1]["loss"] != other.history[-1]["loss"]


def test_embeddings_do_not_depend_on_company_and_have_length_one(
    drawn_dataset: Path, tiny: SubclipsSettings
) -> None:
    """A clip embedded alone is what it is among others."""
    recipe, _ = trained(drawn_dataset, replace(tiny, pretraining="none"))
    clips = [clip.frames() for clip in (Dataset(drawn_dataset).actions[i] for i in (0, 4, 11))]
    together = recipe.embed(clips)
    assert together.shape == (3, 16)
    np.testing.assert_array_equal(together[1:2], recipe.embed(clips[1:2]))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_variants_differ_from_each_other_and_go_together_within_a_subject(
    drawn_dataset: Path,
) -> None:
    """A stand-in extractor returns a frame's mean colour, and so the light it is seen in.

    Each variant has one light for all frames of a clip, nearly the same for all clips of a subject,
    and another one for the next subject.
    """

    class Mean(torch.nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3))

    extractor: MobileFaceNet = Mean()  # type: ignore[assignment]
    dataset = Dataset(drawn_dataset)
    samples = compound_samples(dataset)
    features = varied_features(extractor, dataset, samples, 16, 3, 3)
    assert set(features) == {piece.source for s in samples for piece in s.pieces}
    of = {s: [f.mean(dim=1) for k, f in features.items() if k.startswith(s)] for s in "ab"}
    for clips in of.values():
        spread = torch.stack(clips).std(dim=0).max()
        assert float(spread) < 0.02
        assert float(clips[0].std(dim=0).min()) > 2 * float(spread)
    assert float((of["a"][0] - of["b"][0]).abs().max()) > 0.05


def test_no_compound_twice_is_refused(
    drawn_dataset: Path, tiny: SubclipsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once_each(dataset: Dataset) -> list[Sample]:
        samples = compound_samples(dataset)
        return [s for s in samples if s.subject == "c" or s.key.endswith("c0")]

    monkeypatch.setattr(subclips, "compound_samples", once_each)
    with pytest.raises(DatasetError, match="two clips of a motion"):
        trained(drawn_dataset, tiny)


def test_epochs_to_a_mark_count_from_one() -> None:
    precisions = [0.5, 0.79, 0.8, 0.7, 0.9]
    epochs = [{"average_precision": p} for p in precisions]
    assert epochs_to(0.8, epochs) == 3
    assert epochs_to(0.95, epochs) == -1
    assert epochs_to(0.5, epochs) == 1
