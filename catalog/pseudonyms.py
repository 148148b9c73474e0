"""Names that tell nothing without a key: the same name and key give the same pseudonym.

A pseudonym is HMAC-SHA256 of a name, so that whoever has the dataset and no key can neither read
the name off it nor try names out. The key is read from a file and goes nowhere else.
"""

import hmac
import re
from pathlib import Path

from fmdata.catalog.errors import UsageError

MIN_KEY_BYTES = 16
_ANYWHERE = 3  # letters of a name that is looked for inside other words too
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
        told = len(subject) >= _ANYWHERE and subject.casefold() in name.casefold()
        told = is_telling(subject) and (told or numbered(subject).search(name) is not None)
        return kind[0] + self._digest(kind, name) if told else name

    def _digest(self, kind: str, name: str) -> str:
        return hmac.digest(self._key, f"{kind}\0{name}".encode(), "sha256").hex()[:_DIGITS]


def is_telling(name: str) -> bool:
    """Whether a name is more than a number, which may as well be a take's or a frame's."""
    return not name.isdigit()


def numbered(name: str) -> re.Pattern[str]:
    """Return the pattern of a name that stands by itself or beside a number, as in ``ann0001``."""
    return re.compile(rf"(?<![^\W\d_]){re.escape(name)}(?![^\W\d_])", re.IGNORECASE)


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
