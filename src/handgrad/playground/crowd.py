"""Connections that have not shown the secrets: few, and none of them for long.

Any program of this machine can connect and then send nothing, or never read its answer. So a
connection without the secrets is dropped once it has been silent for too long, or once too many
others have come after it; the page's owner is always one of the newest.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from handgrad.playground.guard import LET_IN

MOST_STRANGERS = 128  # with those just being accepted, they fit into 256 open files
PATIENCE = 5.0  # seconds to send the head of a request, and as many to read the answer


class Crowd:
    """The strangers, in the order in which they were last heard."""

    def __init__(self, *, patience: float, most: int = MOST_STRANGERS) -> None:
        self.patience, self.most = patience, most
        self.timers: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    def heard(self, transport: asyncio.Transport) -> None:
        """Start the clock of a stranger who arrives, or has sent the head of a request."""
        self.forget(transport)
        if len(self.timers) >= self.most:
            self.drop(next(iter(self.timers)))
        loop = asyncio.get_running_loop()
        self.timers[transport] = loop.call_later(self.patience, self.drop, transport)

    def forget(self, transport: asyncio.BaseTransport) -> None:
        timer = self.timers.pop(transport, None)
        if timer is not None:
            timer.cancel()

    def drop(self, transport: Any) -> None:
        self.forget(transport)
        transport.abort()  # closing would wait until the answer has been read


def connections(patience: float) -> type[H11Protocol]:
    """Make the protocol of the connections of one server."""
    crowd = Crowd(patience=patience)

    class Connection(H11Protocol):
        is_known = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, LET_IN: self.let_in}
            crowd.heard(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            crowd.forget(self.transport)
            super().connection_lost(exc)

        def handle_events(self) -> None:
            last = self.scope
            super().handle_events()
            if self.is_known:
                return
            if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
                crowd.drop(self.transport)  # many requests at once, which no browser sends
            elif self.scope is not last:
                crowd.heard(self.transport)

        def let_in(self) -> None:
            self.is_known = True
            crowd.forget(self.transport)

    return Connection
