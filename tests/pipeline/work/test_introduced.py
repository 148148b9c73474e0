"""A build keeps what the owner has stated, and no introduction of what the dataset was."""

from pathlib import Path

import numpy as np

from fmdata.catalog import Dataset
from fmdata.catalog.cards.statements import CardSettings
from fmdata.catalog.cards.write import introduce
from fmdata.catalog.storage.place import INTRODUCTION
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.encoded import write_video

SMALL = BuildSettings(size=32)


def video(path: Path) -> None:
    """Write a video of noise that depends on its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(int(path.stem)).integers(0, 255, (8, 96, 160, 3), np.uint8)
    write_video(path, list(noise))


def test_a_further_recording_keeps_the_statements_and_removes_the_page(
    tmp_path: Path, fixed_face: None
) -> None:
    raw, out, how = tmp_path / "raw", tmp_path / "out", RunSettings(workers=0)
    video(raw / "ann/smile/01.mp4")
    build(raw, out, SMALL, how)
    introduce(out, CardSettings(license="mit"))
    video(raw / "ann/smile/02.mp4")
    build(raw, out, SMALL, how)
    assert Dataset(out).card.stated == {"license": "mit"}
    assert not any((out / name).exists() for name in INTRODUCTION)
