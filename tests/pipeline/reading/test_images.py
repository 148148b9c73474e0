"""Every kind of image becomes 8-bit RGB with the brightness that its camera saw."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.decode import Frame, decode
from tests.helpers.encoded import recording

COLOURS = np.zeros((16, 24, 3), np.uint8)
COLOURS[:], COLOURS[:8, :8] = (200, 100, 40), (20, 180, 90)
SIDEWAYS = 6  # Exif: the image must be turned by 90 degrees clockwise


def frames_of(folder: Path) -> list[Frame]:
    return list(decode(recording(folder)))


def write_values(folder: Path, images: list[np.ndarray], suffix: str = "png") -> Path:
    folder.mkdir()
    for n, image in enumerate(images):
        assert cv2.imwrite(str(folder / f"{n}.{suffix}"), image)
    return folder


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_values_of_every_depth_are_scaled_to_eight_bits(
    bits: int, suffix: str, tmp_path: Path
) -> None:
    """A camera of 12 bits writes 0 to 4095 into files of 16 bits."""
    grey = np.arange(0, 256, dtype=np.uint16).reshape(16, 16) << (bits - 8)
    folder = write_values(tmp_path / "01", [np.dstack([grey] * 3)] * 2, suffix)
    for frame in frames_of(folder):
        np.testing.assert_array_equal(frame.rgb[..., 0], np.arange(256).reshape(16, 16))


def test_one_scale_serves_all_images_of_a_folder(tmp_path: Path) -> None:
    """The first image is dark: its own largest value would say ten bits."""
    levels = [60, 60, 250, 60]
    images = [np.full((8, 8, 3), level << 4, np.uint16) for level in levels]
    folder = write_values(tmp_path / "01", images)
    assert [int(frame.rgb.mean()) for frame in frames_of(folder)] == levels
    part = list(decode(recording(folder, stop_s=0.05)))
    assert [int(frame.rgb.mean()) for frame in part] == [60, 60]


def test_an_odd_image_outside_the_span_does_not_matter(tmp_path: Path) -> None:
    images = [np.full((8, 8, 3), 100 << 4, np.uint16)] * 3
    folder = write_values(tmp_path / "01", images)
    (folder / "2.png").write_text("no image")
    part = list(decode(recording(folder, stop_s=0.05)))
    assert [int(frame.rgb.mean()) for frame in part] == [100, 100]


KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bmp": ("bmp", "RGB", {}),
    "BMP of a palette": ("BMP", "P", {}),
    "tif": ("tif", "RGB", {}),
    "tiff, LZW": ("tiff", "RGB", {"compression": "tiff_lzw"}),
    "tiff, CMYK": ("tiff", "CMYK", {}),
    "webp": ("webp", "RGB", {"lossless": True}),
    "webp with transparency": ("webp", "RGBA", {"lossless": True}),
    "png of a palette": ("png", "P", {}),
    "png with transparency": ("png", "RGBA", {}),
    "jpeg, CMYK": ("jpg", "CMYK", {"quality": 95}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_is_read(kind: str, tmp_path: Path) -> None:
    suffix, mode, options = KINDS[kind]
    image = Image.fromarray(COLOURS)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    for n in range(2):
        image.save(tmp_path / f"img{n}.{suffix}", **options)
    for frame in frames_of(tmp_path):
        np.testing.assert_allclose(frame.rgb[12, 20], COLOURS[12, 20], atol=3)
        np.testing.assert_allclose(frame.rgb[3, 3], COLOURS[3, 3], atol=3)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "tiff"])
def test_an_orientation_tag_is_applied(suffix: str, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[274] = SIDEWAYS
    Image.fromarray(COLOURS).save(tmp_path / f"0.{suffix}", exif=tags)
    rgb = frames_of(tmp_path)[0].rgb
    assert rgb.shape == (24, 16, 3)
    np.testing.assert_allclose(rgb[3, 12], COLOURS[3, 3], atol=30)


@pytest.mark.parametrize("suffix", ["bmp", "webp"])
def test_an_image_that_breaks_off_is_truncated(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = BytesIO()
    Image.fromarray(noise).save(data, suffix)
    (tmp_path / f"0.{suffix}").write_bytes(data.getvalue()[:-500])
    with pytest.raises(RecordingError, match="truncated"):
        frames_of(tmp_path)


def test_values_that_are_no_grey_levels_are_an_error(tmp_path: Path) -> None:
    """A TIFF of floating-point values states no scale."""
    cv2.imwrite(str(tmp_path / "0.tiff"), np.full((8, 8, 3), 0.5, np.float32))
    with pytest.raises(RecordingError, match="unreadable"):
        frames_of(tmp_path)


def tiff_of(width: int, height: int) -> bytes:
    """Return the header of a TIFF of any size, with hardly a pixel."""
    values = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (277, 1)]
    values += [(278, height), (279, 100)]
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values)
    head = b"II*\0" + struct.pack("<IH", 8, len(values))
    return (head + tags + bytes(4)).ljust(300, b"\0")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tiff_of(65_000, 65_000), "too_large"),
        (b"PF\n60000 17000\n-1.0\n" + bytes(100), "unreadable"),
        (b"P6\n60000 17000\n255\n" + bytes(100), "unreadable"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 30000 +X 30000\n", "unreadable"),
    ],
    ids=["TIFF", "PFM", "PPM", "HDR"],
)
def test_an_image_that_claims_too_much_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    """Whatever the file's name says, OpenCV would decode it by its content."""

    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", decoded)
    (tmp_path / "01").mkdir()
    (tmp_path / "01/1.png").write_bytes(content)
    with pytest.raises(RecordingError) as caught:
        frames_of(tmp_path / "01")
    assert caught.value.reason == reason


def test_a_file_of_terabytes_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "01").mkdir()
    with (tmp_path / "01/1.png").open("wb") as file:
        file.truncate(1 << 40)  # of nothing but a hole
    with pytest.raises(RecordingError, match="has 1099511627776 bytes") as caught:
        frames_of(tmp_path / "01")
    assert caught.value.reason == "too_large"
