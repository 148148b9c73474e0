"""Ground truth of every frame: the pose of the head, and the weights of ARKit's units.

One file, ``truth.frames.parquet``, with a row a frame in the order of ``truth.csv``. It is written
recording by recording, so memory does not grow with their number.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fmdata.catalog.storage.files import atomic_file
from fmdata.synth.simulator.actor import Actor, Cast
from fmdata.synth.simulator.camera import Camera
from fmdata.synth.simulator.face.units import UNITS
from fmdata.synth.simulator.timing.moment import Moment

FRAMES = "truth.frames.parquet"
_MEASURES = ("yaw", "pitch", "roll", "intensity", "second_intensity", *UNITS)
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("frame", pa.int32(), nullable=False),
        *(pa.field(name, pa.float32(), nullable=False) for name in _MEASURES),
    ]
)
"""Angles in degrees, signs as in `catalog.types.Track`; weights are 1 at full scale."""


class FrameTruth:
    """Rows of the file that is being written; nothing where the cast knows no units."""

    def __init__(self, writer: pq.ParquetWriter | None) -> None:
        self._writer = writer

    def add(self, path: str, camera: Camera, plays: Iterable[tuple[Actor, Moment]]) -> None:
        """Write the rows of one recording.

        Parameters
        ----------
        path : str
            Path below the raw folder.
        camera : Camera
            Has the pose of the head.
        plays : iterable of (Actor, Moment)
            For each frame, the actor and the state of the face.
        """
        if self._writer is None:
            return
        shown = [(play.intensity, play.other, actor.units(play)) for actor, play in plays]
        intensity, second, units = (np.array(column) for column in zip(*shown, strict=True))
        angles = np.degrees([camera.yaw, camera.pitch, camera.roll])
        measures = np.vstack([angles, intensity, second, units.T])
        n = measures.shape[1]
        columns = [pa.array([path] * n), pa.array(np.arange(n, dtype=np.int32))]
        columns += [pa.array(measure) for measure in measures.astype(np.float32)]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))


@contextmanager
def write_frames(path: Path, cast: Cast) -> Iterator[FrameTruth]:
    """Open the file of a cast's frames, which appears when it is complete."""
    if not cast.has_units:
        yield FrameTruth(None)
        return
    with (
        atomic_file(path) as file,
        pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer,
    ):
        yield FrameTruth(writer)
