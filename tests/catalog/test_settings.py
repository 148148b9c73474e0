"""Settings round-trip through JSON and TOML; what cannot be meant is refused by its name."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import Settings, choice, flag, number, read_settings
from fmdata.train.recipes import RECIPES, recipe_named


@dataclass(frozen=True)
class Inner(Settings):
    """A table of its own."""

    depth: int = number(2, 1, 9)


@dataclass(frozen=True)
class Outer(Settings):
    """One of each kind."""

    rate: float = number(0.1, 0, 1)
    count: int = number(3)
    word: str = choice("red", "green")
    channels: int = choice(1, 3)
    on: bool = flag(True)
    path: str = field(default="")
    inner: Inner = field(default_factory=Inner)


def test_json_and_toml_give_back_what_they_were_given(tmp_path: Path) -> None:
    settings = Outer(0.25, 7, "green", 3, False, 'a "quoted" path', Inner(5))
    assert Outer.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    (tmp_path / "s.toml").write_text(settings.to_toml())
    assert Outer.from_json(read_settings(tmp_path / "s.toml")) == settings
    (tmp_path / "s.json").write_text(json.dumps(settings.to_json()))
    assert Outer.from_json(read_settings(tmp_path / "s.json")) == settings


def test_what_is_left_out_keeps_its_default() -> None:
    assert Outer.from_json({"inner": {}}) == Outer()
    assert Outer.from_json({"inner": {"depth": 4}}).inner == Inner(4)


def test_single_settings_are_put_in_by_name() -> None:
    settings = Outer().replaced(
        ["rate=1", "word=green", "on=false", "inner.depth=9", "path=a b", "count = 12"]
    )
    assert settings == Outer(1.0, 12, "green", 1, False, "a b", Inner(9))
    assert type(settings.rate) is float


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("rate", "name=value"),
        ("rate=2", "a number from 0 to 1"),
        ("rate=nan", "a number from 0 to 1"),
        ("rate=fast", "a number"),
        ("count=1.5", "a whole number"),
        ("count=true", "a whole number"),
        ("on=1", "true or false"),
        ("word=blue", "one of red, green"),
        ("channels=2", "one of 1, 3"),
        ("depth=3", "unknown settings: depth"),
        ("inner.width=3", "unknown settings: width"),
        ("inner=3", r"a table \[inner\]"),
        ("rate.x=3", "`rate` holds no settings"),
        ("inner.depth=0", "a number from 1 to 9"),
    ],
)
def test_what_cannot_be_meant_is_refused(assignment: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Outer().replaced([assignment])


@pytest.mark.parametrize("content", [None, "a = ", "[1, 2]"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / ("s.json" if content == "[1, 2]" else "s.toml")
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=str(path)):
        read_settings(path)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipes_settings_round_trip_and_are_described(name: str, tmp_path: Path) -> None:
    kind = recipe_named(name).Settings
    (tmp_path / "s.toml").write_text(kind().to_toml())
    assert kind.from_json(read_settings(tmp_path / "s.toml")) == kind()
    described = " ".join(base.__doc__ or "" for base in kind.__mro__)
    unsaid = [f for f in kind.__dataclass_fields__ if f not in described]
    assert unsaid == []


def test_an_unknown_recipe_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'resnet'(.|\n)*landmarks, encoder"):
        recipe_named("resnet")


def test_a_value_of_another_type_is_never_taken() -> None:
    values: dict[str, Any] = {"word": 3}
    with pytest.raises(UsageError, match="a word"):
        Outer.from_json(values)
