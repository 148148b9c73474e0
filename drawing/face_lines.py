"""Lines of a face through its landmarks: oval, brows, eyes, nose and lips.

Numbers are those of MediaPipe's mesh (478 points) and of the iBUG markup (68 points).
"""

import numpy as np

from fmdata.drawing.canvas import Canvas

COLOUR = "#3de0ff"
_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
         152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
         10)  # fmt: skip
_EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263),
)
_BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))
_IRISES = ((469, 470, 471, 472, 469), (474, 475, 476, 477, 474))
_NOSE = ((168, 6, 197, 195, 5, 4), (98, 97, 2, 326, 327))
_LIPS = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78),
)
_MESH = (_OVAL, *_EYES, *_BROWS, *_IRISES, *_NOSE, *_LIPS)
_IBUG = (
    tuple(range(17)), tuple(range(17, 22)), tuple(range(22, 27)), tuple(range(27, 31)),
    tuple(range(31, 36)), (*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48),
    (*range(60, 68), 60),
)  # fmt: skip


def draw_landmarks(canvas: Canvas, points: np.ndarray, x: int, y: int, scale: float) -> None:
    """Draw landmarks and the lines through them over a crop.

    Parameters
    ----------
    canvas : Canvas
    points : float [N, 2]
        Landmarks in pixels of the crop; N is 478 or 68. Those outside are cut off.
    x, y : int
        Place of the crop on the canvas.
    scale : float
        Pixels of the canvas for each pixel of the crop.
    """
    # The centre of a pixel is at a half on the canvas.
    at = ((points + 0.5) * scale + [x, y]).tolist()
    width = max(0.6, scale * 0.45)
    canvas.dots(at, width * 0.8, COLOUR, 0.45)
    for path in _MESH if len(at) > len(_IBUG) * 10 else _IBUG:
        canvas.line([at[i] for i in path], COLOUR, width, 0.9)
