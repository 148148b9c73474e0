"""Fixtures for all tests: simulated recordings and their dataset, and a real face."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from fmdata.pipeline.build import build
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Landmarker
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.compounds import synth_compounds
from fmdata.synth.settings import CompoundSettings
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from tests.helpers import faces

# Makes a folder of a name, once for all processes of a test run.
MadeOnce = Callable[[str, Callable[[Path], object]], Path]
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
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> MadeOnce:
    """Return a function that has a folder made by one process of this test run for all of them.

    It returns links to the files, in a folder of this process: they are read only.
    """
    own = tmp_path_factory.getbasetemp()
    shared = (own if worker_id == "master" else own.parent) / "made-once"
    shared.mkdir(exist_ok=True)

    def linked(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).exists():
                make(shared / "unfinished" / name)
                (shared / "unfinished" / name).rename(shared / name)
        return Path(shutil.copytree(shared / name, own / "simulated" / name, copy_function=os.link))

    return linked


@pytest.fixture(scope="session")
def raw_path(made_once: MadeOnce) -> Path:
    """Return simulated recordings: 3 subjects × 3 actions × 4 takes, and their ``truth.csv``."""
    return made_once("raw", lambda raw: simulate(raw, SimulateSettings()))


@pytest.fixture(scope="session")
def dataset_path(made_once: MadeOnce, raw_path: Path) -> Path:
    """Return the dataset built from `raw_path` by two workers, with its compounds. Read only."""

    def make(path: Path) -> None:
        build(raw_path, path, BuildSettings(), RunSettings(workers=2))
        synth_compounds(path, CompoundSettings())

    return made_once("dataset", make)


@pytest.fixture
def beside(dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder in which the dataset has the names that the documents give it."""
    (tmp_path / "demo").mkdir()
    for name in ("dataset", "demo/dataset"):
        (tmp_path / name).symlink_to(dataset_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
