"""Head motion, light, lens and sensor of a simulated recording; none of it is facial motion."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

# Standard deviations of the shift (share of the video's width), roll (degrees), log scale and yaw
# (degrees; the pitch varies by 0.7 times as much). Draws depend on the order of the names.
HEADS: dict[str, tuple[float, float, float, float]] = {
    "still": (0.0, 0.0, 0.0, 0.0),
    "mild": (0.008, 1.0, 0.008, 2.0),
    "strong": (0.03, 4.0, 0.03, 6.0),
}
_GAIN_SD = 0.02
_REACH = 0.25  # from the axis of a nod or turn to the face, as a share of the video's width


@dataclass(frozen=True)
class Camera:
    """Head pose and light of every frame, lens blur and sensor noise.

    Attributes
    ----------
    shift : float64 [T, 2]
        Shift to the right and down, in pixels.
    roll, yaw, pitch : float64 [T]
        Rotation in radians; signs as in :class:`fmdata.catalog.types.Track`.
    scale, gain : float64 [T]
        Factors of head size and brightness, both about 1.
    blur : float
        Standard deviation of the lens blur, in pixels.
    noise : float
        Standard deviation of the sensor noise, in grey levels.
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
        """Return the affine map, float64 [2, 3], from a square canvas to frame `t`."""
        c, s = self.scale[t] * np.cos(self.roll[t]), self.scale[t] * np.sin(self.roll[t])
        turn = np.array([[c, s], [-s, c]])
        # The head rotates about the neck, a little below the canvas's centre.
        pivot = np.array([canvas / 2, 0.7 * canvas])
        middle = pivot + (size - canvas) / 2
        return np.column_stack([turn, middle + self.shift[t] - turn @ pivot])

    def nodding(self, nod: np.ndarray, size: int) -> "Camera":
        """Add rotations `nod`, yaw and pitch in radians, float64 [T, 2], about the neck."""
        yaw, pitch = nod.T
        shift = self.shift + _REACH * size * np.sin(nod)
        return replace(self, yaw=self.yaw + yaw, pitch=self.pitch + pitch, shift=shift)

    def expose(self, picture: np.ndarray, t: int, rng: np.random.Generator) -> np.ndarray:
        """Apply lens blur, gain and sensor noise of frame `t` to `picture`, uint8 [S, S, 3]."""
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
    """Draw smooth random head motion (`head` is a key of `HEADS`) and a smooth random gain."""
    shift, roll, scale, turn = HEADS[head]

    def drift(sd: float) -> np.ndarray:
        return sd * _smooth(rng, n_frames, fps)

    return Camera(
        shift=np.stack([drift(shift * size), drift(shift * size)], axis=1),
        roll=np.radians(drift(roll)),
        yaw=np.radians(drift(turn)),
        pitch=np.radians(drift(0.7 * turn)),
        scale=np.exp(drift(scale)),
        gain=1.0 + drift(_GAIN_SD),
        blur=blur,
        noise=noise,
    )


def _smooth(rng: np.random.Generator, n_frames: int, fps: float) -> np.ndarray:
    """Draw noise of unit variance, correlated over about half a second, float64 [T]."""
    sigma = 0.4 * fps
    pad = int(4 * sigma)
    white = rng.standard_normal(n_frames + 2 * pad)
    # Smoothed white noise has the standard deviation (2 σ √π)^(−1/2).
    smooth = gaussian_filter1d(white, sigma)[pad : pad + n_frames]
    return np.asarray(np.clip(smooth * np.sqrt(2 * sigma * np.sqrt(np.pi)), -2.5, 2.5))
