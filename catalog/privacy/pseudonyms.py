"""Names that tell nothing without a key: the same name and key give the same pseudonym.

A pseudonym is HMAC-SHA256 of a name, so that whoever has the dataset and no key can neither read
the name off it nor try names out. The key is read from a file and goes nowhere else.

A name is found in another text however it is spelt: accents, case and what stands between letters
and digits count for nothing, so ``ann_lee2`` tells of "Ann Lee". Its parts are not looked for.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from fmdata.catalog.errors import UsageError

MIN_KEY_BYTES = 16
_ANYWHERE = 3  # letters or digits of a name that is looked for inside other words too
_DIGITS = 16  # hexadecimal: 64 bits


class Pseudonyms:
    """Turns names into keyed digests.

    Parameters
    ----------
    key : bytes
        The secret, at least 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path, dataset: Path) -> "Pseudonyms":
        """Read the key, the file's bytes without the white space around them.

        Raises
        ------
        UsageError
            When it cannot be read, is too short, or lies in the dataset that it is to protect.
        """
        try:
            key = path.read_bytes().strip()
        except OSError as fault:
            raise _unusable(f"a key file that cannot be read: {fault.strerror}", path) from fault
        if len(key) < MIN_KEY_BYTES:
            raise _unusable(f"a key of {len(key)} bytes", path)
        if path.resolve().is_relative_to(dataset.resolve()):
            raise _unusable("a key in the dataset's own folder", path)
        return cls(key)

    def subject(self, name: str) -> str:
        """Return the pseudonym of a subject, ``p`` and 16 hexadecimal digits."""
        return "p" + self._digest("subject", name)

    def name(self, kind: str, name: str, subject: str) -> str:
        """Return an action's or take's name, or, if it tells the subject's, a digest of it."""
        # Too much hidden is better than too little, but one or two letters are in any word.
        anywhere = len(_folded(subject)) >= _ANYWHERE
        told = next(_places(subject, name, anywhere=anywhere), None) is not None
        return kind[0] + self._digest(kind, name) if told else name

    def _digest(self, kind: str, name: str) -> str:
        return hmac.digest(self._key, f"{kind}\0{name}".encode(), "sha256").hex()[:_DIGITS]


def is_telling(name: str) -> bool:
    """Whether a name is more than a number, which may as well be a take's or a frame's."""
    return not name.isdigit()


def without(name: str, text: str) -> str:
    """Return a text with ``…`` for a name that stands by itself or beside a number (``ann0001``).

    A number of one or two digits may be a count: it is replaced where it is part of a word.
    """
    if _is_short_number(_folded(name)):
        return re.sub(r"\S+", lambda word: _replaced(name, word[0]), text)
    return _replaced(name, text)


def _replaced(name: str, text: str) -> str:
    for begin, end in reversed(list(_places(name, text))):
        text = f"{text[:begin]}…{text[end:]}"
    return text


def _places(name: str, text: str, *, anywhere: bool = False) -> Iterator[tuple[int, int]]:
    """Yield (begin, end) wherever a name stands in a text, apart from one another, in order.

    It stands by itself or beside digits; with `anywhere`, inside a word too, and over several words
    from the beginning of one. A number never stands beside digits; one of less than three digits
    stands beside other words only.
    """
    wanted, letters = _folded(name), list(_letters(text))
    if not wanted:  # signs alone
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
        elif anywhere:
            camel = text[begin].isupper() and text[begin - 1 : begin].islower()
            found = not before.isalpha() or camel or _is_one(text[begin:end], name)
        else:
            found = not before.isalpha() and not after.isalpha()
        if found:
            begin, end = _with_signs(name, text, begin, end)
            yield max(begin, past), end
            past = end


def _is_one(found: str, name: str) -> bool:
    """Whether a stretch is one word, or the name as it is: no letters of two words by chance."""
    one_word = all(c.isalnum() or _is_mark(c) for c in found)
    return one_word or found.casefold() == name.casefold()


def _with_signs(name: str, text: str, begin: int, end: int) -> tuple[int, int]:
    """Take in the signs that a name begins and ends with, such as a path's first slash."""
    head, tail = re.match(r"[\W_]*", name), re.search(r"[\W_]*$", name)
    lead, rest = head[0] if head else "", tail[0] if tail else ""
    begin -= len(lead) if text.endswith(lead, 0, begin) else 0
    end += len(rest) if text.startswith(rest, end) else 0
    return begin, end


def _letters(text: str) -> Iterator[tuple[str, int]]:
    """Yield letters and digits, without case and accents, each with its place in the text."""
    for i, character in enumerate(text):
        plain = unicodedata.normalize("NFKD", character).casefold()
        yield from ((c, i) for c in unicodedata.normalize("NFKD", plain) if c.isalnum())


def _folded(name: str) -> str:
    return "".join(letter for letter, _ in _letters(name))


def _is_short_number(folded: str) -> bool:
    return folded.isdigit() and len(folded) < _ANYWHERE


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _past_marks(text: str, at: int) -> int:
    """Return the place behind the accents, written apart from their letter, that stand at `at`."""
    while at < len(text) and _is_mark(text[at]):
        at += 1
    return at


def whole_word(name: str) -> re.Pattern[str]:
    """Return the pattern of a name that stands by itself; ``_`` and ``-`` set it off."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def _unusable(got: str, path: Path) -> UsageError:
    return UsageError(
        got,
        wanted=f"a file of at least {MIN_KEY_BYTES} bytes that nobody can guess, kept elsewhere",
        where=f"--pseudonyms {path}",
        todo="make one, say with `openssl rand -hex 32 > KEYFILE`, and keep it: without it nobody "
        "can add to the dataset or forget a subject by name",
    )
