"""What the sample handshakes are made of: two correct ones, and ways to change them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = [
    "BY_HAND",
    "BY_HAND_75",
    "CAFE",
    "CLIENT",
    "CLIENT_75",
    "DIGEST",
    "GOOD_76",
    "HEAD",
    "KEY1",
    "KEY2",
    "KEY3",
    "NO_FAULT",
    "REQUEST",
    "SEEN",
    "SERVER",
    "SERVER_75",
    "WEBKIT_CLIENT",
    "WEBKIT_SERVER",
    "Sample",
    "about_answer",
    "about_key",
    "about_request",
    "answer",
    "client",
    "edit",
    "ended",
    "part",
    "refused",
    "server",
    "session",
    "with_field",
]

GOOD_76 = (
    "digest-verified",
    "keys-well-formed",
    "location-matches",
    "origin-matches",
    "upgrade-ok",
)
NO_FAULT = ("error", "warning")

# The example of draft -76, section 1.2, with its published answer.
KEY1 = b"4 @1  46546xW%0l 1 5"
KEY2 = b"12998 5 Y3 1  .P00"
KEY3 = b"^n:ds[4U"
DIGEST = b"8jKS'y:G*Co,Wxa-"

REQUEST = (
    b"GET /demo?room=1 HTTP/1.1\r\n"
    b"Host: example.com\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    b"Origin: http://example.com\r\n"
    b"\r\n"
)
CLIENT = REQUEST + KEY3
HEAD = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo?room=1\r\n"
    b"\r\n"
)
SERVER = HEAD + DIGEST
CLIENT_75 = (
    b"GET /demo HTTP/1.1\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Host: example.com\r\n"
    b"Origin: http://example.com\r\n"
    b"\r\n"
)
SERVER_75 = (
    b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"WebSocket-Origin: http://example.com\r\n"
    b"WebSocket-Location: ws://example.com/demo\r\n"
    b"\r\n"
)
# QtWebKit with a server made for the recording, which echoes.
WEBKIT_CLIENT = (
    b"GET /chat?room=1 HTTP/1.1\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Host: 127.0.0.1:18980\r\n"
    b"Origin: http://127.0.0.1:18980\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"Sec-WebSocket-Key1: a7^y<9 2777t9|:59,\r\n"
    b"Sec-WebSocket-Key2: t32C rn6 6 u)?4 2&u22 0V1h  s\r\n"
    b"\r\n"
    b"}\xdf\xc0\x19\xb1G \x14"
)
WEBKIT_SERVER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    b"Upgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Location: ws://127.0.0.1:18980/chat?room=1\r\n"
    b"Sec-WebSocket-Origin: http://127.0.0.1:18980\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"\r\n"
    b"\xe4I\x82\xd7\x9a\x9f&X7H\xaa\xf7\xc2\xfc\x9f\x00"
)
CAFE = b"\x00caf\xc3\xa9\xff"
BY_HAND = "made by hand from draft -76"
BY_HAND_75 = "made by hand from draft -75"
SEEN = "made by hand after what servers and clients were seen to send"


@dataclass(frozen=True)
class Sample:
    """One sample: the bytes of both directions and the codes that they must and must not give."""

    title: str
    source: str
    expect: tuple[str, ...]
    client: bytes = CLIENT
    server: bytes = SERVER
    secure: bool = False
    forbid: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    listener: str = ""


def edit(original: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """The original with each old text replaced by the new; the old one must be there once."""
    for old, new in changes:
        if original.count(old) != 1:
            raise ValueError(f"{old!r} is there {original.count(old)} times")
        original = original.replace(old, new)
    return original


def part(key: bytes) -> bytes:
    """The 32-bit big-endian part of a key, rounded down as lax servers do."""
    number = int(bytes(one for one in key if one in b"0123456789"))
    return (number // key.count(b" ") & 0xFFFFFFFF).to_bytes(4, "big")


def answer(key1: bytes, key2: bytes, key3: bytes = KEY3) -> bytes:
    """The digest, derived apart from the package."""
    return hashlib.md5(part(key1) + part(key2) + key3, usedforsecurity=False).digest()


def client(*changes: tuple[bytes, bytes]) -> bytes:
    """The correct hixie-76 request, changed."""
    return edit(CLIENT, *changes)


def server(*changes: tuple[bytes, bytes]) -> bytes:
    """The correct hixie-76 answer, changed."""
    return edit(SERVER, *changes)


def with_field(original: bytes, line: bytes) -> bytes:
    """One more line at the end of a head."""
    head, blank, tail = original.partition(b"\r\n\r\n")
    return head + b"\r\n" + line + blank + tail


def about_request(
    code: str, title: str, changed: bytes, *more: str, source: str = BY_HAND
) -> Sample:
    """A faulty request that was answered all the same."""
    return Sample(title, source, (code, *more), client=changed)


def about_answer(
    code: str, title: str, changed: bytes, *more: str, source: str = BY_HAND
) -> Sample:
    """A correct request with a faulty answer."""
    return Sample(title, source, (code, *more), server=changed)


def about_key(
    code: str, title: str, key1: bytes, *more: str, digest: bytes | None = None
) -> Sample:
    """A request with another first key, and what a lax server answers to it."""
    answered = answer(key1, KEY2) if digest is None else digest
    return Sample(
        title,
        BY_HAND,
        (code, *more),
        client=client((KEY1, key1)),
        server=HEAD + answered,
    )


def refused(code: str, title: str, line: bytes, *fields: bytes) -> Sample:
    """A correct request, refused."""
    head = b"\r\n".join([line, *fields, b"Content-Length: 0", b"Connection: close"])
    return Sample(title, BY_HAND, (code,), server=head + b"\r\n\r\n")


def session(
    code: tuple[str, ...], title: str, from_client: bytes = b"", from_server: bytes = b""
) -> Sample:
    """A correct handshake, and then frames."""
    return Sample(
        title,
        BY_HAND,
        (*GOOD_76, *code),
        client=CLIENT + from_client,
        server=SERVER + from_server,
        forbid=() if code else NO_FAULT,
        steps=(
            f"client {len(CLIENT)}",
            f"server {len(SERVER)}",
            *(("client",) if from_client else ()),
            *(("server",) if from_server else ()),
            "client eof",
            "server eof",
        ),
    )


def ended(code: tuple[str, ...], title: str, sent: bytes, answered: bytes, *last: str) -> Sample:
    """A handshake that was never whole."""
    steps = (*(("client",) if sent else ()), *(("server",) if answered else ()), *last)
    return Sample(title, BY_HAND, code, client=sent, server=answered, steps=steps)
