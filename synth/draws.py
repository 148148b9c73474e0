"""Random numbers by counter: each is a function of a key and its number, for whole arrays at once.

The generator is SplitMix64 (Steele, Lea and Flood 2014), whose n-th number is a hash of
key + n · γ. So a number is drawn without those before it, in any process and any order.
"""

import numpy as np

from fmdata.catalog.keys import draw_seed

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def draw_key(*parts: str | int) -> int:
    """Return the 64-bit key of draws that depend on `parts` alone."""
    return draw_seed(*parts) & 0xFFFFFFFFFFFFFFFF


def numbers(keys: np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Return random numbers, uint64, of keys and counters, uint64, of shapes that fit together.

    >>> hex(numbers(np.uint64([0]), np.uint64([0]))[0])
    '0xe220a8397b1dcdaf'
    """
    mixed: np.ndarray = keys + (counters + np.uint64(1)) * _GAMMA
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    return mixed ^ (mixed >> np.uint64(31))


def up_to(drawn: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return an integer from 0 to `most`, both possible, for each random number, int64.

    By the upper 32 bits: of a limit of a million frames, each value has its chance to 0.02 %.
    """
    upper, n = drawn >> np.uint64(32), most.astype(np.uint64) + np.uint64(1)
    return ((upper * n) >> np.uint64(32)).astype(np.int64)
