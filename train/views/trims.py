"""Views of a clip in time: random trimming of its ends."""

import numpy as np


def random_trim(
    n_frames: int, onset: int, offset: int, generator: np.random.Generator
) -> tuple[int, int]:
    """Draw a part ``[start, stop)`` of a clip that holds its whole motion ``[onset, offset)``.

    Sun et al. 2022, section 2.5, "random trimming": neutral frames are removed at both ends, from
    none to all of them.
    """
    start = int(generator.integers(0, onset + 1))
    stop = int(generator.integers(offset, n_frames + 1))
    return start, stop
