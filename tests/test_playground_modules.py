"""The page's modules one by one, in a headless Chromium: tests/page/*.js, told test by test."""

import http.server
import re
import threading
from pathlib import Path

import pytest

from browser import BROWSER, Page
from handgrad.playground.server import page_files

HERE = Path(__file__).parent / "page"
WRITTEN = {
    (file.name, name)
    for file in sorted(HERE.glob("*.js"))
    for name in re.findall(r'^test\("(.*)", \(\) =>', file.read_text(encoding="utf-8"), re.M)
}

pytestmark = BROWSER


class Handler(http.server.BaseHTTPRequestHandler):
    """The page without its beginning, main.js; and the tests."""

    def do_GET(self):
        path = self.path.removeprefix("/tests/")
        if path != self.path:
            content, kind = (HERE / Path(path).name).read_bytes(), "text/javascript"
        else:
            content, kind = page_files().get(self.path, (b"", "text/plain"))
        if self.path == "/":
            content = re.sub(rb"<script .*main\.js.*</script>", b"", content)
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *told):
        pass


@pytest.fixture(scope="module")
def origin():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def results(driver, origin):
    found = {}
    for file in sorted({file for file, _ in WRITTEN}):
        driver.get(f"{origin}/")
        told = driver.execute_async_script(
            "const done = arguments[1], load = (name) => import(`/tests/${name}`);"
            "load(arguments[0]).then(() => load('harness.js'))"
            ".then((harness) => done(harness.results), (error) => done(String(error)))",
            file,
        )
        assert isinstance(told, list), f"{file}: {told}"
        found |= {(file, name): wrong for name, wrong in told}
    assert Page(driver, origin).complaints() == []
    return found


@pytest.mark.parametrize(("file", "name"), sorted(WRITTEN), ids=lambda value: value)
def test_a_module(results, file, name):
    assert results[file, name] == ""


def test_every_test_that_is_written_has_run(results):
    assert set(results) == WRITTEN
    assert len(WRITTEN) > 30


def test_every_module_without_a_page_of_its_own_is_tested():
    tested = set(re.findall(r'from "/page/(.*?)"', "".join(f.read_text() for f in HERE.iterdir())))
    pure = {
        address.removeprefix("/page/")
        for address, (content, _) in page_files().items()
        if address.endswith(".js") and b"byId(" not in content and b"WebSocket" not in content
    }
    assert pure <= tested
