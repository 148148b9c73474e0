"""Pseudonyms: keyed digests in place of names, and names removed from texts.

A pseudonym is the HMAC-SHA256 of a name: the same name and key give the same pseudonym, and without
the key nobody can read the name or test guesses. The key is read from a file and stored nowhere.

The search for a name ignores case, accents, and characters between letters and digits, so
``ann_lee2`` contains "Ann Lee". Parts of a name (``ann``) are not searched for.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from fmdata.catalog.errors import UsageError
from fmdata.catalog.keys import composed

MIN_KEY_BYTES = 16
_MIN_INSIDE = 3  # letters or digits; shorter names are not searched for inside words
_DIGITS = 16  # hexadecimal digits of a pseudonym: 64 bits


class Pseudonyms:
    """Turns names into keyed digests.

    Parameters
    ----------
    key : bytes
        Secret of at least 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path, dataset: Path) -> "Pseudonyms":
        """Read the key from a file; white space around it is ignored.

        Raises
        ------
        UsageError
            When the file cannot be read, is too short, or lies in the dataset that it protects.
        """
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            raise _unusable(f"a key file that cannot be read: {error.strerror}", path) from error
        if len(key) < MIN_KEY_BYTES:
            raise _unusable(f"a key of {len(key)} bytes", path)
        if path.resolve().is_relative_to(dataset.resolve()):
            raise _unusable("a key in the dataset's own folder", path)
        return cls(key)

    def subject(self, name: str) -> str:
        """Return the pseudonym of a subject: ``p`` and 16 hexadecimal digits."""
        return "p" + self._digest("subject", name)

    def name(self, kind: str, name: str, subject: str) -> str:
        """Return the name of an action or take, or a digest if it contains the subject's name.

        `kind` is ``action`` or ``take``; the digest begins with its first letter.
        """
        # Hiding too much is better than too little, but one or two letters are in many words.
        inside = len(_folded(subject)) >= _MIN_INSIDE
        is_named = next(_places(subject, name, inside=inside), None) is not None
        return kind[0] + self._digest(kind, name) if is_named else name

    def source(self, path: str) -> str:
        """Return a digest of a path: ``f`` and 16 hexadecimal digits."""
        return "f" + self._digest("source", path)

    def _digest(self, kind: str, name: str) -> str:
        spelt = f"{kind}\0{composed(name)}"
        return hmac.digest(self._key, spelt.encode(), "sha256").hex()[:_DIGITS]


def is_distinctive(name: str) -> bool:
    """Return whether a name is more than a number, which could also number a take or a frame."""
    return not name.isdigit()


def mentions(name: str, text: str) -> bool:
    """Return whether a text contains a name as a word, alone or next to a number."""
    return next(_places(name, text), None) is not None


def redact(name: str, text: str) -> str:
    """Return a text with ``…`` in place of a name, alone or next to a number (``ann0001``).

    A number of one or two digits may be a count, so it is replaced inside longer words only.
    """
    if _is_short_number(_folded(name)):
        return re.sub(r"\S+", lambda word: _replaced(name, word[0]), text)
    return _replaced(name, text)


class Names:
    """Names to replace in many texts; a text that holds none of them costs little.

    Parameters
    ----------
    names : iterable of str
        The names; the longest are replaced first.
    """

    def __init__(self, names: Iterable[str]) -> None:
        in_order = sorted(set(names), key=lambda name: (-len(name), name))
        self._names = [(name, _folded(name)) for name in in_order]

    def redacted(self, text: str) -> str:
        """Return a text with ``…`` in place of each name, as :func:`redact` replaces it."""
        folded = _folded(text)
        for name, inside in self._names:
            if inside in folded:
                text = redact(name, text)
        return text


def _replaced(name: str, text: str) -> str:
    for begin, end in reversed(list(_places(name, text))):
        text = f"{text[:begin]}…{text[end:]}"
    return text


def _places(name: str, text: str, *, inside: bool = False) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) of each occurrence of a name in a text, in order, without overlap.

    An occurrence is a word, next to digits or not. With `inside`, it may also be part of a word, or
    begin at a word and span several. A number must not touch other digits; one of less than three
    digits must touch no letter either, and must not be the whole text.
    """
    wanted, letters = _folded(name), list(_letters(text))
    if not wanted:  # a name of punctuation only
        yield from (match.span() for match in re.finditer(re.escape(name), text) if name)
        return
    spelt, past = "".join(letter for letter, _ in letters), 0
    for at in range(len(spelt) - len(wanted) + 1):
        if not spelt.startswith(wanted, at) or letters[at][1] < past:
            continue
        begin, end = letters[at][1], _past_marks(text, letters[at + len(wanted) - 1][1] + 1)
        touches = at > 0 and _past_marks(text, letters[at - 1][1] + 1) == begin
        before, after = letters[at - 1][0] if touches else "", text[end : end + 1]
        if wanted.isdigit():
            found = not before.isdigit() and not after.isdigit()
            if _is_short_number(wanted):
                found = not before.isalnum() and not after.isalnum() and spelt != wanted
        elif inside:
            camel = text[begin].isupper() and text[begin - 1 : begin].islower()
            found = not before.isalpha() or camel or _is_one(text[begin:end], name)
        else:
            found = not before.isalpha() and not after.isalpha()
        if found:
            begin, end = _with_signs(name, text, begin, end)
            yield max(begin, past), end
            past = end


def _is_one(found: str, name: str) -> bool:
    """Return whether an occurrence is in one word, or has the name's own spelling."""
    one_word = all(c.isalnum() or _is_mark(c) for c in found)
    return one_word or found.casefold() == name.casefold()


def _with_signs(name: str, text: str, begin: int, end: int) -> tuple[int, int]:
    """Extend an occurrence by the punctuation around the name, such as a path's first slash."""
    head, tail = re.match(r"[\W_]*", name), re.search(r"[\W_]*$", name)
    lead, rest = head[0] if head else "", tail[0] if tail else ""
    begin -= len(lead) if text.endswith(lead, 0, begin) else 0
    end += len(rest) if text.startswith(rest, end) else 0
    return begin, end


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Yield letters and digits, without case and accents, each with its index in the text."""
    for i, character in enumerate(text):
        plain = unicodedata.normalize("NFKD", character).casefold()
        yield from ((c, i) for c in unicodedata.normalize("NFKD", plain) if c.isalnum())


def _folded(name: str) -> str:
    return "".join(letter for letter, _ in _letters(name))


def _is_short_number(folded: str) -> bool:
    return folded.isdigit() and len(folded) < _MIN_INSIDE


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _past_marks(text: str, at: int) -> int:
    """Return the index after the combining accents at index `at`."""
    while at < len(text) and _is_mark(text[at]):
        at += 1
    return at


def whole_word(name: str) -> re.Pattern[str]:
    """Return a pattern for a name as a whole word; ``_`` and ``-`` separate words."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def _unusable(got: str, path: Path) -> UsageError:
    return UsageError(
        got,
        wanted=f"a file of at least {MIN_KEY_BYTES} bytes that nobody can guess, kept elsewhere",
        where=f"--pseudonyms {path}",
        todo="make one with `openssl rand -hex 32 > KEYFILE`, and keep it: without it nobody "
        "can add to the dataset or forget a subject by name",
    )
