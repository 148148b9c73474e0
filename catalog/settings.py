"""What a recipe can be told, as plain values: ranges checked, to JSON and TOML and back.

A recipe's settings are a frozen dataclass whose fields are made by :func:`number`, :func:`choice`
and :func:`flag`; :class:`Settings` checks them, so an impossible value never begins a training.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Self

from fmdata.catalog.errors import UsageError

MOST = 2**32 - 1


def number(default: float, low: float = 0, high: float = MOST) -> Any:
    """Make a field that holds a number from `low` to `high`, of the default's type."""
    return field(default=default, metadata={"range": (low, high)})


def choice(default: str | int, *others: str | int) -> Any:
    """Make a field that holds one of some words, or of some numbers."""
    return field(default=default, metadata={"choices": (default, *others)})


def flag(default: bool) -> Any:
    """Make a field that is true or false."""
    return field(default=default)


@dataclass(frozen=True)
class Settings:
    """Base of all recipes' settings.

    Raises
    ------
    UsageError
        At construction, when a value is of the wrong type or out of its range.
    """

    def __post_init__(self) -> None:
        for f in fields(self):
            value, where = getattr(self, f.name), f"the setting `{f.name}`"
            if isinstance(value, Settings):
                continue
            wanted = type(f.default)
            if wanted is float and type(value) is int:
                object.__setattr__(self, f.name, float(value))
            elif type(value) is not wanted:
                raise _refused(f"{f.name} = {value!r}", _named(wanted), where)
            low, high = f.metadata.get("range", (None, None))
            if low is not None and not low <= value <= high:
                raise _refused(f"{f.name} = {value}", f"a number from {low} to {high}", where)
            choices = f.metadata.get("choices")
            if choices and value not in choices:
                raise _refused(f"{f.name} = {value!r}", f"one of {_listed(choices)}", where)

    def to_json(self) -> dict[str, Any]:
        """Plain values, nested as the settings are."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` gave; what is left out keeps its default.

        Raises
        ------
        UsageError
            When a setting is unknown, of the wrong type or out of its range.
        """
        known = {f.name: f for f in fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise _refused(
                f"unknown settings: {', '.join(unknown)}", ", ".join(known), f"{cls.__name__}"
            )
        read = {}
        for name, value in values.items():
            kind = known[name].type
            nested = isinstance(kind, type) and is_dataclass(kind)
            if nested and not isinstance(value, Mapping):
                raise _refused(f"{name} = {value!r}", f"a table [{name}] of settings", cls.__name__)
            read[name] = kind.from_json(value) if nested else value  # type: ignore[union-attr]
        return cls(**read)

    def to_toml(self) -> str:
        """Return all settings as a TOML file, ready to be edited and given back."""
        plain = [(f.name, getattr(self, f.name)) for f in fields(self)]
        lines = [f"{n} = {json.dumps(v)}" for n, v in plain if not isinstance(v, Settings)]
        for name, value in plain:
            if isinstance(value, Settings):
                lines += ["", f"[{name}]", value.to_toml().rstrip()]
        return "\n".join(lines) + "\n"

    def replaced(self, assignments: Sequence[str]) -> Self:
        """Return the settings with some ``name=value`` put in, ``name`` dotted where nested.

        Raises
        ------
        UsageError
            When an assignment is malformed, or names or sets what :meth:`from_json` refuses.
        """
        values = self.to_json()
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            if not equals or not name.strip():
                raise _refused(assignment, "name=value, such as epochs=3", "--set")
            *tables, last = name.strip().split(".")
            inner = values
            for table in tables:
                inner = inner.setdefault(table, {})
                if not isinstance(inner, dict):
                    raise _refused(assignment, f"`{table}` holds no settings of its own", "--set")
            inner[last] = _value(text.strip())
        return self.from_json(values)


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file, or a JSON one such as a run keeps.

    Raises
    ------
    UsageError
        When there is no such file, or it cannot be understood.
    """
    try:
        text = path.read_text("utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as fault:
        raise _refused(f"no settings could be read: {fault}", "a TOML file", str(path)) from fault
    if not isinstance(values, dict):
        raise _refused("JSON that is no object", "an object of settings", str(path))
    return values


def _value(text: str) -> Any:
    """Return what a word on the command line means: as TOML, or else the word itself."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _listed(choices: Sequence[object]) -> str:
    return ", ".join(map(str, choices))


def _named(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(kind, "a word")


def _refused(got: str, wanted: str, where: str) -> UsageError:
    return UsageError(got, wanted=wanted, where=where, todo="correct it, or leave it out")
