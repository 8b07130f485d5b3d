"""A correct request and a correct answer, with lines changed for one test."""

from __future__ import annotations

from ws76proxy.wire import RequestHead, ResponseHead

__all__ = ["answer", "answer_75", "request", "request_75"]

_REQUEST = (
    b"GET /demo?x=1 HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
    b"\r\n"
)
_ANSWER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo?x=1\r\n"
    b"\r\n"
)


def request(*changes: tuple[bytes, bytes]) -> RequestHead:
    """The correct hixie-76 request with each old text replaced by the new one."""
    return RequestHead(_changed(_REQUEST, changes))


def answer(*changes: tuple[bytes, bytes]) -> ResponseHead:
    """The correct hixie-76 answer to `request()`, changed likewise."""
    return ResponseHead(_changed(_ANSWER, changes))


def request_75(*changes: tuple[bytes, bytes]) -> RequestHead:
    """The same without its keys, changed likewise."""
    lines = [line for line in _REQUEST.split(b"\r\n") if not line.startswith(b"Sec-")]
    return RequestHead(_changed(b"\r\n".join(lines), changes))


def answer_75(*changes: tuple[bytes, bytes]) -> ResponseHead:
    """The correct hixie-75 answer to `request_75()`, changed likewise."""
    raw = _ANSWER.replace(b"101 WebSocket", b"101 Web Socket").replace(
        b"Sec-WebSocket", b"WebSocket"
    )
    return ResponseHead(_changed(raw, changes))


def _changed(raw: bytes, changes: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for old, new in changes:
        assert raw.count(old) == 1, old
        raw = raw.replace(old, new)
    return raw
