"""The servers of these tests on real sockets, in the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import cast

from ws76proxy.endpoint import Endpoint
from ws76proxy.probe import Target

from .strict import StrictServer


@dataclass
class Running:
    """A server that listens; what it has seen so far."""

    secure: bool = False
    port: int = 0
    accepted: int = 0
    open_now: int = 0
    most_at_once: int = 0
    transports: set[asyncio.Transport] = field(default_factory=set)
    listener: asyncio.Server | None = None
    met: threading.Event = field(default_factory=threading.Event)
    """Set when the first client has come; for a test in another thread."""

    @property
    def target(self) -> Target:
        """What to probe."""
        return Target(Endpoint(self.secure, "127.0.0.1", self.port), "/echo?room=1")

    def stop(self) -> None:
        """Accept nobody any more, and drop everybody: what the end of a process looks like."""
        assert self.listener is not None
        self.listener.close()
        for transport in list(self.transports):
            transport.abort()


class Connection(asyncio.Protocol):
    """One connection to a server that is a state machine."""

    def __init__(self, running: Running, server: StrictServer) -> None:
        self.running = running
        self.server = server
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        running = self.running
        running.transports.add(self.transport)
        running.accepted += 1
        running.met.set()
        running.open_now += 1
        running.most_at_once = max(running.most_at_once, running.open_now)

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.server.receive(data))
        self._close()

    def eof_received(self) -> bool:
        self.server.eof()
        self._close()
        return not self.server.closed

    def connection_lost(self, error: Exception | None) -> None:
        self.running.open_now -= 1
        self.running.transports.discard(self.transport)

    def _close(self) -> None:
        if self.server.closed:
            self.transport.close()


ProtocolFactory = Callable[[Running], asyncio.BaseProtocol]


@contextlib.asynccontextmanager
async def listening(
    factory: ProtocolFactory, context: ssl.SSLContext | None = None
) -> AsyncIterator[Running]:
    """Serve with these protocols, on a port of the system's choice."""
    running = Running(secure=context is not None)
    loop = asyncio.get_running_loop()
    running.listener = await loop.create_server(
        lambda: factory(running), "127.0.0.1", 0, ssl=context
    )
    running.port = running.listener.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        running.stop()


def machine(server: type[StrictServer]) -> ProtocolFactory:
    """Connections of that server."""

    def make(running: Running) -> Connection:
        host = b"127.0.0.1:%d" % running.port
        return Connection(running, server(secure=running.secure, host=host))

    return make
