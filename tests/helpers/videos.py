"""Videos in which each frame shows its own number.

The number is painted as 2 rows of 8 black or white cells: 14 bits, most significant first, between
one cell that is always white and one that is always black. Cells of 8x8 pixels or more survive
every codec used here, and a frame that is turned or mirrored does not read as a number.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

ROWS, COLUMNS = 2, 8
WHITE, BLACK = 230, 25
TICKS = 90_000  # per second: times are rounded to about 0.01 ms

# Display matrices that phones write into a movie's track header, by the clockwise turn that a
# player must make: x' = a x + c y, y' = b x + d y. Fixed-point 16.16, the last column 2.30.
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
CODECS = {".mpg": "mpeg1video", ".avi": "mpeg4", ".webm": "libvpx", ".wmv": "wmv2"}


class Box(NamedTuple):
    """A rectangle in pixels: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int


def paint_number(rgb: np.ndarray, number: int, box: Box) -> None:
    """Paint `number` (0 to 16383) into `box` of an image, uint8 [H, W, 3], in place."""
    bits = [1, *((number >> bit) & 1 for bit in reversed(range(ROWS * COLUMNS - 2))), 0]
    for cell, bit in enumerate(bits):
        rows, columns = _cell(box, cell, margin=0.0)
        rgb[rows, columns] = WHITE if bit else BLACK


def read_number(rgb: np.ndarray, box: Box) -> int:
    """Read the number that :func:`paint_number` painted; ValueError if there is none."""
    levels = np.array([rgb[_cell(box, cell, margin=0.25)].mean() for cell in range(ROWS * COLUMNS)])
    bits = levels > 128
    if not bits[0] or bits[-1] or np.abs(levels - 128).min() < 40:
        raise ValueError(f"no number in {box}: cells {levels.round().astype(int).tolist()}")
    return int("".join("1" if bit else "0" for bit in bits[1:-1]), 2)


def _cell(box: Box, cell: int, margin: float) -> tuple[slice, slice]:
    width, height = box.width / COLUMNS, box.height / ROWS
    x, y = box.x + cell % COLUMNS * width, box.y + cell // COLUMNS * height
    return (
        slice(round(y + margin * height), round(y + (1 - margin) * height)),
        slice(round(x + margin * width), round(x + (1 - margin) * width)),
    )


class NumberedVideo(NamedTuple):
    """A video file, its true frame times, and the place of the number in each frame."""

    path: Path
    times_s: np.ndarray  # float64 [T], after the first frame
    box: Box

    def number(self, rgb: np.ndarray) -> int:
        """Return the number shown by a frame, uint8 [H, W, 3]."""
        return read_number(rgb, self.box)


def write_numbered_video(
    path: Path,
    n_frames: int = 40,
    *,
    fps: float | Fraction = 25,
    times_s: Sequence[float] | None = None,
    codec: str | None = None,
    pixels: str = "yuv420p",
    b_frames: int = 0,
    turn: int = 0,
    picture: np.ndarray | Callable[[int], np.ndarray] | None = None,
    box: tuple[int, int, int, int] = (16, 16, 128, 32),
    movflags: str = "",
    options: dict[str, str] | None = None,
) -> NumberedVideo:
    """Write a video whose frame n shows n.

    Parameters
    ----------
    path : Path
        Its suffix chooses the container, and the codec unless `codec` names one.
    fps, times_s
        Frame rate; or the presentation times of a variable rate, in seconds, rising, from 0.
    pixels : str
        FFmpeg's name of the pixel format.
    b_frames : int
        Maximum number of consecutive B-frames.
    turn : int
        Clockwise degrees that a player must turn the picture (mp4 and mov). The pixels are stored
        turned the other way, so the displayed picture is always upright.
    picture : uint8 [H, W, 3], or a function of the frame's number returning one
        Background of the number; a grey 96x160 if None.
    box : left, top, width, height
        Place of the number in the upright picture.
    """
    background = picture if picture is not None else np.full((96, 160, 3), 128, np.uint8)
    rate = Fraction(fps).limit_denominator(1001)
    variable = times_s is not None
    times = np.arange(n_frames) / float(rate) if times_s is None else np.array(times_s, float)
    with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as container:
        stream = container.add_stream(codec or CODECS.get(path.suffix, "libx264"), rate=rate)
        stream.pix_fmt = pixels
        stream.gop_size = 12
        stream.max_b_frames = b_frames
        stream.bit_rate = 1_000_000
        stream.options = options or {}
        stream.codec_context.time_base = Fraction(1, TICKS) if variable else 1 / rate
        for n, time_s in enumerate(times):
            rgb = (background(n) if callable(background) else background).copy()
            paint_number(rgb, n, Box(*box))
            stored = np.ascontiguousarray(np.rot90(rgb, turn // 90))  # counter-clockwise
            if n == 0:
                stream.height, stream.width = stored.shape[:2]
            frame = av.VideoFrame.from_ndarray(stored, "rgb24")
            frame.pts = round(time_s * TICKS) if variable else n
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if turn:
        set_display_matrix(path, TURNS[turn])
    return NumberedVideo(path, times, Box(*box))


def make_distinct(path: Path, text: str) -> Path:
    """Append a text to an mp4 or mov, in a box that players skip; the frames stay the same."""
    data = text.encode()
    with path.open("ab") as file:
        file.write((8 + len(data)).to_bytes(4) + b"free" + data)
    return path


def set_display_matrix(path: Path, abcd: tuple[int, int, int, int]) -> None:
    """Overwrite the matrix in the track header of an mp4 or mov, as a phone would have set it."""
    data = bytearray(path.read_bytes())
    identity = _matrix(1, 0, 0, 1)
    at = data.index(identity, data.index(b"tkhd"))
    data[at : at + len(identity)] = _matrix(*abcd)
    path.write_bytes(data)


def _matrix(a: int, b: int, c: int, d: int) -> bytes:
    one = 1 << 16
    values = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    return np.array(values, ">i4").tobytes()
