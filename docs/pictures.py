"""Make the pictures that README.md and these pages show, into docs/images or another folder.

    python docs/pictures.py [--into FOLDER] [NAME.png ...]

What a page draws is drawn by the page's own code; what is a window is a screenshot of it, for
which Debian's chromium and chromium-driver and selenium are needed. Without names all are made.
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = "src/handgrad/data/penguins.csv"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage"
)


def of_the_demo() -> Iterator[Path]:
    """Draw what `make demo` draws."""
    handgrad("fit", "--test", "0.25", "--quiet", "--report", "report")
    yield from (Path("report", name) for name in ("learning_curve.png", "confusion_matrix.png"))


def of_page(page: str, *drawn: str) -> Callable[[], Iterator[Path]]:
    """Run the Python of a page, and take pictures that it saves: NAME.png as PAGE_NAME.png."""

    def run() -> Iterator[Path]:
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            exec("\n".join(PYTHON_BLOCK.findall(text)), {"__name__": page})
        yield from (Path(f"{name}.png").rename(f"{page}_{name}.png") for name in drawn)

    return run


def of_explain() -> Iterator[Path]:
    """Show the page that `handgrad explain --html` writes."""
    handgrad("fit", TABLE, "--target", "species", "--hidden", "8", "--quiet", "--model", "m")
    handgrad("explain", "m", TABLE, "--row", "17", "--html", "explain.html")
    with browser(1000, 800) as driver:
        driver.get(Path("explain.html").absolute().as_uri())
        yield photograph(driver, "explain.png")


def of_play() -> Iterator[Path]:
    """Show `handgrad play` after some hundred epochs of the spiral."""
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser", "--port", "8671"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            with browser(1280, 800) as driver:
                driver.get(address)
                play_until(driver, epoch=300)
                yield photograph(driver, "play.png")
        finally:
            server.terminate()


def play_until(driver: Any, epoch: int) -> None:
    """Let the page's network learn, at full speed, and pause."""
    shown = "return parseInt(document.getElementById('epoch').textContent) || 0"
    ends = time.monotonic() + 120
    while driver.execute_script("return document.getElementById('loss').textContent") in ("", "—"):
        time.sleep(0.1)
    driver.find_element("css selector", "#speed option:last-child").click()
    driver.execute_script("document.getElementById('play').click()")
    while driver.execute_script(shown) < epoch and time.monotonic() < ends:
        time.sleep(0.1)
    driver.execute_script("document.getElementById('play').click()")
    time.sleep(1)  # the last frame is drawn


MAKERS: dict[Callable[[], Iterator[Path]], tuple[str, ...]] = {
    of_the_demo: ("learning_curve.png", "confusion_matrix.png"),
    of_page("first_hour", "slow", "history", "regions"): (
        "first_hour_slow.png",
        "first_hour_history.png",
        "first_hour_regions.png",
    ),
    of_page("estimator", "inside"): ("estimator_inside.png",),
    of_explain: ("explain.png",),
    of_play: ("play.png",),
}


def handgrad(*arguments: str) -> None:
    """Run a command, its results unread."""
    command = [sys.executable, "-m", "handgrad", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def browser(width: int, height: int) -> Iterator[Any]:
    """Open a Chromium without a window, of this size."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver_path is None:
        sys.exit("screenshots need chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in [*FLAGS.split(), f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(driver_path))
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            yield driver
        finally:
            driver.quit()


def photograph(driver: Any, name: str) -> Path:
    """Save what the browser shows, in as many colours as a window needs: a third of the bytes."""
    from PIL import Image

    with Image.open(io.BytesIO(driver.get_screenshot_as_png())) as picture:
        picture.convert("RGB").quantize(256).save(name, optimize=True)
    return Path(name)


def main() -> None:
    """Make the pictures asked for."""
    parser = argparse.ArgumentParser(description="Make the pictures of the docs.")
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder to write to")
    parser.add_argument("names", nargs="*", help="which; all, if none is named")
    given = parser.parse_args()
    into = given.into.absolute()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("src").symlink_to(ROOT / "src")
        for make, names in MAKERS.items():
            if not given.names or set(names) & set(given.names):
                for picture in make():
                    shutil.copy(picture, into)
                    print(into / picture.name)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
