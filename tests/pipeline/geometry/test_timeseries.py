"""The filters are those of SciPy, without its import."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, grey_opening
from scipy.signal import savgol_filter

from fmdata.pipeline.geometry.timeseries import ORDER, opened, smooth, widened, window_frames


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0, 240.0])
@pytest.mark.parametrize("shape", [(90,), (90, 7, 2)])
def test_it_is_the_filter_of_scipy(fps: float, shape: tuple[int, ...]) -> None:
    """At both ends too, where a polynomial through the first or last window stands in."""
    values = np.random.default_rng(0).normal(0, 100, shape)
    expected = savgol_filter(values, window_frames(0.17, fps), ORDER, axis=0)
    assert smooth(values, fps) == pytest.approx(expected, abs=1e-9)


def test_a_parabola_is_kept_to_its_ends() -> None:
    values = np.arange(20.0) ** 2
    assert smooth(values, 60.0) == pytest.approx(values)


def test_a_series_shorter_than_the_window_is_copied() -> None:
    values = np.arange(4.0)
    result = smooth(values, 30.0)
    assert np.array_equal(result, values)
    assert result is not values


@pytest.mark.parametrize("n", [1, 4, 40])
@pytest.mark.parametrize("seed", range(3))
def test_opening_and_widening_are_those_of_scipy(n: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 1, n)
    for window in (1, 3, 9):
        expected = grey_opening(values, size=window, mode="constant", cval=0.0)
        assert np.array_equal(opened(values, window), expected)
    mask = draw.random(n) < 0.2
    for frames in (1, 2, 6):
        assert np.array_equal(widened(mask, frames), binary_dilation(mask, iterations=frames))
    assert widened(mask[:0], 3).shape == (0,)


def test_the_stages_do_not_import_scipy() -> None:
    """It took more than half of a worker's start, and after that a third."""
    code = "import sys, fmdata.pipeline.stages; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
