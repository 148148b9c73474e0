"""FAN, of the package face-alignment, as a landmark backend: 68 points in 3D, no blendshapes.

Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D face alignment problem?", ICCV
2017. Three networks: S3FD detects faces, FAN finds their points, the third estimates the points'
depth. Much slower than MediaPipe, and its points are quantised to a sixtieth of the face. Promise:
no code in a file of weights is executed, and the result does not depend on the number of cores.
On a GPU the variants of the networks' code are fixed too, not chosen by their speed.
"""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import face_alignment
import numpy as np
import torch
from face_alignment import api
from torch.backends import cudnn

from fmdata.catalog.errors import ModelError
from fmdata.pipeline.geometry.pose import pose_of_68
from fmdata.pipeline.landmarks.face import Face
from fmdata.pipeline.landmarks.weights import FAN_DETECTOR, find

MAX_FACES = 4  # the largest ones; each costs as much time as the first
DETECT_SIDE = 480  # pixels; a frame with a longer side is shrunk to it for the detector


class FanLandmarker:
    """Finds 68 points and the head pose of up to four faces.

    Parameters
    ----------
    model : Path, optional
        Folder of the weights.
    device : str
        ``cpu``, or ``cuda`` for an NVIDIA GPU.

    Raises
    ------
    ModelError
        When the weights are missing or not what they should be, or there is no such GPU.
    """

    def __init__(self, model: Path | None = None, device: str = "cpu") -> None:
        require_fan_device(device)
        files = find("fan", model)
        for path in files.values():
            _require_numbers_only(path)
        with _no_downloads(files):
            self._networks = face_alignment.FaceAlignment(
                face_alignment.LandmarksType.THREE_D,
                device=device,
                compile=False,
                face_detector_kwargs={"path_to_detector": str(files[FAN_DETECTOR.name])},
            )

    def detect(self, rgb: np.ndarray) -> list[Face]:
        """Find the faces in an RGB frame, uint8 [H, W, 3]."""
        # The detector's code lets cuDNN choose by speed, so it runs without cuDNN.
        with _one_thread(), cudnn.flags(enabled=False):
            boxes = self._boxes(rgb)
        if not boxes:
            return []
        with _one_thread(), cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            found = self._networks.get_landmarks_from_image(rgb, detected_faces=boxes)
        return [_face(points) for points in found]

    def _boxes(self, rgb: np.ndarray) -> list[np.ndarray]:
        """Detect the largest faces: left, top, right, bottom in pixels, and a score."""
        height, width = rgb.shape[:2]
        factor = max(1.0, max(height, width) / DETECT_SIDE)
        small = (round(width / factor), round(height / factor))
        picture = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA) if factor > 1 else rgb
        boxes = [
            np.asarray(box, np.float64) * [factor, factor, factor, factor, 1]
            for box in self._networks.face_detector.detect_from_image(picture)
        ]
        boxes.sort(key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))
        return boxes[:MAX_FACES]


def require_fan_device(device: str) -> None:
    """Raise ModelError when PyTorch cannot use a device, ``cpu`` or ``cuda``."""
    if device != "cuda" or torch.cuda.is_available():
        return
    built = torch.version.cuda
    why = f"was built for CUDA {built} and sees no GPU" if built else "was built without CUDA"
    raise ModelError(
        f"no GPU for FAN: PyTorch {torch.__version__} {why}",
        wanted="an NVIDIA GPU with its driver, and a PyTorch built for CUDA",
        where="--device cuda",
        todo="install such a PyTorch from pytorch.org on the machine with the GPU, or use "
        "--device cpu",
    )


def _face(points: np.ndarray) -> Face:
    landmarks = np.array(points, np.float32)
    landmarks[:, 2] *= -1  # the package's z is larger when nearer to the camera
    return Face(landmarks, pose_of_68(landmarks), None)


def _require_numbers_only(path: Path) -> None:
    """Refuse a file of weights that holds anything but numbers.

    The package reads some of its files with an unpickler that executes code in them.
    """
    # A score in a training checkpoint is a numpy number: harmless, but not on torch's own list.
    scalar = np._core.multiarray.scalar  # type: ignore[attr-defined]
    numbers = [
        (scalar, "numpy.core.multiarray.scalar"),
        scalar,
        np.dtype,
        np.dtypes.Float64DType,
        np.dtypes.Float32DType,
    ]
    try:
        with torch.serialization.safe_globals(numbers):
            torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise ModelError(
            f"weights that cannot be read as numbers alone: {error}",
            wanted="tensors, and nothing that is executed on loading",
            where=str(path),
            todo="download the file again from its authors",
        ) from error


@contextmanager
def _no_downloads(files: dict[str, Path]) -> Iterator[None]:
    """Make the package read these verified files where it would download its own."""
    download = api.load_file_from_url
    api.load_file_from_url = lambda url: str(files[url.rsplit("/", 1)[-1]])
    try:
        yield
    finally:
        api.load_file_from_url = download


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread, so that sums are made in the same order on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
