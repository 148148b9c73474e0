"""Kinds of files in a folder of recordings: by name, and where the name is unknown by content.

Promise: a file whose content is a video is a video, under any name; only files that are known to be
something else (notes, tables, sound, a camera's small copies) are not looked into.
"""

import os
from pathlib import Path, PurePosixPath

from fmdata.catalog.storage.files import is_regular

# In order of preference among files of one name: a preview (.gif) never replaces a recording.
VIDEOS = (
    ".mp4", ".mov", ".m4v", ".qt", ".mkv", ".webm", ".avi", ".divx", ".mts", ".m2ts", ".m2t", ".ts",
    ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".m2p", ".vob", ".mod", ".tod", ".wmv", ".asf", ".mxf",
    ".dv", ".flv", ".f4v", ".ogv", ".ogm", ".3gp", ".3g2", ".rm", ".rmvb", ".ivf",
    ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".gif",
)  # fmt: skip
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")

_OTHER_IMAGES = (
    ".heic", ".heif", ".avif", ".jp2", ".jxl", ".jfif", ".jpe", ".tga", ".ppm", ".pgm", ".pbm",
    ".pnm", ".exr", ".dng", ".cr2", ".nef", ".arw", ".psd",
)  # fmt: skip
# Companions of recordings that nobody takes for one, so they are not even mentioned.
_COMPANIONS = (
    ".txt", ".md", ".rst", ".csv", ".tsv", ".parquet", ".json", ".jsonl", ".xml", ".yaml", ".yml",
    ".toml", ".log", ".ini", ".url", ".html", ".srt", ".vtt", ".lnk", ".eaf", ".textgrid",
)  # fmt: skip
_COMPANION_NAMES = ("readme", "license", "makefile")
_SOUND = (
    ".wav", ".mp3", ".m4a", ".aac", ".flac", ".oga", ".opus", ".wma", ".mka", ".aif", ".aiff",
    ".ac3", ".amr",
)  # fmt: skip
# Copies that a camera keeps beside a recording, and files that a program has not finished.
_PROXIES = (".lrv", ".lrf", ".thm")
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp")

HEAD = 4096  # bytes that decide the kind of a file
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_NO_VIDEO_BRANDS = (b"M4A", b"M4B", b"M4P", b"F4A", b"heic", b"heix", b"mif1", b"msf1", b"avif")
_VIDEO_STARTS = (
    b"\x1aE\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3",  # MPEG program stream, MPEG video
    b"\x00\x00\x00\x01\x67", b"\x00\x00\x00\x01\x27", b"\x00\x00\x00\x01\x40\x01",  # H.264, H.265
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b"FLV\x01", b"GIF87a", b"GIF89a", b"DKIF", b".RMF",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02",  # MXF
    b"\x1f\x07\x00\x3f", b"\x1f\x07\x00\xbf",  # DV
)  # fmt: skip
_OGG_VIDEO = (b"\x80theora", b"OVP80", b"BBCD", b"\x01video")
_IMAGE_STARTS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")


def is_named_video(file: PurePosixPath | Path) -> bool:
    """Return whether a file has the extension of a video."""
    return file.suffix.lower() in VIDEOS


def is_image(file: PurePosixPath | Path, path: Path) -> bool:
    """Return whether a file is an image, of a kind that is read or of another.

    `file` is its name, `path` its place on the disk.
    """
    suffix = file.suffix.lower()
    if suffix in IMAGES or suffix in _OTHER_IMAGES:
        return True
    return not _is_known(suffix) and _head(path).startswith(_IMAGE_STARTS)


def is_video(file: PurePosixPath | Path, path: Path) -> bool:
    """Return whether a file is a video by its extension, or of an unknown one by its content."""
    return is_named_video(file) or (
        not _is_known(file.suffix.lower()) and is_video_content(_head(path))
    )


def needs_head(file: PurePosixPath) -> bool:
    """Return whether the kind of a file is decided by its first bytes, not by its name."""
    return not is_named_video(file) and not _is_known(file.suffix.lower())


def is_unfinished(file: PurePosixPath) -> bool:
    """Return whether a name is that of an unfinished download or copy."""
    return file.suffix.lower() in _UNFINISHED


def is_companion(file: PurePosixPath) -> bool:
    """Return whether a file is a note, a table or a system's file that needs no mention."""
    return file.suffix.lower() in _COMPANIONS or file.name.lower() in _COMPANION_NAMES


def _is_known(suffix: str) -> bool:
    known = (IMAGES, _OTHER_IMAGES, _COMPANIONS, _SOUND, _PROXIES)
    return any(suffix in kind for kind in known)


def is_video_content(head: bytes) -> bool:
    """Return whether a file's first bytes are those of a video container or stream."""
    if head[4:8] in _BOXES:
        return not (head[4:8] == b"ftyp" and head[8:12].startswith(_NO_VIDEO_BRANDS))
    if head.startswith(b"RIFF"):
        return head[8:11] == b"AVI"
    if head.startswith(b"OggS"):
        return any(mark in head for mark in _OGG_VIDEO)
    # A transport stream repeats its sync byte every 188 bytes, or 192 with a time before each.
    for first, step in ((0, 188), (4, 192)):
        places = range(first, min(len(head), 5 * step), step)
        if len(places) >= 3 and all(head[at] == 0x47 for at in places):
            return True
    return head.startswith(_VIDEO_STARTS)


def _head(path: Path) -> bytes:
    """Read the first bytes of a regular file; none of anything else."""
    try:
        if not is_regular(path):
            return b""
        with path.open("rb") as file:
            return os.read(file.fileno(), HEAD)
    except OSError:
        return b""
