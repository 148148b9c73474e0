"""Kept results are reused only for the same settings and the same code."""

import sys
from pathlib import Path

import pytest

from bench.kept import code_digest, kept


def test_other_settings_or_code_give_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "some_package" / "__init__.py"
    code.parent.mkdir()
    code.write_text("A = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import some_package

    place = tmp_path / "kept"
    first = kept(place, "raw", {"fps": 25}, [some_package])
    first.mkdir(parents=True)
    (place / "dataset-1").mkdir()
    assert kept(place, "raw", {"fps": 25}, [some_package]) == first
    assert first.is_dir()
    other = kept(place, "raw", {"fps": 30}, [some_package])
    assert other != first
    assert not first.exists()  # removed, because its settings are obsolete
    assert (place / "dataset-1").is_dir()
    digest = code_digest([some_package])
    assert code_digest([some_package]) == digest
    code.write_text("A = 2\n")
    assert code_digest([some_package]) != digest
    assert kept(place, "raw", {"fps": 30}, [some_package]) != other
    del sys.modules["some_package"]
