"""The page in a real browser: nothing leaves it, it plays, filters and can be read by everyone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement

from fmdata.catalog import Dataset
from fmdata.catalog.storage.schema import DROPPED_COLUMNS
from fmdata.pipeline.work.review.override import Override, read_overrides
from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from tests.helpers.browser import SCHEMES, WIDTHS, Browser, needs_browser, opened_browser
from tests.helpers.datasets import change_row, seal
from tests.report.odd import odd_dataset

pytestmark = needs_browser
BOTH = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
# Ratio of contrast of the WCAG between a text and the nearest ground behind it that is painted.
CONTRASTS = """
const shades = (c) => c.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (node) => { for (; node; node = node.parentElement) {
  const c = shades(getComputedStyle(node).backgroundColor);
  if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
return [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility()
  && !["SCRIPT", "STYLE"].includes(node.tagName)
  && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim())).map((node) => {
  const style = getComputedStyle(node);
  const ink = node.namespaceURI.endsWith("svg") ? style.fill : style.color;
  const [a, b] = [light(shades(ink)), light(ground(node))].sort((x, y) => y - x);
  return [node.textContent.trim().slice(0, 40), (a + 0.05) / (b + 0.05)]; });
"""
# Everything that can be operated, and pictures, that a screen reader would read as nothing.
UNNAMED = """
const name = (node) => (node.getAttribute("aria-label") ?? "") + node.textContent.trim()
  + [...(node.labels ?? [])].map((label) => label.textContent).join("");
return [...document.querySelectorAll("a, button, input, select, summary, [role], th")]
  .filter((node) => !name(node).trim()).map((node) => node.outerHTML.slice(0, 100));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a dataset with oddities, hostile names and dropped recordings."""
    folder = odd_dataset(tmp_path_factory.mktemp("report") / "dataset")
    return write_report(folder, ReportSettings()).path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize(("width", "scheme"), BOTH)
def test_nothing_leaves_the_page_and_nothing_fails(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    browser.requests()
    browser.complaints()
    browser.open(page, width=width, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.settle()
    assert browser.requests() == [page.resolve().as_uri()]
    assert browser.complaints() == []
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(("width", "scheme"), BOTH)
def test_every_text_has_contrast_and_every_control_a_name(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    browser.open(page, width=width, scheme=scheme)
    browser.run("document.querySelector('details.review').open = true")
    browser.settle()
    ratios = browser.run(CONTRASTS)
    assert len(ratios) > 50
    assert [(text, ratio) for text, ratio in ratios if ratio < 4.5] == []
    assert browser.run(UNNAMED) == []
    levels = browser.run("return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)")
    assert levels[0] == "H1"
    assert all(int(b[1]) - int(a[1]) <= 1 for a, b in pairwise(levels))


def test_the_two_schemes_look_different(browser: Browser, page: Path) -> None:
    grounds = set()
    for scheme in SCHEMES:
        browser.open(page, scheme=scheme)
        grounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def pixels(browser: Browser, selector: str) -> str:
    found: Any = browser.run(f"return document.querySelector({selector!r}).toDataURL()")
    return str(found)


@pytest.mark.parametrize("selector", [".strip", ".cell"])
def test_a_preview_plays_by_mouse_and_by_keyboard_and_ends(
    browser: Browser, page: Path, selector: str
) -> None:
    """Its picture changes from frame to frame, and is the still one again afterwards."""
    browser.open(page)
    browser.run(f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}})")
    browser.settle()
    still = pixels(browser, f"{selector} canvas")
    assert len(set(still)) > 10
    for start, end in (
        ("n.click()", "n.dispatchEvent(new PointerEvent('pointerleave', {pointerType: 'mouse'}))"),
        ("n.focus({focusVisible: true})", "n.blur()"),
    ):
        browser.run(f"const n = document.querySelector('{selector}'); {start}")
        seen = set()
        for _ in range(20):
            browser.settle()
            seen.add(pixels(browser, f"{selector} canvas"))
            if len(seen) > 2:
                break
        assert len(seen) > 2
        browser.run(f"const n = document.querySelector('{selector}'); {end}")
        browser.settle()
        assert pixels(browser, f"{selector} canvas") == still


def test_a_link_of_the_health_opens_its_clip(browser: Browser, page: Path) -> None:
    """Also of a subject that is folded."""
    browser.open(page)
    links = browser.run(
        "return [...document.querySelectorAll('#health a')].map(a => a.getAttribute('href'))"
    )
    kinds = sorted({re.sub(r"-\d+$", "", link) for link in links})
    assert kinds == ["#cell", "#clip", "#dropped"]
    for kind in kinds:
        link = [one for one in links if one.startswith(kind)][-1]
        browser.run("document.querySelector(`#health a[href='${arguments[0]}']`).click()", link)
        browser.settle()
        assert browser.run("return document.activeElement.id") == link[1:]
        assert browser.run("return document.activeElement.checkVisibility()")


def test_every_link_leads_to_something(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.settle()
    assert (
        browser.run(
            "return [...document.querySelectorAll('a')].map((a) => a.getAttribute('href'))"
            ".filter((href) => !document.getElementById(href.slice(1)))"
        )
        == []
    )


def test_the_dropped_list_is_filtered_and_sorted(browser: Browser, page: Path) -> None:
    browser.open(page)
    shown = (
        "return [...document.querySelectorAll('.list tbody tr')].filter(r => !r.hidden)"
        ".map(r => r.cells[0].textContent)"
    )
    everything = browser.run(shown)
    assert len(everything) == 3
    browser.run(
        "const f = document.getElementById('filter'); f.value = 's02';"
        "f.dispatchEvent(new Event('input'))"
    )
    assert browser.run(shown) == ["s02/frown/01.mp4"]
    assert browser.run("return document.getElementById('found').textContent") == "1 shown"
    browser.run(
        "const f = document.getElementById('filter'); f.value = '';"
        "f.dispatchEvent(new Event('input'));"
        "const r = document.getElementById('reason'); r.value = 'no_face';"
        "r.dispatchEvent(new Event('change'))"
    )
    assert len(browser.run(shown)) == 1
    browser.run(
        "const r = document.getElementById('reason'); r.value = '';"
        "r.dispatchEvent(new Event('change'));"
        "document.querySelector('.sort').click(); document.querySelector('.sort').click()"
    )
    assert browser.run(shown) == sorted(everything, reverse=True)


def test_a_hostile_name_is_text_and_nothing_else(browser: Browser, page: Path) -> None:
    """Markup and script in every column of the tables run nowhere in the page."""
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.settle()
    assert browser.run("return window.owned ?? 'no'") == "no"
    assert browser.run("return document.querySelectorAll('img, iframe, form, object').length") == 0
    assert "<img src=x" in browser.run("return document.body.innerText")


def test_the_page_without_faces_has_curves_and_no_pictures(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    plain = write_report(page.parent, ReportSettings(faces=False), tmp_path / "plain.html").path
    assert '"sheet": null' in plain.read_text()
    assert '"sheet": "' not in plain.read_text()
    browser.open(plain)
    assert browser.run("return document.querySelectorAll('canvas').length") == 0
    assert browser.run("return document.querySelectorAll('.overlay path').length") > 10
    assert browser.complaints() == []


def review_of(browser: Browser, number: int) -> WebElement:
    """Open the review of a take, and return it."""
    (box,) = browser.driver.find_elements("css selector", f"#clip-{number} details.review")
    browser.run(
        "arguments[0].open = true; "
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})",
        box,
    )
    browser.settle()
    return box


def inputs_of(box: WebElement) -> dict[str, WebElement]:
    labels = box.find_elements("css selector", "label")
    return {one.text.strip(): one.find_element("css selector", "input") for one in labels}


def saved(browser: Browser, folder: Path) -> Path:
    """Press the button that saves the table; return the file."""
    options = {"behavior": "allow", "downloadPath": str(folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", options)
    browser.run("document.getElementById('save').click()")
    for _ in range(50):
        browser.settle()
        if (folder / "overrides.csv").exists():
            break
    return folder / "overrides.csv"


def state(browser: Browser) -> str:
    return str(browser.run("return document.getElementById('review-state').textContent"))


def drag_by(browser: Browser, handle: WebElement, x: int) -> None:
    box = handle.find_element("css selector", "rect")
    ActionChains(browser.driver).move_to_element(box).click_and_hold().move_by_offset(
        x, 0
    ).release().perform()


@pytest.mark.parametrize(("width", "scheme"), BOTH[::3])
def test_a_dragged_boundary_is_saved_as_the_table_that_a_build_takes(
    browser: Browser, page: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    """Boundaries by mouse and by keyboard, an action, a rejection and notes; kept, and loaded."""
    browser.requests()
    browser.complaints()
    browser.open(page, width=width, scheme=scheme)
    browser.run("localStorage.clear(); location.reload()")
    browser.settle()
    clips = [Dataset(page.parent).actions[number] for number in range(3)]
    box = review_of(browser, 0)
    onset, _, offset = box.find_elements("css selector", "[role=slider]")
    frame = box.find_element("css selector", "svg").rect["width"] * 328 / 340 / 12
    drag_by(browser, onset, round(frame))
    offset.send_keys(Keys.ARROW_LEFT, Keys.PAGE_UP, Keys.ARROW_LEFT)
    inputs_of(box)["Note"].send_keys('one frame late, "so"')
    box = review_of(browser, 1)
    inputs_of(box)["Other action"].send_keys("wink left")
    box = review_of(browser, 2)
    inputs_of(box)["Reject"].click()
    assert not box.find_element("css selector", "svg").is_displayed()
    assert browser.run(UNNAMED) == []
    assert [one for one in browser.run(CONTRASTS) if one[1] < 4.5] == []
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    table = saved(browser, tmp_path)
    keys, digests = zip(*((c.key, c.row["source_sha256"]) for c in clips), strict=True)
    wanted = {
        Override(0, keys[0], digests[0], 4, 6, 11, note='one frame late, "so"'),
        Override(0, keys[1], digests[1], action="wink left"),
        Override(0, keys[2], digests[2], reject=True),
    }
    found = read_overrides(table).rows
    assert {replace(one, line=0) for one in found} == wanted
    # The marks are kept in the browser, taken back, and loaded from the table.
    browser.run("location.reload()")
    browser.settle()
    assert state(browser).startswith("3 marks")
    for _ in range(3):
        browser.run("document.querySelector('#marked button').click()")
    assert "0 marks" in state(browser)
    browser.driver.find_element("id", "load").send_keys(str(table))
    browser.settle()
    assert state(browser).startswith("3 marks loaded; 3 marks")
    before = table.read_bytes()
    table.unlink()
    assert saved(browser, tmp_path).read_bytes() == before
    browser.run("localStorage.clear()")
    urls = {url for url in browser.requests() if not url.startswith(("blob:", "chrome:"))}
    assert urls == {page.resolve().as_uri()}
    assert browser.complaints() == []


def test_the_page_works_where_the_browser_keeps_nothing(browser: Browser, page: Path) -> None:
    """As under file:// with storage forbidden: reading `localStorage` is an exception."""
    refuse = (
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})"
    )
    script = browser.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": refuse}
    )
    try:
        browser.open(page)
        inputs_of(review_of(browser, 0))["Reject"].click()
        assert state(browser).startswith("1 mark, 1 changed since the build; this browser does not")
        assert browser.complaints() == []
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_the_marks_of_the_dataset_are_the_first_of_the_next_table(
    browser: Browser, tmp_path: Path
) -> None:
    """A given motion, another action and a rejection; one is taken back."""
    path = odd_dataset(tmp_path / "dataset")
    file = path / "actions/shard-00000.parquet"
    first, second = pq.read_table(file, columns=["key", "source_sha256"]).to_pylist()[:2]
    given = {"motion_from": "given", "onset": 4, "review": "late", "recorded_action": "grin"}
    change_row(file, 0, **given)
    dropped = pq.read_table(path / "dropped.parquet").to_pylist()
    rejected = {"reason": "rejected", "stage": "review", "source_sha256": "ab" * 32}
    dropped[1] |= rejected | {"detail": "speaks"}
    pq.write_table(pa.Table.from_pylist(dropped, DROPPED_COLUMNS), path / "dropped.parquet")
    seal(path)
    browser.open(write_report(path, ReportSettings()).path)
    assert state(browser) == "2 marks"
    assert "boundaries given (spotted: 3, 6, 9)" in browser.run("return document.body.innerText")
    inputs_of(review_of(browser, 1))["Reject"].click()
    rows = read_overrides(saved(browser, tmp_path)).rows
    names = first["key"].split("-")
    assert {replace(one, line=0) for one in rows} == {
        Override(0, f"{names[0]}-grin-{names[2]}", first["source_sha256"], 4, 6, 9,
                 action=names[1], note="late"),
        Override(0, second["key"], second["source_sha256"], reject=True),
        Override(0, "s02-frown-01", "ab" * 32, reject=True, note="speaks"),
    }  # fmt: skip
    browser.run("localStorage.clear()")
