"""A TCP pass-through of asyncio protocols: the cost in Python of a relay that looks at nothing."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import cast


class Side(asyncio.Protocol):
    """One of the two connections of a session: what it receives, the other one sends.

    TCP_NODELAY is on without our doing: asyncio and uvloop set it on every TCP transport.
    """

    transport: asyncio.Transport
    peer: Side

    def __init__(self) -> None:
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.peer.transport.write(data)

    # Back-pressure: while our buffer is full, nothing more is read from the other side.
    def pause_writing(self) -> None:
        self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        self.peer.transport.resume_reading()

    def eof_received(self) -> bool:
        """Pass a half-close on; the connections end when both directions have."""
        self.ended = True
        if self.peer.ended:
            self.peer.transport.close()
            return False
        self.peer.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.peer.transport.close()


class Accepted(asyncio.Protocol):
    """The accepted connection until the one upstream is made; then a Side takes its place.

    It keeps what comes early: uvloop, unlike the stock loop, starts to read after
    `connection_made` even when that has paused reading.
    """

    def __init__(self, upstream: int, make_side: Callable[[], Side]) -> None:
        self.upstream = upstream
        self.make_side = make_side
        self.early = b""
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.task = asyncio.get_running_loop().create_task(self.connect())

    def data_received(self, data: bytes) -> None:
        self.early += data
        self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, there = await loop.create_connection(
                self.make_side, "127.0.0.1", self.upstream
            )
        except OSError as error:
            print(f"upstream: {error}", file=sys.stderr)
            self.transport.abort()
            return
        if self.lost:
            transport.abort()
            return
        here = self.make_side()
        here.peer, there.peer = there, here
        here.connection_made(self.transport)
        self.transport.set_protocol(here)
        if self.early:
            here.data_received(self.early)
        self.transport.resume_reading()


async def serve(upstream: int, make_side: Callable[[], Side]) -> None:
    """Listen on a free port of the loopback address until a signal comes."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    accepted = partial(Accepted, upstream, make_side)
    server = await loop.create_server(accepted, "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    print(f"listening on ws://{host}:{port}", file=sys.stderr, flush=True)
    await stop.wait()
    server.close()


def main(description: str | None, make_side: Callable[[], Side]) -> None:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("upstream", type=int, help="the port on 127.0.0.1 to connect to")
    parser.add_argument("--uvloop", action="store_true", help="uvloop instead of the stock loop")
    arguments = parser.parse_args()
    if arguments.uvloop:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(arguments.upstream, make_side))
    else:
        asyncio.run(serve(arguments.upstream, make_side))


if __name__ == "__main__":
    main(__doc__, Side)
