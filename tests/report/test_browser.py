"""The page in a real browser: nothing leaves it, it plays, filters and can be read by everyone."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fmdata.report.page import write_report
from fmdata.report.settings import ReportSettings
from tests.helpers.browser import SCHEMES, WIDTHS, Browser, needs_browser, opened_browser
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
