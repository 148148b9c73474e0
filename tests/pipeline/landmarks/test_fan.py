"""FAN through the package's own networks and loading code, with weights made by the test.

The weights are random, except for the detector's: its last layers find no face anywhere, or one
face, 512 pixels large, around the middle of a picture of up to 128 pixels. The positions of the
points mean nothing; the code around them is tested. Two small functions of the package run as
Python, which saves the half minute that numba would compile them.
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

from fmdata.catalog.errors import ModelError, UsageError
from fmdata.pipeline.landmarks import fan as fan_backend
from fmdata.pipeline.landmarks import weights as model
from fmdata.pipeline.landmarks.backends import open_landmarker
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.settings import BuildSettings
from tests.helpers.command import assert_refused, fmdata

pytestmark = pytest.mark.slow

COARSEST = "conv7_2_mbox"  # the detector's layer for the largest faces
LAYERS = ("conv3_3_norm_mbox", "conv4_3_norm_mbox", "conv5_3_norm_mbox", "fc7_mbox",
          "conv6_2_mbox", COARSEST)  # fmt: skip


def detector(finds: bool) -> dict[str, torch.Tensor]:
    """Return weights of a detector that finds a face in every picture if `finds`, else in none."""
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
    """Folder of the three files, in the format that the package reads."""
    folder = tmp_path_factory.mktemp("fan")
    torch.manual_seed(0)
    points, depth = FAN(4), ResNetDepth()
    torch.save(points.state_dict(), folder / model.FAN_POINTS.name)
    # Like the authors' file: a training checkpoint of several GPUs, with a numpy score.
    state = {f"module.{name}": values for name, values in depth.state_dict().items()}
    checkpoint = {"epoch": 3, "state_dict": state, "best_acc": np.float64(1.5)}
    torch.save(checkpoint, folder / model.FAN_DEPTH.name)
    torch.save(detector(finds=True), folder / model.FAN_DETECTOR.name)
    return folder


def trust(patch: pytest.MonkeyPatch) -> None:
    """Accept any checksum."""
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


def test_a_face_has_points_in_3d_and_a_pose_and_no_blendshapes(found: Face) -> None:
    assert found.landmarks.dtype == np.float32
    assert found.landmarks.shape == (68, 3)
    assert np.isfinite(found.landmarks).all()
    assert found.pose.shape == (3,)
    assert found.blendshapes is None


def test_the_result_depends_neither_on_earlier_frames_nor_on_the_threads(
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


def test_depth_increases_away_from_the_camera(
    fan: Landmarker, noise: np.ndarray, found: Face
) -> None:
    """The package's z is larger when nearer to the camera; here it is smaller, as in MediaPipe."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        [own] = fan._networks.get_landmarks_from_image(noise, detected_faces=fan._boxes(noise))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(found.landmarks, own * [1, 1, -1])


def test_a_large_frame_is_shrunk_for_the_detector_only(
    fan: Landmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame is 1280 pixels wide, 8/3 of the searched picture; five faces are found there."""
    searched = []

    def found(picture: np.ndarray) -> list[np.ndarray]:
        searched.append(picture.shape)
        return [np.array([120.0, 60, 120 + side, 60 + side, 0.9]) for side in (9, 12, 6, 30, 15)]

    monkeypatch.setattr(fan._networks.face_detector, "detect_from_image", found)
    boxes = fan._boxes(np.zeros((960, 1280, 3), np.uint8))
    assert searched == [(360, 480, 3)]
    np.testing.assert_allclose([box[2] - box[0] for box in boxes], [80, 40, 32, 24])
    np.testing.assert_allclose(boxes[0], [320, 160, 400, 240, 0.9])


def test_a_picture_without_a_face_gives_an_empty_list(
    fan: Landmarker, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = s3fd().eval()
    blind.load_state_dict(detector(finds=False))
    monkeypatch.setattr(fan._networks.face_detector, "face_detector", blind)
    assert fan.detect(noise) == []


@pytest.mark.parametrize("part", ["face_alignment_net", "depth_prediciton_net", "face_detector"])
def test_an_error_of_the_library_is_raised(
    fan: Landmarker, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the network failed")

    where = fan._networks.face_detector if part == "face_detector" else fan._networks
    monkeypatch.setattr(where, part, broken)
    with pytest.raises(RuntimeError, match="the network failed"):
        fan.detect(noise)


def test_weights_with_a_wrong_checksum_are_refused(weights: Path) -> None:
    """The checksums of the test's files differ from those in the names of the authors' files."""
    with pytest.raises(ModelError, match="SHA-256 619a316812"):
        open_landmarker("fan", weights)


def test_a_device_that_is_missing_is_an_error_before_the_weights_are_looked_for(
    tmp_path: Path,
) -> None:
    """By the command, whose raw folder has a file; the message says what PyTorch this is."""
    raw = tmp_path / "raw/s01/smile/01.mp4"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"no video")
    options = ["--landmarks", "fan", "--device", "cuda"]
    run = fmdata("build", *options, "--workers", "1", cwd=tmp_path)
    assert_refused(run, 1, "no GPU for FAN", torch.__version__, "use --device cpu")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["01.mp4"]


def test_a_device_is_refused_for_a_backend_that_has_no_use_of_it(tmp_path: Path) -> None:
    run = fmdata("build", "--device", "cuda", cwd=tmp_path)
    assert_refused(run, 2, "the device cuda", "litert", "choose --landmarks fan")
    with pytest.raises(UsageError, match="mediapipe"):
        BuildSettings(landmarks="mediapipe", device="cuda")
    assert BuildSettings(landmarks="fan", device="cuda").for_sessions().device == "cuda"


@pytest.mark.usefixtures("trusted")
def test_the_networks_are_opened_on_the_device(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU is imitated; no network runs on it."""
    opened = {}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        fan_backend.face_alignment, "FaceAlignment", lambda kind, **kwargs: opened.update(kwargs)
    )
    open_landmarker("fan", weights, "cuda")
    assert opened["device"] == "cuda"


@pytest.mark.usefixtures("trusted")
def test_weights_that_would_execute_code_are_refused(weights: Path, tmp_path: Path) -> None:
    """The function that the pickle names is not called."""
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
def test_missing_weights_are_an_error_with_all_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(model.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(model.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    with pytest.raises(ModelError, match="no route to host") as caught:
        open_landmarker("fan")
    for file in model.FILES["fan"]:
        assert file.url in caught.value.todo
    assert "FMDATA_FAN" in caught.value.todo


@pytest.mark.usefixtures("trusted")
def test_an_environment_variable_may_name_the_folder(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMDATA_FAN", str(weights))
    found = model.find("fan")
    assert {path.parent for path in found.values()} == {weights}
