"""The card, ``fmdata.json``: what a dataset is, how it was made, and a digest of each file.

Written last, so that a dataset with a card is a whole one. Holds no clock, no host name and no
path of the machine. Its last entry is a digest of all the others, and it has one spelling only, so
a card in which any byte was changed is not read.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.storage.files import write_atomically

NAME = "fmdata.json"
FORMAT = 1
ACTIONS, COMPOUNDS = "actions", "compounds"
DROPPED = "dropped.parquet"
# The distributions whose version can change the bytes of a dataset, and those that do so only for
# a landmark backend.
TOOLS = ("av", "mediapipe", "numpy", "opencv-contrib-python", "pyarrow", "scipy")
TOOLS_OF = {"fan": ("face-alignment", "torch")}


@dataclass(frozen=True)
class FileFacts:
    """Size in bytes, and digest, of one file."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileFacts":
        """Read the facts off a file."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.stat().st_size, digest)

    def hold_for(self, path: Path) -> bool:
        """Whether a file is there and has this size and digest."""
        return path.is_file() and path.stat().st_size == self.bytes and self == self.of(path)


@dataclass(frozen=True)
class Shard:
    """A pair of files, what is in them, and their digests."""

    name: str
    fold: int
    subjects: list[str]
    samples: int
    tar: FileFacts
    parquet: FileFacts

    def intact(self, folder: Path) -> bool:
        """Whether both files lie in `folder` as they were written."""
        return self.tar.hold_for(folder / f"{self.name}.tar") and self.parquet.hold_for(
            folder / f"{self.name}.parquet"
        )


@dataclass(frozen=True)
class Part:
    """One of the two halves of a dataset: the actions, or the compounds.

    Attributes
    ----------
    settings : dict
        What made it, as its settings class writes itself.
    samples : int
        Number of clips.
    shards : list of Shard
        In order.
    made_from : str or None
        For compounds, the digest of the actions they were spliced from.
    notes : list of str
        What a user must know of it, such as subjects that could make no compound.
    """

    settings: dict[str, Any]
    samples: int
    shards: list[Shard]
    made_from: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Digest of every byte of the shards."""
        digests = [(s.name, s.tar.sha256, s.parquet.sha256) for s in self.shards]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


@dataclass(frozen=True)
class Card:
    """All of ``fmdata.json``."""

    fmdata: str
    tools: dict[str, str]
    seed: int
    recordings: int
    dropped: int
    dropped_file: FileFacts
    actions: Part
    compounds: Part | None = None
    format: int = FORMAT

    @property
    def stale(self) -> bool:
        """Whether the actions have changed since the compounds were made from them."""
        return self.compounds is not None and self.compounds.made_from != self.actions.digest

    def with_compounds(self, compounds: Part) -> "Card":
        """Return this card with its compounds replaced."""
        return replace(self, compounds=compounds)

    def write(self, dataset: Path) -> None:
        """Write ``fmdata.json``, whole or not at all."""
        write_atomically(dataset / NAME, _signed(asdict(self)))

    @classmethod
    def read(cls, dataset: Path) -> "Card":
        """Read the card of a dataset.

        Raises
        ------
        DatasetError
            When there is no card, or not one that this release reads.
        """
        path = dataset / NAME
        if not path.is_file():
            raise DatasetError(
                f"no finished dataset: {path.name} is not there",
                wanted="a folder that `fmdata build` has filled",
                where=str(dataset),
                todo="run `fmdata build --subjects RAW --out DATASET` first, to its end, "
                "or name the right folder",
            )
        try:
            return _parsed(path.read_bytes())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise DatasetError(
                f"the dataset's card cannot be read: {fault}",
                wanted=f"a card of format {FORMAT}, as it was written",
                where=str(path),
                todo="put back the card as it was written, from a copy, or build the dataset again "
                "into another folder with --out",
            ) from fault


def tool_versions(landmarks: str) -> dict[str, str]:
    """Versions of the distributions whose change could change a dataset's bytes.

    `landmarks` is the landmark backend. A distribution that is not installed is left out.
    """
    versions = {name: metadata.version(name) for name in TOOLS}
    for name in TOOLS_OF.get(landmarks, ()):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _signed(document: dict[str, Any]) -> bytes:
    """Spell a card, with the SHA-256 of its spelling without that entry as the last entry."""
    digest = hashlib.sha256(_spelled(document)).hexdigest()
    return _spelled(document | {"sha256": digest})


def _spelled(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _parsed(text: bytes) -> Card:
    document = json.loads(text)
    if document.get("format") != FORMAT:
        raise ValueError(f"format {document.get('format')!r}, made by another release of fmdata")
    document.pop("sha256", None)
    if text != _signed(document):
        raise ValueError("it is not as it was written; its own digest does not fit it")
    document["dropped_file"] = FileFacts(**document["dropped_file"])
    document["actions"] = _part(document["actions"])
    if document["compounds"] is not None:
        document["compounds"] = _part(document["compounds"])
    return Card(**document)


def _part(document: dict[str, Any]) -> Part:
    shards = [
        Shard(**(s | {"tar": FileFacts(**s["tar"]), "parquet": FileFacts(**s["parquet"])}))
        for s in document["shards"]
    ]
    return Part(**(document | {"shards": shards}))
