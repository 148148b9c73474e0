"""Verification of decoded frames (``verify --deep``).

Each JPEG is a complete picture of the right size. The AVI's own index gives the same frames as the
positions in the Parquet file. The pixels of an action change between frames by the values in its
row. The frames of a compound are byte for byte those of its segments.
"""

import hashlib
import io
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np

from fmdata.catalog.clip import ActionClip, Clip
from fmdata.catalog.clips import Clips
from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.card import Shard
from fmdata.catalog.storage.jpeg import decode_jpeg, max_jpeg_bytes
from fmdata.catalog.verify.finding import Finding
from fmdata.catalog.virtual.compound import CompoundClip

# Grey levels, mean over a frame. JPEG decoders of different releases round differently.
CHANGE_TOLERANCE = 0.25
# Kind of the first stream of an AVI, width, height and codec, where they are written. A player
# opens the decoder of this codec, so they are checked before it.
_CODEC = struct.Struct("<108x 8s 60x I I 4x 4s")


class DeepCheck:
    """Checks shards one by one, actions before compounds.

    Frames are read one at a time. For the compounds of a subject, digests of the frames of its
    actions are kept.

    Parameters
    ----------
    actions : Clips
        The clips of which compounds are made.
    fresh : bool
        True where the compounds were made from these actions, so that their frames must agree.
    """

    def __init__(self, actions: Clips[ActionClip], *, fresh: bool) -> None:
        self._actions, self._fresh = actions, fresh
        self._of_subject: tuple[str, dict[str, list[bytes]]] = "", {}

    def check(
        self, folder: Path, shard: Shard, clips: Iterable[Clip], todo: str
    ) -> Iterator[Finding]:
        """Decode the frames of one shard, whose rows and members agree."""
        tar = folder / f"{shard.name}.tar"
        with tar.open("rb") as file:
            for clip in clips:
                if isinstance(clip, CompoundClip):
                    problem = self._problem_of_compound(file, clip)
                else:
                    problem = _problem_of_action(file, clip)
                if problem := problem or _problem_of_avi(file, clip):
                    yield Finding(str(tar), f"{clip.key}: {problem}", todo)

    def _problem_of_compound(self, file: IO[bytes], clip: CompoundClip) -> str | None:
        if not self._fresh:
            for i, jpeg in enumerate(_jpegs(file, clip)):
                problem, pixels = _decoded(jpeg, clip.size)
                if pixels is None:
                    return f"frame {i}: {problem}"
            return None
        sources = self._digests_of(clip.subject)
        named = (
            digest for s in clip.segments for digest in sources.get(s.source, [])[s.start : s.stop]
        )
        if list(named) != list(_digests(file, clip)):
            return "other pixels or maps than the frames of its segments"
        return None

    def _digests_of(self, subject: str) -> dict[str, list[bytes]]:
        """Return the digests of the frames of a subject's actions, by key."""
        if self._of_subject[0] != subject:
            found: dict[str, list[bytes]] = {}
            for clip in self._actions.of_subject(subject):
                with suppress(OSError, DatasetError), clip.tar.open("rb") as file:
                    found[clip.key] = list(_digests(file, clip))
            self._of_subject = subject, found
        return self._of_subject[1]


def _problem_of_action(file: IO[bytes], clip: Clip) -> str | None:
    change = clip.column("change")
    before = None
    for i, jpeg in enumerate(_jpegs(file, clip)):
        problem, pixels = _decoded(jpeg, clip.size)
        if pixels is None:
            return f"frame {i}: {problem}"
        found = 0.0 if before is None else float(cv2.absdiff(before, pixels).mean())
        if abs(found - change[i]) > CHANGE_TOLERANCE:
            return f"frame {i} differs by {found:.2f} from the last, wanted {change[i]:.2f}"
        before = pixels
    return None


def _jpegs(file: IO[bytes], clip: Clip) -> Iterator[bytes]:
    most = max_jpeg_bytes(clip.size)
    for offset, n_bytes in clip.jpeg_spans.tolist():
        if offset < 0 or not 0 <= n_bytes <= most:
            raise ValueError(f"a JPEG of {n_bytes} bytes at {offset}")
        file.seek(offset)
        yield file.read(n_bytes)


def _digests(file: IO[bytes], clip: Clip) -> Iterator[bytes]:
    """Yield the digest of the JPEG and the LBP map of each frame."""
    n_bytes = clip.size**2 if clip.has_lbp else 0
    end = clip.row["lbp_offset"] + clip.row["lbp_size"] if clip.has_lbp else 0
    for i, jpeg in enumerate(_jpegs(file, clip)):
        file.seek(max(0, end - (clip.n_frames - i) * n_bytes))
        lbp = file.read(n_bytes)
        yield hashlib.sha256(jpeg + hashlib.sha256(lbp).digest()).digest()


def _decoded(jpeg: bytes, size: int) -> tuple[str, np.ndarray | None]:
    """Return the problem of a JPEG, if any, and its pixels, None with a problem."""
    if not (jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9")):
        return "not a complete JPEG", None
    try:
        return "", decode_jpeg(jpeg, size)
    except ValueError as error:
        return str(error), None


class _Window(io.RawIOBase):
    """A part of an open file, as a file of its own."""

    def __init__(self, file: IO[bytes], begin: int, size: int) -> None:
        self._file, self._begin, self._size, self._at = file, begin, size, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._at)
        self._file.seek(self._begin + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data


def _problem_of_avi(file: IO[bytes], clip: Clip) -> str | None:
    """Return the problem of an AVI read by its own header, as a player does, or None."""
    window = _Window(file, clip.row["avi_offset"], clip.row["avi_size"])
    found = _CODEC.unpack(window.read(_CODEC.size).ljust(_CODEC.size, b"\0"))
    window.seek(0)
    if found != (b"vidsMJPG", clip.size, clip.size, b"MJPG"):
        return f"an AVI of other frames than Motion JPEG of {clip.size} × {clip.size} pixels"
    with av.open(window, format="avi") as container:
        stream = container.streams.video[0]
        packets = (bytes(packet) for packet in container.demux(stream) if packet.size)
        same = all(one == other for one, other in zip_longest(packets, _jpegs(file, clip)))
        rate = stream.average_rate
    if not same:
        return f"a player finds other frames in the AVI than these {clip.n_frames}"
    wanted = Fraction(clip.fps).limit_denominator(1001)
    return None if rate == wanted else f"an AVI of {rate} frames per second, wanted {wanted}"
