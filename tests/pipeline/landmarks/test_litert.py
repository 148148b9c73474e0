"""The backend on LiteRT finds what MediaPipe finds, in the same types, in each frame by itself."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from fmdata.catalog.types import Recording
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.litert.bundle import CanonicalFace, read_bundle
from fmdata.pipeline.landmarks.litert.detector import _blended
from fmdata.pipeline.landmarks.litert.head import FIELD_OF_VIEW_DEG, head_matrix
from fmdata.pipeline.landmarks.person import box_of, largest
from fmdata.pipeline.landmarks.weights import FACE_LANDMARKER, find
from fmdata.pipeline.reading.decode import decode
from fmdata.synth.simulator.settings import SimulateSettings
from fmdata.synth.simulator.simulate import simulate

pytestmark = pytest.mark.slow

EVERY = 9  # of the simulated frames, the one that is compared


@pytest.fixture(scope="module")
def litert() -> Iterator[Landmarker]:
    """Return the backend."""
    opened = open_landmarker("litert")
    yield opened
    del opened


@pytest.fixture(scope="module")
def canonical() -> CanonicalFace:
    """Return the canonical face of the bundle."""
    return read_bundle(find("litert")[FACE_LANDMARKER.name]).face


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Return frames of four simulated people, who nod, wink and open their mouths."""
    raw = tmp_path_factory.mktemp("litert")
    actions = ("jaw_drop", "wink_left")
    made = simulate(raw, SimulateSettings(4, actions, 1, seed=5, head="strong", nods=1.0))
    return [
        frame.rgb
        for truth in made.truths
        for frame in decode(
            Recording(raw / truth.path, truth.path, truth.subject, truth.action, truth.take)
        )
        if frame.index % EVERY == 0
    ]


def main_face(faces: list[Face]) -> Face:
    """Return the largest face."""
    return faces[largest([box_of(face.landmarks) for face in faces])]


def difference(one: Face, other: Face) -> np.ndarray:
    """Return the distance of each point of two faces, x and y, in IOD."""
    iod = np.linalg.norm(one.landmarks[33, :2] - one.landmarks[263, :2])
    apart: np.ndarray = np.linalg.norm((one.landmarks - other.landmarks)[:, :2], axis=1) / iod
    return apart


def test_it_agrees_with_mediapipe(
    frames: list[np.ndarray], landmarker: Landmarker, litert: Landmarker
) -> None:
    """The networks are the same, and only the sampling of their input differs a little.

    Points: median at most 0.1 %, 99 of 100 at most 0.5 % of the IOD. Scores: median at most 0.001,
    99 of 100 at most 0.03. Pose: at most 0.3 degrees.
    """
    found = [(landmarker.detect(rgb), litert.detect(rgb)) for rgb in frames]
    assert len(found) > 40
    # At the threshold of the score, one of them may see a further face where there is none.
    assert np.mean([len(theirs) == len(ours) == 1 for theirs, ours in found]) >= 0.95
    pairs = [(main_face(theirs), main_face(ours)) for theirs, ours in found]
    apart = np.array([difference(theirs, ours) for theirs, ours in pairs])
    assert np.median(apart) <= 0.001
    assert np.quantile(apart, 0.99) <= 0.005
    scores = np.array([abs(one.blendshapes - two.blendshapes) for one, two in pairs])
    assert np.median(scores) <= 0.001
    assert np.quantile(scores, 0.99) <= 0.03
    poses = np.array([[one.pose, two.pose] for one, two in pairs])
    assert np.ptp(poses[:, 0], axis=0).max() > 10  # heads do turn
    assert abs(poses[:, 0] - poses[:, 1]).max() <= 0.3


def test_its_faces_have_the_types_of_the_contract(
    portrait: np.ndarray, landmarker: Landmarker, litert: Landmarker
) -> None:
    [theirs], [ours] = landmarker.detect(portrait), litert.detect(portrait)
    for name in ("landmarks", "pose", "blendshapes"):
        one, other = getattr(theirs, name), getattr(ours, name)
        assert (one.shape, one.dtype) == (other.shape, other.dtype) == (one.shape, np.float32)


def test_depth_is_in_pixels_as_from_mediapipe(
    portrait: np.ndarray, landmarker: Landmarker, litert: Landmarker
) -> None:
    """In a frame that is wider than high, and in one that is higher than wide."""
    for size in ((900, 600), (600, 900)):
        rgb = np.zeros((size[1], size[0], 3), np.uint8)
        rgb[: portrait.shape[0], : portrait.shape[1]] = portrait
        [theirs], [ours] = landmarker.detect(rgb), litert.detect(rgb)
        assert abs(theirs.landmarks - ours.landmarks).max() < 1
        assert np.ptp(ours.landmarks[:, 2]) > 100
        assert abs(theirs.pose - ours.pose).max() < 0.3


def test_several_faces_are_found(
    portrait: np.ndarray, landmarker: Landmarker, litert: Landmarker
) -> None:
    """Two portraits side by side, one smaller, and turned by 30 degrees."""
    turn = cv2.getRotationMatrix2D((300, 300), 30, 0.8)
    rgb = np.hstack([portrait, cv2.warpAffine(portrait, turn, (600, 600))])
    theirs, ours = landmarker.detect(rgb), litert.detect(rgb)
    assert len(theirs) == len(ours) == 2
    for face in theirs:
        assert min(np.median(difference(face, other)) for other in ours) < 0.002


def test_a_frame_without_a_face_has_none(litert: Landmarker) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    for rgb in (np.zeros((64, 64, 3), np.uint8), noise, np.full((1, 1, 3), 200, np.uint8)):
        assert litert.detect(rgb) == []


def test_a_result_does_not_depend_on_the_frames_before(
    frames: list[np.ndarray], litert: Landmarker
) -> None:
    """Bit for bit: in order, backwards, and with another instance."""
    some, fresh = frames[:6], open_landmarker("litert")
    there = [litert.detect(rgb)[0] for rgb in some]
    back = [fresh.detect(rgb)[0] for rgb in reversed(some)][::-1]
    for one, other in zip(there, back, strict=True):
        for name in ("landmarks", "pose", "blendshapes"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_overlapping_detections_are_one_face() -> None:
    """Two that overlap become their mean, weighted by their scores; one apart stays."""
    box = np.array([10, 10, 30, 30, 15, 15, 25, 15], float)
    boxes = np.stack([box, box + 3, box + 40])
    one, other = _blended(boxes, np.array([0.9, 0.6, 0.55]))
    assert one == pytest.approx(box + 3 * 0.6 / 1.5)
    assert other == pytest.approx(box + 40)


def test_the_head_matrix_is_that_of_a_known_head(canonical: CanonicalFace) -> None:
    """The canonical face, turned and moved, and pictured by the camera of the field of view."""
    width, height = 640, 480
    rotation, _ = cv2.Rodrigues(np.deg2rad([-12.0, 25.0, 8.0]))
    shift = np.array([6.0, -3.0, -55.0])
    points = canonical.vertices @ rotation.T + shift
    focal = height / (2 * np.tan(np.deg2rad(FIELD_OF_VIEW_DEG) / 2))
    # A network gives depth relative to the head's, in the unit of x and y.
    depth = -(points[:, 2] - points[:, 2].mean()) * focal / -points[:, 2].mean()
    seen = np.column_stack(
        [
            width / 2 + focal * points[:, 0] / -points[:, 2],
            height / 2 + focal * points[:, 1] / points[:, 2],
            depth,
        ]
    )
    matrix = head_matrix(seen, width, height, canonical)
    assert matrix[:, :3] == pytest.approx(rotation, abs=0.02)
    assert matrix[:, 3] == pytest.approx(shift, rel=0.02)


def test_the_canonical_face_is_mirror_symmetric(canonical: CanonicalFace) -> None:
    """Its nose points to the viewer, its eyes mirror each other, few points carry the fit."""
    vertices = canonical.vertices
    assert vertices.shape == (468, 3)
    assert vertices[33] == pytest.approx(vertices[263] * (-1, 1, 1), abs=1e-3)
    assert vertices[:, 2].argmax() in (1, 4)
    assert 10 < len(canonical.basis) == len(canonical.weights) < 100
    assert canonical.weights.min() > 0


def test_it_starts_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    """LiteRT's own messages would stand between those of a build."""
    open_landmarker("litert").detect(np.zeros((64, 64, 3), np.uint8))
    assert capfd.readouterr() == ("", "")


def test_its_weights_are_those_of_mediapipe() -> None:
    """One file serves both backends, with the same checksum."""
    assert find("litert") == find("mediapipe")
