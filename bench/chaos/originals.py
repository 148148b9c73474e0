"""Small intact videos to be damaged: simulated ones in five containers, and real ones if any."""

from itertools import islice
from pathlib import Path

import av
import numpy as np

from fmdata.catalog.types import Recording
from fmdata.pipeline.reading.decode import decode
from fmdata.synth.simulator.simulate import SimulateSettings, simulate

FRAMES, FPS = 16, 12
# Suffix of the container, codec, pixel format.
FORMATS = (
    (".mp4", "libx264", "yuv420p"),
    (".avi", "mjpeg", "yuvj420p"),
    (".mkv", "libx264", "yuv420p"),
    (".mpg", "mpeg1video", "yuv420p"),
    (".mov", "mpeg4", "yuv420p"),
)
REAL = ("grid/bbaf2n.mpg", "grid/swwp2s.mpg", "motions/man_grey.mp4")


def originals(folder: Path, seed: int, real: Path) -> list[Path]:
    """Write the simulated videos to `folder`; return their paths and those of the real ones."""
    simulated = folder / "simulated"
    simulate(
        simulated, SimulateSettings(subjects=2, actions=1, takes=1, seed=seed, fps=FPS, size=160)
    )
    found = []
    for source in sorted(simulated.glob("*/*/*.mp4")):
        recording = Recording(source, source.name, "", "", "")
        frames = [frame.rgb for frame in islice(decode(recording), FRAMES)]
        for suffix, codec, pixels in FORMATS:
            path = folder / f"{source.parts[-3]}{suffix}"
            _write(path, frames, codec, pixels)
            found.append(path)
    return found + [real / name for name in REAL if (real / name).is_file()]


def _write(path: Path, frames: list[np.ndarray], codec: str, pixels: str) -> None:
    # MPEG-1 supports only a few frame rates.
    rate = 25 if codec == "mpeg1video" else FPS
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24")))
        container.mux(stream.encode(None))
