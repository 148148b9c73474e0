"""Raw folders of empty files, for discovery, and the messages of their errors."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import FmdataError
from fmdata.pipeline.reading.discover import discover


def touch(raw: Path, *names: str) -> Path:
    """Make empty files below a folder, and return the folder."""
    for name in names:
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return raw


def names_found(raw: Path, table: Path | None = None) -> list[tuple[str, str, str, str]]:
    """Return subject, action, take and source of the recordings found."""
    found = discover(raw, table).recordings
    return [(r.subject, r.action, r.take, r.source) for r in found]


def refusal(raw: Path, error: type[FmdataError], *, table: Path | None = None) -> str:
    """Return the message of the error for `raw`; all four parts of it are present."""
    with pytest.raises(error) as caught:
        discover(raw, table)
    found = caught.value
    assert found.got
    assert found.wanted
    assert found.where
    assert found.todo
    return str(found)
