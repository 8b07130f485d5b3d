"""Two sessions in memory whose sides speak different dialects: do heads and bodies still fit?"""

from __future__ import annotations

from collections.abc import Callable

from ws76proxy.mitm.hooks import Hooks
from ws76proxy.mitm.memory import Wires
from ws76proxy.mitm.settings import Settings
from ws76proxy.wire import Dialect, RequestHead, hixie76, rfc6455

__all__ = ["EXAMPLE", "EXAMPLE_DIGEST", "talk_bridged"]

# The draft's own example (1.2), with a key3 that begins like a line end.
EXAMPLE = (
    b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nOrigin: http://example.com\r\n\r\n"
    b"^n:ds[4U"
)
EXAMPLE_DIGEST = b"8jKS'y:G*Co,Wxa-"
# The example of RFC 6455 (1.3).
_MODERN = (
    b"GET /demo HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_HELLO, _HELLO_MASKED, _HELLO_OLD = b"\x81\x05Hello", b"\x81\x85\0\0\0\0Hello", b"\x00Hello\xff"

MakeWires = Callable[[Hooks], Wires]
Expect = Callable[[str, object, object], None]


def talk_bridged(make_wires: MakeWires, expect: Expect) -> None:
    """A client of today with an old server, and the other way round.

    `expect` raises where what is found is not what is expected.
    """
    wires = _wires(make_wires, Dialect.HIXIE_76)
    wires.from_client(_MODERN)
    head, key3 = RequestHead(wires.to_server[:-8]), wires.to_server[-8:]
    challenge = hixie76.challenge_of(head, key3)
    expect("the challenge of a bridged request", challenge is not None, True)
    digest = b"" if challenge is None else challenge.answer or b""
    wires.from_server(
        b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Origin: null\r\n"
        b"Sec-WebSocket-Location: ws://example.com/demo\r\n\r\n" + digest + _HELLO_OLD
    )
    answer, blank_line, rest = wires.to_client.partition(b"\r\n\r\n")
    expect("a bridged answer's proof", _ACCEPT in answer + blank_line, True)
    expect("a bridged message", rest, _HELLO)
    wires.from_client(_HELLO_MASKED)
    expect("a message to an old server", wires.to_server[-7:], _HELLO_OLD)

    others = _wires(make_wires, Dialect.RFC_6455)
    others.from_client(EXAMPLE)
    asked = RequestHead(others.to_server)
    key = rfc6455.request_facts(asked).key or b""
    others.from_server(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + rfc6455.accept_key(key) + b"\r\n\r\n" + _HELLO
    )
    _, _, rest = others.to_client.partition(b"\r\n\r\n")
    expect("a bridged digest and message", rest, EXAMPLE_DIGEST + _HELLO_OLD)


def _wires(make_wires: MakeWires, server: Dialect) -> Wires:
    settings = Settings(server_dialect=server)
    return make_wires(Hooks(lambda: settings, lambda: True))
