"""New files take the place of the old ones only when all that stands for them is on the disk."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fmdata.catalog.keys import fold
from fmdata.catalog.privacy.forget import forget


def test_the_names_of_kept_shards_are_on_the_disk_before_the_old_folder_goes(
    made_up: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two subjects of two folds; when one leaves, the other's shards only get new names."""
    assert fold("s01", 0) != fold("s02", 0)
    path = made_up(tmp_path / "dataset", ["s01", "s02"])
    halves = [path / "actions", path / "compounds"]
    before = {half: half.stat().st_ino for half in halves}
    flushed: dict[int, list[str]] = {}  # folders: what was in them, while all old ones stood
    whole = os.fsync

    def watched(handle: int) -> None:
        whole(handle)
        facts = os.fstat(handle)
        untouched = all(h.exists() and h.stat().st_ino == before[h] for h in halves)
        if stat.S_ISDIR(facts.st_mode) and untouched:
            flushed[facts.st_ino] = sorted(os.listdir(handle))

    monkeypatch.setattr(os, "fsync", watched)
    assert forget(path, "s01").rewritten == 0
    for half in halves:
        names = sorted(file.name for file in half.iterdir())
        assert flushed.get(half.stat().st_ino) == names != []
