"""Pictures of the page of `fmdata report`, to look at: two widths, two schemes.

``make shots`` writes the first screen and the whole page into shots/: of demo/dataset where `fmdata
demo` has made it, and of a made-up dataset with oddities of many kinds and a hostile name.
"""

import argparse
import tempfile
from pathlib import Path

from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from tests.helpers.browser import SCHEMES, WIDTHS, Browser, opened_browser
from tests.report.odd import odd_dataset

MAX_HEIGHT = 6000  # pixels of a picture of the whole page


def main() -> None:
    """Write all pictures, and print their names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", type=Path, default=Path("demo/dataset"))
    parser.add_argument("--out", type=Path, default=Path("shots"))
    options = parser.parse_args()
    options.out.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        opened_browser(Path(temporary) / "profile") as browser,
    ):
        folders = {"odd": odd_dataset(Path(temporary) / "odd")}
        if options.dataset.is_dir():
            folders["demo"] = options.dataset
        for name, folder in folders.items():
            page = write_report(folder, ReportSettings(), Path(temporary) / f"{name}.html").path
            for width in WIDTHS:
                for scheme in SCHEMES:
                    shoot(browser, page, options.out / f"{name}-{width}-{scheme}", width, scheme)


def shoot(browser: Browser, page: Path, stem: Path, width: int, scheme: str) -> None:
    """Write pictures of the first screen and of the whole page; the first take plays, marked."""
    browser.open(page, width=width, scheme=scheme)
    save(browser, stem.with_name(f"{stem.name}-first.png"))
    browser.run("document.querySelector('details.review').open = true")
    browser.settle()
    browser.run("const b = document.querySelector('details.review input'); b.checked || b.click()")
    height = browser.run("return document.documentElement.scrollHeight")
    browser.resize(width, min(height, MAX_HEIGHT))
    browser.run("document.querySelector('.strip')?.click()")
    for _ in range(5):
        browser.settle()
    save(browser, stem.with_name(f"{stem.name}-whole.png"))


def save(browser: Browser, path: Path) -> None:
    """Write a picture of the window."""
    browser.driver.save_screenshot(str(path))
    print(path)


if __name__ == "__main__":
    main()
