"""A short recording is decoded once for all stages, a long one again for each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job

N_FRAMES, SIDE = 40, 96
BYTES = N_FRAMES * SIDE * SIDE * 3


class Decoder:
    """Decodes noise, and counts."""

    def __init__(self) -> None:
        self.begun = self.frames = 0

    def __call__(self, recording: Recording, on_frame: object) -> Iterator[Frame]:
        self.begun += 1
        rng = np.random.default_rng(0)
        for n in range(N_FRAMES):
            self.frames += 1
            yield Frame(n, n / 25, rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))


def made(folder: Path, kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Decoder, bytes]:
    """Make a clip; return the decoder and the bytes of all its files."""
    decoder = Decoder()
    monkeypatch.setattr(stages, "decode", decoder)
    monkeypatch.setattr(stages, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(stages, "listed_frames", lambda recording: 0)
    monkeypatch.setattr(stages, "nominal_rate", lambda recording: 25.0)
    job = Job(Recording(Path(__file__), "a", "s", "x", "1"), Identity("content", "digest"))
    outcome = stages.process(job, BuildSettings(size=64), folder)
    assert outcome.dropped is None
    unit = Unit(folder / "digest")
    return decoder, unit.avi.read_bytes() + unit.lbp.read_bytes()


@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_a_short_recording_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three stages read all frames: the one for which way is up too, as this face shows it not."""
    once, kept = made(tmp_path / "kept", BYTES, monkeypatch)
    again, decoded = made(tmp_path / "decoded", BYTES - 1, monkeypatch)
    assert (once.begun, once.frames) == (1, N_FRAMES)
    assert (again.begun, again.frames) == (3, 3 * N_FRAMES)
    assert kept == decoded
