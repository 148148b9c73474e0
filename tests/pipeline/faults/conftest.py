"""A small build and its result, for faults to be put into."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.pipeline import stages as chain
from fmdata.pipeline.build import build
from fmdata.pipeline.settings import BuildSettings

SMALL = BuildSettings(size=64)

Files = Callable[[Path], dict[str, bytes]]


@pytest.fixture(scope="module", autouse=True)
def one_look() -> Iterator[None]:
    """Take no closer look at pictures that stand still: it is most of the work, and no fault's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "refine", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory, numbered_video: Callable) -> Path:
    """Three videos of eight frames of one picture, which has a face."""
    import skimage.data

    face = cv2.resize(skimage.data.astronaut()[:300, 100:400], (160, 160))
    path = tmp_path_factory.mktemp("faults") / "raw"
    (path / "s01/still").mkdir(parents=True)
    for take in ("01", "02", "03"):
        level = int(take)
        numbered_video(
            path / f"s01/still/{take}.mp4", 8, picture=np.maximum(face, level), box=(0, 0, 64, 16)
        )
    return path


@pytest.fixture(scope="session")
def files() -> Files:
    """Return a reader of all files of a folder, by their paths in it."""

    def read(folder: Path) -> dict[str, bytes]:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    return read


@pytest.fixture(scope="module")
def intact(raw: Path, files: Files) -> Callable[[Path], None]:
    """Return a check that a dataset is that of `raw`, byte by byte."""
    build(raw, raw.parent / "reference", SMALL, workers=0)
    reference = files(raw.parent / "reference")

    def check(dataset: Path) -> None:
        assert files(dataset) == reference

    return check
