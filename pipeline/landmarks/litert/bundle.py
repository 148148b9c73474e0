"""Reads the file ``face_landmarker.task``: three networks and the canonical face."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from fmdata.catalog.printable import ArrayRepr

_GEOMETRY = "geometry_pipeline_metadata_landmarks.binarypb"
_VERTEX = 5  # numbers of a vertex: x, y, z, and two of its texture
# Fields of MediaPipe's GeometryPipelineMetadata, Mesh3d and WeightedLandmarkRef.
_MESH, _BASIS = 1, 2
_VERTICES = 3
_POINT, _WEIGHT = 1, 2
_VARINT, _LENGTH, _FIXED32 = 0, 2, 5  # wire types of protocol buffers


@dataclass(frozen=True, repr=False)
class CanonicalFace(ArrayRepr):
    """The face that the head's rotation is measured against.

    Attributes
    ----------
    vertices : float64 [468, 3]
        x right, y up, z to the viewer, in cm; in the order of the landmarks.
    basis : int [N]
        The landmarks that are fitted.
    weights : float64 [N]
        Weight of each of them in the fit.
    """

    vertices: np.ndarray
    basis: np.ndarray
    weights: np.ndarray

    @cached_property
    def shares(self) -> np.ndarray:
        """float64 [N], the weights, divided by their sum."""
        shares: np.ndarray = self.weights / self.weights.sum()
        return shares

    @cached_property
    def middle(self) -> np.ndarray:
        """float64 [3], the weighted mean of the basis."""
        middle: np.ndarray = self.shares @ self.vertices[self.basis]
        return middle

    @cached_property
    def around(self) -> np.ndarray:
        """float64 [N, 3], the basis, as seen from its middle."""
        around: np.ndarray = self.vertices[self.basis] - self.middle
        return around

    @cached_property
    def spread(self) -> float:
        """Weighted mean of the squared distances from the middle."""
        return float((self.shares @ self.around**2).sum())


@dataclass(frozen=True)
class Bundle:
    """The networks, as the bytes of their files, and the canonical face."""

    detector: bytes
    landmarks: bytes
    blendshapes: bytes
    face: CanonicalFace


def read_bundle(path: Path) -> Bundle:
    """Read the bundle; its checksum is the caller's to verify."""
    with zipfile.ZipFile(path) as file:
        return Bundle(
            file.read("face_detector.tflite"),
            file.read("face_landmarks_detector.tflite"),
            file.read("face_blendshapes.tflite"),
            _canonical_face(file.read(_GEOMETRY)),
        )


def _canonical_face(data: bytes) -> CanonicalFace:
    buffer, basis = b"", {}
    for field, value in _fields(data):
        if field == _MESH:
            buffer = b"".join(part for number, part in _fields(value) if number == _VERTICES)
        elif field == _BASIS:
            entry = dict(_fields(value))
            point = int.from_bytes(entry.get(_POINT, b"\0"), "little")
            basis[point] = np.frombuffer(entry[_WEIGHT], "<f4")[0]
    vertices = np.frombuffer(buffer, "<f4").reshape(-1, _VERTEX)[:, :3].astype(np.float64)
    return CanonicalFace(vertices, np.array(list(basis)), np.array(list(basis.values()), float))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each field of a protocol-buffer message.

    A number of variable length is given as 8 bytes, the lowest first.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield field, value.to_bytes(8, "little")
            continue
        if kind == _LENGTH:
            size, at = _varint(data, at)
        elif kind == _FIXED32:
            size = 4
        else:
            raise ValueError(f"wire type {kind} in the canonical face")
        yield field, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number of variable length at a position, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
