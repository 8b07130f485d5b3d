"""Scripted peers over real sockets, every wait of theirs bounded."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import ClassVar

from ws76proxy.diagnosis import expected_location
from ws76proxy.wire import (
    ClosingHandshake,
    Dialect,
    Head,
    RequestHead,
    ResponseHead,
    dialect_of,
    hixie75,
    hixie76,
)

__all__ = ["PATIENCE", "Peer", "RawServer", "connect_proxy", "serve"]

PATIENCE = 15.0


class Peer:
    """One end of a connection, read and written in a blocking way."""

    _connected: ClassVar[list[Peer]] = []

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._read = b""

    @classmethod
    def connect(cls, port: int) -> Peer:
        peer = cls(socket.create_connection(("127.0.0.1", port), PATIENCE))
        cls._connected.append(peer)
        return peer

    @classmethod
    def close_all(cls) -> None:
        """Close what a test has connected and left open."""
        while cls._connected:
            cls._connected.pop().close()

    def tls(self, name: str = "127.0.0.1") -> Peer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._connected.remove(self)
        peer = Peer(context.wrap_socket(self.sock, server_hostname=name))
        self._connected.append(peer)
        return peer

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.sock.sendall(piece)

    def more(self) -> bool:
        data = self.sock.recv(65536)
        self._read += data
        return bool(data)

    def exactly(self, count: int) -> bytes:
        while len(self._read) < count:
            if not self.more():
                raise EOFError(f"wanted {count} bytes, got {self._read!r}")
        data, self._read = self._read[:count], self._read[count:]
        return data

    def until(self, end: bytes) -> bytes:
        while end not in self._read:
            if not self.more():
                raise EOFError(f"wanted {end!r}, got {self._read!r}")
        return self.exactly(self._read.index(end) + len(end))

    def rest(self) -> bytes:
        with contextlib.suppress(ConnectionResetError, ssl.SSLError):
            while self.more():
                pass
        data, self._read = self._read, b""
        return data

    def ready(self) -> bytes:
        if not self._read:
            self.more()
        data, self._read = self._read, b""
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()


class RawServer:
    """Runs a script for each connection in a thread of its own."""

    def __init__(
        self, script: Callable[[Peer], None], context: ssl.SSLContext | None = None
    ) -> None:
        self._script = script
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[Peer] = []
        self.port: int = self._listener.getsockname()[1]
        self.faults: list[BaseException] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._open:
            peer.close()
        self._thread.join(PATIENCE)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        try:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            peer = Peer(sock)
            self._open.append(peer)
            with contextlib.closing(peer):
                self._script(peer)
        except (OSError, EOFError):
            return
        except BaseException as error:  # noqa: BLE001 - told by the test that looks
            self.faults.append(error)


def serve(peer: Peer) -> None:
    """Pages and hixie echo; the path says what is to be odd."""
    secure = isinstance(peer.sock, ssl.SSLSocket)
    while True:
        head = RequestHead(peer.until(b"\r\n\r\n"))
        if dialect_of(head) is Dialect.HTTP:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
            continue
        _session(peer, head, secure)
        return


def _session(peer: Peer, head: RequestHead, secure: bool) -> None:
    odd = head.target.decode("latin-1")
    is_76 = dialect_of(head) is Dialect.HIXIE_76
    connection: hixie76.ServerConnection | hixie75.ServerConnection
    connection = hixie76.ServerConnection() if is_76 else hixie75.ServerConnection()
    connection.receive_head(head)
    if is_76:
        connection.receive_data(peer.exactly(8))
    connection.events()
    if "not-found" in odd:
        peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        serve(peer)
        return
    if "silent" in odd:
        peer.rest()
        return
    prefix = b"sec-" if is_76 else b""
    extra = [("Content-Length", "16")] if "length-16" in odd else []
    if "transfer" in odd:
        extra.append(("Transfer-Encoding", "chunked"))
    connection.accept(
        location=expected_location(head, secure).decode("latin-1"),
        protocol=head.value(prefix + b"websocket-protocol"),
        extra=extra,
    )
    answer = connection.data_to_send()
    if "wrong-digest" in odd:
        answer = answer[:-16] + b"sixteen wrong by"
    if "wrong-location" in odd:
        field = ResponseHead(Head(answer[: answer.index(b"\r\n\r\n") + 4]).raw)
        location = field.get(b"sec-websocket-location")
        assert location is not None
        answer = field.replace_field(location, b"ws://elsewhere/").raw + answer[-16:]
    if "short-digest" in odd:
        peer.send(answer[:-7])
        return
    if "drip" in odd:
        peer.send(*(answer[at : at + 1] for at in range(len(answer))))
    elif "frames-at-once" in odd:
        peer.send(answer + b"\x00first\xff\x00second\xff")
    else:
        peer.send(answer)
    if "fin" in odd:
        return
    if "odd-frames" in odd:
        peer.send(b"\x05typed\xff\x80\x80\x03abc\x00bad \xc3(\xff")
    _echo(peer, connection, answers_close="deaf" not in odd)


def _echo(
    peer: Peer,
    connection: hixie76.ServerConnection | hixie75.ServerConnection,
    *,
    answers_close: bool,
) -> None:
    while True:
        data = peer.ready()
        if not data:
            return
        connection.receive_data(data)
        for event in connection.events():
            if isinstance(event, ClosingHandshake):
                if answers_close:
                    peer.send(event.raw)
                return
            raw: bytes = getattr(event, "raw", b"")
            peer.send(raw)


@contextlib.contextmanager
def connect_proxy() -> Iterator[tuple[RawServer, list[str]]]:
    """A proxy that knows CONNECT, and what it was asked."""
    asked: list[str] = []

    def script(peer: Peer) -> None:
        line = peer.until(b"\r\n\r\n").split(b"\r\n")[0].decode()
        asked.append(line)
        host, _, port = line.split(" ")[1].rpartition(":")
        far = Peer(socket.create_connection((host, int(port)), PATIENCE))
        with contextlib.closing(far):
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(far, peer), daemon=True)
            back.start()
            _pump(peer, far)
            back.join(PATIENCE)

    with RawServer(script) as server:
        yield server, asked


def _pump(source: Peer, sink: Peer) -> None:
    with contextlib.suppress(OSError):
        while data := source.ready():
            sink.send(data)
    with contextlib.suppress(OSError):
        sink.sock.shutdown(socket.SHUT_WR)
