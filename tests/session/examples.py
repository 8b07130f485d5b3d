"""Heads for the transcripts: a page of the proxy's own address, and of another site."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "DIGEST",
    "KEY3",
    "answer",
    "answer_75",
    "plain",
    "request",
    "request_75",
]

# The example of draft-hixie-thewebsocketprotocol-76, 1.2, in which each other thing may vary: the
# answer depends on keys and key3 alone.
_KEYS = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
KEY3 = b"^n:ds[4U"
DIGEST = b"8jKS'y:G*Co,Wxa-"

_SITE = "http://site.test"


def request(
    host: str = "proxy.test:8076",
    origin: str | None = _SITE,
    *,
    target: str = "/chat?room=1",
    extra: Sequence[str] = (),
    keys: str = _KEYS,
) -> bytes:
    """A hixie-76 client's head."""
    lines = [f"GET {target} HTTP/1.1", "Upgrade: WebSocket", "Connection: Upgrade"]
    lines.append(f"Host: {host}")
    if origin is not None:
        lines.append(f"Origin: {origin}")
    return "".join(f"{line}\r\n" for line in [*lines, *extra]).encode() + f"{keys}\r\n".encode()


def request_75(
    host: str = "proxy.test:8076", origin: str | None = _SITE, *, extra: Sequence[str] = ()
) -> bytes:
    """A hixie-75 client's head."""
    return request(host, origin, extra=extra, keys="")


def answer(
    host: str = "proxy.test:8076",
    origin: str = _SITE,
    *,
    location: str | None = None,
    extra: Sequence[str] = (),
) -> bytes:
    """The head of a server that accepts."""
    location = location or f"ws://{host}/chat?room=1"
    return plain(
        "HTTP/1.1 101 WebSocket Protocol Handshake",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Location: {location}",
        f"Sec-WebSocket-Origin: {origin}",
        *extra,
    )


def answer_75(host: str = "proxy.test:8076", origin: str = _SITE) -> bytes:
    """The head of a hixie-75 server that accepts."""
    return plain(
        "HTTP/1.1 101 Web Socket Protocol Handshake",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        f"WebSocket-Origin: {origin}",
        f"WebSocket-Location: ws://{host}/chat?room=1",
    )


def plain(*lines: str) -> bytes:
    """A head of these lines."""
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
