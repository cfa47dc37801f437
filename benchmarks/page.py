"""What the page of ``handgrad play`` sends and shows: frames and bytes a second, start, size.

    python benchmarks/page.py [--seconds 8]

Needs the extra ``play``, selenium, and Debian's chromium and chromium-driver. Frames are those
that a headless Chromium of 1280 x 800 has drawn while the spiral of 300 points is learnt at full
speed, so server and browser share this machine's cores, as they do at a user's. Start is the time
from the command to its first answer; size is what the browser loads before anything moves.
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

FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --window-size=1280,800"
)
NETWORKS = {"one hidden layer of 8 units": [8], "four hidden layers of 128 units": [128] * 4}
SETTLE = 2.0  # seconds of playing before it is counted
PATIENCE = 30.0  # seconds that anything may take


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


def until(holds):
    """Wait for something to hold.

    Raises
    ------
    TimeoutError
        If it does not.
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

    def rates(self, asked, seconds):
        """Play with these messages sent before; give frames, bytes and updates a second."""
        for message in asked:
            self.run("shown.ask(arguments[0], arguments[1])", *message)
        self.run("shown.ask('play', {by: 'epoch', speed: 0})")
        time.sleep(SETTLE)
        before, started = self.counts(), time.perf_counter()
        time.sleep(seconds)
        after, took = self.counts(), time.perf_counter() - started
        self.run("shown.ask('pause')")
        return [(new - old) / took for old, new in zip(before, after, strict=True)]

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
                files, size = page.size()
                print(f"{os.cpu_count()} cores; the server answers after {start:.2f} s")
                print(f"the browser loads {files} files, {size / 1000:.0f} kB in all")
                for name, hidden in NETWORKS.items():
                    told(name, page.rates([("change", {"settings": {"hidden": hidden}})], seconds))
            finally:
                driver.quit()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def told(name, rates):
    frames, sent, updates = rates
    print(
        f"{name}: {frames:.1f} frames, {sent / 1000:.0f} kB and {updates:.0f} updates a second",
        flush=True,
    )


if __name__ == "__main__":
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        sys.exit("chromium and chromedriver must be installed (Debian: chromium, chromium-driver)")
    sys.exit(main())
