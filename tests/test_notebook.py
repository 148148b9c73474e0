"""The notebook of docs/ runs in a kernel beside a dataset, and shows what it shows there."""

from pathlib import Path

import nbformat
import pytest

from bench.pictures import DOCS, run_notebook


def kinds(notebook: nbformat.NotebookNode) -> list[list[set[str]]]:
    """Return the kinds of each output of each cell, such as HTML."""
    outputs = (cell.get("outputs", []) for cell in notebook.cells)
    return [[set(o.get("data", {o.output_type: ""})) for o in some] for some in outputs]


@pytest.mark.slow
def test_the_notebook_shows_again_what_it_shows(dataset_path: Path, tmp_path: Path) -> None:
    stored = nbformat.read(DOCS / "look.ipynb", as_version=4)
    assert (DOCS / "look.ipynb").stat().st_size < 200_000
    for cell in stored.cells:
        cell["outputs"] = [] if cell.cell_type == "code" else cell.get("outputs", [])
    again = tmp_path / "look.ipynb"
    nbformat.write(stored, again)
    run_notebook(again, dataset_path)
    new, old = (nbformat.read(p, as_version=4) for p in (again, DOCS / "look.ipynb"))
    assert kinds(new) == kinds(old)
    assert sum("text/html" in kind for cell in kinds(new) for kind in cell) == 3
    assert [cell.source for cell in new.cells] == [cell.source for cell in old.cells]
