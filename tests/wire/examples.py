"""One handshake of each dialect, and talks that have come as far as frames."""

from __future__ import annotations

from ws76proxy.wire import hixie76

from .transcript import Cut, Talk

# The example of section 1.2.
REQUEST = (
    b"GET /demo HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
    b"Sec-WebSocket-Protocol: sample\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    b"Origin: http://example.com\r\n"
    b"\r\n"
)
KEY3 = b"^n:ds[4U"
RESPONSE = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: sample\r\n"
    b"\r\n"
)
DIGEST = b"8jKS'y:G*Co,Wxa-"
REQUEST_75 = (
    b"GET /demo HTTP/1.1\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Host: example.com\r\n"
    b"Origin: http://example.com\r\n"
    b"WebSocket-Protocol: sample\r\n"
    b"\r\n"
)
RESPONSE_75 = (
    b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"WebSocket-Origin: http://example.com\r\n"
    b"WebSocket-Location: ws://example.com/demo\r\n"
    b"WebSocket-Protocol: sample\r\n"
    b"\r\n"
)
LOCATION = "ws://example.com/demo"


def server(cut: Cut) -> Talk[hixie76.ServerConnection]:
    """A talk that has come as far as an accepted handshake."""
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST + KEY3, "request /demo", f"key3 {KEY3!r}")
    talk.leg.accept(location=LOCATION, protocol=b"sample")
    talk.we_send(RESPONSE + DIGEST)
    return talk


def client(cut: Cut) -> Talk[hixie76.ClientConnection]:
    """A talk that has come as far as a whole answer, read as frames from here on."""
    talk = Talk(hixie76.ClientConnection(), cut)
    talk.peer(RESPONSE + DIGEST, "response 101", f"digest {DIGEST!r}")
    talk.leg.open()
    return talk
