"""The page's server: attacks on a server that listens on this machine, each refused."""

import asyncio
import gzip
import json
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import websockets.sync.client
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from handgrad.playground import server as servers
from handgrad.playground import takeaway
from handgrad.playground.commands import obey
from handgrad.playground.crowd import MOST_STRANGERS
from handgrad.playground.guard import Secrets
from handgrad.playground.player import Player
from handgrad.playground.server import MOST_BYTES, Server, WebServer, listening, page_files
from handgrad.playground.session import Session
from handgrad.tables.table import read_table

PORT, TOKEN, KEY = 8642, "the-right-token", "the-right-key"
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"
COOKIE = f"handgrad-{PORT}=the-right-cookie"
OURS = {"origin": ORIGIN, "x-handgrad-key": KEY, "cookie": COOKIE}


@pytest.fixture
def player(request):
    player = Player(Session(read_table(request.config.rootpath / "src/handgrad/data/penguins.csv")))
    yield player
    player.close()


@pytest.fixture
def known():
    return Secrets(TOKEN, "the-right-cookie", KEY)


@pytest.fixture
def server(player, known):
    return Server(player, port=PORT, known=known)


@pytest.fixture
def client(server):
    with TestClient(server.app, base_url=ORIGIN) as client:
        yield client


def connect(client, *, origin=ORIGIN, protocols=("handgrad", KEY), cookie=COOKIE, **headers):
    headers.setdefault("host", HOST)
    if cookie is not None:
        headers["cookie"] = cookie
    if origin is not None:
        headers["origin"] = origin
    return client.websocket_connect("/socket", subprotocols=list(protocols), headers=headers)


def is_let_in(client, **how):
    try:
        with connect(client, **how):
            return True
    except WebSocketDisconnect:
        return False


# S23: a name of somebody else's that is made to point to this machine
WRONG_HOSTS = [
    "evil.com",
    "evil.com:8642",
    "localhost.evil.com:8642",
    "127.0.0.1.evil.com:8642",
    "localhost",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1:8642@evil.com",
    "localhost:8642@evil",
    "LOCALHOST:8642.",
    "0.0.0.0:8642",
    "[::1]:8642",
    "127.0.0.1:8642 ",
    "127.1:8642",
    "",
]


@pytest.mark.parametrize("host", WRONG_HOSTS)
def test_s23_another_host_is_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 400
    assert not is_let_in(client, host=host)


def test_s23_our_own_names_are_served(client):
    for host in (HOST, f"localhost:{PORT}"):
        assert client.get("/", headers={"host": host}).status_code == 200
        assert is_let_in(client, host=host, origin=f"http://{host}")


# S24, S25: another page, open in the same browser
WRONG_ORIGINS = [
    "http://evil.com",
    "https://127.0.0.1:8642",
    "http://127.0.0.1:8642.evil.com",
    "http://127.0.0.1:86420",
    "http://127.0.0.1",
    "http://127.0.0.1:8643",
    "http://localhost:8642",  # ours, but not the Host of this request
    "http://evil.com/127.0.0.1:8642",
    "http://127.0.0.1:8642@evil.com",
    "HTTP://127.0.0.1:8642",
    "http://127.0.0.1:8642/",
    "null",
    "file://",
    "",
]


@pytest.mark.parametrize("origin", WRONG_ORIGINS)
def test_s25_another_origin_is_refused(client, origin):
    assert not is_let_in(client, origin=origin)
    headers = {**OURS, "origin": origin}
    assert client.post("/table", content=b"a,b\n", headers=headers).status_code == 403
    assert client.get("/take/model", headers=headers).status_code == 403


def test_s25_a_socket_without_an_origin_is_refused(client):
    assert not is_let_in(client, origin=None)


WRONG_KEYS = [(), ("handgrad",), ("handgrad", ""), ("handgrad", "wrong"), (KEY[:-1],), (TOKEN,)]


@pytest.mark.parametrize("protocols", WRONG_KEYS)
def test_s26_a_socket_without_the_key_is_refused(client, protocols):
    assert not is_let_in(client, protocols=protocols)


# S30: the key is half of what is needed; the cookie, which no script can read, is the other
WRONG_COOKIES = [
    None,
    "",
    f"handgrad-{PORT}",
    f"handgrad-{PORT}=",
    f"handgrad-{PORT}=wrong",
    f"handgrad-{PORT}=the-right-cookie2",
    f"handgrad-{PORT}={KEY}",
    "handgrad-8643=the-right-cookie",
    "handgrad=the-right-cookie",
    f"{COOKIE}; handgrad-{PORT}=wrong",  # set by another server, and so by somebody else
    f"x={COOKIE}",
    f'handgrad-{PORT}="the-right-cookie"',
]


@pytest.mark.parametrize("cookie", WRONG_COOKIES)
def test_s30_without_the_cookie_the_key_is_worth_nothing(client, cookie):
    headers = {**OURS, "cookie": cookie or ""}
    assert client.get("/take/model", headers=headers).status_code == 401
    assert client.post("/table", content=b"a,b\n", headers=headers).status_code == 401
    assert not is_let_in(client, cookie=cookie)


def test_s30_cookies_of_other_servers_do_no_harm(client):
    cookie = f"a=b; {COOKIE};handgrad-1=x; junk"
    assert client.get("/take/model", headers={**OURS, "cookie": cookie}).status_code == 200
    assert is_let_in(client, cookie=cookie)


def enter(client, **headers):
    headers = {"origin": ORIGIN, "x-handgrad-token": TOKEN} | headers
    return client.post("/enter", headers=headers)


def test_s30_the_token_is_exchanged_once(client):
    answer = enter(client)
    assert answer.json() == {"key": KEY}
    cookie, *flags = answer.headers["set-cookie"].split("; ")
    assert cookie == COOKIE
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} == set(flags)
    assert client.get("/take/model", headers=OURS).status_code == 200
    client.cookies.clear()
    for headers in ({}, {"cookie": COOKIE}, {"x-handgrad-key": KEY}):
        again = enter(client, **headers)
        assert again.status_code == 401
        assert "set-cookie" not in again.headers
        assert KEY not in again.text
    assert enter(client, **OURS).json() == {"key": KEY}  # the same browser, the old address


def test_s30_the_token_opens_nothing_else(client):
    token = {"origin": ORIGIN, "x-handgrad-token": TOKEN}
    assert client.get("/take/model", headers=token).status_code == 401
    assert client.get("/take/model", headers={**OURS, "x-handgrad-key": TOKEN}).status_code == 401
    assert not is_let_in(client, protocols=("handgrad", TOKEN))
    assert enter(client).status_code == 200  # none of these has used it up


WRONG_ENTRIES = [
    {"x-handgrad-token": ""},
    {"x-handgrad-token": "wrong"},
    {"x-handgrad-token": TOKEN.upper()},
    {"x-handgrad-token": TOKEN + " x"},
    {"x-handgrad-token": "None"},
    {"x-handgrad-token": KEY, "cookie": COOKIE},
    {"origin": "http://evil.com"},
    {"origin": "http://127.0.0.1:8643"},  # another server of this machine: the same site
    {"origin": "null"},
    {"host": "evil.com:8642"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", WRONG_ENTRIES, ids=str)
def test_s30_who_may_not_enter_does_not_use_the_token_up(client, headers):
    answer = enter(client, **headers)
    assert answer.status_code in (400, 401, 403)
    assert KEY not in answer.text
    assert "set-cookie" not in answer.headers
    assert enter(client).status_code == 200


def test_s30_only_a_post_enters(client):
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        headers = {"origin": ORIGIN, "x-handgrad-token": TOKEN}
        assert client.request(method, "/enter", headers=headers).status_code == 405
    assert client.post("/enter", headers={"x-handgrad-token": TOKEN}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(
            "/enter", subprotocols=["handgrad", KEY], headers={**OURS, "host": HOST}
        ),
    ):
        pass
    assert enter(client).status_code == 200


def test_s30_every_start_has_secrets_of_its_own():
    one, other = Secrets(), Secrets()
    told = [one.token, one.cookie, one.key, other.token, other.cookie, other.key]
    assert len(set(told)) == 6
    assert min(map(len, told)) >= 32  # 24 bytes


def test_s24_a_post_without_an_origin_or_of_another_site_is_refused(client):
    known = {name: OURS[name] for name in ("x-handgrad-key", "cookie")}
    assert client.post("/table", content=b"a,b\n", headers=known).status_code == 403
    for site in ("cross-site", "same-site", "none, cross-site"):
        headers = {**OURS, "sec-fetch-site": site}
        assert client.post("/table", content=b"a,b\n", headers=headers).status_code == 403
    form = client.post("/table", data={"a": "b"}, headers={"origin": ORIGIN, "cookie": COOKIE})
    assert form.status_code == 401


def test_s26_every_address_but_the_pages_files_needs_the_key(server, client):
    guarded = 0
    for route in server.inner.routes:
        if isinstance(route, WebSocketRoute) or route.path in server.files:
            continue
        guarded += 1
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            for key in (None, "", "wrong", KEY.upper(), KEY + " x", TOKEN):
                headers = {"origin": ORIGIN, "cookie": COOKIE} | (
                    {} if key is None else {"x-handgrad-key": key}
                )
                answer = client.request(method, route.path, headers=headers)
                assert answer.status_code == 401, (method, route.path, key)
    assert guarded == 7
    assert client.get("/unknown").status_code == 401
    assert client.post("/", headers={"origin": ORIGIN}).status_code == 401


def test_s26_two_keys_are_none(client):
    headers = [("cookie", COOKIE), ("x-handgrad-key", "wrong"), ("x-handgrad-key", KEY)]
    assert client.get("/take/model", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/page/../server.py",
        "/page/%2e%2e/server.py",
        "/page/..%2fserver.py",
        "/page/..\\server.py",
        "//etc/passwd",
        "/page//etc/passwd",
        "/page/main.js%00.css",
        "/page/",
        "/page",
        "/page_other/main.js",
        "/take/../page/main.js",
        "/take/model/../../server.py",
    ],
)
def test_s27_no_name_leads_to_another_file(client, path):
    answer = client.get(path, headers=OURS)
    assert answer.status_code == 404 or answer.content in [f for f, _ in page_files().values()]


def test_s21_the_policy_forbids_what_is_not_ours(client):
    for path in ("/", "/page/main.js", "/unknown", "/take/model"):
        headers = client.get(path, headers=OURS).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_s21_the_page_makes_no_markup_and_asks_nothing_of_the_network():
    markup = (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "DOMParser",
    )
    for address, (content, _) in page_files().items():
        text = content.decode()
        for word in (*markup, "new Function", "javascript:", "https:", " style=", " onclick="):
            assert word not in text, (address, word)
        for place in text.split("http://")[1:]:
            assert place.startswith("www.w3.org/"), address  # names of markup, fetched by nobody


def test_s22_it_listens_on_this_machine_only():
    with listening(None) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    with listening(0) as one, pytest.raises(OSError, match="name another with --port"):
        listening(one.getsockname()[1])


# S28: uploads
def post(client, content):
    return client.post("/table", content=content, headers=OURS)


def test_a_table_is_taken(client, player):
    answer = post(client, b"a,b,kind\n1,2,x\n3,4,y\n5,1,x\n")
    assert answer.status_code == 200
    assert player.session.recipe.data == "table"
    assert player.session.points.classes.tolist() == ["x", "y"]


def test_a_table_of_numbers_alone_is_taken(client, player):
    answer = post(client, b"a,b\n1,1.5\n2,2.5\n3,3.5\n4,4\n5,5\n6,6\n7,7\n")
    assert answer.status_code == 200
    assert player.session.source.target == "b"
    assert player.session.points.is_curve


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\nt,u\nv,w\nx,y\nz,a\nb,c\nd,e\nf,g\n",  # neither few classes nor numbers
        b"",
        b"\x00\x01\x02",
        b"PAR1 is no table",
        b"\x1f\x8b and no gzip",
        b"a,b\n1\n",
        b"a,b,c\n1,2,x\n",
        b'a,b\n"1,2\n',
        b"\xff\xfe\xff\n",
        b"<html><script>alert(1)</script>",
    ],
)
def test_s18_what_is_no_table_is_refused_in_words(client, player, content):
    answer = post(client, content)
    assert answer.status_code == 422
    assert answer.json()["message"]
    assert "/tmp" not in answer.json()["message"]
    assert player.session.recipe.data == "spiral"


def test_s28_a_table_that_is_too_large_is_refused_while_it_comes(client):
    sent = 0

    def chunks():  # no Content-Length
        nonlocal sent
        for _ in range(40):
            sent += 1
            yield b"1,2,x\n" * 100_000

    answer = client.post("/table", content=chunks(), headers=OURS)
    assert answer.status_code == 422
    assert f"{MOST_BYTES:,}" in answer.json()["message"]


def test_s7_what_is_packed_is_not_unfolded(client, player):
    bomb = gzip.compress(b"a,b,kind\n" + b"1,2,x\n" * 10_000_000)
    assert len(bomb) < MOST_BYTES
    tracemalloc.start()
    try:
        answer = post(client, bomb)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.status_code == 422
    assert "plain CSV" in answer.json()["message"]
    assert most < 20e6  # unfolded, it has 60 MB


def test_s21_names_of_a_table_stay_text(client, player):
    evil = "<img src=x onerror=alert(1)>"
    assert post(client, f'a,{evil},kind\n1,2,"{evil}"\n3,4,y\n'.encode()).status_code == 200
    with connect(client) as socket:
        socket.send_json({"do": "next"})
        layout = socket.receive_json()
    assert layout["names"] == ["a", evil]  # as JSON; a test in the browser sees that it is text


# S29: messages
def told(client, message):
    with connect(client) as socket:
        socket.send_text(message if isinstance(message, str) else json.dumps(message))
        return socket.receive_json()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nothing",
        "[" * 60_000,
        "[]",
        '{"do": NaN}',
        {"do": "open", "path": "/etc/passwd"},
        {"do": "__class__"},
        {"do": ["step"]},
        {"do": "step", "by": "system"},
        {"do": "step", "by": {}},
        {"do": "play", "by": "epoch", "speed": 10**9},
        {"do": "play", "by": "epoch", "speed": True},
        {"do": "change", "settings": {"hidden": [10**6]}},
        {"do": "change", "settings": {"n": 10**9}},
        {"do": "change", "settings": {"rate": 1e999}},
        {"do": "change", "settings": "x"},
        {"do": "edit", "place": 10**30, "value": 1},
        {"do": "edit", "place": 0, "value": "1"},
        {"do": "rewind", "epoch": 1.5},
        {"do": "sample", "row": None},
        {"do": "draw", "points": [[0, 0, 0]] * 201},
        {"do": "draw", "points": [[0, 0]]},
        {"do": "draw", "points": [["a", 0, 0]]},
    ],
    ids=lambda message: str(message)[:50],
)
def test_s29_what_cannot_be_is_refused_in_words(client, message):
    answer = told(client, message)
    assert answer["kind"] == "refused"
    assert answer["message"]


def test_a_page_that_does_not_ask_gets_no_frame_and_one_that_asks_the_latest(client, player):
    with connect(client) as socket:
        socket.send_json({"do": "next"})
        socket.receive_json()
        socket.receive_bytes()
        for _ in range(20):
            socket.send_json({"do": "step", "by": "batch"})
        socket.send_json({"do": "check"})
        assert socket.receive_json()["kind"] == "check"  # and none of twenty frames before it
        socket.send_json({"do": "next"})
        content = socket.receive_bytes()
        size = int.from_bytes(content[:4], "little")
        assert json.loads(content[4 : 4 + size])["updates"] == 20


def test_it_plays_and_pauses(player):
    player.play("batch", 0)
    deadline = time.monotonic() + 60
    while player.session.run.epochs < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    with player.lock:
        player.pause()
    epochs = player.session.run.updates
    assert player.session.run.epochs >= 3
    time.sleep(0.1)
    assert player.session.run.updates == epochs


@pytest.mark.parametrize("has_rival", [False, True])
def test_a_pause_ends_the_epoch_so_that_a_program_can_repeat_it(player, has_rival, monkeypatch):
    monkeypatch.setattr("handgrad.playground.player.LONGEST_END", 60)  # however busy the machine
    player.runs.change({"batch": 1})
    if has_rival:
        obey(player, {"do": "rival", "settings": {"optimizer": "sgd"}})
    for _ in range(3):
        obey(player, {"do": "play", "by": "epoch", "speed": 0})
        until(lambda: any(run.under_way for run in player.runs.all))
        obey(player, {"do": "pause"})
        assert not any(run.under_way for run in player.runs.all)
        assert len({run.run.epochs for run in player.runs.all}) == 1
        assert b"epochs=" in player.look(takeaway.python)


def test_a_pause_leaves_an_epoch_that_is_long_and_every_other_step(player, monkeypatch):
    monkeypatch.setattr("handgrad.playground.player.LONGEST_END", 0)
    player.kind = "epoch"
    with player.lock:
        player.runs.step("batch")
        updates = player.session.run.updates
        player.playing.set()
        player.rest()
    assert player.session.run.updates == updates
    monkeypatch.undo()
    obey(player, {"do": "step", "by": "batch"})
    updates = player.session.run.updates
    obey(player, {"do": "pause"})  # it did not play
    assert player.session.run.updates == updates


def until(holds):
    deadline = time.monotonic() + 60
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()


def test_a_step_ends_the_playing(client, player):
    player.play("batch", 0)
    with connect(client) as socket:
        socket.send_json({"do": "step", "by": "batch"})
        until(lambda: not player.playing.is_set())


def test_playing_ends_where_the_run_has_diverged(player):
    """See test_playground.py: these settings diverge within 200 epochs."""
    player.session.change({"optimizer": "sgd", "rate": 100.0, "l2": 10.0, "hidden": [8, 8]})
    player.play("batch", 0)
    until(lambda: not player.playing.is_set())
    assert player.session.trouble


# The server itself, over the wire.
@contextmanager
def served(player, known, **how):
    with listening(0) as listener:
        port = listener.getsockname()[1]
        app = Server(player, port=port, known=known).app
        server = WebServer(servers.configuration(app, **how))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield port
        server.should_exit = True
        thread.join()


@pytest.fixture
def running(player, known):
    with served(player, known) as port:
        yield port


@pytest.fixture
def patient(player, known):
    """No deadline comes in time: whoever is answered is answered at once."""
    with served(player, known, patience=3600) as port:
        yield port


@pytest.fixture
def impatient(player, known):
    with served(player, known, patience=0.2) as port:
        yield port


def wire(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        return connection.recv(65536)


def test_s23_no_host_or_two_are_refused_over_the_wire(running):
    good = f"Host: 127.0.0.1:{running}\r\n"
    for headers in ("", "Host: evil.com\r\n" + good, good + good):
        answer = wire(running, f"GET / HTTP/1.1\r\n{headers}\r\n".encode())
        assert answer.split()[1] == b"400", headers
    assert wire(running, f"GET / HTTP/1.1\r\n{good}\r\n".encode()).split()[1] == b"200"


# F8: others of this machine, who connect and say little, or never listen
def page_request(port, path="/"):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def upgrade(port):
    ends = page_request(port, "/socket").removesuffix(b"\r\n")
    return ends + b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"


SAID = {
    "nothing": lambda port: b"",
    "half a line": lambda port: b"GET / HT",
    "half a head": lambda port: b"POST /table HTTP/1.1\r\nHost: ",
    "a hello of TLS": lambda port: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "half a handshake": upgrade,
    "a handshake": lambda port: upgrade(port) + b"Sec-WebSocket-Key: " + b"A" * 22 + b"==\r\n\r\n",
    "a request": page_request,
    "many requests": lambda port: page_request(port, "/page/graph.js") * 50,
    "a body that never ends": lambda port: (
        page_request(port).removesuffix(b"\r\n") + b"Content-Length: 99999\r\n\r\n"
    ),
}


@contextmanager
def crowd(port, said, *, of):
    with ExitStack() as stack:
        for _ in range(of):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            with suppress(OSError):  # dropped already
                one.sendall(said)
        yield


@contextmanager
def owner(port):
    """Open the socket of the page, as its owner's browser does."""
    with websockets.sync.client.connect(
        f"ws://127.0.0.1:{port}/socket",
        origin=f"http://127.0.0.1:{port}",
        subprotocols=["handgrad", KEY],
        additional_headers={"Cookie": f"handgrad-{port}=the-right-cookie"},
        compression=None,
    ) as socket:
        yield socket


def is_answered(socket):
    socket.send('{"do": "check"}')
    return json.loads(socket.recv(timeout=60))["kind"] == "check"


@pytest.mark.parametrize("said", SAID)
def test_f8_a_crowd_keeps_the_owner_from_nothing(patient, said):
    with owner(patient) as early, crowd(patient, SAID[said](patient), of=300):
        assert wire(patient, page_request(patient)).split()[1] == b"200"
        with owner(patient) as late:
            assert is_answered(late)
        assert is_answered(early)


def test_f8_a_crowd_is_bounded(patient):
    with ExitStack() as stack:
        waiting = set()
        for _ in range(MOST_STRANGERS + 50):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", patient)))
            one.sendall(b"GET / HT")
            waiting.add(one)
        deadline = time.monotonic() + 30
        while len(waiting) > MOST_STRANGERS and time.monotonic() < deadline:
            waiting -= set(select.select(waiting, [], [], 0.1)[0])  # at its end
    assert len(waiting) <= MOST_STRANGERS


def test_f8_many_requests_at_once_are_not_answered(patient):
    with socket.create_connection(("127.0.0.1", patient), timeout=30) as connection:
        connection.sendall(SAID["many requests"](patient))
        answers = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answers += part
    assert answers.count(b"HTTP/1.1 200") <= 1


def test_f8_not_even_a_crowd_of_a_thousand(patient):
    resource = pytest.importorskip("resource")  # Windows has none, and no such limit
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    try:
        with crowd(patient, b"GET / HT", of=1000):
            assert wire(patient, page_request(patient)).split()[1] == b"200"
            with owner(patient) as socket:
                assert is_answered(socket)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("said", SAID)
def test_f8_who_does_not_come_to_the_point_is_dropped(impatient, said):
    with socket.create_connection(("127.0.0.1", impatient), timeout=30) as connection:
        connection.sendall(SAID[said](impatient))
        with suppress(ConnectionResetError):
            while connection.recv(65536):
                pass


def dribble(connection, count):
    for _ in range(count):
        connection.sendall(b"x")
        time.sleep(0.05)


def test_f8_a_head_that_comes_byte_by_byte_is_late_all_the_same(impatient):
    with socket.create_connection(("127.0.0.1", impatient)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            dribble(connection, 600)


def test_f8_the_owner_may_take_longer(player, known):
    with served(player, known, patience=0.5) as port:
        content = b"a,b,kind\n1,2,x\n3,4,y\n5,1,x\n"
        head = (
            f"POST /table HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Origin: http://127.0.0.1:{port}\r\nX-Handgrad-Key: {KEY}\r\n"
            f"Cookie: handgrad-{port}=the-right-cookie\r\nContent-Length: {len(content)}\r\n\r\n"
        ).encode()
        with (
            owner(port) as page,
            socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
        ):
            connection.sendall(head + content[:10])
            time.sleep(0.8)  # longer than a stranger has
            connection.sendall(content[10:])
            assert connection.recv(65536).split()[1] == b"200"
            assert is_answered(page)


def test_s30_no_secret_is_logged_or_sent_back(running, capfd):
    secrets = f"Cookie: handgrad-{running}=the-right-cookie\r\nX-Handgrad-Key: {KEY}\r\n"
    for line in (f"GET /?token={TOKEN}", f"POST /enter?token={TOKEN}", f"GET /unknown?key={KEY}"):
        request = f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{running}\r\n{secrets}\r\n"
        answer = wire(running, request.encode())
        assert TOKEN.encode() not in answer
        assert KEY.encode() not in answer
        assert b"the-right-cookie" not in answer
    out = capfd.readouterr()
    assert not any(told in out.out + out.err for told in (TOKEN, KEY, "the-right-cookie"))


def test_s30_an_entrance_over_the_wire(running):
    request = (
        f"POST /enter HTTP/1.1\r\nHost: 127.0.0.1:{running}\r\n"
        f"Origin: http://127.0.0.1:{running}\r\nX-Handgrad-Token: {TOKEN}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()
    assert wire(running, request).split()[1] == b"200"
    assert wire(running, request).split()[1] == b"401"


# The command.
TABLE = Path(__file__).parents[1] / "src/handgrad/data/penguins.csv"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--target", "species"], 2, "name the table too"),
        ([TABLE], 2, "--target COLUMN"),
        ([TABLE, "--target", "spezies"], 2, "did you mean species"),
        (["no.csv", "--target", "y"], 5, "no.csv"),
        (["--port", "0"], 2, "--port"),
    ],
)
def test_a_wrong_command_is_refused_before_anything_listens(
    call, monkeypatch, arguments, code, words
):
    monkeypatch.setattr(servers, "listening", lambda port: pytest.fail("it listens"))
    ended, _, err = call("play", "--no-browser", *arguments)
    assert ended == code
    assert words in " ".join(err.split())


def test_a_target_of_many_texts_is_refused_before_anything_listens(call, monkeypatch, tmp_path):
    monkeypatch.setattr(servers, "listening", lambda port: pytest.fail("it listens"))
    file = tmp_path / "texts.csv"
    file.write_text("a,b,name\n" + "".join(f"{i},{i * i},name {i}\n" for i in range(20)))
    ended, _, err = call("play", "--no-browser", file, "--target", "name")
    assert ended == 3
    assert "2 to 6 classes" in " ".join(err.split())


def test_a_port_that_is_taken(call, monkeypatch):
    monkeypatch.setattr(WebServer, "run", lambda *_: pytest.fail("it serves"))
    with listening(0) as taken:
        code, _, err = call("play", "--no-browser", "--port", taken.getsockname()[1])
    assert code == 5
    assert "name another with --port" in " ".join(err.split())


def test_an_interrupt_ends_it_quietly():
    command = [sys.executable, "-m", "handgrad", "play", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        port = urlsplit(process.stdout.readline().split()[-1]).port
        assert wire(port, page_request(port)), "it answers, so it serves"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert "Traceback" not in process.stderr.read()


def test_a_missing_extra_is_named_with_what_to_install(call, monkeypatch):
    monkeypatch.setattr("handgrad.playground.MODULES", ("starlette", "not_there_at_all"))
    code, _, err = call("play")
    assert code == 2
    assert 'pip install ".[play]"' in " ".join(err.split())
