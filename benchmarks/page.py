"""The page of ``handgrad play``: frames and bytes a second, start, size.

    python benchmarks/page.py [--seconds 8]

Needs the extra ``play``, selenium, and Debian's chromium and chromium-driver. Counted are the
frames that a headless Chromium of 1280 x 800 draws while a network learns the spiral of 300 points
at full speed, so server and browser share this machine's cores, as they do on a user's. Processor
time does not depend on the machine's load: that of the thread that makes a frame, and that of
all of Chromium's processes for one frame drawn. Start is the time from the command to its first
answer; size counts everything that the browser loads before anything moves.
"""

import argparse
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

from racing.results import show

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1280,800"
)
CASES = {  # messages of the page before it plays
    "8 hidden units": [("change", {"settings": {"hidden": [8]}})],
    "four hidden layers of 128": [("change", {"settings": {"hidden": [128] * 4}})],
    "8 hidden units, two runs": [
        ("change", {"settings": {"hidden": [8]}}),
        ("rival", {"settings": {"optimizer": "sgd"}}),
    ],
}
HEADER = ["", "frames a second", "kB a second", "updates a second", "ms to make", "ms to show"]
SETTLE = 2.0  # seconds of playing before the count begins
FRAMES = 60  # made to time one
PATIENCE = 30.0  # seconds for anything


def served():
    """Start the server; give its process, its address, and the seconds to its first answer."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().split()[-1]
    port = int(re.search(":([0-9]+)/", address)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/")
    connection.getresponse().read()
    return process, address, time.perf_counter() - started


def browser(folder):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS.split(), f"--user-data-dir={folder}/profile"]:
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def fields(stat):
    """Read number, parent and ticks of a process; nothing of one that has ended."""
    try:
        after_name = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(stat.parent.name), int(after_name[1]), int(after_name[11]) + int(after_name[12])


def milliseconds_to_make(messages):
    """Give the processor time of making a frame, in this process, while it plays."""
    from handgrad.engines.blas import blas_on_one_thread
    from handgrad.playground.commands import obey
    from handgrad.playground.player import Player
    from handgrad.playground.session import Session
    from handgrad.tables.table import read_table

    with as_file(files("handgrad") / "data" / "penguins.csv") as path:
        player = Player(Session(read_table(path)))
    with blas_on_one_thread():
        for word, details in messages:
            obey(player, {"do": word, **details})
        obey(player, {"do": "play", "by": "batch", "speed": 30})
        started = time.thread_time()
        for _ in range(FRAMES):
            with player.lock:
                player.session.version += 1  # so that it is made anew
            player.frame()
        took = time.thread_time() - started
    player.close()
    return 1000 * took / FRAMES


def until(holds):
    """Wait until something holds.

    Raises
    ------
    TimeoutError
        If it does not within PATIENCE.
    """
    deadline = time.perf_counter() + PATIENCE
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError("the page did not come to it")
        time.sleep(0.02)


class Page:
    def __init__(self, driver, address):
        self.driver = driver
        driver.get(address)
        until(lambda: self.run("return globalThis.shown?.frames > 0"))

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def size(self):
        """Give the number and the bytes of all files that were loaded, the page's own included."""
        return self.run(
            "const all = [...performance.getEntriesByType('resource'),"
            " ...performance.getEntriesByType('navigation')];"
            "return [all.length, all.reduce((sum, one) => sum + one.decodedBodySize, 0)]"
        )

    def rates(self, messages, seconds):
        """Send these messages, then play.

        Returns
        -------
        list of float
            Frames, bytes and updates a second, and milliseconds of processor time a frame.
        """
        for message in messages:
            self.run("shown.ask(arguments[0], arguments[1])", *message)
        self.run("shown.ask('play', {by: 'epoch', speed: 0})")
        time.sleep(SETTLE)
        before, busy, started = self.counts(), self.processor_seconds(), time.perf_counter()
        time.sleep(seconds)
        after, took = self.counts(), time.perf_counter() - started
        busy = 1000 * (self.processor_seconds() - busy) / max(1, after[0] - before[0])
        self.run("shown.ask('pause')")
        return [*((new - old) / took for old, new in zip(before, after, strict=True)), busy]

    def processor_seconds(self):
        """Add up the processor time of the browser: the driver's, and that of all its children."""
        found, parents = 0.0, {self.driver.service.process.pid}
        table = [Path(place, "stat") for place in Path("/proc").iterdir() if place.name.isdigit()]
        rows = sorted(stat for path in table if (stat := fields(path)))
        for pid, parent, ticks in rows:  # children have larger numbers than their parents
            if parent in parents or pid in parents:
                parents.add(pid)
                found += ticks / os.sysconf("SC_CLK_TCK")
        return found

    def counts(self):
        updates = "Number(document.getElementById('updates').textContent)"
        return self.run(f"return [shown.frames, shown.bytes, {updates}]")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    process, address, start = served()
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            driver = browser(folder)
            try:
                page = Page(driver, address)
                loaded, size = page.size()
                facts = [str(os.cpu_count()), f"{start:.2f}", str(loaded), f"{size / 1000:.0f}"]
                rows = [
                    row(name, page.rates(asked, seconds), asked) for name, asked in CASES.items()
                ]
            finally:
                driver.quit()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
    show([(["cores", "start, s", "files", "size, kB"], [facts]), (HEADER, rows)])


def row(name, rates, messages):
    frames, sent, updates, busy = rates
    to_make = milliseconds_to_make(messages)
    figures = f"{frames:.1f}", f"{sent / 1000:.0f}", f"{updates:.0f}", f"{to_make:.1f}"
    return [name, *figures, f"{busy:.0f}"]


if __name__ == "__main__":
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        sys.exit("chromium and chromedriver must be installed (Debian: chromium, chromium-driver)")
    sys.exit(main())
