"""Portraits: from a picture with a face to an upright, neutral face that can be animated.

The built-in portrait comes with scikit-image (a NASA picture of Eileen Collins, in the public
domain). Random changes of its shape and colours give any number of subjects.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.printable import ArrayRepr
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.person import box_of, largest
from fmdata.synth.simulator.face.expressions import Push, mirrored
from fmdata.synth.simulator.face.rig import LIPS, closing, push_field

SUFFIXES = (".png", ".jpg", ".jpeg")
MARGIN = 1.25  # width of the canvas over width of the video: room for head motion
_IOD_SHARE = 0.3  # interocular distance over the video's width; the face fills half the frame
_EYE_LEVEL = 0.43  # distance of the eyes from the top, as a share of the height
_MIN_IOD_PX = 30.0  # a smaller face has too little detail to be enlarged
_MOUTH_SMILE = (44, 45)  # MediaPipe's mouthSmileLeft, mouthSmileRight


@dataclass(frozen=True, repr=False)
class Portrait(ArrayRepr):
    """An upright face at rest on a square canvas.

    Attributes
    ----------
    picture : uint8 [S, S, 3]
        RGB.
    landmarks : float32 [478, 3]
        Landmarks in pixels of `picture`.
    """

    picture: np.ndarray
    landmarks: np.ndarray


def list_portraits(folder: Path) -> list[Path]:
    """Return the pictures of a folder, sorted by name.

    Raises
    ------
    UsageError
        When there is no such folder, or no picture in it.
    """
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    pictures = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not pictures:
        raise UsageError(
            "no portraits" if folder.is_dir() else "no such folder",
            wanted="a folder of png or jpg pictures, each with one face",
            where=f"--portraits {folder}",
            todo="name a folder that holds portraits, or leave --portraits out",
        )
    return pictures


def read_portrait(path: Path | None) -> np.ndarray:
    """Read a picture as RGB, uint8 [H, W, 3]; None is the built-in portrait."""
    if path is None:
        from skimage import data

        return np.ascontiguousarray(data.astronaut())
    picture = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(
            "a portrait that cannot be read as a picture",
            wanted="a png or jpg file",
            where=str(path),
            todo="save it again as png or jpg, or remove it from the folder",
        )
    return np.ascontiguousarray(picture[..., ::-1])


def prepare(
    picture: np.ndarray,
    landmarker: Landmarker,
    *,
    size: int,
    where: str,
    identity: np.random.Generator | None = None,
) -> Portrait:
    """Crop a portrait around its face, rotate it upright, and remove its smile.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
        RGB picture with a face.
    landmarker : Landmarker
        Landmark backend with blendshapes.
    size : int
        Width of the video, in pixels; the canvas is `MARGIN` times as large.
    where : str
        File of the portrait, for messages.
    identity : numpy.random.Generator, optional
        Draws another identity: shape of the face, colours, perhaps mirrored.

    Raises
    ------
    InputError
        When no face is found, or one that is too small.
    """
    if identity is not None and identity.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    face = _face(picture, landmarker, where)
    _require_size(face, where)
    widen = 1.0 if identity is None else float(identity.uniform(0.92, 1.07))
    canvas, landmarks = _upright(picture, face.landmarks, size, widen)
    closing(canvas, landmarks, LIPS).slide(canvas, 1.0)
    pushes = relaxation(_smile(face)) + (_shape(identity) if identity else ())
    canvas = warp(canvas, push_field(landmarks, pushes, *canvas.shape[:2]))
    if identity is not None:
        canvas = _recolour(canvas, landmarks, identity)
    return Portrait(canvas, _face(canvas, landmarker, where).landmarks)


def relaxation(smile: float) -> tuple[Push, ...]:
    """Return the pushes that remove a smile with the blendshape score `smile` (0 to 1)."""
    right = (
        Push(61, 0.11 * smile, 0.06 * smile, 0.15, 0.13),
        Push(205, 0.02 * smile, 0.04 * smile, 0.16, 0.14),
    )
    return right + mirrored(right)


def warp(picture: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Displace `picture` by `field` [H, W, 2], in pixels, with backward sampling."""
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.asarray(
        cv2.remap(
            picture,
            x - field[..., 0],
            y - field[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


def _face(picture: np.ndarray, landmarker: Landmarker, where: str) -> Face:
    """Find the largest face of a picture."""
    faces = landmarker.detect(picture)
    if not faces:
        raise InputError(
            "a portrait without a face that can be found",
            wanted="a picture with one face, seen from the front",
            where=where,
            todo="use another picture, or remove it from the folder",
        )
    return faces[largest([box_of(face.landmarks) for face in faces])]


def _require_size(face: Face, where: str) -> None:
    iod = float(interocular_distance(face.landmarks[:, :2]))
    if iod < _MIN_IOD_PX:
        raise InputError(
            f"a face of {iod:.0f} pixels between the outer eye corners",
            wanted=f"at least {_MIN_IOD_PX:.0f} pixels",
            where=where,
            todo="use a picture of higher resolution, or crop it closer to the face",
        )


def _smile(face: Face) -> float:
    """Return the mean score of the two smile blendshapes."""
    assert face.blendshapes is not None  # the simulator's backend, MediaPipe, computes them
    return float(face.blendshapes[list(_MOUTH_SMILE)].mean())


def _upright(
    picture: np.ndarray, landmarks: np.ndarray, size: int, widen: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the canvas, on which the eyes are level and at a fixed height, and its landmarks."""
    side = round(MARGIN * size)
    right, left = landmarks[33, :2], landmarks[263, :2]
    across = (left - right) / np.linalg.norm(left - right)
    scale = _IOD_SHARE * size / np.linalg.norm(left - right)
    turn = scale * np.array([[across[0], across[1]], [-across[1], across[0]]])
    turn[0] *= widen
    target = np.array([side / 2, side / 2 + (_EYE_LEVEL - 0.5) * size])
    matrix = np.column_stack([turn, target - turn @ ((left + right) / 2)])
    canvas = cv2.warpAffine(
        picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    moved = landmarks.copy()
    moved[:, :2] = landmarks[:, :2] @ turn.T + matrix[:, 2]
    moved[:, 2] *= scale
    return canvas, moved


def _shape(rng: np.random.Generator) -> tuple[Push, ...]:
    """Draw the pushes that change the shape of a face."""

    def draw(sd: float) -> float:
        return float(np.clip(rng.normal(0.0, sd), -1.6 * sd, 1.6 * sd))

    right = (
        Push(172, draw(0.06), 0.0, 0.26, 0.3),  # jaw
        Push(127, draw(0.05), 0.0, 0.25, 0.3),  # cheekbone
        Push(129, draw(0.025), 0.0, 0.08, 0.1),  # nose
        Push(61, draw(0.03), draw(0.01), 0.14, 0.12),  # mouth
        Push(105, 0.0, draw(0.03), 0.2, 0.09),  # brow
        Push(468, draw(0.025), draw(0.015), 0.16, 0.13),  # eye
        Push(159, 0.0, draw(0.012), 0.12, 0.05),
        Push(37, 0.0, draw(0.02), 0.12, 0.05),  # upper lip
    )
    middle = (
        Push(152, 0.0, draw(0.07), 0.35, 0.25),  # chin
        Push(4, 0.0, draw(0.04), 0.12, 0.16),
        Push(17, 0.0, draw(0.025), 0.15, 0.06),
        Push(10, 0.0, draw(0.07), 0.5, 0.25),  # hairline
    )
    return right + mirrored(right) + middle


def _recolour(picture: np.ndarray, landmarks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw another tone for the skin, and another for hair, clothes and background."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = landmarks[[50, 280, 151, 205, 425], :2].round().astype(int)
    tone = np.median(lab[cheeks[:, 1], cheeks[:, 0]], axis=0)
    distance = ((lab - tone) / np.array([30.0, 12.0, 12.0])) ** 2
    height, width = picture.shape[:2]
    centre, reach = landmarks[4, :2], 0.95 * float(interocular_distance(landmarks[:, :2]))
    x, y = np.arange(width), np.arange(height)[:, None]
    near = np.exp(-((((x - centre[0]) / reach) ** 2 + ((y - centre[1]) / (1.6 * reach)) ** 2) ** 3))
    skin = cv2.GaussianBlur(
        np.float32(np.exp(-0.5 * distance.sum(-1)) ** 0.25 * near), (0, 0), 1.5
    )[..., None]
    skin_gamma, rest_gamma = np.exp(rng.uniform(-0.25, 0.75)), np.exp(rng.uniform(-0.45, 0.6))
    angle = rng.uniform(-0.9, 0.15)  # from golden to auburn; a larger angle gives green
    warmth = np.array([rng.uniform(-2, 4), rng.uniform(-3, 6)], np.float32)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    on_skin, off_skin = lab.copy(), lab.copy()
    on_skin[..., 0] = 100 * (lab[..., 0] / 100) ** skin_gamma
    on_skin[..., 1:] = lab[..., 1:] + warmth
    off_skin[..., 0] = 100 * (lab[..., 0] / 100) ** rest_gamma
    off_skin[..., 1:] = lab[..., 1:] @ turn
    mixed = (skin * on_skin + (1 - skin) * off_skin).astype(np.float32)
    rgb = cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB)
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
