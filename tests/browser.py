"""A headless Chromium that shows the page: what the tests of it share.

Set HANDGRAD_SCREENSHOTS to a folder to have pictures of it written there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from handgrad.playground.recipe import Recipe

PENGUINS = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
BROWSER = [
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="chromium and chromedriver are not installed (Debian: chromium, chromium-driver)",
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage"
)


class Page:
    """A browser that shows the page."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address

    def open(self, address=None):
        self.driver.get("about:blank")
        self.driver.get(address or self.address)
        self.wait(lambda: self.text("loss") not in ("", "—"))

    def restart(self):
        """Go back to how a new server begins, whatever a test before has left there.

        The row that is shown outlives all but a change of the data, so they change twice.
        """
        first = Recipe().as_json()
        self.ask("reset")
        self.ask("restore", settings=first | {"data": "moons"}, rival=None)
        self.ask("restore", settings=first, rival=None)
        self.wait(lambda: self.run("return shown.data") == first["data"])

    def ask(self, what, **rest):
        """Ask the server for a change, and wait for the page to show it."""
        version = self.version()
        self.run("shown.ask(...arguments)", what, rest)
        self.wait(lambda: self.version() != version)

    def find(self, css):
        return self.driver.find_element("css selector", css)

    def text(self, name):
        return self.run("return document.getElementById(arguments[0]).textContent", name)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def click(self, css):
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", css)
        self.find(css).click()

    def set(self, name, value):
        """Choose in a select or type into a field, and wait for the page to show it."""
        version = self.version()
        self.run(
            "const e = document.getElementById(arguments[0]);"
            "if (e.tagName === 'SELECT') e.selectedIndex ="
            " [...e.options].findIndex((o) => o.text === arguments[1] || o.value === arguments[1]);"
            "else e.value = arguments[1];"
            "e.dispatchEvent(new Event('change'))",
            name,
            str(value),
        )
        if name.startswith("set-"):
            self.wait(lambda: self.version() != version)

    def version(self):
        return self.run("return shown.version")

    def step(self, kind="epoch"):
        self.set("by", kind)
        version = self.version()
        self.click("#step")
        self.wait(lambda: self.version() != version)

    def wait(self, holds, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holds():
                return
            time.sleep(0.02)
        raise AssertionError(f"the page did not come to it: {self.text('notice')!r}")

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, name):
        if folder := os.environ.get("HANDGRAD_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    def size(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.settle()

    def dark(self, is_wanted):
        features = [{"name": "prefers-color-scheme", "value": "dark"}] if is_wanted else []
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.settle()

    def settle(self):
        """Wait until what was changed has been laid out and painted."""
        self.driver.execute_async_script(
            "const done = () => setTimeout(arguments[0]);"
            "requestAnimationFrame(() => requestAnimationFrame(done))"
        )


def fits_a_screen(page, name):
    """See that nothing is cut off or scrolls; take pictures of it by day and by night."""
    page.size(1280, 800)
    assert page.run(SIZES) == [1280, 800]
    assert page.run(CUT) == []
    page.picture(f"{name}-light")
    page.dark(True)
    page.picture(f"{name}-dark")
    page.dark(False)


def fits_a_telephone(page, name):
    page.size(400, 850)
    assert page.run(SIZES)[0] == 400
    page.picture(f"{name}-400")
    page.size(400, 2500)
    page.picture(f"{name}-400-whole")


SIZES = "const e = document.documentElement; return [e.scrollWidth, e.scrollHeight]"
CUT = (
    "return [...document.querySelectorAll('#data, #network')].filter((e) =>"
    "e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1).map((e) => e.id)"
)


def served(*arguments):
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[-1]


def ended(process):
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def address():
    process, address = served()
    yield address
    ended(process)


@pytest.fixture(scope="module")
def driver():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [*FLAGS.split(), f"--user-data-dir={folder}/profile"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        where = {"behavior": "allow", "downloadPath": folder}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", where)
        driver.downloads = Path(folder)
        yield driver
        driver.quit()


@pytest.fixture
def page(driver, address):
    page = Page(driver, address)
    page.size(1280, 800)
    page.open()
    page.restart()
    page.set("speed", "full")
    return page
