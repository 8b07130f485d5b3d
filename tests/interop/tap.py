"""A recorder on a TCP connection: what each side really sent, when, in which pieces, to which end.

It stands between two programs, passes on what each says as soon as it comes, and ends a connection
as it was ended: in order, or with a reset.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Literal, NamedTuple

from .process import PATIENCE
from .threads import in_thread

__all__ = ["Pieces", "Tap", "Wire", "tapping"]

End = Literal["", "fin", "reset", "cut off"]
"""In order; with a reset; or by this tap, because the other side had been reset."""
_NO_LINGER = struct.pack("ii", 1, 0)


class Piece(NamedTuple):
    """Bytes that came together, and when, by a clock that never jumps."""

    time: float
    data: bytes


@dataclass
class Pieces:
    """What one side said, and how it ended."""

    pieces: list[Piece] = field(default_factory=list)
    end: End = ""

    @property
    def data(self) -> bytes:
        return b"".join([piece.data for piece in self.pieces])

    @property
    def head(self) -> bytes:
        """Up to the blank line; empty where there is none."""
        head, blank, _ = self.data.partition(b"\r\n\r\n")
        return head + blank if blank else b""

    @property
    def behind(self) -> bytes:
        """What follows the head."""
        return self.data[len(self.head) :]

    def time_of(self, part: bytes) -> float:
        """When the last byte of this came."""
        end, so_far = self.data.index(part) + len(part), 0
        for piece in self.pieces:
            so_far += len(piece.data)
            if so_far >= end:
                return piece.time
        raise AssertionError("never")


@dataclass
class Wire:
    """One connection through the tap."""

    client: Pieces = field(default_factory=Pieces)
    server: Pieces = field(default_factory=Pieces)

    @property
    def path(self) -> str:
        """What the client asked for."""
        return self.client.data.split(b" ", 2)[1].decode() if b" " in self.client.data else ""


class Tap:
    """A tap that is open; `wires` are the connections so far, in order."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.wires: list[Wire] = []
        self.changed = threading.Condition()

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://{self.netloc}"

    def find(self, path: str) -> Wire | None:
        """The connection on which this was asked for; None: there was none."""
        return next((wire for wire in self.wires if wire.path.partition("?")[0] == path), None)

    def wire(self, path: str) -> Wire:
        """The same, which must be there, and over: both sides have ended, or were cut off."""
        with self.changed:
            assert self.changed.wait_for(lambda: self._is_over(path), PATIENCE), path
        found = self.find(path)
        assert found is not None
        return found

    def _is_over(self, path: str) -> bool:
        found = self.find(path)
        return found is not None and bool(found.client.end and found.server.end)


class _Handler(BaseRequestHandler):
    tap: Tap
    upstream: tuple[str, int]

    def handle(self) -> None:
        client: socket.socket = self.request
        wire = Wire()
        with self.tap.changed:
            self.tap.wires.append(wire)
        with socket.create_connection(self.upstream, PATIENCE) as server:
            for one in (client, server):
                one.settimeout(None)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(
                target=self._pass_on, args=(server, client, wire.server, wire.client)
            )
            back.start()
            self._pass_on(client, server, wire.client, wire.server)
            back.join()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, said: Pieces, other: Pieces
    ) -> None:
        end: End = "fin"
        while True:
            try:
                data = source.recv(1 << 16)
            except OSError:
                end = "reset"
                break
            if not data:
                break
            with self.tap.changed:
                said.pieces.append(Piece(time.monotonic(), data))
            with suppress(OSError):
                target.sendall(data)
        with self.tap.changed:
            if other.end == "reset":
                end = "cut off"
            said.end = end
            self.tap.changed.notify_all()
        with suppress(OSError):
            if end == "reset":
                # What was not sent is of no use to anybody: this is what makes a reset.
                target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                target.shutdown(socket.SHUT_RD)
                target.close()
            elif end == "fin":
                target.shutdown(socket.SHUT_WR)


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def tapping(upstream: str | None = None, port: int = 0) -> Iterator[Tap]:
    """A tap in front of a server's ws:// URL."""
    address = (upstream or "").removeprefix("ws://").rpartition(":")
    tap = Tap(0)
    handler = type("Handler", (_Handler,), {"tap": tap, "upstream": (address[0], int(address[2]))})
    with in_thread(_Server(("127.0.0.1", port), handler)) as tap.port:
        yield tap
