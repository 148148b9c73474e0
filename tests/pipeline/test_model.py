"""The landmark model is looked up in a fixed order, and its digest is always checked."""

from pathlib import Path

import pytest

from fmdata.catalog.errors import ModelError
from fmdata.pipeline import model


@pytest.fixture
def real() -> bytes:
    return model.face_landmarker_model()


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(model.VARIABLE, raising=False)
    monkeypatch.setattr(model.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(model.urllib.request, "urlopen", refuse)


def test_the_installed_carrier_has_it_without_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offline(monkeypatch)
    assert len(model.face_landmarker_model()) == 3_758_596


def test_order_is_path_then_environment_then_cache(
    real: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.task"
    wrong.write_bytes(b"wrong")
    right = tmp_path / "right.task"
    right.write_bytes(real)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / model.NAME).write_bytes(b"a spoilt download")
    with pytest.raises(ModelError, match="cache"):
        model.face_landmarker_model()
    monkeypatch.setenv(model.VARIABLE, str(wrong))
    with pytest.raises(ModelError, match=r"wrong\.task"):
        model.face_landmarker_model()
    assert model.face_landmarker_model(right) == real


def test_when_nobody_has_it_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model, "CARRIER", "a-package-that-is-not-installed")
    offline(monkeypatch)
    with pytest.raises(ModelError, match="no route to host") as fault:
        model.face_landmarker_model()
    assert model.VARIABLE in fault.value.todo
    assert model.ADDRESS in fault.value.where


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        model.face_landmarker_model(tmp_path / "gone.task")


def test_what_is_fetched_is_checked_before_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(b"<html>sign in to the hotel's network</html>")
    monkeypatch.setattr(model, "CARRIER", "a-package-that-is-not-installed")
    monkeypatch.setattr(model, "ADDRESS", page.as_uri())
    with pytest.raises(ModelError, match="SHA-256"):
        model.face_landmarker_model()
    assert not (tmp_path / "cache").exists()
