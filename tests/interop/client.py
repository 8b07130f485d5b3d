"""Clients that are not a browser: raw sockets of our own, and Protocol::WebSocket's client."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from .peer import PEERS
from .process import PATIENCE, Process, ProcessError

# A challenge and its answer as the draft publishes them: this client derives nothing.
KEY1 = b"4 @1  46546xW%0l 1 5"
KEY2 = b"12998 5 Y3 1  .P00"
KEY3 = b"^n:ds[4U"
DIGEST = b"8jKS'y:G*Co,Wxa-"

CLOSING = b"\xff\x00"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to the opening handshake."""

    status: bytes
    fields: dict[str, str]
    """By lower-case name; a field that comes twice would fail the test that made it."""
    digest: bytes


class RawClient:
    """A hixie-76 client that sends bytes as the draft has them and checks nothing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def open(
        self,
        url: str,
        *,
        origin: str,
        protocol: str | None = None,
        absolute: bool = False,
        challenge: tuple[bytes, bytes, bytes] = (KEY1, KEY2, KEY3),
        more: Sequence[tuple[str, str]] = (),
    ) -> Answer:
        """The opening handshake; `absolute` puts the whole URL into its first line, and `more` are
        further fields."""
        parts = urlsplit(url)
        resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if absolute:
            resource = url
        fields = [
            ("Upgrade", "WebSocket"),
            ("Connection", "Upgrade"),
            ("Host", parts.netloc),
            ("Origin", origin),
            *more,
        ]
        if protocol is not None:
            fields.append(("Sec-WebSocket-Protocol", protocol))
        key1, key2, key3 = challenge
        fields += [("Sec-WebSocket-Key1", key1.decode()), ("Sec-WebSocket-Key2", key2.decode())]
        head = "".join(
            [f"GET {resource} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in fields)]
        )
        self._send(head.encode() + b"\r\n" + key3)
        status, answered = self._head()
        return Answer(status, answered, digest=self._exactly(len(DIGEST)))

    def connect_through(self, url: str) -> None:
        """Ask an HTTP proxy for a tunnel to a server; what follows is said to that server."""
        netloc = urlsplit(url).netloc
        self._send(f"CONNECT {netloc} HTTP/1.1\r\nHost: {netloc}\r\n\r\n".encode())
        status, _ = self._head()
        if status.split()[1] != b"200":
            raise ProcessError(f"no tunnel: {status!r}")

    def fetch(self, url: str) -> bytes:
        """Something that is no WebSocket, on the same connection, which stays open."""
        parts = urlsplit(url)
        self._send(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        status, fields = self._head()
        if status.split()[1] != b"200":
            raise ProcessError(f"not fetched: {status!r}")
        return self._exactly(int(fields["content-length"]))

    def send(self, text: str) -> None:
        self._send(b"\x00" + text.encode() + b"\xff")

    def receive(self) -> str:
        return self.receive_bytes().decode()

    def receive_bytes(self) -> bytes:
        """The payload of a text frame, whatever it is."""
        frame = self._until(b"\xff")
        if frame[:1] != b"\x00":
            raise ProcessError(f"not a text frame: {frame[:40]!r}")
        return frame[1:-1]

    def close(self) -> bytes:
        """Start the closing handshake; what comes back before the connection ends."""
        self._send(CLOSING)
        return self.rest()

    def rest(self) -> bytes:
        """What comes before the connection ends."""
        while self._more():
            pass
        return self._received

    def _send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def _head(self) -> tuple[bytes, dict[str, str]]:
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        answered = [line.partition(":")[::2] for line in lines[1:] if line]
        names = [name.lower() for name, _ in answered]
        if len(set(names)) != len(names):
            raise ProcessError(f"a field came twice: {lines}")
        fields = {name.lower(): value.strip() for name, value in answered}
        return lines[0].encode("latin-1"), fields

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._need_more()
        at = self._received.index(end) + len(end)
        return self._exactly(at)

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._need_more()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _need_more(self) -> None:
        if not self._more():
            raise ProcessError(f"the connection ended after {self._received[:400]!r}")

    def _more(self) -> bool:
        try:
            received = self._connection.recv(1 << 18)
        except ConnectionResetError:
            return False
        self._received += received
        return bool(received)


class DrippingClient(RawClient):
    """Sends each byte in a segment of its own."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _send(self, data: bytes) -> None:
        for byte in data:
            self._connection.sendall(bytes([byte]))


@contextmanager
def connected(url: str, context: ssl.SSLContext | None = None) -> Iterator[RawClient]:
    """A raw client with an open TCP connection, in TLS when there is a context."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as plain:
        if context is None:
            yield RawClient(plain)
            return
        with context.wrap_socket(plain, server_hostname=parts.hostname) as secured:
            yield RawClient(secured)


def perl_client(
    url: str,
    *,
    version: Literal[75, 76],
    messages: Sequence[str],
    origin: str | None = None,
    subprotocol: str | None = None,
) -> list[dict[str, Any]]:
    """Run Protocol::WebSocket's client through one session; what it saw, event by event."""
    command = [
        "perl",
        str(PEERS / "protocol_websocket_client.pl"),
        "--url",
        url,
        "--version",
        str(version),
    ]
    if origin is not None:
        command += ["--origin", origin]
    if subprotocol is not None:
        command += ["--subprotocol", subprotocol]
    for text in messages:
        command += ["--message", text]
    with Process("protocol-websocket client", command, env=os.environ) as process:
        status = process.wait()
        if status:
            raise ProcessError(f"the client ended with status {status}")
        return [json.loads(line) for line in process.lines("stdout")]
