"""Keys of samples, folds of subjects and seeds of random draws.

Each is a pure function of names and a seed, so adding one subject changes nothing for the others.
"""

import hashlib
import json
import re

N_FOLDS = 10


def action_key(subject: str, action: str, take: str) -> str:
    """Return the key of a single-action clip: ``<subject>-<action>-<take>``.

    >>> action_key("s01", "wink left", "03")
    's01-wink_left-03'
    """
    return "-".join(_plain(name) for name in (subject, action, take))


def compound_key(subject: str, first: str, second: str, copy: int) -> str:
    """Return the key of a compound: ``<subject>-<first>-<second>-c<copy>``.

    >>> compound_key("s01", "smile", "wink.left", 2)
    's01-smile-wink_left-c2'
    """
    return "-".join([_plain(subject), _plain(first), _plain(second), f"c{copy}"])


def fold(subject: str, seed: int) -> int:
    """Return the fold of a subject, 0 to 9: a seeded hash of its name."""
    return draw_seed("fold", seed, subject) % N_FOLDS


def draw_seed(*parts: str | int) -> int:
    """Return the 256-bit seed of a random draw that depends on `parts` alone."""
    text = json.dumps(parts, ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest())


def _plain(name: str) -> str:
    # WebDataset splits a member's name at its first dot; "-" separates the parts of a key.
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
