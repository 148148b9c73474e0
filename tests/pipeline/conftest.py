"""A face for tests whose pictures have none."""

import numpy as np
import pytest

from fmdata.pipeline.landmarks.face import Face


@pytest.fixture
def fixed_face(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a backend that finds the same face in every frame, without looking."""
    mesh = np.random.default_rng(0).uniform(20, 80, (478, 3)).astype(np.float32)

    class Landmarker:
        def detect(self, rgb: np.ndarray) -> list[Face]:
            return [Face(mesh, np.zeros(3, np.float32), np.zeros(52, np.float32))]

    monkeypatch.setattr("fmdata.pipeline.stages._landmarker", lambda *_: Landmarker())


@pytest.fixture
def no_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the second pass: it is most of the work on still pictures."""
    monkeypatch.setattr("fmdata.pipeline.second_pass.respot.refine", lambda *_: None)
