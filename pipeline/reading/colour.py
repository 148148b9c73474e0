"""Colours of a decoded frame: from any transfer function and gamut to 8-bit BT.709.

Frames of standard range in any gamut but a wide one are converted by FFmpeg alone, with the matrix
and the range that each frame states. HLG, PQ and wide gamuts are converted here: to light on a
display by their transfer function (ITU-R BT.2100), to BT.709 primaries, and to grey levels of a
display of gamma 2.4 (BT.1886). Reference white, 203 cd/m2 (ITU-R BT.2408), becomes level 255.
Brighter light, and colours outside BT.709, are clipped, as in a camera of standard range. The
system gamma of HLG is applied to each component, as a camera of standard range does, and not to
the luminance: colours are those that such a camera would have recorded of the scene.
"""

from functools import cache
from typing import Any

import cv2
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

WHITE = 203.0  # cd/m2: HDR reference white, which is the white of standard range
HLG_PEAK = 1000.0  # cd/m2: the display for which the HLG system gamma is 1.2
HLG_GAMMA = 1.2
DISPLAY_GAMMA = 2.4

UNKNOWN = "unknown"
# Names as in FFmpeg, by the code points of ITU-T H.273.
_TRANSFERS = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1",
    14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
    10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_PQ, _HLG = "smpte2084", "arib-std-b67"
_UNSPECIFIED_MATRIX = 2

# From linear light in wide primaries to linear light in those of BT.709; the white is D65 in all.
_TO_BT709 = {
    "bt2020": np.array(
        [
            [1.660491, -0.587641, -0.072850],
            [-0.124550, 1.132900, -0.008349],
            [-0.018151, -0.100579, 1.118730],
        ],
        np.float32,
    ),
    "smpte432": np.array(
        [
            [1.224940, -0.224940, 0.0],
            [-0.042057, 1.042057, 0.0],
            [-0.019638, -0.078636, 1.098274],
        ],
        np.float32,
    ),
}


def transfer_of(frame: Any) -> str:
    """Return the name of a PyAV frame's transfer function, ``unknown`` if it states none."""
    return _TRANSFERS.get(frame.color_trc, UNKNOWN)


def primaries_of(frame: Any) -> str:
    """Return the name of a PyAV frame's primaries, ``unknown`` if it states none."""
    return _PRIMARIES.get(frame.color_primaries, UNKNOWN)


def rgb_of(frame: Any, reformatter: VideoReformatter) -> np.ndarray:
    """Convert a PyAV frame to BT.709, uint8 [H, W, 3].

    With one `reformatter` for all frames of a video FFmpeg sets up the conversion once.

    Raises
    ------
    av.FFmpegError or ValueError
        When FFmpeg cannot convert the frame's pixel format or matrix.
    """
    transfer, primaries = transfer_of(frame), primaries_of(frame)
    if transfer not in (_PQ, _HLG) and primaries not in _TO_BT709:
        rgb: np.ndarray = reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
        return rgb
    unspecified = frame.colorspace == _UNSPECIFIED_MATRIX and primaries == "bt2020"
    matrix = Colorspace.BT2020 if unspecified or primaries == UNKNOWN else None
    codes = reformatter.reformat(
        frame, format="rgb48le", src_colorspace=matrix, threads=1
    ).to_ndarray()
    return _to_standard_range(codes, transfer, primaries)


def _to_standard_range(codes: np.ndarray, transfer: str, primaries: str) -> np.ndarray:
    """Convert R'G'B' codes, uint16 [H, W, 3], to BT.709, uint8 [H, W, 3]."""
    light = _light_of_codes(transfer)[codes]
    # BT.2100 has the primaries of BT.2020 alone, so HDR that states none has these.
    wide = _TO_BT709.get("bt2020" if primaries == UNKNOWN else primaries)
    if wide is not None:
        light = cv2.transform(light, wide)
    # Levels are looked up by the root of the light, which is fine enough for the darkest of them.
    roots = np.sqrt(light.clip(0, 1)) * np.float32(65535) + np.float32(0.5)
    return _levels_of_roots()[roots.astype(np.uint16)]


@cache
def _light_of_codes(transfer: str) -> np.ndarray:
    """Return the light of each 16-bit code, float32 [65536]; reference white is 1."""
    signal = np.arange(65536) / 65535
    if transfer == _PQ:
        light = _pq_light(signal) / WHITE
    elif transfer == _HLG:
        light = HLG_PEAK / WHITE * _hlg_scene(signal) ** HLG_GAMMA
    else:
        light = signal**DISPLAY_GAMMA
    return light.astype(np.float32)


def _pq_light(signal: np.ndarray) -> np.ndarray:
    """Return the light of PQ signals in cd/m2, by the EOTF of ITU-R BT.2100, table 4."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    light: np.ndarray = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return light


def _hlg_scene(signal: np.ndarray) -> np.ndarray:
    """Return the light of the scene of HLG signals, 0 to 1: BT.2100, table 5, OETF inverse."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


@cache
def _levels_of_roots() -> np.ndarray:
    """Return the grey level of each root of light, in steps of 1 / 65535, uint8 [65536]."""
    roots = np.arange(65536) / 65535
    return (255 * roots ** (2 / DISPLAY_GAMMA) + 0.5).astype(np.uint8)
