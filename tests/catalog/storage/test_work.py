"""A unit yields everything that shows its subject, as far as it can be read."""

from pathlib import Path

import numpy as np

from fmdata.catalog.storage.avi import write_avi
from fmdata.catalog.storage.work import Unit


def test_jpegs_maps_and_landmarks_are_searched_for_after_forgetting(tmp_path: Path) -> None:
    """Three frames: three JPEGs, three LBP maps, three frames of landmarks."""
    unit = Unit(tmp_path)
    jpegs = [b"\xff\xd8" + bytes([n]) * 40 + b"\xff\xd9" for n in range(3)]
    with unit.avi.open("wb") as file:
        write_avi(file, jpegs, fps=25.0, size=16)
    draw = np.random.default_rng(0)
    maps = draw.integers(0, 256, (3, 16, 16), np.uint8)
    landmarks = draw.random((3, 478, 3), np.float32)
    np.save(unit.lbp, maps)
    np.save(unit.landmarks, landmarks)
    assert list(unit.frames()) == [*jpegs, *map(bytes, maps), *map(bytes, landmarks)]
    unit.lbp.write_bytes(b"damaged")
    assert list(unit.frames()) == [*jpegs, *map(bytes, landmarks)]
