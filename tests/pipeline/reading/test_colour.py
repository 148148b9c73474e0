"""Colours are those of the scene in BT.709, whatever the transfer function and the gamut."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.types import Picture
from fmdata.pipeline.reading.decode import Frame
from tests.helpers.encoded import first_frame, write_video

Curve = Callable[[np.ndarray], np.ndarray]
PATCHES = [(254, 0, 0), (0, 200, 0), (0, 0, 220), (255, 255, 255), (128, 128, 128), (210, 150, 120)]
BT2020, PQ, HLG, P3 = 9, 16, 18, 12
# ITU-R BT.2087: linear BT.709 to linear BT.2020. SMPTE EG 432-1: to Display P3.
TO_BT2020 = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
TO_P3 = [[0.8225, 0.1775, 0.0], [0.0332, 0.9668, 0.0], [0.0171, 0.0724, 0.9105]]
HIGH = {"pix_fmt": "yuv444p10le", "options": {"qp": "4"}}


def chart(patches: np.ndarray) -> np.ndarray:
    """Draw six patches, [6, 3], of 32x32 pixels side by side."""
    return np.kron(np.asarray(patches)[None], np.ones((32, 32, 1))).astype(
        np.asarray(patches).dtype
    )


def read_patches(frame: Frame) -> np.ndarray:
    """Return the mean colour of each patch, [6, 3]."""
    return frame.rgb.reshape(32, 6, 32, 3)[8:24, :, 8:24].mean(axis=(0, 2))


def wide_light(matrix: list[list[float]]) -> np.ndarray:
    """Return the patches' light in wide primaries, [6, 3], reference white 1."""
    return np.maximum((np.array(PATCHES) / 255) ** 2.4 @ np.transpose(matrix), 0)


def hlg(light: np.ndarray) -> np.ndarray:
    """Encode light for a display of 1000 cd/m2 with reference white at 203 cd/m2."""
    scene = (0.203 * light) ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    low, high = np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, low, high)


def pq(light: np.ndarray) -> np.ndarray:
    power = (203 * light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def codes(signal: np.ndarray) -> np.ndarray:
    return np.round(signal * 65535).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "encode", "transfer"), [("arib-std-b67", hlg, HLG), ("smpte2084", pq, PQ)]
)
@pytest.mark.parametrize("stated", [BT2020, 2])
def test_hlg_and_pq_have_the_colours_of_standard_range(
    name: str, encode: Curve, transfer: int, stated: int, tmp_path: Path
) -> None:
    """The matrix of a file that states none is that of BT.2020 too, by BT.2100."""
    picture = chart(codes(encode(wide_light(TO_BT2020))))
    path = write_video(
        tmp_path / "a.mkv", [picture] * 3, **HIGH,
        color_trc=transfer, color_primaries=BT2020, colorspace=stated, matrix=BT2020,
    )  # fmt: skip
    frame = first_frame(path)
    np.testing.assert_allclose(read_patches(frame), PATCHES, atol=12)
    np.testing.assert_allclose(read_patches(frame)[3:], PATCHES[3:], atol=3)
    assert frame.picture == Picture(name, "bt2020")


def test_light_brighter_than_white_is_white(tmp_path: Path) -> None:
    picture = chart(codes(pq(np.tile([[1.0], [2.0], [4.9], [1.0], [0.5], [0.0]], 3))))
    path = write_video(
        tmp_path / "a.mkv", [picture], **HIGH,
        color_trc=PQ, color_primaries=BT2020, colorspace=BT2020,
    )  # fmt: skip
    levels = read_patches(first_frame(path)).mean(axis=1)
    np.testing.assert_allclose(levels, [255, 255, 255, 255, 255 * 0.5 ** (1 / 2.4), 0], atol=2)


@pytest.mark.parametrize(
    ("primaries", "matrix", "name"), [(BT2020, TO_BT2020, "bt2020"), (P3, TO_P3, "smpte432")]
)
def test_a_wide_gamut_of_standard_range_is_converted(
    primaries: int, matrix: list[list[float]], name: str, tmp_path: Path
) -> None:
    picture = chart(codes(wide_light(matrix) ** (1 / 2.4)))
    path = write_video(
        tmp_path / "a.mkv", [picture], **HIGH, color_primaries=primaries, colorspace=1
    )
    frame = first_frame(path)
    np.testing.assert_allclose(read_patches(frame), PATCHES, atol=12)
    assert frame.picture == Picture("unknown", name)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuvj420p", "yuv444p"])
@pytest.mark.parametrize("matrix", [1, 5])
def test_matrix_range_and_depth_are_those_that_the_file_states(
    pix_fmt: str, matrix: int, tmp_path: Path
) -> None:
    """BT.709 and BT.601; limited and full range; eight bits and ten."""
    picture = chart(np.array(PATCHES, np.uint8))
    path = write_video(
        tmp_path / "a.mp4", [picture] * 3, pix_fmt=pix_fmt, options={"qp": "4"},
        color_trc=1, color_primaries=1, colorspace=matrix,
    )  # fmt: skip
    frame = first_frame(path)
    np.testing.assert_allclose(read_patches(frame), PATCHES, atol=5)
    assert frame.picture == Picture("bt709", "bt709")
