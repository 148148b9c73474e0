"""Settings round-trip through JSON and TOML, describe themselves, and refuse invalid values."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmdata.catalog.errors import UsageError
from fmdata.catalog.settings import (
    Options,
    Settings,
    choice,
    flag,
    number,
    option_name,
    read_settings,
    table,
    text,
)
from fmdata.pipeline.settings import BuildSettings, RunSettings
from fmdata.synth.settings import CompoundSettings
from fmdata.train.recipes import RECIPES, recipe_named, settings_of


@dataclass(frozen=True)
class Inner(Settings):
    """Settings within other settings."""

    depth: int = number(2, 1, 9, help="Depth of the well.")


@dataclass(frozen=True)
class Outer(Settings):
    """A field of each kind."""

    rate: float = number(0.1, 0, 1, help="Share of the water.")
    count: int = number(3)
    word: str = choice("red", "green", help="Colour.")
    channels: int = choice(1, 3, help="1 is grey, 3 is colour.")
    on: bool = flag(True)
    path: str = text("")
    inner: Inner = table(Inner, help="The well.")


@dataclass(frozen=True)
class Choices(Options):
    """Settings of a command."""

    size: int = number(112, 16, 1024, help="Side, in pixels.")
    time_limit_s: float = number(600.0, 0.001, option="time-limit", help="Seconds.")
    jpeg_quality: int = number(95, 1, 100, help="Quality.")
    most: float | None = number(None, 0, 360, help="Degrees.")
    workers: int | None = number(None, 0, help="Processes.")
    model: Path | None = text(None, help="File.")
    actions: int | tuple[str, ...] = text(3, help="Actions, or their number.")
    stored: bool = flag(False)


def test_settings_survive_json_and_toml(tmp_path: Path) -> None:
    settings = replace(
        Outer(rate=0.25, count=7, word="green"),
        channels=3, on=False, path='a "quoted" path', inner=Inner(5),
    )  # fmt: skip
    assert Outer.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    (tmp_path / "s.toml").write_text(settings.to_toml())
    assert Outer.from_json(read_settings(tmp_path / "s.toml")) == settings
    (tmp_path / "s.json").write_text(json.dumps(settings.to_json()))
    assert Outer.from_json(read_settings(tmp_path / "s.json")) == settings


def test_a_missing_setting_keeps_its_default() -> None:
    assert Outer.from_json({"inner": {}}) == Outer()
    assert Outer.from_json({"inner": {"depth": 4}}).inner == Inner(4)


def test_single_settings_are_assigned_by_name() -> None:
    settings = Outer().replaced(
        ["rate=1", "word=green", "on=false", "inner.depth=9", "path=a b", "count = 12"]
    )
    assert settings == replace(
        Outer(rate=1.0, count=12, word="green"), on=False, path="a b", inner=Inner(9)
    )
    assert type(settings.rate) is float


@pytest.mark.parametrize(
    ("assignment", "message"),
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
def test_an_invalid_assignment_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Outer().replaced([assignment])


@pytest.mark.parametrize("content", [None, "a = ", "[1, 2]"])
def test_a_file_without_settings_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / ("s.json" if content == "[1, 2]" else "s.toml")
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=str(path)):
        read_settings(path)


@pytest.mark.parametrize("name", RECIPES)
def test_the_settings_of_every_recipe_round_trip_and_have_help(name: str, tmp_path: Path) -> None:
    kind = recipe_named(name).Settings
    (tmp_path / "s.toml").write_text(kind().to_toml())
    assert kind.from_json(read_settings(tmp_path / "s.toml")) == kind()
    assert without_help(kind) == []


def without_help(kind: type[Settings]) -> list[str]:
    """Return the fields without help, also of nested settings."""
    missing = [f.name for f in fields(kind) if not f.metadata.get("help")]
    nested = [f.default_factory for f in fields(kind) if isinstance(f.default_factory, type)]
    return missing + [name for inner in nested for name in without_help(inner)]


def test_toml_shows_each_setting_below_its_help() -> None:
    """Choices follow the help unless it names them all."""
    assert Outer().to_toml().splitlines() == [
        "# Share of the water.",
        "rate = 0.1",
        "count = 3",
        "# Colour. One of red, green.",
        'word = "red"',
        "# 1 is grey, 3 is colour.",
        "channels = 1",
        "on = true",
        'path = ""',
        "",
        "# The well.",
        "[inner]",
        "# Depth of the well.",
        "depth = 2",
    ]


def test_a_recipes_settings_are_its_defaults_its_file_and_assignments(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("epochs = 2\nsteps = 5\n[landmarks]\nsize = 32\n")
    assert settings_of("encoder", None, []) == recipe_named("encoder").Settings()
    values = settings_of("encoder", tmp_path / "s.toml", ["epochs=3"]).to_json()
    assert (values["epochs"], values["steps"], values["landmarks"]["size"]) == (3, 5, 32)
    with pytest.raises(UsageError, match="no recipe 'resnet'"):
        settings_of("resnet", None, [])


def test_an_unknown_recipe_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'resnet'(.|\n)*landmarks, encoder"):
        recipe_named("resnet")


def test_a_value_of_another_type_is_refused() -> None:
    values: dict[str, Any] = {"word": 3}
    with pytest.raises(UsageError, match="a word"):
        Outer.from_json(values)


def test_fields_with_help_are_options() -> None:
    assert [option_name(f) for f in Choices.options()] == [
        "--size", "--time-limit", "--jpeg-quality", "--most", "--workers", "--model", "--actions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        {"model": Path("a folder") / "model.task", "workers": 2, "most": 12.5},
        {"model": None, "workers": None, "most": None},
        {"actions": ("smile", "wink"), "stored": True},
    ],
)
def test_paths_tuples_and_none_survive_json_and_toml(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    settings = replace(Choices(), **values)
    assert Choices.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    (tmp_path / "s.toml").write_text(settings.to_toml())
    assert Choices.from_json(read_settings(tmp_path / "s.toml")) == settings


def test_a_whole_number_becomes_a_float_where_one_is_wanted() -> None:
    settings = Choices(most=30, time_limit_s=5)
    assert (type(settings.most), type(settings.time_limit_s)) == (float, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 3}, r"--size 3\n.*wanted: *a number from 16 to 1024\n.*where: *--size"),
        ({"time_limit_s": 0.0}, r"--time-limit 0\.0\n.*a number from 0\.001"),
        ({"most": 361}, r"--most 361(.|\n)*a number from 0 to 360"),
        ({"workers": 1.5}, r"--workers 1\.5(.|\n)*a whole number"),
        ({"model": "a.task"}, r"--model a\.task(.|\n)*a path"),
    ],
)
def test_an_invalid_option_is_refused_with_its_name_and_range(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Choices(**values)


def test_numbers_of_numpy_are_numbers() -> None:
    settings = BuildSettings(size=np.int64(96), min_detected=np.float64(0.5))
    assert type(settings.size) is int
    assert type(settings.min_detected) is float
    assert settings == BuildSettings(size=96, min_detected=0.5)
    with pytest.raises(UsageError, match="a number"):
        BuildSettings(min_detected=True)


def test_any_seed_of_64_bits_and_no_time_limit_at_all_are_possible() -> None:
    for seed in (-(2**63), -1, 2**63 - 1):
        assert BuildSettings(seed=seed).seed == CompoundSettings(seed=seed).seed == seed
    assert RunSettings(time_limit_s=float("inf")).time_limit_s == float("inf")
    with pytest.raises(UsageError, match="--time-limit nan"):
        RunSettings(time_limit_s=float("nan"))
