"""A closer look: landmarks found again in aligned crops, steadier, and of the same face."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fmdata.catalog.errors import RecordingError
from fmdata.catalog.types import Recording, Track
from fmdata.pipeline.geometry.points import STABLE
from fmdata.pipeline.geometry.similarity import apply, fit_2d
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.track import follow
from fmdata.pipeline.reading.decode import Frame, decode
from fmdata.pipeline.second_pass.redetect import Closer, refine
from fmdata.pipeline.second_pass.respot import noise_of, settled
from fmdata.pipeline.settings import BuildSettings
from fmdata.pipeline.spotting.displacement import displacement
from fmdata.pipeline.spotting.spot import spot
from fmdata.pipeline.stages import process
from fmdata.pipeline.work.digest import Identity
from fmdata.pipeline.work.unit import sample_of
from fmdata.synth.simulator.script import write_scripts
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate

FPS = 25.0
EYES = [33, 263]


class Dots:
    """A backend that finds a mesh by two dots, red and green, where its outer eye corners are.

    Each mesh is wrong by `fault` interocular distances in one direction of the mesh, up or down
    with the place in the picture, as a network's is that answers to every shift otherwise.
    """

    def __init__(self, mesh: np.ndarray, fault: float = 0.0, finds: bool = True) -> None:
        self.mesh, self.fault, self.finds = mesh, fault, finds

    def detect(self, rgb: np.ndarray) -> list[Face]:
        if not self.finds:
            return []
        eyes = np.array([centre(rgb[..., channel]) for channel in (0, 1)])
        to_picture = fit_2d(self.mesh[EYES, :2], eyes)
        scale = np.hypot(to_picture[0, 0], to_picture[1, 0])
        points = np.column_stack([apply(to_picture, self.mesh[:, :2]), scale * self.mesh[:, 2]])
        points[200:300, 1] += self.fault * scale * np.sin(1.7 * eyes[0, 0])
        return [Face(points.astype(np.float32), np.zeros(3, np.float32), None)]


def centre(picture: np.ndarray) -> np.ndarray:
    """Centre of what is bright, x and y."""
    weights = picture.astype(float)
    y, x = np.indices(picture.shape)
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


def swaying(n: int, size: int = 320) -> Iterator[Frame]:
    """Two dots that move, turn and grow a little, 60 pixels apart."""
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
    """Make a folder for what is too large for the memory."""
    made = path / "closer"
    made.mkdir(exist_ok=True)
    return made


def wobble(track: Track) -> float:
    """RMS over time of how far the face is from its mean pose, in IOD."""
    face, _ = displacement(track, FPS)
    return float(np.sqrt(((face - face.mean(0)) ** 2).sum(1).mean()))


def test_landmarks_come_back_to_where_they_were(face: np.ndarray, tmp_path: Path) -> None:
    """With a backend that makes no fault, refining changes nothing by more than the pixels do."""
    backend = Dots(face)
    track = follow(swaying(12), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(12), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    assert np.abs(refined.track.landmarks[:] - track.landmarks[:]).max() < 0.3
    assert refined.track.landmarks[:].dtype == np.float32


def test_what_differs_from_view_to_view_averages_out(face: np.ndarray, tmp_path: Path) -> None:
    backend = Dots(face, fault=0.02)
    track = follow(swaying(40), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(40), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    assert wobble(refined.track) < 0.6 * wobble(track)


def test_the_network_is_steadier_on_a_face_that_moves_as_a_whole(
    portrait: np.ndarray, landmarker: Landmarker, tmp_path: Path
) -> None:
    """A photograph that is shifted, turned and scaled has no motion at all."""

    def frames() -> Iterator[Frame]:
        for t in range(16):
            sway = cv2.getRotationMatrix2D((300, 300), 3 * np.sin(t / 3), 0.6 + 0.02 * np.sin(t))
            sway[:, 2] += 8 * np.sin(t / 2), 6 * np.cos(t / 2.5)
            yield Frame(t, t / FPS, cv2.warpAffine(portrait, sway, (600, 600)))

    track = follow(frames(), landmarker, 0.9, tmp_path / "first.npy")
    refined = refine(frames(), track, FPS, landmarker, folder(tmp_path))
    assert refined is not None
    assert wobble(refined.track) < 0.6 * wobble(track)


def test_frames_without_the_face_lie_between_their_neighbours(
    face: np.ndarray, tmp_path: Path
) -> None:
    """Had they kept what they had, a still face would seem to move there and back."""
    backend = Dots(face, fault=0.02)
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
def test_other_frames_than_before_are_told(n: int, face: np.ndarray, tmp_path: Path) -> None:
    track = follow(swaying(6), Dots(face), 0.9, tmp_path / "first.npy")
    with pytest.raises(RecordingError) as fault:
        refine(swaying(n), track, FPS, Dots(face), folder(tmp_path))
    assert fault.value.reason == "truncated"


def test_points_of_fan_are_left_as_they_are(face: np.ndarray, tmp_path: Path) -> None:
    backend = Dots(face)
    track = follow(swaying(6), backend, 0.9, tmp_path / "first.npy")
    few = replace(track, landmarks=track.landmarks[:][:, :68])
    assert refine(swaying(6), few, FPS, backend, folder(tmp_path)) is None


def test_nothing_is_refined_by_a_backend_that_finds_no_face_in_a_crop(
    face: np.ndarray, tmp_path: Path
) -> None:
    track = follow(swaying(6), Dots(face), 0.9, tmp_path / "first.npy")
    assert refine(swaying(6), track, FPS, Dots(face, finds=False), folder(tmp_path)) is None
    elsewhere = Dots(face + np.array([3.0, 0, 0]))  # another face, three interocular distances away
    elsewhere.mesh[EYES] = face[EYES]
    assert refine(swaying(6), track, FPS, elsewhere, folder(tmp_path)) is None


def test_noise_grows_with_the_turns_of_the_head(film: Callable[..., Track]) -> None:
    noises = [noise_of(film(60, head=head), FPS) for head in (0.0, 0.7, 1.5, 20.0)]
    assert 0.3 < noises[0] < noises[1] < noises[2] < noises[3] == 1


def test_a_closer_look_takes_back_only_what_was_in_doubt(film: Callable[..., Track]) -> None:
    """The same closer look, which shows nothing, at a sure wink and at a faint one."""
    nothing = Closer(film(75, jitter=0.0003), None)
    timing = (20, 30, 45, 57)
    sure = spot(film(75, "wink", timing), FPS)
    faint = spot(film(75, "wink", timing, size=0.2), FPS)
    assert sure.is_of_lids
    assert not sure.is_doubtful
    assert faint.motion is not None
    assert faint.is_doubtful
    assert settled(sure, nothing, FPS) is sure
    assert settled(faint, nothing, FPS).motion is None


def made(settings: SimulateSettings, folder: Path) -> Recording:
    """Return the simulation's only recording."""
    simulate(folder, settings)
    [script] = write_scripts(settings)
    truth = script.truth
    return Recording(folder / truth.path, truth.path, truth.subject, truth.action, truth.take)


FURROW = SimulateSettings(1, ("brow_furrow",), 1, seed=301)


@pytest.mark.parametrize("action", ["brow_furrow", "wink_right"])
def test_a_faint_motion_is_found_only_by_the_closer_look(
    landmarker: Landmarker, tmp_path: Path, action: str
) -> None:
    """A quarter of a furrowed brow, and of a wink, with a head that moves."""
    settings = replace(FURROW, actions=(action,), amplitude=0.25)
    recording = made(settings, tmp_path / "raw")
    first = spot(follow(decode(recording), landmarker, 0.9, tmp_path / "first.npy"), FPS)
    assert first.motion is None
    assert first.is_doubtful
    unit = tmp_path / "work" / "digest"
    who = Identity(source_sha256="content", digest=unit.name)
    outcome = process(recording, who, BuildSettings(size=64), unit.parent)
    assert outcome.dropped is None
    assert not [path for path in unit.iterdir() if path.is_dir()]
    [row] = sample_of(unit).facts.to_pylist()
    [script] = write_scripts(settings)
    assert script.truth.onset is not None
    assert script.truth.offset is not None
    assert abs(row["onset"] - script.truth.onset) <= 3
    assert abs(row["offset"] - script.truth.offset) <= 3
    assert row["amplitude"] < 0.02


def test_a_closer_look_invents_no_motion(landmarker: Landmarker, tmp_path: Path) -> None:
    """The same face and head without the motion."""
    recording = made(replace(FURROW, amplitude=0.0), tmp_path / "raw")
    track = follow(decode(recording), landmarker, 0.9, tmp_path / "first.npy")
    refined = refine(decode(recording), track, FPS, landmarker, folder(tmp_path))
    assert refined is not None
    assert noise_of(refined.track, FPS) < 0.6
    assert refined.lids is not None
    noise = noise_of(refined.track, FPS)
    assert spot(refined.track, FPS, noise, lids=refined.lids, in_doubt=True).motion is None


def test_stable_points_are_where_they_were(face: np.ndarray, tmp_path: Path) -> None:
    """Refining is for spotting; it must not shift the face as a whole."""
    backend = Dots(face, fault=0.02)
    track = follow(swaying(20), backend, 0.9, tmp_path / "first.npy")
    refined = refine(swaying(20), track, FPS, backend, folder(tmp_path))
    assert refined is not None
    shift = (refined.track.landmarks[:] - track.landmarks[:])[:, STABLE, :2]
    assert np.abs(shift.mean((0, 1))).max() < 0.2
