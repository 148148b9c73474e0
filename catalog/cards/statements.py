"""Statements about a dataset that only its owner can make: license, consent, origin, contact.

They are kept in the dataset's card, ``fmdata.json``, and survive every later build. fmdata checks
their form and adds none of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import Options, choice, text

REMOVED = "-"  # in place of a statement: takes it back
MAX_LENGTH = 2000  # characters of a statement
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WEB = re.compile(r"https?://[^\s\"<>]+")
# Licenses by their names on the Hugging Face Hub, and in the SPDX list.
LICENSES = {
    "apache-2.0": "Apache-2.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc0-1.0": "CC0-1.0",
    "cdla-permissive-2.0": "CDLA-Permissive-2.0",
    "cdla-sharing-1.0": "CDLA-Sharing-1.0",
    "mit": "MIT",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
}


@dataclass(frozen=True)
class CardSettings(Options):
    """Statements for a dataset's card. An empty one leaves what was stated before."""

    name: str = text("", help="Title of the dataset, by default that of its folder.")
    license: str = text("", help="License, such as cc-by-nc-4.0, or the name of your own.")
    license_link: str = text("", help="Web address of a license of your own.")
    origin: str = choice(
        "", "filmed", "simulated", "both", REMOVED,
        help="The recordings are filmed, simulated or both; - takes a statement back, here and "
        "elsewhere.",
    )  # fmt: skip
    source: str = text("", help="Where the recordings are from, in your words.")
    consent: str = text("", help="Consent of the people in them, in your words.")
    contact: str = text("", help="Whom to ask, or to have a subject removed.")
    cite: str = text("", help="Reference to cite, such as a paper's.")
    published: str = text("", help="Date of publication, YYYY-MM-DD.")
    url: str = text("", help="Web address at which the dataset is published.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.to_json().items():
            if not value.isprintable() or len(value) > MAX_LENGTH:
                wanted = f"one line of at most {MAX_LENGTH} characters"
                raise self.refused(name, value[:60], wanted)
        for name, form, wanted in (
            ("published", _DATE, "a date such as 2026-05-31"),
            ("url", _WEB, "an address such as https://example.org/faces"),
            ("license_link", _WEB, "an address such as https://example.org/license"),
        ):
            value = getattr(self, name)
            if value not in ("", REMOVED) and not form.fullmatch(value):
                raise self.refused(name, value, wanted)

    @property
    def known_license(self) -> str | None:
        """Name of the license on the Hub, where it is one of :data:`LICENSES`."""
        return self.license.lower() if self.license.lower() in LICENSES else None

    def over(self, stated: Mapping[str, str]) -> dict[str, str]:
        """Return what is stated after these statements: a new one replaces an earlier one."""
        new = {name: value for name, value in self.to_json().items() if value}
        return {name: value for name, value in (dict(stated) | new).items() if value != REMOVED}

    @classmethod
    def of(cls, stated: Mapping[str, str]) -> "CardSettings":
        """Read the statements of a card; those that cannot be read count as not made."""
        readable = {}
        for name, value in stated.items():
            try:
                cls.from_json({name: value})
            except UsageError:
                continue
            readable[name] = value
        return cls.from_json(readable)
