"""Encodes frames as H.264; the same frames give the same bytes on every machine."""

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
import numpy as np

_CLOCK = 90_000  # ticks a second, of given times


def encode_mp4(
    frames: Iterable[np.ndarray], fps: float, crf: int, times: Sequence[float] | None = None
) -> bytes:
    """Encode RGB frames, uint8 [H, W, 3] with even H and W, as H.264 in MP4.

    Parameters
    ----------
    frames : iterable of uint8 [H, W, 3]
        One frame or more.
    fps : float
        Frames per second.
    crf : int
        x264's constant rate factor, 0 to 51.
    times : sequence of float, optional
        Time of each frame in seconds; by default the frames follow one another at `fps`.
    """
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        # x264's decisions depend on the number of threads.
        stream.thread_count = 1
        stream.options = {
            "crf": str(crf),
            "preset": "veryfast",
            "flags": "+bitexact",
            # x264's AVX-512 code gives different bytes from run to run (seen with PyAV 18.1).
            "x264-params": "threads=1:cpu-independent=1",
        }
        if times is not None:
            stream.codec_context.time_base = Fraction(1, _CLOCK)
        for n, image in enumerate(frames):
            if n == 0:
                stream.height, stream.width = image.shape[:2]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[n] * _CLOCK), Fraction(1, _CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()
