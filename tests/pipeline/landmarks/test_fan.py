"""FAN through the package's own networks and loading code, with weights made on the spot.

The weights are random but for the detector's: its last layers say "no face" everywhere, or find
one face, 512 pixels large, around the middle of a picture of up to 128 pixels. The points are then
anywhere; what is tested is everything around them. Only the half minute that numba would take to
compile two small functions of the package is saved: they run as the Python that they are.
"""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from face_alignment import utils
from face_alignment.detection.sfd.net_s3fd import s3fd
from face_alignment.models import FAN, ResNetDepth

from fmdata.catalog.errors import ModelError
from fmdata.pipeline.landmarks import weights as model
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker

COARSEST = "conv7_2_mbox"  # the detector's layer for the largest faces
LAYERS = ("conv3_3_norm_mbox", "conv4_3_norm_mbox", "conv5_3_norm_mbox", "fc7_mbox",
          "conv6_2_mbox", COARSEST)  # fmt: skip


def detector(finds: bool) -> dict[str, torch.Tensor]:
    """Weights of the detector; `finds` says whether it finds a face in every picture."""
    state = s3fd().state_dict()
    for layer in LAYERS:
        sure = finds and layer == COARSEST
        for values in (state[f"{layer}_conf.weight"], state[f"{layer}_loc.weight"]):
            values.zero_()
        state[f"{layer}_loc.bias"].zero_()
        state[f"{layer}_conf.bias"].fill_(-10.0 if sure else 10.0)
        state[f"{layer}_conf.bias"][-1] = 10.0 if sure else -10.0
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the three files, saved in the form that the package reads."""
    folder = tmp_path_factory.mktemp("fan")
    torch.manual_seed(0)
    points, depth = FAN(4), ResNetDepth()
    torch.save(points.state_dict(), folder / model.FAN_POINTS.name)
    # As its authors saved it: a training checkpoint of several cards, with a numpy score.
    state = {f"module.{name}": values for name, values in depth.state_dict().items()}
    checkpoint = {"epoch": 3, "state_dict": state, "best_acc": np.float64(1.5)}
    torch.save(checkpoint, folder / model.FAN_DEPTH.name)
    torch.save(detector(finds=True), folder / model.FAN_DETECTOR.name)
    return folder


def trust(patch: pytest.MonkeyPatch) -> None:
    """Take any digest for the right one."""
    files = tuple(replace(file, sha256="") for file in model.FILES["fan"])
    patch.setitem(model.FILES, "fan", files)
    patch.delenv("FMDATA_FAN", raising=False)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    trust(monkeypatch)


@pytest.fixture(scope="module")
def fan(weights: Path) -> Iterator[Landmarker]:
    with pytest.MonkeyPatch.context() as patch:
        trust(patch)
        opened = open_landmarker("fan", weights)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_get_preds_fromhm", "transform_np"):
            patch.setattr(utils, name, getattr(utils, name).py_func)
        yield opened


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def found(fan: Landmarker, noise: np.ndarray) -> Face:
    [face] = fan.detect(noise)
    return face


def test_points_in_space_and_a_pose_and_no_blendshapes(found: Face) -> None:
    assert found.landmarks.dtype == np.float32
    assert found.landmarks.shape == (68, 3)
    assert np.isfinite(found.landmarks).all()
    assert found.pose.shape == (3,)
    assert found.blendshapes is None


def test_the_same_again_whatever_came_before_and_however_many_threads(
    fan: Landmarker, noise: np.ndarray, found: Face
) -> None:
    fan.detect(255 - noise)
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        [again] = fan.detect(noise)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found.landmarks, again.landmarks)


def test_depth_grows_away_from_the_camera(fan: Landmarker, noise: np.ndarray, found: Face) -> None:
    """The package's own z is larger when nearer; ours is smaller, as MediaPipe's."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        [own] = fan._networks.get_landmarks_from_image(noise, detected_faces=fan._boxes(noise))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found.landmarks, own * [1, 1, -1])


def test_a_large_frame_is_searched_small_and_measured_whole(
    fan: Landmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is 1280 pixels wide, 8/3 of what is searched; five faces are found there."""
    searched = []

    def found(picture: np.ndarray) -> list[np.ndarray]:
        searched.append(picture.shape)
        return [np.array([120.0, 60, 120 + side, 60 + side, 0.9]) for side in (9, 12, 6, 30, 15)]

    monkeypatch.setattr(fan._networks.face_detector, "detect_from_image", found)
    boxes = fan._boxes(np.zeros((960, 1280, 3), np.uint8))
    assert searched == [(360, 480, 3)]
    np.testing.assert_allclose([box[2] - box[0] for box in boxes], [80, 40, 32, 24])
    np.testing.assert_allclose(boxes[0], [320, 160, 400, 240, 0.9])


def test_no_face(fan: Landmarker, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = s3fd().eval()
    blind.load_state_dict(detector(finds=False))
    monkeypatch.setattr(fan._networks.face_detector, "face_detector", blind)
    assert fan.detect(noise) == []


@pytest.mark.parametrize("part", ["face_alignment_net", "depth_prediciton_net", "face_detector"])
def test_a_fault_of_the_library_is_raised(
    fan: Landmarker, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the network fell over")

    where = fan._networks.face_detector if part == "face_detector" else fan._networks
    monkeypatch.setattr(where, part, broken)
    with pytest.raises(RuntimeError, match="fell over"):
        fan.detect(noise)


def test_weights_of_somebody_else_are_refused(weights: Path) -> None:
    """These have digests of their own, not those in the names of the authors' files."""
    with pytest.raises(ModelError, match="a SHA-256 that begins with 619a316812"):
        open_landmarker("fan", weights)


@pytest.mark.usefixtures("trusted")
def test_weights_that_would_run_something_are_refused(weights: Path, tmp_path: Path) -> None:
    """A pickle that calls a function on loading; it is not called."""
    for file in weights.iterdir():
        (tmp_path / file.name).symlink_to(file)
    trap = tmp_path / "trapped"

    class Trap:
        def __reduce__(self) -> tuple[Callable, tuple]:
            return Path.touch, (trap,)

    depth = tmp_path / model.FAN_DEPTH.name
    depth.unlink()
    torch.save({"state_dict": Trap()}, depth)
    with pytest.raises(ModelError, match="cannot be read as numbers alone"):
        open_landmarker("fan", tmp_path)
    depth.write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(ModelError, match="cannot be read as numbers alone"):
        open_landmarker("fan", tmp_path)
    assert not trap.exists()


@pytest.mark.usefixtures("trusted")
def test_weights_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    for file in weights.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / model.FAN_POINTS.name).unlink()
    torch.save({"conv.weight": torch.zeros(3)}, tmp_path / model.FAN_POINTS.name)
    with pytest.raises(ModelError, match="fan does not start"):
        open_landmarker("fan", tmp_path)


@pytest.mark.usefixtures("trusted")
def test_weights_that_nobody_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(model.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(model.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    with pytest.raises(ModelError, match="no route to host") as fault:
        open_landmarker("fan")
    for file in model.FILES["fan"]:
        assert file.address in fault.value.todo
    assert "FMDATA_FAN" in fault.value.todo


@pytest.mark.usefixtures("trusted")
def test_the_folder_may_be_named_by_the_environment(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMDATA_FAN", str(weights))
    found = model.find("fan")
    assert {path.parent for path in found.values()} == {weights}
