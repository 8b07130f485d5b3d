"""Opening handshakes in bytes: the challenge and answer are the ones that the draft publishes."""

from __future__ import annotations

KEY3 = b"^n:ds[4U"
DIGEST = b"8jKS'y:G*Co,Wxa-"
CLOSING = b"\xff\x00"

SWITCHING = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"\r\n"
)
ANSWER = SWITCHING + DIGEST


def request(
    host: str = "example.com", origin: str = "http://example.com", extra: str = ""
) -> bytes:
    """A client's head, key3 not included; `extra` is whole lines."""
    return (
        "GET /demo HTTP/1.1\r\n"
        f"Host: {host}\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
        "Upgrade: WebSocket\r\n"
        "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
        f"Origin: {origin}\r\n"
        f"{extra}\r\n"
    ).encode()


def request_75(host: str = "example.com") -> bytes:
    """A hixie-75 client's head."""
    return (
        "GET /demo HTTP/1.1\r\n"
        "Upgrade: WebSocket\r\n"
        "Connection: Upgrade\r\n"
        f"Host: {host}\r\n"
        "Origin: http://example.com\r\n"
        "\r\n"
    ).encode()


def frame(text: bytes) -> bytes:
    """A text frame."""
    return b"\x00" + text + b"\xff"
