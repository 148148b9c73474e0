"""A headless Chromium that opens a page of this machine and reports all that it does.

Debian: ``apt-get install chromium chromium-driver``.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS, HEIGHT = (390, 1440), 900
SCHEMES = ("light", "dark")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no chromium and chromedriver on this machine"
)


class Browser:
    """A browser window; `driver` is Selenium's."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, *, width: int = 1440, scheme: str = "light") -> None:
        """Open a page in a window of so many pixels, in the light or dark scheme."""
        self.resize(width, HEIGHT)
        wanted = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
        self.driver.get("about:blank")
        self.driver.get(page.resolve().as_uri())
        self.settle()

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, in pixels; a narrow one is a phone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def settle(self) -> None:
        """Wait until the page has drawn, twice."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150)))"
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Return the value of a script that is run in the page."""
        return self.driver.execute_script(script, *arguments)

    def requests(self) -> list[str]:
        """Return the addresses of all requests since the last call; data in the page is none."""
        events = [json.loads(entry["message"])["message"] for entry in
                  self.driver.get_log("performance")]  # fmt: skip
        found = [event["params"]["request"]["url"] for event in events
                 if event["method"] == "Network.requestWillBeSent"]  # fmt: skip
        return [url for url in found if not url.startswith(("data:", "about:"))]

    def complaints(self) -> list[str]:
        """Return the messages of the page's console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def opened_browser(profile: Path) -> Iterator[Browser]:
    """Yield a browser with a new profile in an empty folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
