"""The second pass detects the same face more precisely, and decides doubtful motions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.storage.work import Unit
from fmdata.catalog.types import Recording, Track
from fmdata.pipeline.geometry.points import STABLE
from fmdata.pipeline.geometry.similarity import apply, fit_2d
from fmdata.pipeline.landmarks.face import REGION_SCALE, REGION_SIDE, Face, Landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame, decode
from fmdata.pipeline.second_pass.redetect import VIEWS, Refined, refine
from fmdata.pipeline.second_pass.respot import needs_second_pass, noise_of, respot, spot_refined
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.signal import measure
from fmdata.pipeline.spotting.spot import spot
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.job import Job
from fmdata.synth.simulator.script import write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate
from tests.helpers.faces import film, portrait_mesh

pytestmark = pytest.mark.slow

FPS = 25.0
EYES = [33, 263]


class Dots:
    """A backend that fits a mesh to two dots, red and green, as its outer eye corners.

    Each mesh has an error of `error` interocular distances in one direction of the mesh. Like a
    network's, the error depends on the position in the image.
    """

    def __init__(self, mesh: np.ndarray, error: float = 0.0, finds: bool = True) -> None:
        self.mesh, self.error, self.finds = mesh, error, finds

    def detect(self, rgb: np.ndarray) -> list[Face]:
        if not self.finds:
            return []
        eyes = np.array([centre(rgb[..., channel]) for channel in (0, 1)])
        to_picture = fit_2d(self.mesh[EYES, :2], eyes)
        scale = np.hypot(to_picture[0, 0], to_picture[1, 0])
        points = np.column_stack([apply(to_picture, self.mesh[:, :2]), scale * self.mesh[:, 2]])
        points[200:300, 1] += self.error * scale * np.sin(1.7 * eyes[0, 0])
        return [Face(points.astype(np.float32), np.zeros(3, np.float32), None)]


def centre(picture: np.ndarray) -> np.ndarray:
    """Return the centre of the brightness, x and y."""
    weights = picture.astype(float)
    y, x = np.indices(picture.shape)
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


def swaying(n: int, size: int = 320) -> Iterator[Frame]:
    """Yield frames of two dots, 60 pixels apart, that shift, rotate and scale a little."""
    for t in range(n):
        turn, reach = 0.1 * np.sin(t / 5), 30 * (1 + 0.05 * np.sin(t / 3))
        middle = np.array([160 + 7 * np.sin(t / 4), 150 + 5 * np.cos(t / 6)])
        across = reach * np.array([np.cos(turn), np.sin(turn)])
        rgb = np.zeros((size, size, 3), np.uint8)
        y, x = np.indices((size, size))
        for channel, side in ((0, -1), (1, 1)):
            px, py = middle + side * across
            rgb[..., channel] = 250 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 18)
        yield Frame(t, t / FPS, rgb)


def folder(path: Path) -> Path:
    """Make a folder for temporary files."""
    made = path / "second"
    made.mkdir(exist_ok=True)
    return made


def wobble(track: Track) -> float:
    """Return the RMS over time of the face's distance from its mean pose, in IOD."""
    face = measure(track, FPS, 1.0).face
    return float(np.sqrt(((face - face.mean(0)) ** 2).sum(1).mean()))


def test_landmarks_without_error_are_the_same_again(face: np.ndarray, tmp_path: Path) -> None:
    """With a backend without error only the resampling of the pixels changes them."""
    backend = Dots(face)
    track = follow(swaying(12), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(12), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    assert np.abs(refined.track.landmarks[:] - track.landmarks[:]).max() < 0.3
    assert refined.track.landmarks[:].dtype == np.float32


def test_errors_that_differ_between_views_average_out(face: np.ndarray, tmp_path: Path) -> None:
    backend = Dots(face, error=0.02)
    track = follow(swaying(40), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(40), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    assert wobble(refined.track) < 0.6 * wobble(track)


def test_the_network_is_more_precise_on_a_face_that_moves_as_a_whole(
    portrait: np.ndarray, landmarker: Landmarker, tmp_path: Path
) -> None:
    """A photograph that is shifted, rotated and scaled has no facial motion."""

    def frames() -> Iterator[Frame]:
        for t in range(16):
            sway = cv2.getRotationMatrix2D((300, 300), 3 * np.sin(t / 3), 0.6 + 0.02 * np.sin(t))
            sway[:, 2] += 8 * np.sin(t / 2), 6 * np.cos(t / 2.5)
            yield Frame(t, t / FPS, cv2.warpAffine(portrait, sway, (600, 600)))

    track = follow(frames(), landmarker, 0.9, tmp_path / "first.npy")
    refined = refine(frames(), track, FPS, landmarker, folder(tmp_path))
    assert refined is not None
    assert wobble(refined.track) < 0.6 * wobble(track)


class RegionDots(Dots):
    """A backend that takes a known region, too; it remembers what it was asked for."""

    def __init__(self, mesh: np.ndarray) -> None:
        super().__init__(mesh)
        self.regions: list[np.ndarray] = []

    def landmarks_in(self, region: np.ndarray) -> np.ndarray | None:
        assert region.shape == (REGION_SIDE, REGION_SIDE, 3)
        [face] = super().detect(region)
        self.regions.append(face.landmarks)
        return face.landmarks.astype(np.float64)


def test_a_known_region_is_not_detected_again(face: np.ndarray, tmp_path: Path) -> None:
    """Each frame is shown in every view, in which the face fills the region in its usual way."""
    track = follow(swaying(12), Dots(face), 0.9, tmp_path / "first.npy")
    backend = RegionDots(face)
    backend.detect = None  # type: ignore[method-assign, assignment]  # a call fails
    refined = refine(swaying(12), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    assert np.abs(refined.track.landmarks[:] - track.landmarks[:]).max() < 0.3
    assert len(backend.regions) == len(VIEWS) * 12
    straight = np.array(backend.regions[:: len(VIEWS)])[..., :2]
    low, high = straight.min(1), straight.max(1)
    assert (high - low).max(1) * REGION_SCALE == pytest.approx(REGION_SIDE, rel=0.03)
    assert (low + high) / 2 == pytest.approx(REGION_SIDE / 2, abs=3)


def test_frames_without_the_face_are_interpolated(face: np.ndarray, tmp_path: Path) -> None:
    """With the first pass's landmarks there, a still face would seem to move."""
    backend = Dots(face, error=0.02)
    track = follow(swaying(12), backend, 0.9, tmp_path / "first.npy")
    detected = ~np.isin(np.arange(12), [0, 5, 6, 11])
    track = replace(track, detected=detected)
    refined = refine(swaying(12), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    points = refined.track.landmarks[:]
    assert points[0] == pytest.approx(points[1])
    assert points[5] == pytest.approx((2 * points[4] + points[7]) / 3, abs=1e-3)
    assert points[6] == pytest.approx((points[4] + 2 * points[7]) / 3, abs=1e-3)
    assert points[11] == pytest.approx(points[10])


@pytest.mark.parametrize("n", [5, 7])
def test_another_number_of_frames_is_an_error(n: int, face: np.ndarray, tmp_path: Path) -> None:
    track = follow(swaying(6), Dots(face), 0.9, tmp_path / "first.npy")
    with pytest.raises(RecordingError) as error:
        refine(swaying(n), track, FPS, Dots(face), folder(tmp_path))
    assert error.value.reason == "truncated"


def test_points_of_fan_are_not_refined(face: np.ndarray, tmp_path: Path) -> None:
    backend = Dots(face)
    track = follow(swaying(6), backend, 0.9, tmp_path / "first.npy")
    few = replace(track, landmarks=track.landmarks[:][:, :68])
    assert refine(swaying(6), few, FPS, backend, folder(tmp_path)) is None


def test_a_track_is_not_refined_without_the_face_in_the_crops(
    face: np.ndarray, tmp_path: Path
) -> None:
    track = follow(swaying(6), Dots(face), 0.9, tmp_path / "first.npy")
    assert refine(swaying(6), track, FPS, Dots(face, finds=False), folder(tmp_path)) is None
    elsewhere = Dots(face + np.array([3.0, 0, 0]))  # another face, three interocular distances away
    elsewhere.mesh[EYES] = face[EYES]
    assert refine(swaying(6), track, FPS, elsewhere, folder(tmp_path)) is None


def test_noise_grows_with_head_rotation() -> None:
    noises = [noise_of(film(60, head=head), FPS) for head in (0.0, 0.7, 1.5, 20.0)]
    assert 0.3 < noises[0] < noises[1] < noises[2] < noises[3] == 1


def test_only_a_doubtful_motion_is_withdrawn() -> None:
    """Refined landmarks without a motion, after a clear wink and after a faint one."""
    nothing = Refined(film(75, jitter=0.0003), None)
    timing = (20, 30, 45, 57)
    clear_track, faint_track = film(75, "wink", timing), film(75, "wink", timing, size=0.15)
    clear, faint = spot(clear_track, FPS), spot(faint_track, FPS)
    assert clear.is_of_lids
    assert not clear.is_doubtful
    assert faint.motion is not None
    assert faint.is_doubtful
    assert spot_refined(clear, clear_track, nothing, FPS) is clear
    assert spot_refined(faint, faint_track, nothing, FPS).motion is None


def test_a_clear_motion_has_no_second_pass(tmp_path: Path) -> None:
    """No frame is decoded, and the result is that of the first pass."""

    def frames() -> Iterator[Frame]:
        raise AssertionError("a frame was decoded")
        yield

    track = film(75, "smile", (20, 30, 45, 57))
    first, backend = spot(track, FPS), Dots(portrait_mesh(), finds=False)
    assert not needs_second_pass(first, track)
    assert respot(frames, track, FPS, backend, first, tmp_path) is first


@pytest.mark.parametrize(("head", "stays"), [(0.0, True), (6.0, False)])
def test_a_large_motion_is_not_withdrawn_unless_the_head_turns(head: float, stays: bool) -> None:
    """Speech between a few restless frames has little certainty, whatever its amplitude."""
    track, nothing = film(75, "smile", (20, 30, 45, 57), head=head), Refined(film(75), None)
    speech = spot(track, FPS)
    assert speech.motion is not None
    faint = replace(speech, motion=replace(speech.motion, amplitude_iod=0.019, snr=7.0))
    large = replace(speech, motion=replace(speech.motion, amplitude_iod=0.04, snr=7.0))
    for doubtful in (faint, large):
        assert doubtful.is_doubtful
        assert needs_second_pass(doubtful, track)
    assert spot_refined(faint, track, nothing, FPS).motion is None
    assert (spot_refined(large, track, nothing, FPS) is large) == stays


def test_the_second_pass_places_a_large_motion_that_it_shows_more_clearly() -> None:
    """A smile whose beginning is lost in a noise that the views average away."""
    track = film(75, "smile", (20, 30, 45, 57))
    clear = spot(track, FPS)
    assert clear.motion is not None
    noisy = replace(clear, motion=replace(clear.motion, onset=5, amplitude_iod=0.04, snr=5.0))
    assert noisy.is_doubtful
    placed = spot_refined(noisy, track, Refined(track, None), FPS)
    assert placed.motion is not None
    assert placed.motion.onset == clear.motion.onset


def test_the_second_pass_removes_its_files(tmp_path: Path) -> None:
    track = follow(swaying(6), Dots(portrait_mesh()), 0.9, tmp_path / "first.npy")
    first = spot(track, FPS)
    assert needs_second_pass(first, track)
    second = respot(lambda: swaying(6), track, FPS, Dots(portrait_mesh()), first, tmp_path)
    assert second.motion is None
    assert [path.name for path in tmp_path.iterdir()] == ["first.npy"]


def made(settings: SimulateSettings, folder: Path) -> Recording:
    """Return the simulation's only recording."""
    simulate(folder, settings)
    [script] = write_scripts(settings)
    truth = script.truth
    return Recording(folder / truth.path, truth.path, truth.subject, truth.action, truth.take)


FURROW = SimulateSettings(1, ("brow_furrow",), 1, seed=301)


@pytest.mark.parametrize("action", ["brow_furrow", "wink_right"])
def test_a_faint_motion_is_confirmed_by_the_second_pass(
    landmarker: Landmarker, tmp_path: Path, action: str
) -> None:
    """A quarter of a furrowed brow, and of a wink, with a moving head."""
    settings = replace(FURROW, actions=(action,), amplitude=0.25)
    recording = made(settings, tmp_path / "raw")
    first = spot(follow(decode(recording), landmarker, 0.9, tmp_path / "first.npy"), FPS)
    assert first.is_doubtful
    unit = Unit(tmp_path / "work" / "digest")
    job = Job(recording, Identity(source_sha256="content", digest=unit.path.name))
    outcome = process(job, BuildSettings(size=64), unit.path.parent)
    assert outcome.dropped is None
    assert not [path for path in unit.path.iterdir() if path.is_dir()]
    [row] = unit.sample().facts.to_pylist()
    [script] = write_scripts(settings)
    assert script.truth.onset is not None
    assert script.truth.offset is not None
    assert abs(row["onset"] - script.truth.onset) <= 3
    assert abs(row["offset"] - script.truth.offset) <= 3
    assert row["amplitude"] < 0.02


def test_the_second_pass_finds_no_motion_in_a_still_face(
    landmarker: Landmarker, tmp_path: Path
) -> None:
    """The same face and head without the motion."""
    recording = made(replace(FURROW, amplitude=0.0), tmp_path / "raw")
    track = follow(decode(recording), landmarker, 0.9, tmp_path / "first.npy")
    refined = refine(decode(recording), track, FPS, landmarker, folder(tmp_path))
    assert refined is not None
    assert noise_of(refined.track, FPS) < 0.6
    assert refined.lids is not None
    noise = noise_of(refined.track, FPS)
    assert spot(refined.track, FPS, noise, lids=refined.lids, in_doubt=True).motion is None


def test_stable_points_keep_their_mean_position(face: np.ndarray, tmp_path: Path) -> None:
    """Refining must not shift the face as a whole."""
    backend = Dots(face, error=0.02)
    track = follow(swaying(20), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(20), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    shift = (refined.track.landmarks[:] - track.landmarks[:])[:, STABLE, :2]
    assert np.abs(shift.mean((0, 1))).max() < 0.2
