"""Finds cuts from one shot to another, on small grey frames, as they are decoded.

A cut is a change of the picture that is much larger than the changes around it, that stays, and
that neither motion nor light explains: the patches of a frame are not found near their places in
the next. Patches are compared by normalised correlation of their fine detail, which light changes
little. A frame without detail (black, white) is passed over, so that a cut through black is found,
and a black leader is none. A dissolve is not found.

Promise: frames are passed on as they come, and only a few small ones are kept.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from fmdata.catalog.errors import RecordingError
from fmdata.pipeline.reading.decode import Frame

SIDE = 96  # pixels of the longer side of a small frame
HALVED = 12  # sides from which a frame is halved before it is made small
BLANK = 3.0  # grey levels: a frame of a smaller standard deviation has no detail
REACH = 4  # frames on either side of a change that it must exceed, and for which it must last
MIN_AROUND = 3  # changes around it that must be known
MIN_CHANGE = 3.0  # grey levels, mean over the frame
ISOLATION = 3.0  # least ratio of a cut's change to the largest around it
MIN_MISMATCH = 0.42
WORST = 0.4  # share of the detail that is compared: the rest may be a background that both show
PATCH, STEP, SEARCH = 16, 8, 5  # pixels
DETAIL_PX = 2.0  # standard deviation of the blur that is subtracted
MIN_DETAIL = 2.0  # grey levels, standard deviation in a patch
MAX_CLIPPED = 0.1  # share of a patch's pixels
DARKEST, BRIGHTEST = 5, 250  # grey levels beyond which a pixel is clipped


@dataclass(frozen=True)
class _Small:
    """A frame with detail, small and grey; `change` from the one before it, which may be far."""

    index: int
    time_s: float
    grey: np.ndarray
    change: float
    after_blank: bool


def within_one_shot(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames.

    Raises
    ------
    RecordingError
        With reason ``scene_cut``, up to a few frames after a cut.
    """
    recent: deque[_Small] = deque(maxlen=2 * REACH + 1)
    blank = False
    for frame in frames:
        grey = _small(frame.rgb)
        if grey.std() >= BLANK:
            change = _change(recent[-1].grey, grey) if recent else 0.0
            recent.append(_Small(frame.index, frame.time_s, grey, change, blank and bool(recent)))
            if len(recent) > REACH:
                _check(list(recent), len(recent) - 1 - REACH)
        blank = grey.std() < BLANK
        yield frame
    for position in range(max(len(recent) - REACH, 0), len(recent)):
        _check(list(recent), position)


def mismatch(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far the detail of a frame is not found near its place in another.

    Parameters
    ----------
    one, other : uint8 [H, W]
        Small grey frames.

    Returns
    -------
    float
        0 (all of it is found) to 1; NaN where there is nothing to compare.
    """
    if one.shape != other.shape:
        return 1.0
    there = _mismatch(_detail(one), _detail(other), _clipped(other))
    back = _mismatch(_detail(other), _detail(one), _clipped(one))
    return float(np.fmin(there, back))


def _check(recent: list[_Small], position: int) -> None:
    """Raise RecordingError if the frame at `position` begins another shot than those before it."""
    if position == 0:
        return
    before, at = recent[max(position - REACH, 0) : position], recent[position]
    after = recent[position + 1 :]
    around = [small.change for small in [*before[1:], *after]]
    known = len(around) >= MIN_AROUND
    isolated = known and at.change >= max(MIN_CHANGE, ISOLATION * max(around))
    if not isolated and not at.after_blank:
        return
    # A flash ends in the shot in which it began. At a blank, the frames beside it may be faded.
    last = [at, *after][-1]
    pairs = [(before[-1], at), (before[-1], last)]
    if at.after_blank:
        pairs = [(_unfaded(before[::-1]), _unfaded([at, *after]))]
    mismatches = [mismatch(one.grey, other.grey) for one, other in pairs]
    if all(value >= MIN_MISMATCH for value in mismatches):
        raise RecordingError(
            "decode",
            "scene_cut",
            f"another shot begins at frame {at.index} ({at.time_s:.3f} s): give start and stop "
            "in a table, for the part before it or the part after it",
        )


def _unfaded(smalls: list[_Small]) -> _Small:
    """Return the first frame with at least half of the largest contrast among them."""
    contrasts = [float(small.grey.std()) for small in smalls]
    return smalls[int(np.argmax(np.array(contrasts) >= max(contrasts) / 2))]


def _small(rgb: np.ndarray) -> np.ndarray:
    """Return a small grey frame, uint8 [H, W]."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    scale = SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    while min(grey.shape) >= 2 and max(grey.shape) >= HALVED * SIDE:  # quicker than at once
        rows, columns = grey.shape[0] // 2, grey.shape[1] // 2
        grey = grey[: 2 * rows, : 2 * columns]
        grey = cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def _change(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean difference of two small frames, in grey levels."""
    return float(cv2.absdiff(one, other).mean())


def _detail(grey: np.ndarray) -> np.ndarray:
    """Return a frame without its coarse structure, which light changes, float32 [H, W]."""
    values = grey.astype(np.float32)
    return values - cv2.GaussianBlur(values, (0, 0), DETAIL_PX)


def _clipped(grey: np.ndarray) -> np.ndarray:
    """Return where a frame is too dark or too bright to show detail, bool [H, W]."""
    return (grey <= DARKEST) | (grey >= BRIGHTEST)


def _mismatch(one: np.ndarray, other: np.ndarray, clipped: np.ndarray) -> float:
    """Return one minus the correlation of the patches of `one` with the best places in `other`.

    It is a mean over the patches that are found worst, weighted by the root of their contrast.
    """
    weights, misses = [], []
    height, width = one.shape
    for y in range(0, height - PATCH + 1, STEP):
        for x in range(0, width - PATCH + 1, STEP):
            here = slice(y, y + PATCH), slice(x, x + PATCH)
            contrast = float(one[here].std())
            if contrast < MIN_DETAIL or clipped[here].mean() > MAX_CLIPPED:
                continue
            area = other[
                max(y - SEARCH, 0) : y + PATCH + SEARCH, max(x - SEARCH, 0) : x + PATCH + SEARCH
            ]
            best = cv2.matchTemplate(area, one[here], cv2.TM_CCOEFF_NORMED).max()
            weights.append(contrast**0.5)
            misses.append(1 - float(np.clip(best, 0, 1)))
    if not weights:
        return np.nan
    order = np.argsort(misses, kind="stable")[::-1]
    sums = np.cumsum(np.array(weights)[order])
    worst = order[: max(int(np.searchsorted(sums, WORST * sums[-1])), 1)]
    return float(np.average(np.array(misses)[worst], weights=np.array(weights)[worst]))
