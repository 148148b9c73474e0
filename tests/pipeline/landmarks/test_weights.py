"""Model weights are looked up in a fixed order, and their checksum is always verified."""

import hashlib
import io
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fmdata.catalog.errors import ModelError
from fmdata.pipeline.landmarks import weights as model

NAME, VARIABLE = model.FACE_LANDMARKER.name, model.FACE_LANDMARKER.variable


def found(named: Path | None = None) -> Path:
    return model.find("mediapipe", named)[NAME]


def change(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Change the facts about the model's file."""
    files = (replace(model.FACE_LANDMARKER, **values),)
    monkeypatch.setitem(model.FILES, "mediapipe", files)


@pytest.fixture
def real() -> bytes:
    return found().read_bytes()


@pytest.fixture(autouse=True)
def _no_other_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(model.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(model.urllib.request, "urlopen", refuse)


def test_an_installed_package_ships_the_file_without_a_download(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offline(monkeypatch)
    assert found().stat().st_size == 3_758_596


def test_the_order_is_path_then_environment_then_cache(
    real: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.task"
    wrong.write_bytes(b"wrong")
    right = tmp_path / "right.task"
    right.write_bytes(real)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / NAME).write_bytes(b"a broken download")
    with pytest.raises(ModelError, match="cache"):
        found()
    monkeypatch.setenv(VARIABLE, str(wrong))
    with pytest.raises(ModelError, match=r"wrong\.task"):
        found()
    assert found(right) == right


def test_the_message_for_a_missing_file_names_the_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch, package="a-package-that-is-not-installed")
    offline(monkeypatch)
    with pytest.raises(ModelError, match="no route to host") as caught:
        found()
    assert VARIABLE in caught.value.todo
    assert model.FACE_LANDMARKER.url in caught.value.where


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        found(tmp_path / "gone.task")


def test_a_download_with_a_wrong_checksum_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(b"<html>sign in to the hotel's network</html>")
    change(monkeypatch, package="", url=page.as_uri())
    with pytest.raises(ModelError, match="SHA-256"):
        found()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_is_kept_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    there = tmp_path / "there.task"
    there.write_bytes(b"weights" * 300_000)
    digest = hashlib.sha256(there.read_bytes()).hexdigest()
    # The first digits of a checksum are enough if no more are published.
    change(monkeypatch, package="", url=there.as_uri(), sha256=digest[:10])
    kept = found()
    assert kept == tmp_path / "cache" / NAME
    assert kept.read_bytes() == there.read_bytes()
    there.unlink()
    assert found() == kept


def test_the_whole_checksum_of_the_first_file_is_wanted_from_then_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another file may be made to share a few digits; here the two share one."""
    first, other = (
        next(
            data
            for data in (f"{name} {i}".encode() for i in range(1000))
            if hashlib.sha256(data).hexdigest().startswith("7")
        )
        for name in ("weights", "forged")
    )
    change(monkeypatch, sha256="7")
    there = tmp_path / "there.task"
    there.write_bytes(first)
    assert found(there) == there
    there.write_bytes(other)
    with pytest.raises(ModelError, match="SHA-256") as caught:
        found(there)
    assert hashlib.sha256(first).hexdigest() in caught.value.wanted
    there.write_bytes(first)
    assert found(there) == there


def test_every_known_checksum_agrees_with_the_authors_name_of_the_file() -> None:
    """The detector's is known whole; the authors publish ten digits of the others'."""
    for file in model.FILES["fan"]:
        assert file.name.removesuffix(".tar").removesuffix(".pth").endswith(f"-{file.sha256[:10]}")
    assert len(model.FAN_DETECTOR.sha256) == 64


def test_an_old_partial_download_is_deleted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The partial download of a process that is still running stays."""
    there = tmp_path / "there"
    there.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    change(monkeypatch, package="", url=there.as_uri(), sha256=digest)
    cache = tmp_path / "cache"
    cache.mkdir()
    name = model.FILES["mediapipe"][0].name
    old, new = cache / f"{name}.0a.part", cache / f"{name}.0b.part"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    long_ago = time.time() - 2 * model.ABANDONED_S
    os.utime(old, (long_ago, long_ago))
    model.find("mediapipe")
    assert {path.name for path in cache.iterdir()} == {name, new.name}


def test_two_downloads_at_once_use_separate_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second begins and ends while the first is half done, as in another process."""
    weights = b"weights" * 300_000
    digest = hashlib.sha256(weights).hexdigest()
    change(monkeypatch, package="", sha256=digest)
    others: list[Path] = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() and not others:
                monkeypatch.setattr(model.urllib.request, "urlopen", lambda *_, **__: at_once)
                others.append(found())
            return super().read(size)

    at_once = io.BytesIO(weights)
    monkeypatch.setattr(model.urllib.request, "urlopen", lambda *_, **__: Slow(weights))
    assert [found()] == others
    assert others[0].read_bytes() == weights
    assert list(others[0].parent.iterdir()) == others


def test_a_named_folder_may_hold_the_file(real: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(real)
    assert found(tmp_path) == tmp_path / NAME
