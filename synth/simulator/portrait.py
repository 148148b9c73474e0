"""Portraits: from a picture with a face to an upright, neutral face that can be animated.

Without portraits of the user's own, the one portrait that comes with scikit-image (a NASA picture
of Eileen Collins, in the public domain) gives any number of subjects by changing its shape and its
colours.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fmdata.catalog.errors import InputError, UsageError
from fmdata.catalog.types import ArrayRepr
from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.pipeline.landmarks.face import Face, Landmarker
from fmdata.pipeline.landmarks.person import largest, place_of
from fmdata.synth.simulator.expressions import Push, mirrored
from fmdata.synth.simulator.rig import LIPS, closing, push_field

SUFFIXES = (".png", ".jpg", ".jpeg")
MARGIN = 1.25  # the canvas is this much larger than the video, for the head to move in
_IOD_SHARE = 0.3  # interocular distance over the video's width: the face fills half the frame
_EYE_LEVEL = 0.43  # height of the eyes in the video, from the top
_LEAST_IOD_PX = 30.0  # a smaller face shows nothing when enlarged
_MOUTH_SMILE = (44, 45)  # MediaPipe's mouthSmileLeft, mouthSmileRight


@dataclass(frozen=True, repr=False)
class Portrait(ArrayRepr):
    """An upright face at rest on a square canvas.

    Attributes
    ----------
    picture : uint8 [S, S, 3]
        RGB.
    landmarks : float32 [478, 3]
        In pixels of `picture`.
    """

    picture: np.ndarray
    landmarks: np.ndarray


def list_portraits(folder: Path) -> list[Path]:
    """Return the pictures of a folder, in the order of their names.

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
    """Read a picture as RGB, uint8 [H, W, 3]; the built-in portrait for None."""
    if path is None:
        from skimage import data

        return np.ascontiguousarray(data.astronaut())
    picture = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(
            "a portrait that cannot be read as a picture",
            wanted="a png or jpg file",
            where=str(path),
            todo="save it again as png or jpg, or take it out of the folder",
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
    """Crop a portrait around its face, upright, with the smile taken out of it.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
        RGB, with a face.
    landmarker : Landmarker
        Finds the face.
    size : int
        Width of the video to be made, in pixels; the canvas is `MARGIN` times as large.
    where : str
        The portrait's file, for messages.
    identity : numpy.random.Generator, optional
        Draws another identity: another shape of face, other colours, perhaps mirrored.

    Raises
    ------
    InputError
        When no face, or only a tiny one, is found.
    """
    if identity is not None and identity.random() < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    face = _face(picture, landmarker, where)
    iod = float(interocular_distance(face.landmarks[:, :2]))
    if iod < _LEAST_IOD_PX:
        raise InputError(
            f"a face of {iod:.0f} pixels between the outer eye corners",
            wanted=f"at least {_LEAST_IOD_PX:.0f} pixels",
            where=where,
            todo="use a picture of higher resolution, or crop it closer to the face",
        )
    widen = 1.0 if identity is None else float(identity.uniform(0.92, 1.07))
    canvas, landmarks = _upright(picture, face.landmarks, size, widen)
    assert face.blendshapes is not None  # MediaPipe's, which has them
    smile = float(face.blendshapes[list(_MOUTH_SMILE)].mean())
    closing(canvas, landmarks, LIPS).slide(canvas, 1.0)
    pushes = relaxation(smile)
    if identity is not None:
        pushes += _shape(identity)
    field = push_field(landmarks, pushes, *canvas.shape[:2])
    canvas = warp(canvas, field)
    if identity is not None:
        canvas = _recolour(canvas, landmarks, identity)
    return Portrait(canvas, _face(canvas, landmarker, where).landmarks)


def relaxation(smile: float) -> tuple[Push, ...]:
    """Pushes that take a smile of score `smile` (0 to 1) out of a face."""
    right = (
        Push(61, 0.11 * smile, 0.06 * smile, 0.15, 0.13),
        Push(205, 0.02 * smile, 0.04 * smile, 0.16, 0.14),
    )
    return right + mirrored(right)


def warp(picture: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Move `picture` by `field` [H, W, 2] (pixels, read where the skin arrives)."""
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
    faces = landmarker.detect(picture)
    if not faces:
        raise InputError(
            "a portrait without a face that can be found",
            wanted="a picture with one face, seen from the front",
            where=where,
            todo="use another picture, or take it out of the folder",
        )
    return faces[largest([place_of(face.landmarks) for face in faces])]


def _upright(
    picture: np.ndarray, landmarks: np.ndarray, size: int, widen: float
) -> tuple[np.ndarray, np.ndarray]:
    """Canvas with the eyes level and in their place, and the landmarks in it."""
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
    """Draw the pushes that make another face of this one."""

    def draw(spread: float) -> float:
        return float(np.clip(rng.normal(0.0, spread), -1.6 * spread, 1.6 * spread))

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
    """Give the skin one tone, and hair, clothes and background another."""
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
    angle = rng.uniform(-0.9, 0.15)  # from golden to auburn; the other way lies green
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
