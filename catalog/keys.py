"""Names and keys of samples, folds of subjects and seeds of random draws.

Each is a pure function of names and a seed, so adding one subject changes nothing for the others.
"""

import hashlib
import json
import re
import unicodedata

N_FOLDS = 10
_HASH_DIGITS = 6  # of a name that loses letters


def action_key(subject: str, action: str, take: str) -> str:
    """Return the key of a single-action clip: ``<subject>-<action>-<take>``.

    >>> action_key("s01", "wink left", "03")
    's01-wink_left-03'
    """
    return "-".join(key_part(name) for name in (subject, action, take))


def compound_key(subject: str, first: str, second: str, copy: int) -> str:
    """Return the key of a compound: ``<subject>-<first>-<second>-c<copy>``.

    >>> compound_key("s01", "smile", "wink.left", 2)
    's01-smile-wink_left-c2'
    """
    return "-".join([key_part(subject), key_part(first), key_part(second), f"c{copy}"])


def fold(subject: str, seed: int) -> int:
    """Return the fold of a subject, 0 to 9: a seeded hash of its name."""
    return draw_seed("fold", seed, subject) % N_FOLDS


def draw_seed(*parts: str | int) -> int:
    """Return the 256-bit seed of a random draw that depends on `parts` alone."""
    text = json.dumps(parts, ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def composed(name: str) -> str:
    """Return a name in Unicode NFC, the one form in which names are kept and compared."""
    return unicodedata.normalize("NFC", name)


def key_part(name: str) -> str:
    """Return the part of a key that stands for a name.

    Characters outside ``A-Z a-z 0-9 _`` become ``_``. A name that loses characters outside ASCII,
    such as letters of another script, gets ``_`` and six hexadecimal digits of the SHA-256 of the
    name, so that names in any script stay apart.

    >>> key_part("wink left"), key_part("Zo\u00e9")
    ('wink_left', 'Zo__d92562')
    """
    name = composed(name)
    # WebDataset splits a member's name at its first dot; "-" separates the parts of a key.
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if name.isascii():
        return plain
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]}"
