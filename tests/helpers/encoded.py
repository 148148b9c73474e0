"""Videos of given pictures, in any codec, pixel format, pixel shape and colour description."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.decode import Frame, decode


def recording(path: Path, **options: Any) -> Recording:
    """Return a recording of a file or folder."""
    return Recording(path, path.name, "s01", "smile", "01", **options)


def first_frame(path: Path) -> Frame:
    """Return the first frame of a file or folder."""
    return next(decode(recording(path)))


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    codec: str = "libx264",
    *,
    pix_fmt: str = "yuv420p",
    shape: Fraction | None = None,
    matrix: int | None = None,
    options: dict[str, str] | None = None,
    **properties: int,
) -> Path:
    """Write pictures, uint8 or uint16 [H, W, 3], at 25 frames/s with hardly any loss.

    Parameters
    ----------
    shape : Fraction or None
        Width of a pixel over its height, stated in the stream.
    matrix : int or None
        Matrix of the pixels, where it is another than the stream's ``colorspace``.
    properties : int
        Further attributes of the codec context and of each frame, such as ``color_trc``.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.bit_rate = 8_000_000
        if shape is not None:
            stream.codec_context.sample_aspect_ratio = shape
        for name, value in properties.items():
            setattr(stream.codec_context, name, value)
        matrix = properties.get("colorspace") if matrix is None else matrix
        for n, picture in enumerate(pictures):
            kind = "rgb24" if picture.dtype == np.uint8 else "rgb48le"
            frame = av.VideoFrame.from_ndarray(picture, kind)
            frame = frame.reformat(format=pix_fmt, dst_colorspace=matrix)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            for name in ("color_trc", "color_primaries"):
                setattr(frame, name, properties.get(name, 2))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
