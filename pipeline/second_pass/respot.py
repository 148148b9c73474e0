"""Spot again on refined landmarks; may withdraw a doubtful motion."""

import numpy as np

from fmdata.catalog.types import Track
from fmdata.pipeline.second_pass.redetect import TURNS_NOISE, VIEWS_NOISE, Closer
from fmdata.pipeline.spotting.head_rotation import turned_deg, turns
from fmdata.pipeline.spotting.spot import Spotting, spot


def noise_of(track: Track, fps: float) -> float:
    """Return the noise of a refined track, for :func:`fmdata.pipeline.spotting.spot.spot`."""
    turned = turned_deg(turns(track.landmarks, fps))
    return min(1.0, float(np.hypot(VIEWS_NOISE, TURNS_NOISE * turned)))


def settled(first: Spotting, closer: Closer, fps: float) -> Spotting:
    """Spot again by a closer look, which takes back what was in doubt, and nothing else.

    Parameters
    ----------
    first : Spotting
        By the landmarks as they were found once.
    closer : Closer
        What the closer look at the same clip shows.
    fps : float
        Frames per second.
    """
    noise, in_doubt = noise_of(closer.track, fps), first.is_doubtful
    second = spot(closer.track, fps, noise, lids=closer.lids, in_doubt=in_doubt)
    return first if second.motion is None and not in_doubt else second
