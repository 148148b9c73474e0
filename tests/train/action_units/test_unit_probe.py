"""The classifier of units: thresholds from training subjects alone, rare units left out."""

import numpy as np
import pytest
import torch

from fmdata.train.action_units.probe import Labelled, UnitProbe, unit_loss
from fmdata.train.action_units.scoring import f1_of_units
from fmdata.train.loop import Loop, Phase
from tests.helpers.training import MemoryKeeper

SUBJECTS = [f"s{i % 7}" for i in range(840)]


def data(seed: int = 0) -> Labelled:
    """Two units by the first two features, present in a tenth and a third; the second unknown."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(SUBJECTS), 6, generator=generator)
    noisy = features[:, :2] + 0.5 * torch.randn(len(SUBJECTS), 2, generator=generator)
    present = noisy > torch.tensor([1.6, 0.5])
    known = torch.ones_like(present)
    known[::3, 1] = False
    return Labelled(features, present & known, known)


def fitted(subjects: list[str]) -> tuple[UnitProbe, list[str]]:
    probe, phases = UnitProbe(6, 2), []
    loop = Loop(probe, 0, MemoryKeeper())
    fit = loop.fit

    def watched(phase: Phase) -> list[dict[str, object]]:
        phases.append(phase.name)
        return fit(phase)

    loop.fit = watched  # type: ignore[method-assign]
    probe.fit(data(), subjects, loop, 100, 1e-2)
    return probe, phases


def test_a_threshold_is_that_of_subjects_which_its_classifier_has_not_seen() -> None:
    """Three classifiers of other subjects, and that of all; a rare unit's threshold is low."""
    probe, phases = fitted(SUBJECTS)
    assert phases == ["probe", "probe, fold 1", "probe, fold 2", "probe, fold 3"]
    new = data(seed=1)
    with torch.no_grad():
        scores = probe(new.features)
    true, known = new.present.numpy(), new.known.numpy()
    f1 = f1_of_units((scores > probe.thresholds).numpy(), true, known)
    plain = f1_of_units((scores > 0).numpy(), true, known)
    assert f1[0] > plain[0]
    assert f1[0] > 0.5
    assert probe.thresholds[0] < 0


def test_a_single_subject_leaves_the_thresholds_at_one_half() -> None:
    probe, phases = fitted(["alone"] * len(SUBJECTS))
    assert phases == ["probe"]
    assert probe.thresholds.tolist() == [0, 0]


def test_units_count_by_their_share_of_the_training_frames() -> None:
    probe = UnitProbe(4, 4)
    present = torch.zeros(100, 4, dtype=torch.bool)
    for k, n in enumerate((4, 5, 50, 51)):
        present[:n, k] = True
    probe.keep(present, torch.ones_like(present), 0.05, 0.5)
    assert probe.kept.tolist() == [False, True, True, False]
    probe.keep(present, torch.zeros_like(present), 0.05, 0.5)
    assert not probe.kept.any()
    assert np.isfinite(probe.thresholds.numpy()).all()


def test_a_mini_batch_without_a_known_label_has_no_loss_and_no_gradient() -> None:
    """With some known it is their mean: a score of 0 costs log 2."""
    scores = torch.zeros(2, 3, requires_grad=True)
    known = torch.zeros(2, 3, dtype=torch.bool)
    loss = unit_loss(scores, known, known)
    loss.backward()
    assert loss.item() == 0
    assert scores.grad is not None
    assert not scores.grad.any()
    known[0, 1] = known[1, 2] = True
    assert unit_loss(scores, known, known).item() == pytest.approx(np.log(2))
