"""A small build and its dataset, into which the tests put errors."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fmdata.pipeline.build import build
from fmdata.pipeline.second_pass import respot
from fmdata.pipeline.settings import BuildSettings, RunSettings
from tests.helpers.videos import write_numbered_video


@pytest.fixture(scope="module", autouse=True)
def no_second_pass() -> Iterator[None]:
    """Skip the second pass: it is most of the work on still pictures, and no error concerns it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(respot, "refine", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of eight frames of one picture, which has a face."""
    face = cv2.resize(skimage.data.astronaut()[:300, 100:400], (160, 160))
    path = tmp_path_factory.mktemp("faults") / "raw"
    (path / "s01/still").mkdir(parents=True)
    for take in ("01", "02", "03"):
        picture = np.maximum(face, int(take))
        write_numbered_video(path / f"s01/still/{take}.mp4", 8, picture=picture, box=(0, 0, 64, 16))
    return path


@pytest.fixture(scope="module")
def reference(raw: Path) -> Path:
    """Dataset of `raw`, built without errors. Read only."""
    path = raw.parent / "reference"
    build(raw, path, BuildSettings(size=64), RunSettings(workers=0))
    return path
