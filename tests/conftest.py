"""Fixtures for all tests: simulated recordings and their dataset, and a real face."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from tests.helpers import faces

# A test that takes one of these needs a build or the landmark network, so it is slow.
SLOW_FIXTURES = {"raw_path", "dataset_path", "landmarker"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take a slow fixture, which `make quick` leaves out."""
    for item in items:
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the index of known files out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMDATA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def raw_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return simulated recordings: 3 subjects × 3 actions × 4 takes, and their ``truth.csv``."""
    raw = tmp_path_factory.mktemp("simulated") / "raw"
    simulate(raw, SimulateSettings())
    return raw


@pytest.fixture(scope="session")
def dataset_path(raw_path: Path) -> Path:
    """Return the dataset built from `raw_path` by two workers, with its compounds. Read only."""
    path = raw_path.parent / "dataset"
    build(raw_path, path, BuildSettings(), RunSettings(workers=2))
    synth_compounds(path, CompoundSettings())
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return real recordings beside the project, which are never copied into it."""
    path = Path(__file__).parents[2] / "shared" / "data" / "real"
    if not path.is_dir():
        pytest.skip("the real recordings in ../shared/data are not on this machine")
    return path


@pytest.fixture(scope="session")
def landmarker() -> Iterator[Landmarker]:
    """Return the default landmark network."""
    opened = open_landmarker(BuildSettings().landmarks)
    yield opened
    del opened  # before the interpreter shuts down: the network's clean-up needs the interpreter


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """Return a face of about 120 pixels between the outer eye corners, uint8 [600, 600, 3]."""
    return faces.portrait()


@pytest.fixture(scope="session")
def face() -> np.ndarray:
    """Return the mesh of the portrait, upright, in interocular distances, float64 [478, 3]."""
    return faces.portrait_mesh()
