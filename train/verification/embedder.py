"""From a raw video to a vector, by the encoder of a finished run.

::

    from fmdata.train.verification.embedder import Embedder

    embedder = Embedder("runs/encoder")
    enrolled = embedder.enrol(["ann-1.mp4", "ann-2.mp4", "ann-3.mp4"])
    probe = embedder("ann-today.mp4")
    match = embedder.match(enrolled, probe)
    print(match.probability, match.accepted)

Promise: the vector of a recording is that of its clip in a dataset made with the same settings.
Both run the same stages, JPEG included, so on one machine they are equal bit for bit.
"""

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fmdata.catalog.errors import InputError, ModelError, RecordingError
from fmdata.catalog.storage.avi import jpeg_spans
from fmdata.catalog.storage.jpeg import decode_jpeg
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import Identity, content_digest
from fmdata.pipeline.work.job import Job
from fmdata.train.model_file import build_settings_of, load, operating_of
from fmdata.train.recipes.motion import MotionEncoder
from fmdata.train.verification.operating import FARS, MEAN


@dataclass(frozen=True)
class Enrolled:
    """An enrolled motion: the mean of the clips' vectors, float32 [n], and their number."""

    vector: np.ndarray
    n_clips: int


@dataclass(frozen=True)
class Match:
    """Result of a comparison.

    Attributes
    ----------
    similarity : float
        Cosine of the two vectors, -1 to 1.
    probability : float or None
        Calibrated probability that both are the same motion of the same person, where that is as
        likely as not beforehand. It is calibrated for one enrolled clip.
    accepted : bool or None
        Whether the similarity reaches the threshold that the training subjects chose for a FAR of
        1 % and this number of enrolled clips, or the next smaller one that has a threshold. None,
        as for the probability, where they were too few to choose.
    """

    similarity: float
    probability: float | None
    accepted: bool | None


class Embedder:
    """Embeds raw videos by the encoder of a finished run.

    Parameters
    ----------
    run : str or Path
        Folder of a run of `fmdata train encoder` or `subclips`.
    model : Path, optional
        File or folder of the landmark network's weights.

    Raises
    ------
    ModelError
        When there is no finished run of an encoder in the folder.
    """

    def __init__(self, run: str | Path, model: Path | None = None) -> None:
        recipe: object = load(Path(run))
        if not isinstance(recipe, MotionEncoder):
            raise ModelError(
                f"a run of {type(recipe).__name__.lower()}, which embeds no motions",
                wanted="a run of `fmdata train encoder` or `fmdata train subclips`",
                where=str(run),
                todo="name the folder of such a run",
            )
        self._encoder, self._model = recipe, model
        self._settings = _without_extras(build_settings_of(Path(run)))
        self._operating = operating_of(Path(run))

    def __call__(self, video: str | Path) -> np.ndarray:
        """Embed one recording, a video or a folder of images: float32 [n] of length 1.

        Raises
        ------
        InputError
            When a build would drop the recording, for the same reason.
        """
        return self._encoder.embed([self.crops(video)])[0]

    def enrol(self, videos: Iterable[str | Path]) -> Enrolled:
        """Embed the recordings of one motion of one person."""
        vectors = np.stack([self(video) for video in videos])
        mean = vectors.mean(axis=0)
        return Enrolled(mean / np.linalg.norm(mean), len(vectors))

    def match(self, enrolled: Enrolled, probe: np.ndarray) -> Match:
        """Compare an enrolled motion with the vector of a probe, float32 [n]."""
        similarity = float(enrolled.vector @ probe)
        calibration = self._operating.calibration
        known = [
            n for n, by, far in self._operating.thresholds
            if (by, far) == (MEAN, FARS[0]) and n <= enrolled.n_clips
        ]  # fmt: skip
        threshold = self._operating.thresholds[max(known), MEAN, FARS[0]] if known else None
        return Match(
            similarity,
            float(calibration.probability(np.array(similarity))) if calibration else None,
            threshold.accepts(similarity) if threshold else None,
        )

    def crops(self, video: str | Path) -> np.ndarray:
        """Return the aligned crops of a recording, uint8 [T, S, S, 3] RGB, as a build makes them.

        Raises
        ------
        InputError
            As :meth:`__call__`.
        """
        path = Path(video)
        recording = Recording(path, path.name, "subject", "action", "take")
        with tempfile.TemporaryDirectory() as work:
            try:
                job = Job(recording, Identity(content_digest(recording), "embedded"))
            except RecordingError as error:
                raise _unusable(path, error.stage, error.detail) from error
            outcome = process(job, self._settings, Path(work), self._model)
            if outcome.dropped is not None:
                raise _unusable(path, outcome.dropped.stage, outcome.dropped.detail)
            avi = Unit(Path(work) / job.digest).avi.read_bytes()
        spans = jpeg_spans(io.BytesIO(avi), len(avi))
        return np.stack([decode_jpeg(avi[s.offset : s.offset + s.size]) for s in spans])


def _without_extras(settings: BuildSettings) -> BuildSettings:
    """Return the settings without LBP maps and sound, which no encoder reads."""
    return BuildSettings.from_json(settings.to_json() | {"lbp": False, "audio": False})


def _unusable(path: Path, stage: str, detail: str) -> InputError:
    return InputError(
        f"a recording that cannot be used, at the stage {stage}: {detail}",
        wanted="a video of one face that shows one motion",
        where=str(path),
        todo="record it again, or name another file",
    )
