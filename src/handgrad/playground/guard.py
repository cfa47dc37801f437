"""Access to the page: the one wall before every address, closed unless a request shows its right.

Any web page that is open in the browser can send requests to this machine. So the Host must be
exactly ours (against a name that is made to point here), and so must the Origin, if there is one;
and everything but the page's own files needs two secrets of one browser: a cookie, which no script
can read and no other site's request carries, and a key, which the page keeps where only pages of
this host and port can read it. A server on another port may see the cookie, since cookies ignore
ports, but never the key.

A browser gets both, once, for the token in the address that was printed at the start. The token
stands behind #, which browsers do not send, and the page sends it in a header; after that the
address is worth nothing, wherever it has been written down.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[bytes, list[bytes]]

ENTRANCE = "/enter"
TOKEN_HEADER, KEY_HEADER = b"x-handgrad-token", b"x-handgrad-key"
READING = {"GET", "HEAD"}
LET_IN = "let_in"  # in the state of a request: a function to call once it has shown the secrets


def secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class Secrets:
    """The secrets that let a browser in: the token once, then cookie and key together.

    Attributes
    ----------
    token : str or None
        None once it has been exchanged.
    """

    token: str | None = field(default_factory=secret)
    cookie: str = field(default_factory=secret)
    key: str = field(default_factory=secret)


class Guard:
    """Refuses requests without the right, and sends every answer under a strict policy."""

    def __init__(self, app: App, *, port: int, known: Secrets, files: set[str]) -> None:
        self.app, self.known, self.files = app, known, files
        self.cookie_name = f"handgrad-{port}"  # one browser may watch servers on two ports
        self.hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        self.headers = _headers(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers: Headers = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        status = self._refusal(scope, headers)
        if status is None and scope["path"] not in self.files:
            scope.get("state", {}).get(LET_IN, lambda: None)()
        if status is None and scope["path"] == ENTRANCE:
            await self._enter(self._guarded(send))
        elif status is None:
            await self.app(scope, receive, self._guarded(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(status, self._guarded(send))

    def _refusal(self, scope: Scope, headers: Headers) -> int | None:
        """Return the status of a refusal, or None for a welcome request."""
        hosts = headers.get(b"host", [])
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 400
        origins = headers.get(b"origin", [])
        if origins not in ([], [b"http://" + hosts[0]]):
            return 403
        if headers.get(b"sec-fetch-site", [b"none"])[0] not in (b"none", b"same-origin"):
            return 403
        if scope["type"] == "websocket":
            keys = [key.encode("latin-1", "replace") for key in scope["subprotocols"]]
            welcome = origins and self._has_cookie(headers) and _any_is(keys, self.known.key)
            return None if welcome and scope["path"] != ENTRANCE else 403
        is_reading = scope["method"] in READING
        if is_reading and scope["path"] in self.files:
            return None
        if not is_reading and not origins:
            return 403
        if scope["path"] == ENTRANCE:
            return self._not_entering(scope, headers)
        return None if self._is_known(headers) else 401

    def _not_entering(self, scope: Scope, headers: Headers) -> int | None:
        given, token = headers.get(TOKEN_HEADER, []), self.known.token
        has_token = len(given) == 1 and token is not None and _any_is(given, token)
        if not has_token and not self._is_known(headers):  # a browser that is in may come again
            return 401
        return None if scope["method"] == "POST" else 405

    def _is_known(self, headers: Headers) -> bool:
        given = headers.get(KEY_HEADER, [])
        return len(given) == 1 and _any_is(given, self.known.key) and self._has_cookie(headers)

    def _has_cookie(self, headers: Headers) -> bool:
        """Look for our cookie among those of other servers of this machine."""
        given = []
        for line in headers.get(b"cookie", []):
            for pair in line.split(b";"):
                name, _, value = pair.strip().partition(b"=")
                given += [value] if name == self.cookie_name.encode() else []
        return len(given) == 1 and _any_is(given, self.known.cookie)

    async def _enter(self, send: Send) -> None:
        """Send cookie and key in exchange for the token, which is worth nothing from here on."""
        self.known.token = None
        cookie = f"{self.cookie_name}={self.known.cookie}; Path=/; HttpOnly; SameSite=Strict"
        headers = [
            (b"content-type", b"application/json"),
            (b"set-cookie", cookie.encode()),
        ]
        body = json.dumps({"key": self.known.key}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _guarded(self, send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        return sending


def _any_is(given: list[bytes], known: str) -> bool:
    return any(secrets.compare_digest(one, known.encode()) for one in given)


def _headers(port: int) -> list[tuple[bytes, bytes]]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"x-frame-options", b"DENY"),
        (b"cache-control", b"no-store"),
    ]


async def _refuse(status: int, send: Send) -> None:
    body = b"refused: open the address that handgrad play printed, once, in one browser\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
