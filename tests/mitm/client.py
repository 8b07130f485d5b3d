"""A hixie client that checks what a browser checks."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from tests.mitm.peers import Peer
from ws76proxy.diagnosis import expected_location
from ws76proxy.wire import Challenge, RequestHead, ResponseHead, hixie75, hixie76

__all__ = ["Client", "RefusedError", "connect_through", "socks5_through"]

ORIGIN = "http://page.example"


class RefusedError(AssertionError):
    """The answer is one that a browser would refuse; `head` is what came."""

    def __init__(self, why: str, head: ResponseHead, body: bytes = b"") -> None:
        super().__init__(why)
        self.head = head
        self.body = body


class Client:
    """One session, opened by `open`."""

    def __init__(
        self,
        peer: Peer,
        target: str,
        host: str,
        *,
        old: bool = False,
        origin: str = ORIGIN,
        secure: bool = False,
        extra: tuple[tuple[str, str], ...] = (),
        key3: bytes | None = None,
    ) -> None:
        self.peer = peer
        self.secure = secure
        self.challenge: Challenge | None = None
        self.digest = b""
        if old:
            leg: hixie75.ClientConnection | hixie76.ClientConnection = hixie75.ClientConnection()
            leg.connect(resource=target, host=host, origin=origin, extra=extra)  # type: ignore[call-arg]
        else:
            leg = hixie76.ClientConnection()
            self.challenge = leg.connect(
                resource=target,
                host=host,
                origin=origin,
                extra=extra,
                random_below=secrets.randbelow,
            )
        self.request = leg.data_to_send()
        if self.challenge is not None and key3 is not None:
            self.request = self.request[:-8] + key3
            self.challenge = Challenge(self.challenge.key1, self.challenge.key2, key3)

    @property
    def head(self) -> RequestHead:
        return RequestHead(self.request[: self.request.index(b"\r\n\r\n") + 4])

    def open(
        self,
        *,
        cut: Callable[[bytes], list[bytes]] = lambda data: [data],
        early: bytes = b"",
        check: bool = True,
    ) -> ResponseHead:
        """Send the handshake, cut as told, and check the answer."""
        self.peer.send(*cut(self.request + early))
        head = ResponseHead(self.peer.until(b"\r\n\r\n"))
        if head.status != 101:
            length = head.value(b"content-length")
            raise RefusedError(f"{head.status}", head, self.peer.exactly(int(length or 0)))
        if self.challenge is not None:
            self.digest = self.peer.exactly(16)
        prefix = b"sec-websocket-" if self.challenge else b"websocket-"
        if check:
            if self.challenge is not None and self.digest != self.challenge.answer:
                raise RefusedError("digest", head)
            if head.value(prefix + b"location") != expected_location(self.head, self.secure):
                raise RefusedError("location", head)
            if head.value(prefix + b"origin") != self.head.value(b"origin"):
                raise RefusedError("origin", head)
        return head

    def say(self, payload: bytes) -> None:
        self.peer.send(b"\x00" + payload + b"\xff")

    def hear(self) -> bytes:
        frame = self.peer.until(b"\xff")
        assert frame[:1] == b"\x00", frame
        return frame[1:-1]

    def echo(self, *payloads: bytes) -> None:
        for payload in payloads:
            self.say(payload)
            assert self.hear() == payload

    def close(self) -> None:
        """The closing handshake, and the end of the connection."""
        self.peer.send(b"\xff\x00")
        assert self.peer.exactly(2) == b"\xff\x00"
        assert self.peer.rest() == b""


def connect_through(peer: Peer, authority: str, extra: str = "") -> ResponseHead:
    """Ask an HTTP proxy for a tunnel."""
    peer.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{extra}\r\n".encode())
    return ResponseHead(peer.until(b"\r\n\r\n"))


def socks5_through(peer: Peer, port: int) -> None:
    """Ask a SOCKS proxy for a connection to this machine."""
    peer.send(b"\x05\x01\x00")
    assert peer.exactly(2) == b"\x05\x00"
    peer.send(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big"))
    assert peer.exactly(10)[:2] == b"\x05\x00"
