"""Every frame of a shard, decoded: `verify --deep`.

What a digest cannot know: that each JPEG is a whole picture of the right size, that players find
the AVI's frames where readers of the Parquet file find them, that an action's pixels change from
frame to frame as its row says, and that a compound's frames are, byte for byte, those it names.
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

# Decoders of JPEG round differently from release to release; grey levels, mean over a frame.
CHANGE_TOLERANCE = 0.25


class DeepCheck:
    """Checks shard after shard, actions before compounds, and remembers the actions' frames.

    Parameters
    ----------
    fresh : bool
        Whether the compounds are those of these very actions, and so to be compared with them.
    """

    def __init__(self, *, fresh: bool) -> None:
        self._fresh = fresh
        # Of every action clip, the digests of each frame's JPEG and, where there is one, LBP map.
        self._frames: dict[str, list[bytes]] = {}

    def check(self, folder: Path, shard: Shard, table: pa.Table, mend: str) -> Iterator[Finding]:
        """Decode one shard, whose rows and members are known to fit."""
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
                    what = self._wrong_compound(row, avi, maps)
                else:
                    change = per_frame(table["change"].slice(index, 1))
                    what = self._wrong_action(row, avi, maps, change)
                if what:
                    yield Finding(str(tar), f"{row['key']}: {what}", mend)

    def _wrong_action(
        self, row: dict[str, Any], avi: bytes, maps: bytes, change: np.ndarray
    ) -> str | None:
        jpegs = _jpegs(row, avi)
        self._frames[row["key"]] = _digests(jpegs, maps)
        before = None
        for i, jpeg in enumerate(jpegs):
            what, shown = _decoded(jpeg, row["size"])
            if shown is None:
                return f"frame {i}: {what}"
            found = 0.0 if before is None else float(cv2.absdiff(before, shown).mean())
            if abs(found - change[i]) > CHANGE_TOLERANCE:
                return f"frame {i} differs by {found:.2f} from the last, and {change[i]:.2f} stands"
            before = shown
        return _wrong_avi(row, avi, jpegs)

    def _wrong_compound(self, row: dict[str, Any], avi: bytes, maps: bytes) -> str | None:
        jpegs = _jpegs(row, avi)
        named = [self._frames.get(s["source"], [])[s["start"] : s["stop"]] for s in row["segments"]]
        if not self._fresh:
            for i, jpeg in enumerate(jpegs):
                what, shown = _decoded(jpeg, None)
                if shown is None:
                    return f"frame {i}: {what}"
        elif _digests(jpegs, maps) != [digest for frames in named for digest in frames]:
            return "other pixels or maps than the frames that its segments name"
        return _wrong_avi(row, avi, jpegs)


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
    """Return what is wrong with a JPEG, or its pixels; of `size` where one is given."""
    if not (jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")):
        return "not a whole JPEG", None
    try:
        shown = decode_jpeg(jpeg)
    except ValueError as fault:
        return str(fault), None
    if size is not None and shown.shape != (size, size, 3):
        return f"{shown.shape[1]} × {shown.shape[0]} pixels, wanted {size} × {size}", None
    return "", shown


def _wrong_avi(row: dict[str, Any], avi: bytes, jpegs: list[bytes]) -> str | None:
    """Read an AVI as a player does, by its own header."""
    with av.open(io.BytesIO(avi), format="avi") as container:
        stream = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
        rate = stream.average_rate
    if packets != jpegs:
        return f"an AVI in which a player finds {len(packets)} frames, not these {len(jpegs)}"
    wanted = Fraction(row["fps"]).limit_denominator(1001)
    return None if rate == wanted else f"an AVI of {rate} frames a second, wanted {wanted}"
