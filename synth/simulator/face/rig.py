"""Deformation of a portrait: displacement fields, and sliding sheets for lids and jaw.

Skin is moved by smooth fields with backward sampling: the result at x is the portrait at x − F(x).
A smooth field would smear at the edge of a lid or a lip. So lids, lower lip and jaw are sheets:
layers with an edge, drawn over the eye or the inside of the mouth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fmdata.pipeline.geometry.points import interocular_distance
from fmdata.synth.simulator.face.expressions import Push

# Contours from one corner to the other. A closing sheet has three: the moving edge, the line that
# the edge meets when closed, and the fixed line from which the skin is stretched.
Contour = tuple[int, ...]
RIGHT_LID: tuple[Contour, Contour, Contour] = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (46, 53, 52, 65, 55),
)
LEFT_LID: tuple[Contour, Contour, Contour] = (
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
    (285, 295, 282, 283, 276),
)
UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LIPS = (LOWER_LIP, UPPER_LIP, (150, 149, 176, 148, 152, 377, 400, 378, 379))
JAW_DROP_IOD = 0.32  # path of the middle of the lower lip in a full jaw drop
_CAVITY = (44.0, 20.0, 22.0)  # RGB of the inside of a mouth
_TEETH = (170.0, 158.0, 146.0)


def push_field(
    landmarks: np.ndarray, pushes: Sequence[Push], height: int, width: int
) -> np.ndarray:
    """Return the sum of Gaussian pushes, float32 [H, W, 2], x and y in pixels."""
    unit = float(interocular_distance(landmarks[:, :2]))
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)
    field = np.zeros((height, width, 2), np.float32)
    for push in pushes:
        # Centred halfway, because backward sampling reads the field at the displaced position.
        cx, cy = landmarks[push.point, :2] + 0.5 * unit * np.array([push.dx, push.dy])
        across = np.exp(-0.5 * ((x - cx) / (push.sx * unit)) ** 2)
        down = np.exp(-0.5 * ((y - cy) / (push.sy * unit)) ** 2)
        bump = down[:, None] * across[None]
        field[..., 0] += unit * push.dx * bump
        field[..., 1] += unit * push.dy * bump
    return field


def depth_field(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the depth of each pixel before the outline of the face, float32 [H, W], pixels.

    A small yaw of the head moves a pixel by ``sin(yaw)`` times its depth. Zero off the face.
    """
    unit = float(interocular_distance(landmarks[:, :2]))
    x, y = landmarks[:, 0], landmarks[:, 1]
    near = landmarks[np.argsort(landmarks[:, 2])[-60:], 2].mean() - landmarks[:, 2]
    total = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    col = np.clip(np.round(x).astype(int), 0, width - 1)
    row = np.clip(np.round(y).astype(int), 0, height - 1)
    np.add.at(total, (row, col), near)
    np.add.at(weight, (row, col), 1.0)
    total = cv2.GaussianBlur(total, (0, 0), 0.14 * unit)
    weight = cv2.GaussianBlur(weight, (0, 0), 0.14 * unit)
    # The constant in the denominator makes the depth fade to zero off the face.
    return np.asarray(total / (weight + 0.05 * weight.max()), np.float32)


@dataclass(frozen=True)
class Sheet:
    """Skin that slides up or down over a background, inside one box of the picture.

    Attributes
    ----------
    top, left : int
        Position of the box in the picture, in pixels.
    shift : float32 [h, w]
        Downward displacement at full scale, in pixels, read at the displaced position.
    skin : float32 [h, w]
        Opacity: 1 where the picture at rest is this skin, 0 elsewhere, soft at the edge.
    behind : float32 [h, w, 3]
        Background, visible where the skin is not.
    """

    top: int
    left: int
    shift: np.ndarray
    skin: np.ndarray
    behind: np.ndarray

    def slide(self, picture: np.ndarray, amount: float) -> None:
        """Slide the skin by `amount` of full scale, in place, in `picture` uint8 [H, W, 3]."""
        h, w = self.shift.shape
        box = picture[self.top : self.top + h, self.left : self.left + w]
        x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
        y -= np.float32(amount) * self.shift
        moved = cv2.remap(box, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(self.skin, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # The background fades in with the first motion, so that rest is the portrait itself.
        behind = box + min(1.0, abs(amount) * 8.0) * (self.behind - box)
        box[:] = np.rint(behind + alpha[..., None] * (moved - behind))

    def over(self, picture: np.ndarray) -> "Sheet":
        """Return the same skin over another background, `picture` uint8 [H, W, 3]."""
        h, w = self.shift.shape
        box = picture[self.top : self.top + h, self.left : self.left + w]
        return replace(self, behind=box.astype(np.float32))


def closing(
    picture: np.ndarray, landmarks: np.ndarray, contours: tuple[Contour, Contour, Contour]
) -> Sheet:
    """Return the sheet that closes an opening at full scale: a lid, or the lower lip.

    Parameters
    ----------
    picture : uint8 [H, W, 3]
        The face at rest.
    landmarks : float32 [478, 3]
        Landmarks in pixels of `picture`.
    contours : tuple
        Indices of landmarks: the moving edge, the line it meets, and the fixed line.
    """
    unit = float(interocular_distance(landmarks[:, :2]))
    edge_line, meeting_line, fixed_line = (landmarks[list(line), :2] for line in contours)
    points = np.concatenate([edge_line, meeting_line, fixed_line])
    top, left, box, x, y = box_around(picture, points, 0.08 * unit)
    edge, meeting, fixed = (curve_at(x, c) for c in (edge_line, meeting_line, fixed_line))
    down = 1.0 if fixed.mean() < edge.mean() else -1.0
    edge = edge + down * 0.005 * unit  # include the lashes
    gap = np.where((x > edge_line[0, 0]) & (x < edge_line[-1, 0]), down * (meeting - edge), 0.0)
    gap = cv2.GaussianBlur(np.maximum(gap, 0.0)[None], (0, 0), 0.01 * unit)[0]
    gap += 0.012 * unit * (gap > 0)  # overlap, as closed lips are pressed together
    meeting = edge + down * gap
    fixed = edge - down * np.maximum(down * (edge - fixed), 0.08 * unit)
    # Skin near the edge moves rigidly, so that lashes keep their thickness.
    rigid = meeting - down * 0.05 * unit
    share = np.clip((y[:, None] - fixed) / (rigid - fixed), 0.0, 1.0)
    skin = np.clip(down * (edge - y[:, None]) + 0.5, 0.0, 1.0)
    shift = down * gap * share
    return Sheet(top, left, *_float32(shift, skin, box))


def jaw(picture: np.ndarray, landmarks: np.ndarray) -> Sheet:
    """Return the sheet of lower lip, chin and jaw; its background is the inside of the mouth."""
    unit = float(interocular_distance(landmarks[:, :2]))
    upper, lower = landmarks[list(UPPER_LIP), :2], landmarks[list(LOWER_LIP), :2]
    outline = landmarks[[127, 356, 152, 61, 291], :2]
    top, left, box, x, y = box_around(picture, np.concatenate([upper, outline]), 0.6 * unit)
    chin = landmarks[152, 1]
    edge = curve_at(x, lower)
    below = np.maximum(y[:, None] - edge, 0.0)
    middle = (lower[0, 0] + lower[-1, 0]) / 2
    half = 0.5 * (lower[-1, 0] - lower[0, 0]) + 0.55 * below  # the whole chin moves
    across = np.cos(0.5 * np.pi * np.clip(np.abs(x - middle) / half, 0.0, 1.0)) ** 1.2
    throat = np.clip((y[:, None] - chin - 0.05 * unit) / (0.5 * unit), 0.0, 1.0)
    shift = JAW_DROP_IOD * unit * across * (0.5 + 0.5 * np.cos(np.pi * throat))
    skin = np.clip(y[:, None] - edge + 0.5, 0.0, 1.0)
    ceiling = curve_at(x, upper)
    deep = (y[:, None] - ceiling) / (0.075 * unit)
    teeth = np.clip(1.0 - np.abs(x - middle) / (0.28 * unit), 0.0, 1.0) ** 0.5
    teeth = teeth * np.clip(1.5 - deep, 0.0, 1.0) * np.clip(deep + 0.3, 0.0, 1.0)
    cavity = np.array(_CAVITY) + teeth[..., None] * (np.array(_TEETH) - np.array(_CAVITY))
    hidden = np.clip(y[:, None] - np.minimum(edge, 0.5 * (edge + ceiling)), 0.0, 1.0)[..., None]
    hidden = hidden * np.clip(half.min(0) - np.abs(x - middle), 0.0, 1.0)[..., None]
    behind = box + hidden * (cavity - box)
    return Sheet(top, left, *_float32(shift, skin, behind))


def _float32(*arrays: np.ndarray) -> Iterator[np.ndarray]:
    return (array.astype(np.float32) for array in arrays)


def curve_at(x: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return y of the contour `line` [N, 2] at each `x`, constant beyond its ends."""
    order = np.argsort(line[:, 0])
    return np.interp(x, line[order, 0], line[order, 1])


def box_around(
    picture: np.ndarray, points: np.ndarray, margin: float
) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """Return top, left, pixels, x and y of the box around `points` in `picture`."""
    height, width = picture.shape[:2]
    left, top = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(0) + margin), (width, height)).astype(int)
    box = picture[top:bottom, left:right]
    return int(top), int(left), box, np.arange(left, right), np.arange(top, bottom)
