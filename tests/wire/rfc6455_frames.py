"""Frames and handshakes of RFC 6455 by the letter, without the code under test or its library."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from ws76proxy.wire import RequestHead, rfc6455

from .transcript import Cut, Talk

# The example of 1.2 and 1.3.
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = b"\x37\xfa\x21\x3d"
REQUEST = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + KEY + b"\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"\r\n"
)


def below(seed: int = 76) -> Callable[[int], int]:
    """Entropy that is the same in each run."""
    return Random(seed).randrange


def xor(payload: bytes, mask: bytes = MASK) -> bytes:
    """Masking as 5.3 describes it, byte by byte."""
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def plain(first: int, payload: bytes = b"") -> bytes:
    """A frame as a server sends it; `first` holds FIN, the reserved bits and the opcode."""
    return bytes([first]) + _length(len(payload), 0) + payload


def masked(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """A frame as a client sends it."""
    return bytes([first]) + _length(len(payload), 0x80) + mask + xor(payload, mask)


def _length(size: int, bit: int) -> bytes:
    if size < 126:
        return bytes([bit | size])
    if size < 65_536:
        return bytes([bit | 126]) + size.to_bytes(2, "big")
    return bytes([bit | 127]) + size.to_bytes(8, "big")


def server(cut: Cut, **options: Any) -> Talk[rfc6455.ServerConnection]:
    """A talk that has come as far as an accepted handshake."""
    talk = Talk(rfc6455.ServerConnection(**options), cut)
    talk.peer(REQUEST, "request /chat")
    talk.leg.accept(protocol=b"chat")
    talk.we_send(RESPONSE)
    return talk


def client(cut: Cut, **options: Any) -> Talk[rfc6455.ClientConnection]:
    """A talk that has come as far as a whole answer, read as frames from here on."""
    talk = Talk(rfc6455.ClientConnection(**options), cut)
    talk.leg.connect_as(RequestHead(REQUEST), below())
    talk.we_send(REQUEST)
    talk.peer(RESPONSE, "response 101")
    talk.leg.open()
    return talk
