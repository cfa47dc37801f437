"""The addresses, the socket, the start. It listens on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
import webbrowser
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from handgrad.engines.blas import blas_on_one_thread
from handgrad.errors import DataError
from handgrad.playground import takeaway
from handgrad.playground.commands import obey
from handgrad.playground.crowd import PATIENCE, connections
from handgrad.playground.guard import Guard, Secrets
from handgrad.playground.plain import plain
from handgrad.playground.player import Player
from handgrad.playground.replay import replay
from handgrad.playground.source import usual_target
from handgrad.tables.table import read

if TYPE_CHECKING:
    import pyarrow as pa

    from handgrad.playground.guard import App
    from handgrad.playground.session import Session

PORT = 8642  # unless it is taken, or another is asked for
PROTOCOL = "handgrad"
MOST_BYTES = 5_000_000  # of a table that is dropped on the page
MOST_SECONDS = 20.0  # for a table to arrive
PACKED = (b"\x1f\x8b", b"PAR1", b"PK")  # a few bytes of these may unpack to more than fits
LONGEST_MESSAGE = 65_536
QUEUE = 1024  # connections that wait to be accepted
ACCEPTED_AT_ONCE = 16  # so that a burst of connections does not use up the open files
PAUSE = 0.008  # seconds between two looks for a newer frame

KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
TAKEAWAYS = {
    "model": ("handgrad.safetensors", takeaway.model_file),
    "python": ("train.py", takeaway.python),
    "plain": ("by_hand.py", plain),
    "javascript": ("model.js", takeaway.javascript),
    "history": ("history.csv", takeaway.history_csv),
    "replay": ("replay.html", replay),
}


def page_files() -> dict[str, tuple[bytes, str]]:
    """Read the files of the page, by their addresses: no other name is ever looked up."""
    found = {}
    for file in (files("handgrad") / "playground" / "page").iterdir():
        kind = KINDS.get(Path(file.name).suffix)
        if kind:
            address = "/" if file.name == "index.html" else f"/page/{file.name}"
            found[address] = file.read_bytes(), f"{kind}; charset=utf-8"
    return found


class Server:
    """The page's side of a player."""

    def __init__(self, player: Player, *, port: int, known: Secrets) -> None:
        self.player = player
        self.files = page_files()
        routes = [
            *(Route(address, self.page, methods=["GET"]) for address in self.files),
            Route("/table", self.table, methods=["POST"]),
            *(Route(f"/take/{name}", self.take, methods=["GET"]) for name in TAKEAWAYS),
            WebSocketRoute("/socket", self.socket),
        ]
        self.inner = Starlette(routes=routes)
        self.app: App = Guard(self.inner, port=port, known=known, files=set(self.files))

    async def page(self, request: Request) -> Response:
        content, kind = self.files[request.url.path]
        return Response(content, headers={"content-type": kind})

    async def take(self, request: Request) -> Response:
        """Send a download."""
        name, make = TAKEAWAYS[request.url.path.removeprefix("/take/")]
        try:
            content = await asyncio.to_thread(self.player.look, make)
        except ValueError as error:
            return JSONResponse({"message": str(error)}, status_code=409)
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    async def table(self, request: Request) -> Response:
        """Take a table that was dropped on the page; it does not stay on the disk."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                content = await _body(request)
            await asyncio.to_thread(self._take_table, content)
        except TimeoutError:
            return JSONResponse({"message": "the table took too long to arrive"}, status_code=408)
        except ValueError as error:
            return JSONResponse({"message": str(error)}, status_code=422)
        return JSONResponse({"message": "taken"})

    def _take_table(self, content: bytes) -> None:
        table = read_bytes(content)
        target = usual_target(table)
        self.player.pause()
        with self.player.lock:
            self.player.runs.both(lambda run: run.take_table(table, target))

    async def socket(self, socket: WebSocket) -> None:
        """Answer the messages of one page, one after the other."""
        await socket.accept(subprotocol=PROTOCOL)
        asked = asyncio.Event()
        sending = asyncio.create_task(self._send_frames(socket, asked))
        try:
            while True:
                message = _message(await socket.receive_text())
                if message.get("do") == "next":
                    asked.set()
                    continue
                answer = await asyncio.to_thread(self._obeyed, message)
                if answer is not None:
                    await socket.send_text(json.dumps(answer))
        except (WebSocketDisconnect, KeyError):  # gone; or bytes came, which no page sends
            return
        finally:
            sending.cancel()

    async def _send_frames(self, socket: WebSocket, asked: asyncio.Event) -> None:
        """Whenever a frame is requested, wait until something has changed, then send it."""
        state: Any = None
        number = -1
        with suppress(WebSocketDisconnect, RuntimeError):  # the page has gone
            while True:
                await asked.wait()
                asked.clear()
                while self.player.state == state:
                    await asyncio.sleep(PAUSE)
                state, newest, content = await asyncio.to_thread(self.player.frame)
                if newest.number != number:
                    number = newest.number
                    await socket.send_text(newest.text)
                await socket.send_bytes(content)

    def _obeyed(self, message: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return obey(self.player, message)
        except (ValueError, TypeError, OverflowError) as error:
            return {"kind": "refused", "message": str(error)}


def _message(text: str) -> dict[str, Any]:
    """Read a message; anything but a JSON object becomes an empty one, which is refused."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        message = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


async def _body(request: Request) -> bytes:
    """Collect a request's content, up to the largest size of a table."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise DataError(f"a table for the page must have at most {MOST_BYTES:,} bytes")
    return content


def read_bytes(content: bytes) -> pa.Table:
    """Read plain CSV through a temporary file, as ``read`` does.

    Raises
    ------
    DataError
        If it is not plain CSV.
    """
    if content.startswith(PACKED):
        raise DataError("a table for the page must be plain CSV; unpack it, or save it as CSV")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(content)
        try:
            return read(path)
        except DataError as error:
            raise DataError(str(error).removeprefix(f"{str(path)!r}: ")) from None


# -- the start ------------------------------------------------------------------------------------


def listening(port: int | None) -> socket.socket:
    """Listen on 127.0.0.1: at the given port, or else at ``PORT`` or any free one.

    Raises
    ------
    OSError
        If the given port is taken, or none is free.
    """
    for candidate in [port] if port is not None else [PORT, 0]:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", candidate))
        except OSError as error:
            listener.close()
            if port is not None:
                raise OSError(
                    f"port {port} of 127.0.0.1 is not available: {error.strerror}; name another "
                    "with --port, or leave --port out for any free one"
                ) from None
            continue
        listener.listen(QUEUE)  # from here on a browser may come, before anything answers
        return listener
    raise OSError("no port of 127.0.0.1 is free; end a program that listens on one of them")


def configuration(app: App, *, patience: float = PATIENCE) -> uvicorn.Config:
    """Configure the server: without a log, since a request may hold private data."""
    return uvicorn.Config(
        app,
        http=connections(patience),
        log_level="critical",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=LONGEST_MESSAGE,
        backlog=ACCEPTED_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )


class WebServer(uvicorn.Server):
    """A server that accepts a few connections at a time, and lets many wait."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(QUEUE)  # asyncio has made the queue as short as ACCEPTED_AT_ONCE


def serve(session: Session, *, port: int | None, opens: bool, say: Any) -> None:
    """Serve the page until it is interrupted; ``say`` is called with the address."""
    listener = listening(port)
    number, known = listener.getsockname()[1], Secrets()
    player = Player(session)
    server = Server(player, port=number, known=known)
    address = f"http://127.0.0.1:{number}/#token={known.token}"
    say(address)
    if opens:
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    try:
        # Arrays this small gain nothing from a second thread, and lose much on busy cores.
        with blas_on_one_thread():
            WebServer(configuration(server.app)).run(sockets=[listener])
    finally:
        player.close()
        listener.close()
