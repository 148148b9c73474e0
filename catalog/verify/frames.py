"""Verification of decoded frames (``verify --deep``).

Each JPEG is a complete picture of the right size. The AVI's own index gives the same frames as the
positions in the Parquet file. The pixels of an action change between frames by the values in its
row. The frames of a compound are byte for byte those of its segments.
"""

import hashlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa

from fmdata.catalog.storage.avi import decode_jpeg
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.schema import per_frame
from fmdata.catalog.verify.finding import Finding
from fmdata.catalog.verify.shard import light_rows

# Grey levels, mean over a frame. JPEG decoders of different releases round differently.
CHANGE_TOLERANCE = 0.25


class DeepCheck:
    """Checks shards one by one, actions before compounds.

    It keeps a digest of each frame of the actions, to compare the compounds with.

    Parameters
    ----------
    fresh : bool
        True where the compounds were made from these actions, so that their frames must agree.
    """

    def __init__(self, *, fresh: bool) -> None:
        self._fresh = fresh
        # By key of an action clip: the digest of each frame's JPEG and LBP map.
        self._frames: dict[str, list[bytes]] = {}

    def check(self, folder: Path, shard: Shard, table: pa.Table, todo: str) -> Iterator[Finding]:
        """Decode the frames of one shard, whose rows and members agree."""
        tar = folder / f"{shard.name}.tar"
        with tar.open("rb") as file:
            for index, row in enumerate(light_rows(table)):
                file.seek(row["avi_offset"])
                avi = file.read(row["avi_size"])
                maps = b""
                if row["lbp_offset"] is not None:
                    file.seek(row["lbp_offset"])
                    maps = file.read(row["lbp_size"])
                if "segments" in row:
                    problem = self._problem_of_compound(row, avi, maps)
                else:
                    change = per_frame(table["change"].slice(index, 1))
                    problem = self._problem_of_action(row, avi, maps, change)
                if problem:
                    yield Finding(str(tar), f"{row['key']}: {problem}", todo)

    def _problem_of_action(
        self, row: dict[str, Any], avi: bytes, maps: bytes, change: np.ndarray
    ) -> str | None:
        jpegs = _jpegs(row, avi)
        self._frames[row["key"]] = _digests(jpegs, maps)
        before = None
        for i, jpeg in enumerate(jpegs):
            problem, pixels = _decoded(jpeg, row["size"])
            if pixels is None:
                return f"frame {i}: {problem}"
            found = 0.0 if before is None else float(cv2.absdiff(before, pixels).mean())
            if abs(found - change[i]) > CHANGE_TOLERANCE:
                return f"frame {i} differs by {found:.2f} from the last, wanted {change[i]:.2f}"
            before = pixels
        return _problem_of_avi(row, avi, jpegs)

    def _problem_of_compound(self, row: dict[str, Any], avi: bytes, maps: bytes) -> str | None:
        jpegs = _jpegs(row, avi)
        named = [self._frames.get(s["source"], [])[s["start"] : s["stop"]] for s in row["segments"]]
        if not self._fresh:
            for i, jpeg in enumerate(jpegs):
                problem, pixels = _decoded(jpeg, None)
                if pixels is None:
                    return f"frame {i}: {problem}"
        elif _digests(jpegs, maps) != [digest for frames in named for digest in frames]:
            return "other pixels or maps than the frames of its segments"
        return _problem_of_avi(row, avi, jpegs)


def _jpegs(row: dict[str, Any], avi: bytes) -> list[bytes]:
    starts = [offset - row["avi_offset"] for offset in row["frame_offset"]]
    return [avi[a : a + n] for a, n in zip(starts, row["frame_size"], strict=True)]


def _digests(jpegs: list[bytes], maps: bytes) -> list[bytes]:
    lbp = np.load(io.BytesIO(maps), allow_pickle=False) if maps else [b""] * len(jpegs)
    return [
        hashlib.sha256(jpeg + hashlib.sha256(bytes(of_frame)).digest()).digest()
        for jpeg, of_frame in zip(jpegs, lbp, strict=True)
    ]


def _decoded(jpeg: bytes, size: int | None) -> tuple[str, np.ndarray | None]:
    """Return the problem of a JPEG, if any, and its pixels, None with a problem.

    With `size`, pixels of any other width or height are a problem.
    """
    if not (jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")):
        return "not a complete JPEG", None
    try:
        pixels = decode_jpeg(jpeg)
    except ValueError as error:
        return str(error), None
    if size is not None and pixels.shape != (size, size, 3):
        return f"{pixels.shape[1]} × {pixels.shape[0]} pixels, wanted {size} × {size}", None
    return "", pixels


def _problem_of_avi(row: dict[str, Any], avi: bytes, jpegs: list[bytes]) -> str | None:
    """Return the problem of an AVI read by its own header, as a player does, or None."""
    with av.open(io.BytesIO(avi), format="avi") as container:
        stream = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
        rate = stream.average_rate
    if packets != jpegs:
        return f"a player finds {len(packets)} frames in the AVI, other than these {len(jpegs)}"
    wanted = Fraction(row["fps"]).limit_denominator(1001)
    return None if rate == wanted else f"an AVI of {rate} frames per second, wanted {wanted}"
