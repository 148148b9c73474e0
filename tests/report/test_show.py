"""`fmdata show`: one clip or compound by its key, in a file, or on a terminal that can show it."""

import contextlib
import os
import pty
import re
import subprocess
import termios
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fmdata.catalog import Dataset
from fmdata.catalog.errors import UsageError
from fmdata.catalog.pictures.scenes import scene_of
from fmdata.drawing.files import MAX_ANIMATED
from fmdata.report.settings import ShowSettings
from fmdata.report.show import find_scene, save
from tests.helpers.command import FMDATA, assert_refused, fmdata
from tests.helpers.datasets import change_row, make_up, seal

SMALL = ShowSettings(width=240, frames=4)
# Questions to a terminal, and the answers of one that shows sixels, or Kitty's pictures.
DEVICE, KITTY = b"\x1b[c", re.compile(rb"\x1b_Gi=(\d+),[^\x1b]*a=q[^\x1b]*\x1b\\")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(make_up(tmp_path_factory.mktemp("show") / "dataset", ["s01", "s02"]))


def test_a_compound_has_the_curve_of_its_sources(dataset: Dataset) -> None:
    """Its marks and segments lie where the sources' motions do, its landmarks too."""
    for clip in dataset.compounds:
        scene = scene_of(clip)
        at = 0
        for segment, span in zip(clip.segments, scene.spans, strict=True):
            source = dataset.actions[segment.source]
            assert (span.start, span.stop) == (at, at + segment.n_frames)
            expected = source.intensity[segment.start : segment.stop]
            assert np.array_equal(scene.intensity[at : span.stop], expected)
            if segment.n_frames:
                wanted = scene_of(source).read([segment.start]).points
                assert np.array_equal(scene.read([at]).points, wanted)
            if segment.role in ("first", "second"):
                onset = at + source.motion.onset - segment.start
                assert onset in [mark.frame for mark in scene.marks if "onset" in mark.name]
            at = span.stop
        assert len(scene.intensity) == scene.n_frames == at


def test_landmarks_are_in_pixels_of_the_crop(dataset: Dataset) -> None:
    clip = dataset.actions["s01-smile-01"]
    turn = clip.transform[4]
    wanted = clip.landmarks[4, :, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.allclose(scene_of(clip).read([7, 4]).points[1], wanted, atol=1e-4)


def test_some_lbp_maps_are_those_of_all(dataset: Dataset) -> None:
    clip = dataset.actions["s02-wink-02"]
    assert np.array_equal(clip.lbp([11, 0, 5]), clip.lbp()[[11, 0, 5]])


def test_a_picture_has_the_same_bytes_in_any_folder(dataset: Dataset, tmp_path: Path) -> None:
    other = Dataset(make_up(tmp_path / "other", ["s01", "s02"]))
    for key in ("s01-smile-01", "s02-smile-wink-c1"):
        saved = []
        for place, one in (("a.png", dataset), ("b.png", other)):
            saved.append(save(find_scene(one, key), tmp_path / place, SMALL).path.read_bytes())
        assert saved[0] == saved[1]


def test_a_wrong_key_names_those_that_are_near(dataset: Dataset) -> None:
    run = fmdata("show", "s01-smile-03", dataset.path, "--save", "a.png", cwd=dataset.path.parent)
    assert_refused(run, 2, "no clip s01-smile-03", "s01-smile-01", "s01-smile-02")
    assert not (dataset.path.parent / "a.png").exists()


def test_a_compound_whose_segments_do_not_fit_is_an_error(tmp_path: Path) -> None:
    """One that names another dataset's clip, and one that is longer than its segments."""
    path = make_up(tmp_path / "dataset", ["s01"])
    one, another = sorted((path / "compounds").glob("shard-?????.parquet"))[:2]
    row = pq.read_table(one).to_pylist()[0]
    change_row(one, 0, segments=[s | {"source": "s09-smile-01"} for s in row["segments"]])
    change_row(another, 0, n_frames=3)
    seal(path)
    for table in (one, another):
        key = pq.read_table(table).to_pylist()[0]["key"]
        run = fmdata("show", key, path, "--save", "a.png", cwd=tmp_path)
        assert_refused(run, 1, "do not fit their sources", "fmdata verify")


def test_other_files_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    """An unknown kind, and a moving picture of a very long clip."""
    scene = find_scene(dataset, "s01-smile-01")
    with pytest.raises(UsageError, match=r"a\.jpg"):
        save(scene, tmp_path / "a.jpg", SMALL)
    object.__setattr__(scene, "times", np.arange(MAX_ANIMATED + 1) / 25)
    with pytest.raises(UsageError, match=str(MAX_ANIMATED + 1)):
        save(scene, tmp_path / "a.gif", SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["png", "gif", "mp4"])
def test_each_kind_is_saved(dataset: Dataset, tmp_path: Path, kind: str) -> None:
    run = fmdata("show", "s01-smile-wink-c0", dataset.path, "--save", f"a.{kind}", "--width", 240,
                 "--no-lbp", cwd=tmp_path)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"s01-smile-wink-c0 in a.{kind}, ")
    magic = {"png": b"\x89PNG", "gif": b"GIF89a", "mp4": b"ftyp"}[kind]
    assert magic in (tmp_path / f"a.{kind}").read_bytes()[:16]


def test_without_a_terminal_nothing_but_advice_is_written(dataset: Dataset) -> None:
    run = fmdata("show", "s01-smile-01", dataset.path, cwd=dataset.path.parent)
    assert_refused(run, 2, "no terminal", "--save")
    assert run.stdout == ""
    assert "\x1b" not in run.stderr


def on_terminal(path: Path, answers: str = "", **environment: str) -> bytes:
    """Return all that the command writes to a terminal which answers as one of a kind."""
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 100))
    names = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
    with subprocess.Popen(
        [*FMDATA, "show", "s01-smile-01", str(path), "--no-lbp"], stdin=terminal, stdout=terminal,
        stderr=terminal, env={**names, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        os.close(terminal)
        shown, is_answered = b"", False
        # On Linux, reading a pseudo-terminal whose other side is closed is an error.
        with contextlib.suppress(OSError):
            while some := os.read(reader, 65536):
                shown += some
                if DEVICE in shown and not is_answered and answers == "sixel":
                    is_answered = bool(os.write(reader, b"\x1b[?62;4;22c"))
                question = KITTY.search(shown)
                if question and not is_answered and answers == "kitty":
                    is_answered = bool(os.write(reader, b"\x1b_Gi=%b;OK\x1b\\" % question[1]))
    os.close(reader)
    assert process.returncode == 0, shown[-2000:]
    return shown


def test_a_terminal_gets_the_pictures_that_it_can_show(dataset: Dataset) -> None:
    """Sixels begin with their control string; Kitty's are sent in pieces of base64."""
    assert b"\x1bP0;0;0q" in on_terminal(dataset.path, "sixel")
    assert re.search(rb"\x1b_Gi=\d+,m=[01],f=100", on_terminal(dataset.path, "kitty"))


def test_any_other_terminal_gets_coloured_characters(dataset: Dataset) -> None:
    shown = on_terminal(dataset.path)
    assert "▀".encode() in shown
    assert b"48;5;" in shown or b"48;2;" in shown
    assert b"s01-smile-01" in shown
    assert b"onset 3, apex 6, offset 9" in shown


def test_no_color_gives_shades(dataset: Dataset) -> None:
    shown = on_terminal(dataset.path, NO_COLOR="1")
    assert re.search("[█▓▒░]".encode(), shown)
    assert b"38;" not in shown
