"""Landmark backends are opened by name, and the setting offers the same names."""

from dataclasses import fields
from pathlib import Path

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.weights import FILES
from fmdata.pipeline.settings import BuildSettings


def test_the_choices_of_the_setting_are_the_backends(tmp_path: Path) -> None:
    [setting] = [field for field in fields(BuildSettings) if field.name == "landmarks"]
    choices = setting.metadata["choices"]
    with pytest.raises(UsageError) as caught:
        open_landmarker("none such", tmp_path)
    assert caught.value.wanted == f"one of {', '.join(choices)}"
    assert set(FILES) == set(choices)
