"""Search for a subject's name in tables, the card, texts, and the names of files.

A name is searched for as a word, next to digits or not, in any case, and in the form that it has in
keys. A name that is only a number is searched for in the columns of subjects alone, as a number has
other meanings too.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fmdata.catalog.keys import composed, key_part
from fmdata.catalog.privacy.pseudonyms import is_distinctive, mentions, whole_word
from fmdata.catalog.storage.card import Card

# Files larger than this are searched for frames only, not for the name.
_TEXT_BYTES = 64 << 20
_ROWS = 4096  # read at a time


@dataclass(frozen=True)
class Name:
    """The name of a forgotten subject.

    Attributes
    ----------
    subject : str
        The name, in Unicode NFC.
    """

    subject: str

    def is_in(self, text: str) -> bool:
        """Return whether a text mentions the subject."""
        if text == self.subject:
            return True
        return is_distinctive(self.subject) and any(
            mentions(word, composed(text)) for word in {self.subject, key_part(self.subject)}
        )

    def places_in(self, path: Path) -> Iterator[str]:
        """Yield the places in a file that hold the name, in words: columns, text, its own name."""
        if self._word and self._word.search(composed(path.name)):
            yield "the name of the file"
        if not path.is_file():
            return
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                yield from self._in_batches(file.iter_batches(_ROWS, columns=_texts(file)))
        elif path.suffix == ".arrow":
            with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as table:
                numbers = range(table.num_record_batches)
                yield from self._in_batches(table.get_batch(number) for number in numbers)
        elif self._word and _is_text_with(path, self._word):
            yield "its text"

    def in_card(self, card: Card) -> bool:
        """Return whether a card mentions the subject."""
        notes = (note for part in card.parts for note in part.notes)
        subjects = (s for part in card.parts for shard in part.shards for s in shard.subjects)
        keep = card.actions.settings.get("keep")  # an expression may name a subject
        texts = [*notes, *([keep] if isinstance(keep, str) else []), *card.stated.values()]
        return any(map(self.is_in, texts)) or self.subject in subjects

    @cached_property
    def _word(self) -> re.Pattern[str] | None:
        return whole_word(self.subject) if is_distinctive(self.subject) else None

    def _in_batches(self, batches: Any) -> Iterator[str]:
        """Yield each column of some batches that holds the name, with its first value."""
        found: dict[str, tuple[int, str]] = {}
        for batch in batches:
            for column, values in zip(batch.schema.names, batch.columns, strict=True):
                for text, n in self._in_column(column, values):
                    count, first = found.get(column, (0, text))
                    found[column] = count + n, first
        for column, (n, first) in found.items():
            yield f"{n} values of its column {column}, the first {first!r}"

    def _in_column(self, column: str, values: pa.Array) -> Iterator[tuple[str, int]]:
        for texts in _strings_of(values):
            if self._token:  # far faster than the search itself, which is left with few values
                texts = texts.filter(pc.match_substring(texts, self._token, ignore_case=True))
            for item in pc.value_counts(texts):
                text = item["values"].as_py()
                named = text == self.subject if column == "subject" else self.is_in(text)
                if named:
                    yield text, item["counts"].as_py()

    @cached_property
    def _token(self) -> str:
        """The longest word of a plain name, which every mention contains; empty of any other."""
        words = re.findall(r"[a-z0-9]+", self.subject.casefold())
        return max(words, key=len, default="") if self.subject.isascii() else ""


def _texts(file: pq.ParquetFile) -> list[str]:
    """Return the names of the columns of a table that hold texts, alone or in lists."""
    names = (field.name for field in file.schema_arrow if _holds_texts(field.type))
    return list(names)


def _holds_texts(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(_holds_texts(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_dictionary(kind):
        return _holds_texts(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _strings_of(values: pa.Array) -> Iterator[pa.Array]:
    """Yield the texts in a column, those in lists and structs as well, without nulls."""
    if not _holds_texts(values.type):
        return
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_struct(values.type):
        for inner in values.flatten():
            yield from _strings_of(inner)
    elif pa.types.is_nested(values.type):
        yield from _strings_of(values.flatten())
    else:
        yield values.drop_null()


def _is_text_with(path: Path, word: re.Pattern[str]) -> bool:
    with suppress(UnicodeDecodeError):
        if path.stat().st_size <= _TEXT_BYTES:
            data = path.read_bytes()
            return b"\0" not in data and word.search(composed(data.decode())) is not None
    return False
