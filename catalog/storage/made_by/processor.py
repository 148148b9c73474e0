"""Features of a processor, by which libraries choose their code, and so how results are rounded."""

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

COLUMN = "processor"
_FEATURES = range(1, 256)  # ids of OpenCV; from 256 on they are sets of others


@cache
def processor_features() -> str:
    """Return the features of this process's processor that OpenCV knows: their names, joined.

    They are the instruction sets by which OpenCV, LiteRT, NumPy and PyTorch choose between variants
    of their code, such as AVX2, FMA3 and AVX512F, or NEON.
    """
    import cv2  # large, and reading a dataset needs no features

    present = filter(cv2.checkHardwareSupport, _FEATURES)
    return " ".join(map(cv2.getHardwareFeatureName, present))


def processors_of(clips: pa.Table) -> list[str]:
    """Return the different processors in a table of clips, sorted; none of compounds."""
    if COLUMN not in clips.schema.names:
        return []
    return sorted(one for one in pc.unique(clips[COLUMN]).to_pylist() if one is not None)
