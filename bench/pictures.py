"""Remakes what the documents show of the demo: their pictures, and the notebook's outputs.

``make pictures`` writes docs/compound.png and docs/smile.png (by `fmdata show`), docs/report.png
(the first screen of the report, in Chromium) and docs/look.ipynb (run in a kernel) from the dataset
of `fmdata demo`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient

from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from tests.helpers.browser import Browser, opened_browser

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = {
    "compound.png": ("s01-brow_raise-smile-c4", "--no-lbp"),
    "smile.png": ("s01-smile-01", "--width", "1000"),
}
WIDTH, HEIGHT = 1200, 900  # pixels of the first screen


def main() -> None:
    """Remake all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=Path("demo/dataset"))
    dataset = parser.parse_args().dataset.resolve()
    code = "from fmdata.cli import main; main()"
    for name, (key, *options) in SHOWN.items():
        show = ["show", key, str(dataset), "--save", str(DOCS / name), *options]
        subprocess.run([sys.executable, "-c", code, *show], check=True)
    run_notebook(DOCS / "look.ipynb", dataset)
    with tempfile.TemporaryDirectory() as temporary:
        page = write_report(dataset, ReportSettings(), Path(temporary) / "report.html").path
        with opened_browser(Path(temporary) / "profile") as browser:
            first_screen(browser, page, DOCS / "report.png")


def first_screen(browser: Browser, page: Path, picture: Path) -> None:
    """Write a picture of the page's first screen."""
    browser.open(page, width=WIDTH)
    browser.resize(WIDTH, HEIGHT)
    browser.run("document.documentElement.style.scrollbarWidth = 'none'")
    browser.settle()
    browser.driver.save_screenshot(str(picture))


def run_notebook(path: Path, dataset: Path) -> None:
    """Run a notebook beside a dataset that is named as it names it, and keep its outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "dataset").symlink_to(dataset)
        resources = {"metadata": {"path": temporary}}
        # The kernel is a process of its own: it finds this fmdata as this process does.
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        kernel = KernelManager(transport="ipc", ip=str(Path(temporary) / "kernel"))
        client = NotebookClient(notebook, kernel, resources=resources, record_timing=False)
        client.execute()
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for output in (o for cell in notebook.cells for o in cell.get("outputs", [])):
        text = output.get("data", {}).get("text/plain")
        if text:  # an address in memory would be another each time
            output["data"]["text/plain"] = re.sub(r" at 0x[0-9a-f]+", "", text)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
