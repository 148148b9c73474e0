"""A training sees no held-out subject, and held-out subjects are measured after it has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench.papers import runner
from bench.papers.protocol import training
from bench.papers.protocol.folds import Fold
from bench.papers.protocol.handmade import PEAKS, QUARTERS, WhitenedLandmarks
from bench.papers.protocol.methods import Trained
from bench.papers.protocol.sealed import HeldOutError
from bench.papers.protocol.training import CURVE_POINTS, Job, Snapshots, run_final, run_trial
from fmdata.catalog import Dataset
from fmdata.catalog.errors import DatasetError
from fmdata.train.checkpoint import Checkpoint, Epoch, Keeper
from fmdata.train.metrics import Evaluation
from fmdata.train.recipes.base import Material
from fmdata.train.recipes.landmarks import LandmarkSettings
from fmdata.train.run import folds_of
from tests.helpers.drawn_faces import write_dataset

FOLD = Fold(0, ("a", "d"), ("b",), ("c",))
LOG: list[tuple[str, Sequence[str]]] = []


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folds = {"c": 1, "a": 4, "b": 7, "d": 2}
    return write_dataset(tmp_path_factory.mktemp("drawn") / "dataset", folds)


class Counter:
    """Trained: its weight is the number of finished epochs, and so are its numbers."""

    def __init__(self) -> None:
        self.model = nn.Linear(1, 1, bias=False)

    def evaluate(self, dataset: Dataset, subjects: Sequence[str]) -> Evaluation:
        LOG.append(("measured", tuple(subjects)))
        if {*subjects} - {*folds_of(dataset)}:
            raise DatasetError("", wanted="", where="", todo="")
        return Evaluation({"epochs": float(self.model.weight.item())})


@dataclass(frozen=True)
class Counted:
    """Method that trains for some epochs; it may try to read somebody first."""

    epochs: int = 20
    peeks_at: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)

    def tried(self, trial: Sequence[str], seed: int) -> "Counted":
        return self

    def train(self, material: Material, keeper: Keeper) -> tuple[Trained, list[Epoch]]:
        LOG.append(("trained", tuple(folds_of(material.dataset))))
        if self.peeks_at:
            next(clip for clip in [material.dataset.actions[self.peeks_at]])
        trained, history = Counter(), []
        for epoch in range(self.epochs):
            with torch.no_grad():
                trained.model.weight.fill_(epoch + 1)
            history.append({"phase": "only", "epoch": epoch, "loss": 1.0})
            weights = trained.model.state_dict()
            keeper.save(Checkpoint([], "only", epoch + 1, history, weights, {}))
        return trained, history


def test_held_out_subjects_are_measured_last_and_unknown_before(
    dataset: Path, tmp_path: Path
) -> None:
    LOG.clear()
    found = run_final(Job(Counted(), dataset, FOLD), tmp_path)
    assert (LOG[0][0], {*LOG[0][1]}) == ("trained", {"a", "b", "d"})
    assert ("measured", ("c",)) in LOG[1:]
    assert found.by_subject == {"c": {"epochs": 20.0}}
    assert found.pooled == {"epochs": 20.0}


def test_the_curve_is_that_of_snapshots_and_the_final_weights_come_back(
    dataset: Path, tmp_path: Path
) -> None:
    """Each snapshot's number is its epoch; the last one is there, and eight at most."""
    found = run_final(Job(Counted(identity={"n": 2}), dataset, FOLD), tmp_path)
    assert 4 <= len(found.curve) <= CURVE_POINTS
    for point in found.curve:
        for group in ("train", "inner", "held_out"):
            assert point[group] == {"epochs": point["epoch"] + 1.0}
    assert found.curve[-1]["epoch"] == 19
    assert found.by_subject["c"]["epochs"] == 20.0


def test_an_attempt_of_a_training_to_read_a_held_out_subject_fails(
    dataset: Path, tmp_path: Path
) -> None:
    for run in (run_final, lambda job, folder: run_trial(job, (), folder)):
        with pytest.raises(HeldOutError, match="c, who is held out"):
            run(Job(Counted(peeks_at="c-smile-0"), dataset, FOLD), tmp_path)
    assert run_trial(Job(Counted(peeks_at="b-smile-0"), dataset, FOLD), (), tmp_path).by_subject


def test_a_trial_has_numbers_of_inner_subjects_only(dataset: Path, tmp_path: Path) -> None:
    LOG.clear()
    found = run_trial(Job(Counted(), dataset, FOLD), ("rate=1",), tmp_path)
    assert found.by_subject == {"b": {"epochs": 20.0}}
    assert found.trial == ("rate=1",)
    assert [who for what, who in LOG if what == "measured"] == [("b",)]


def test_equal_jobs_are_run_once_and_others_are_not_confused(dataset: Path, tmp_path: Path) -> None:
    LOG.clear()
    job = Job(Counted(identity={"seed": 1}), dataset, FOLD)
    first = run_final(job, tmp_path)
    n = len(LOG)
    assert run_final(job, tmp_path) == first
    assert len(LOG) == n
    other = Fold(1, ("a", "c"), ("b",), ("d",))
    assert set(run_final(Job(job.method, dataset, other), tmp_path).by_subject) == {"d"}
    names = {
        job.name("final"), job.name("trial"), Job(job.method, dataset, other).name("final"),
        Job(Counted(identity={"seed": 2}), dataset, FOLD).name("final"),
    }  # fmt: skip
    assert len(names) == 4


def test_other_code_makes_another_job_and_place(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(Counted(), dataset, FOLD)
    order = dataset, FOLD, LandmarkSettings(), tmp_path
    before = job.name("final"), runner._extractor_place(*order)
    for module in (training, runner):
        monkeypatch.setattr(module, "code", lambda: "other")
    after = job.name("final"), runner._extractor_place(*order)
    assert not {*before} & {*after}
    kept = []
    for n, digest in enumerate(("other", "another", "another")):
        monkeypatch.setattr(training, "code", partial(str, digest))
        tensors = partial(dict[str, torch.Tensor], x=torch.tensor(n))
        kept.append(int(Snapshots(tmp_path, 0).once("t", "d", tensors)["x"]))
    assert kept == [0, 1, 1]


@pytest.mark.parametrize("epochs", [1, 7, 8, 9, 100])
def test_snapshots_are_few_evenly_spread_and_have_the_last(tmp_path: Path, epochs: int) -> None:
    keeper = Snapshots(tmp_path, 8)
    for phase, n in (("first", 5), ("last", epochs)):
        history: list[Epoch] = []
        for epoch in range(n):
            history.append({"phase": phase, "epoch": epoch, "loss": 0.0})
            keeper.save(Checkpoint([], phase, 0, history, {"w": torch.tensor(epoch)}, {}))
    kept = sorted(keeper.weights)
    assert keeper.phase == "last"
    assert len(kept) <= 8
    assert kept[-1] == epochs - 1
    assert kept[0] == 0
    assert all(int(w["w"]) == epoch for epoch, w in keeper.weights.items())
    gaps = {b - a for a, b in pairwise(kept[:-1])}
    assert len(gaps) <= 1


def test_landmarks_of_drawn_motions_are_separated_by_hand(dataset: Path, tmp_path: Path) -> None:
    """Drawn faces move exactly by their motion: displacements at the peak are enough."""
    for on in ("actions", "compounds"):
        peaks, quarters = (
            run_final(Job(WhitenedLandmarks(on, view), dataset, FOLD), tmp_path)
            for view in (PEAKS, QUARTERS)
        )
        assert peaks.pooled["average_precision"] > 0.95
        assert peaks.by_subject["c"]["eer"] < 0.1
        assert peaks.verification is not None
        assert quarters.pooled["average_precision"] > quarters.pooled["chance"]
