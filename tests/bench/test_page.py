"""Pages keep their handwritten text, and each table is written separately."""

from pathlib import Path

import pytest

from bench.page import Marks, write_page

ONE, OTHER = Marks("one", "bench"), Marks("other", "bench")


def test_text_around_the_figures_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    between = f"{OTHER.begin}\nold\n{OTHER.end}"
    path.write_text(f"# Mine\n\n{ONE.begin}\n\nold\n\n{ONE.end}\n\nmy note\n\n{between}\nend\n")
    write_page(path, "new", ONE)
    write_page(path, "newer", ONE)
    assert path.read_text() == (
        f"# Mine\n\n{ONE.begin}\n\nnewer\n\n{ONE.end}\n\nmy note\n\n{between}\nend\n"
    )


def test_a_missing_page_is_created(tmp_path: Path) -> None:
    write_page(tmp_path / "chaos.md", "figures", ONE)
    text = (tmp_path / "chaos.md").read_text()
    assert text == f"# Chaos\n\n{ONE.begin}\n\nfigures\n\n{ONE.end}\n"


def test_a_page_without_marks_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("all by hand\n")
    with pytest.raises(ValueError, match="one: written by"):
        write_page(path, "new figures", ONE)
    assert path.read_text() == "all by hand\n"
