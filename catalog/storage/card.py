"""The card, ``fmdata.json``: settings, counts, and a digest of each file of a dataset.

Promise: the card is written last, so a dataset with a card is complete. It holds no time, host name
or path of the machine. It has exactly one valid spelling, and its last entry is a digest of all
others, so a card with any changed byte is refused.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from fmdata.catalog.errors import DatasetError
from fmdata.catalog.given.labels import labels_of
from fmdata.catalog.storage.files import write_atomically

NAME = "fmdata.json"
FORMAT = 5
ACTIONS, COMPOUNDS, LEFT_OUT = "actions", "compounds", "left_out"
MAX_SIZE = 1024  # pixels; width and height of a crop
MAX_BYTES = 128 << 20  # of a card; one of a million clips has some four megabytes
_SHARD = re.compile(r"shard-[0-9]{5,9}")
DROPPED = "dropped.parquet"
T = TypeVar("T")


@dataclass(frozen=True)
class FileFacts:
    """Size in bytes and SHA-256 of one file."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileFacts":
        """Compute the facts of a file."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.stat().st_size, digest)

    def hold_for(self, path: Path) -> bool:
        """Return whether a file exists and has this size and digest."""
        return path.is_file() and path.stat().st_size == self.bytes and self == self.of(path)


@dataclass(frozen=True)
class Shard:
    """A tar and two Parquet files with the same samples: their content and their digests.

    A shard of virtual compounds is the table of clips alone; `tar` and `frames` are None.
    `processors` has the features of the processors that made the clips of actions.
    """

    name: str
    fold: int
    subjects: list[str]
    samples: int
    tar: FileFacts | None
    parquet: FileFacts
    frames: FileFacts | None
    processors: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, FileFacts]:
        """The files of the shard, by name."""
        every = {"tar": self.tar, "parquet": self.parquet, "frames.parquet": self.frames}
        return {f"{self.name}.{suffix}": facts for suffix, facts in every.items() if facts}

    def intact(
        self, folder: Path, holds: Callable[[FileFacts, Path], bool] = FileFacts.hold_for
    ) -> bool:
        """Return whether all files in `folder` match their digests, as `holds` checks them."""
        return all(holds(facts, folder / name) for name, facts in self.files.items())


@dataclass(frozen=True)
class Part:
    """Entry of one half of a dataset: the actions or the compounds.

    Attributes
    ----------
    settings : dict
        Settings it was made with, as JSON.
    samples : int
        Number of clips.
    shards : list of Shard
        Shards in order.
    made_from : str or None
        For compounds, the digest of the actions they were spliced from.
    dropped_actions : str or None
        For compounds, the digest of the actions of dropped recordings, which count for labels.
    notes : list of str
        Notes for the user, such as subjects without compounds.
    """

    settings: dict[str, Any]
    samples: int
    shards: list[Shard]
    made_from: str | None = None
    dropped_actions: str | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def virtual(self) -> bool:
        """True where only the plan is stored; frames are spliced when they are read."""
        return any(shard.tar is None for shard in self.shards)

    @property
    def digest(self) -> str:
        """Digest of all shards: it changes with any of their bytes."""
        digests = [(s.name, *(f.sha256 for f in s.files.values())) for s in self.shards]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


@dataclass(frozen=True)
class Card:
    """Content of ``fmdata.json``.

    `left_out` is the entry of the clips that ``--keep`` leaves out, in shards like the actions;
    None where it leaves none out. `labels` has the type of each label of the clips, by name,
    `stated` what ``fmdata card`` was given, by the names of its options.
    """

    fmdata: str
    tools: dict[str, str]
    seed: int
    recordings: int
    dropped: int
    dropped_file: FileFacts
    actions: Part
    compounds: Part | None = None
    left_out: Part | None = None
    labels: dict[str, str] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def parts(self) -> tuple[Part, ...]:
        """The actions and, where the dataset has them, the compounds and the clips left out."""
        return tuple(part for part in self.halves.values() if part)

    @property
    def halves(self) -> dict[str, Part | None]:
        """The parts by the names of their folders; None for one that the dataset does not have."""
        return {ACTIONS: self.actions, COMPOUNDS: self.compounds, LEFT_OUT: self.left_out}

    @property
    def size(self) -> int:
        """Width and height of a crop, in pixels."""
        size = self.actions.settings["size"]
        if type(size) is not int:
            raise TypeError(f"size is {size!r}")
        return size

    @property
    def stale(self) -> bool:
        """True when the actions have changed since the compounds were made from them."""
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
            When the card is missing, damaged, or of another format than this release reads.
        """
        path = dataset / NAME
        if not path.is_file():
            raise DatasetError(
                f"no finished dataset: {path.name} is missing",
                wanted="a folder written by `fmdata build`",
                where=str(dataset),
                todo="let `fmdata build --subjects RAW --out DATASET` finish first, or name the "
                "right folder",
            )
        try:
            document = json.loads(text := _read(path))
            _require_format(document.get("format"), path)
            return _parsed(document, text)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DatasetError(
                f"the dataset's card cannot be read: {error}",
                wanted=f"a card of format {FORMAT}, as it was written",
                where=str(path),
                todo="restore the card from a copy, or build the dataset again into another folder "
                "with --out",
            ) from error


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path.stat().st_size} bytes, at most {MAX_BYTES} are read")
    return path.read_bytes()


def _signed(document: dict[str, Any]) -> bytes:
    """Return a card as JSON; its last entry is the SHA-256 of the JSON without that entry."""
    digest = hashlib.sha256(_json(document)).hexdigest()
    return _json(document | {"sha256": digest})


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _require_format(number: Any, path: Path) -> None:
    """Refuse a dataset of another format; anything but a number is a damaged card."""
    if type(number) is not int:
        raise ValueError(f"format {number!r}")
    if number == FORMAT:
        return
    age, todo = "a newer", "install that release of fmdata"
    if number < FORMAT:
        age = "an older"
        todo = (
            "build the dataset again from its recordings, into another folder with --out, then run "
            "`fmdata synth-compound`; docs/format.md says what changed"
        )
    raise DatasetError(
        f"a dataset of format {number}, made by {age} release of fmdata",
        wanted=f"a dataset of format {FORMAT}",
        where=str(path),
        todo=todo,
    )


def _parsed(document: dict[str, Any], text: bytes) -> Card:
    document.pop("sha256", None)
    if text != _signed(document):
        raise ValueError("its content does not match its own digest")
    document["dropped_file"] = _made(FileFacts, document["dropped_file"])
    document["actions"] = _part(document["actions"])
    for name in (COMPOUNDS, LEFT_OUT):
        if document[name] is not None:
            document[name] = _part(document[name])
    card = _made(Card, document)
    labels_of(card.labels)
    if card.actions.virtual or (card.left_out and card.left_out.virtual):
        raise ValueError("actions without tars")
    if not 0 < card.size <= MAX_SIZE:
        raise ValueError(f"crops of {card.size} pixels")
    return card


def _part(document: dict[str, Any]) -> Part:
    part = _made(Part, document | {"shards": [_shard(one) for one in document["shards"]]})
    kinds = {(shard.tar is None, shard.frames is None) for shard in part.shards}
    if not kinds <= {(True, True)} and not kinds <= {(False, False)}:
        raise ValueError("shards with a tar and shards without one")
    return part


def _shard(document: dict[str, Any]) -> Shard:
    names = [name for name in ("tar", "parquet", "frames") if document[name] is not None]
    files = {name: _made(FileFacts, document[name]) for name in names}
    shard = _made(Shard, document | files)
    if not _SHARD.fullmatch(shard.name):
        raise ValueError(f"a shard with the name {shard.name!r}")
    return shard


def _made(kind: type[T], document: dict[str, Any]) -> T:
    """Return an object of a JSON document; a value of another type than its field is refused."""
    for name, hint in get_type_hints(kind).items():
        kinds = [get_origin(one) or one for one in (get_args(hint) or (hint,))]
        kinds = [get_origin(hint)] if get_origin(hint) in (list, dict) else kinds
        values = [document[name]] if name in document else []
        wrong = any(type(value) not in kinds for value in values)
        if wrong or (hint == list[str] and not all(type(x) is str for v in values for x in v)):
            raise ValueError(f"{name} is {document[name]!r:.40}")
    return kind(**document)
