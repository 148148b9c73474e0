"""State of a simulated face in one frame."""

from typing import NamedTuple


class Moment(NamedTuple):
    """State of the face in one frame; all zero is the face at rest.

    Attributes
    ----------
    intensity, other : float
        Intensity of the expression, and of the second one.
    blink : float
        Closure of both lids by blinks, 0 to 1.
    gaze : pair of float
        Displacement of both irises, right and down in the image, in interocular distances.
    squeeze : float
        Motion of brows and cheeks in a hard blink, 0 to 1.
    """

    intensity: float
    blink: float = 0.0
    other: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    squeeze: float = 0.0
