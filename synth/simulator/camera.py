"""What stands between the face and the file: the head's motion, the light, the lens, the sensor.

None of it counts as facial motion.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

# Spread (standard deviation) of shift as a share of the video's width, roll in degrees, log scale,
# yaw and pitch in degrees.
HEADS: dict[str, tuple[float, float, float, float]] = {
    "still": (0.0, 0.0, 0.0, 0.0),
    "mild": (0.008, 1.0, 0.008, 2.0),
    "strong": (0.03, 4.0, 0.03, 6.0),
}
_LIGHT_SPREAD = 0.02  # of the gain, over time


@dataclass(frozen=True)
class Camera:
    """Pose of the head and light in every frame, and what one frame loses.

    Attributes
    ----------
    shift : float64 [T, 2]
        Right and down, in pixels.
    roll, yaw, pitch : float64 [T]
        Radians; signs as in :class:`fmdata.catalog.types.Track`.
    scale, gain : float64 [T]
        Size of the head and brightness, both about 1.
    blur, noise : float
        Standard deviations: of the lens's blur in pixels, of the sensor's noise in grey levels.
    """

    shift: np.ndarray
    roll: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    scale: np.ndarray
    gain: np.ndarray
    blur: float
    noise: float

    def placement(self, t: int, canvas: int, size: int) -> np.ndarray:
        """Affine map, float64 [2, 3], from a square canvas to the video's frame `t`."""
        c, s = self.scale[t] * np.cos(self.roll[t]), self.scale[t] * np.sin(self.roll[t])
        turn = np.array([[c, s], [-s, c]])
        # The head turns about the neck, a little below the canvas's centre.
        pivot = np.array([canvas / 2, 0.7 * canvas])
        middle = pivot + (size - canvas) / 2
        return np.column_stack([turn, middle + self.shift[t] - turn @ pivot])

    def expose(self, picture: np.ndarray, t: int, rng: np.random.Generator) -> np.ndarray:
        """Return `picture`, uint8 [S, S, 3], as the sensor records it in frame `t`."""
        if self.blur > 0:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur)
        recorded = picture * np.float32(self.gain[t])
        if self.noise > 0:
            grain = rng.standard_normal(picture.shape[:2], np.float32)
            recorded += np.float32(self.noise) * grain[..., None]
        return np.clip(recorded + 0.5, 0, 255).astype(np.uint8)


def draw_camera(
    rng: np.random.Generator,
    n_frames: int,
    fps: float,
    *,
    head: str,
    size: int,
    blur: float,
    noise: float,
) -> Camera:
    """Draw smooth random motion of the head (a key of `HEADS`) and of the light."""
    shift, roll, scale, turn = HEADS[head]

    def drift(spread: float) -> np.ndarray:
        return spread * _smooth(rng, n_frames, fps)

    return Camera(
        shift=np.stack([drift(shift * size), drift(shift * size)], axis=1),
        roll=np.radians(drift(roll)),
        yaw=np.radians(drift(turn)),
        pitch=np.radians(drift(0.7 * turn)),
        scale=np.exp(drift(scale)),
        gain=1.0 + drift(_LIGHT_SPREAD),
        blur=blur,
        noise=noise,
    )


def _smooth(rng: np.random.Generator, n_frames: int, fps: float) -> np.ndarray:
    """Draw smooth noise: unit spread, correlated over about half a second, [T]."""
    sigma = 0.4 * fps
    pad = int(4 * sigma)
    white = rng.standard_normal(n_frames + 2 * pad)
    # A smoothed white noise has this spread: (2 σ √π)^(−1/2).
    smooth = gaussian_filter1d(white, sigma)[pad : pad + n_frames]
    return np.asarray(np.clip(smooth * np.sqrt(2 * sigma * np.sqrt(np.pi)), -2.5, 2.5))
