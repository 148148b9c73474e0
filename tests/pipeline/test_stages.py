"""A short recording is decoded once for all stages; of a larger one, the faces are kept."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording
from fmdata.pipeline import stages
from fmdata.pipeline.landmarks import film
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.reading.decode import Frame
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job

N_FRAMES, SIDE = 40, 96
BYTES = N_FRAMES * SIDE * SIDE * 3


class Decoder:
    """Decodes noise of some height and width, and counts."""

    def __init__(self, height: int, width: int) -> None:
        self.begun = self.frames = 0
        self.shape = height, width, 3

    def __call__(self, recording: Recording, on_frame: object) -> Iterator[Frame]:
        self.begun += 1
        rng = np.random.default_rng(0)
        for n in range(N_FRAMES):
            self.frames += 1
            yield Frame(n, n / 25, rng.integers(0, 256, self.shape, np.uint8))


def made(
    folder: Path,
    kept_bytes: int,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, int] = (SIDE, SIDE),
) -> tuple[Decoder, bytes]:
    """Make a clip; return the decoder and the bytes of all its files."""
    decoder = Decoder(*shape)
    monkeypatch.setattr(stages, "decode", decoder)
    monkeypatch.setattr(film, "KEPT_BYTES", kept_bytes)
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


@pytest.mark.usefixtures("fixed_face", "no_second_pass")
def test_crops_of_a_larger_recording_are_cut_from_the_kept_parts_around_the_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The face is known to be upright after the first frame, and all frames are decoded once.

    A part is 96 × 200 pixels of 96 × 384. The bytes are those of crops from whole frames.
    """

    def upright(frames: Iterator[Frame], landmarker: object) -> int:
        return 0 * next(frames).index

    monkeypatch.setattr(stages, "needed_turn", upright)
    monkeypatch.setattr(film, "MARGIN", 2.0)
    shape = (SIDE, 4 * SIDE)
    whole, decoded = made(tmp_path / "decoded", 0, monkeypatch, shape)
    parts, kept = made(tmp_path / "kept", 5 * BYTES // 2, monkeypatch, shape)
    assert (whole.begun, whole.frames) == (3, 2 * N_FRAMES + 1)
    assert (parts.begun, parts.frames) == (1, N_FRAMES)
    assert kept == decoded


def test_a_crop_beyond_the_kept_parts_is_cut_from_whole_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The parts around a small face were kept; a crop that needs more is given all of the frame."""
    monkeypatch.setattr(film, "KEPT_BYTES", BYTES - 1)
    decoder = Decoder(SIDE, SIDE)
    recording = Recording(Path(), "", "", "", "")
    reel = film.Film(lambda: decoder(recording, None), stages.UNWATCHED)
    mesh = np.random.default_rng(0).uniform(40, 60, (478, 3)).astype(np.float32)
    for frame in reel.frames("landmarks"):
        reel.see(frame, [Face(mesh, np.zeros(3, np.float32), None)])
    for corners, kept in (((35, 65), True), ((20, 65), False), ((35, 80), False)):
        needed = np.tile(np.array(corners)[:, None], (N_FRAMES, 1, 2))
        shapes = {frame.rgb.shape[:2] == (SIDE, SIDE) for frame in reel.cropped("encode", needed)}
        assert shapes == {not kept}, corners
