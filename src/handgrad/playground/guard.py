"""Who may ask: the one wall before every address, closed unless something opens it.

Any web page that is open in the browser can send requests to this machine. So the Host must be
ours to the letter (against a name that is made to point here), and so must the Origin, where
there is one; and whatever is not one of the page's own files needs the token that was printed at
the start. The token travels in the address behind #, which browsers send to nobody, and from
there in a header, or as a protocol of the socket: it stands in no log.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_HEADER = b"x-handgrad-token"
READING = {"GET", "HEAD"}


class Guard:
    """Refuses what may not ask, and sends every answer under a strict policy."""

    def __init__(self, app: App, *, port: int, token: str, files: set[str]) -> None:
        self.app, self.token, self.files = app, token, files
        self.hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        self.headers = _headers(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        status = self._refusal(scope)
        if status is None:
            await self.app(scope, receive, self._guarded(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(status, self._guarded(send))

    def _refusal(self, scope: Scope) -> int | None:
        """Give the status of a refusal; None for welcome."""
        values: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            values.setdefault(name.lower(), []).append(value)
        hosts = values.get(b"host", [])
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return 400
        origins = values.get(b"origin", [])
        if origins not in ([], [b"http://" + hosts[0]]):
            return 403
        if values.get(b"sec-fetch-site", [b"none"])[0] not in (b"none", b"same-origin"):
            return 403
        if scope["type"] == "websocket":
            return None if origins and self._knows(scope["subprotocols"]) else 403
        is_reading = scope["method"] in READING
        if is_reading and scope["path"] in self.files:
            return None
        if not is_reading and not origins:
            return 403
        given = [value.decode("latin-1") for value in values.get(TOKEN_HEADER, [])]
        return None if len(given) == 1 and self._knows(given) else 401

    def _knows(self, given: list[str]) -> bool:
        return any(secrets.compare_digest(one.encode(), self.token.encode()) for one in given)

    def _guarded(self, send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers]
            await send(message)

        return sending


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
    body = b"refused: open the address that handgrad play printed\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
