"""Settings: default, range and help of each value, declared once; JSON and TOML round trips.

A settings class is a frozen dataclass whose fields are made by :func:`number`, :func:`choice`,
:func:`flag` and :func:`text`. :class:`Settings` checks every value at construction, so an
impossible value never starts a job. The fields of an :class:`Options` class are also options of a
command: `cli.py` derives them, so no default and no help text is written twice.
"""

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields, is_dataclass
from math import inf
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Self, get_args, get_origin, get_type_hints

from fmdata.catalog.errors import UsageError

MAX = 2**32 - 1
MIN_SEED, MAX_SEED = -(2**63), 2**63 - 1
COMMENT_WIDTH = 98  # characters of a line of help in a TOML file


def number(
    default: float | None, low: float = 0, high: float = MAX, *, help: str = "", option: str = ""
) -> Any:
    """Declare a field that holds a number from `low` to `high`, or None where annotated so.

    `option` is the option's name where it differs from the field's, such as one without a unit.
    """
    return _declare(default, help, option=option, range=(low, high))


def choice(default: str | int, *others: str | int, help: str = "") -> Any:
    """Declare a field that holds one of a few words, or of a few numbers."""
    return _declare(default, help, choices=(default, *others))


def flag(default: bool, *, help: str = "") -> Any:
    """Declare a field that is true or false."""
    return _declare(default, help)


def text(default: Any, *, help: str = "", parse: Callable[[str], Any] | None = None) -> Any:
    """Declare a field that holds free text, a path, or whatever `parse` makes of an option."""
    return _declare(default, help, parse=parse)


def table(kind: "type[Settings]", *, help: str = "") -> Any:
    """Declare a field that holds settings of their own, a table of the TOML file."""
    return field(default_factory=kind, metadata={"help": help})


def shard_megabytes() -> Any:
    """Declare the field for the size of a tar, which actions and compounds share."""
    return number(256, 1, 100_000, help="Megabytes (10^6 bytes) to aim for in a tar.")


def _declare(default: Any, help: str, **facts: Any) -> Any:
    return field(default=default, metadata={"help": help, **facts})


@dataclass(frozen=True)
class Settings:
    """Base class of all settings.

    Raises
    ------
    UsageError
        At construction, when a value has the wrong type or is out of its range.
    """

    def __post_init__(self) -> None:
        hints = _hints(type(self))
        for f in fields(self):
            value = _as_python_number(getattr(self, f.name), hints[f.name])
            object.__setattr__(self, f.name, value)
            if not isinstance(value, Settings):
                self._check(f, value, hints[f.name])

    def _check(self, f: "Field[Any]", value: Any, kinds: tuple[type, ...]) -> None:
        if type(value) not in kinds and not (isinstance(value, Path) and Path in kinds):
            raise self.refused(f.name, value, _kinds_named(kinds))
        low, high = f.metadata.get("range", (None, None))
        if low is not None and value is not None and not low <= value <= high:
            upper = f" to {high}" if high < inf else ""
            raise self.refused(f.name, value, f"a number from {low}{upper}")
        choices = f.metadata.get("choices")
        if choices and value not in choices:
            raise self.refused(f.name, value, f"one of {', '.join(map(str, choices))}")

    @classmethod
    def refused(cls, name: str, value: Any, wanted: str) -> UsageError:
        """Return the error for a value that the field `name` cannot have."""
        return _refused(f"{name} = {value!r}", wanted, f"the setting `{name}`")

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON holds them, nested as the settings are."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read the result of :meth:`to_json`; a missing value keeps its default.

        Raises
        ------
        UsageError
            When a setting is unknown, has the wrong type or is out of its range.
        """
        hints = _hints(cls)
        if unknown := sorted(set(values) - set(hints)):
            got = f"unknown settings: {', '.join(unknown)}"
            raise _refused(got, ", ".join(hints), cls.__name__)
        return cls(**{name: _read(cls, name, v, hints[name]) for name, v in values.items()})

    def to_toml(self) -> str:
        """Return all settings as a TOML file, each under its help, ready to be edited.

        TOML has no null: a setting that is None stands there as a comment.
        """
        values = [(f, getattr(self, f.name)) for f in fields(self)]
        lines = []
        for f, value in values:
            if not isinstance(value, Settings):
                assigned = f"{f.name} = {json.dumps(_plain(value))}"
                lines += [*_comments(f), assigned if value is not None else f"# {f.name} ="]
        for f, value in values:
            if isinstance(value, Settings):
                lines += ["", *_comments(f), f"[{f.name}]", value.to_toml().rstrip()]
        return "\n".join(lines) + "\n"

    def replaced(self, assignments: Sequence[str]) -> Self:
        """Return the settings with some ``name=value`` changed, ``name`` dotted where nested.

        Raises
        ------
        UsageError
            When an assignment is malformed, or :meth:`from_json` refuses its name or value.
        """
        values = self.to_json()
        for assignment in assignments:
            name, equals, value = assignment.partition("=")
            if not equals or not name.strip():
                raise _refused(assignment, "name=value, such as epochs=3", "--set")
            *tables, last = name.strip().split(".")
            inner = values
            for table in tables:
                inner = inner.setdefault(table, {})
                if not isinstance(inner, dict):
                    raise _refused(assignment, f"`{table}` holds no settings of its own", "--set")
            inner[last] = _from_toml(value.strip())
        return self.from_json(values)


@dataclass(frozen=True)
class Options(Settings):
    """Settings whose fields are options of a command; a field without help is none."""

    @classmethod
    def options(cls) -> "list[Field[Any]]":
        """Return the fields that are options, in order."""
        return [f for f in fields(cls) if f.metadata.get("help")]

    @classmethod
    def refused(cls, name: str, value: Any, wanted: str) -> UsageError:
        """Return the error for a value that an option cannot have."""
        option = option_name(cls.__dataclass_fields__[name])
        return _refused(f"{option} {value}", wanted, option)


def option_name(f: "Field[Any]") -> str:
    """Return the name of a field's option, such as ``--jpeg-quality``."""
    return "--" + (f.metadata.get("option") or f.name.replace("_", "-"))


def described(f: "Field[Any]") -> str:
    """Return a field's help, followed by its choices unless the help names them all."""
    help: str = f.metadata.get("help", "")
    choices = [str(one) for one in f.metadata.get("choices", ())]
    if not help or all(one in help for one in choices):
        return help
    return f"{help} One of {', '.join(choices)}."


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file, or from a run's JSON file.

    Raises
    ------
    UsageError
        When there is no such file, or it cannot be parsed.
    """
    import tomllib  # here and below: the command line's help does without it

    try:
        content = path.read_text("utf-8")
        values = json.loads(content) if path.suffix == ".json" else tomllib.loads(content)
    except (OSError, ValueError) as error:
        raise _refused(f"no settings could be read: {error}", "a TOML file", str(path)) from error
    if not isinstance(values, dict):
        raise _refused("JSON that is no object", "an object of settings", str(path))
    return values


def _hints(kind: type[Settings]) -> dict[str, tuple[type, ...]]:
    """Return the types that each field may hold."""
    hints = get_type_hints(kind)
    return {
        f.name: tuple(get_origin(one) or one for one in _members(hints[f.name]))
        for f in fields(kind)
    }


def _as_python_number(value: Any, kinds: tuple[type, ...]) -> Any:
    """Return a number, numpy's included, as the int or float that a field may hold."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value) if int in kinds or float not in kinds else float(value)
    return float(value) if isinstance(value, Real) and float in kinds else value


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) not in (None, tuple) else (hint,)


def _read(cls: type[Settings], name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    """Return a JSON value as one of the types of a field."""
    nested = next((kind for kind in kinds if is_dataclass(kind)), None)
    if nested is not None and issubclass(nested, Settings):
        if not isinstance(value, Mapping):
            raise _refused(f"{name} = {value!r}", f"a table [{name}] of settings", cls.__name__)
        return nested.from_json(value)
    if isinstance(value, str) and Path in kinds:
        return Path(value)
    return tuple(value) if isinstance(value, list) and tuple in kinds else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, Path) else value


def _comments(f: "Field[Any]") -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(described(f), COMMENT_WIDTH)]


def _from_toml(word: str) -> Any:
    """Parse a word of the command line as TOML, or take it as it is."""
    import tomllib

    try:
        return tomllib.loads(f"x = {word}")["x"]
    except tomllib.TOMLDecodeError:
        return word


def _kinds_named(kinds: tuple[type, ...]) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    return " or ".join(names.get(kind, "a word") for kind in kinds if kind is not NoneType)


def _refused(got: str, wanted: str, where: str) -> UsageError:
    return UsageError(got, wanted=wanted, where=where, todo="correct it, or leave it out")
