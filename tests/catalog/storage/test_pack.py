"""New files replace old ones only after everything that they need is on disk."""

import os
import stat
from pathlib import Path

import pytest

from fmdata.catalog.keys import fold
from fmdata.catalog.privacy.forget import forget
from tests.helpers.datasets import make_up


def test_new_names_of_kept_shards_are_on_disk_before_the_old_folder_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two subjects in two folds; when one is removed, the shards of the other are renamed."""
    assert fold("s01", 0) != fold("s02", 0)
    path = make_up(tmp_path / "dataset", ["s01", "s02"])
    halves = [path / "actions", path / "compounds"]
    before = {half: half.stat().st_ino for half in halves}
    # Names in each folder, by inode, at a flush while both old folders exist.
    flushed: dict[int, list[str]] = {}
    fsync = os.fsync

    def recorded(handle: int) -> None:
        fsync(handle)
        facts = os.fstat(handle)
        untouched = all(h.exists() and h.stat().st_ino == before[h] for h in halves)
        if stat.S_ISDIR(facts.st_mode) and untouched:
            flushed[facts.st_ino] = sorted(os.listdir(handle))

    monkeypatch.setattr(os, "fsync", recorded)
    assert forget(path, "s01").rewritten == 0
    for half in halves:
        names = sorted(file.name for file in half.iterdir())
        assert flushed.get(half.stat().st_ino) == names != []
