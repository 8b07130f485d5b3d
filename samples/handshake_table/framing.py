"""Samples of what stands around the digest, and of handshakes that end before they are whole."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND,
    CAFE,
    CLIENT,
    DIGEST,
    HEAD,
    KEY1,
    REQUEST,
    SEEN,
    Sample,
    client,
    edit,
    ended,
    with_field,
)
from handshake_table.digest_base import asked
from handshake_table.digest_bytes import KEY3_FOR_NUL, NUL_DIGEST

__all__ = ["AROUND", "UNFINISHED"]

POLICY = b'<?xml version="1.0"?><cross-domain-policy><allow-access-from domain="*" to-ports="*"/>'
HEAD_75 = edit(HEAD, (b"Sec-WebSocket-Origin", b"WebSocket-Origin")).replace(
    b"Sec-WebSocket-Location", b"WebSocket-Location"
)


def around(code: str, title: str, sent: bytes, *more: str, source: str = BY_HAND) -> Sample:
    """A correct head, and then something else than the digest."""
    codes = ("digest-wrong", code, *more)
    return Sample(title, source, codes, server=HEAD + sent, forbid=("digest-verified",))


AROUND = {
    "digest-behind-message": around(
        "frames-before-digest",
        "The open handler sends before the digest has left",
        b"\x00hi\xff" + DIGEST,
        "frame-unfinished",
    ),
    "digest-behind-messages": around(
        "frames-before-digest",
        "Several messages before the digest",
        CAFE * 3 + DIGEST + CAFE,
        "unknown-frame-type",
    ),
    "digest-never-but-a-message": around(
        "frames-before-digest",
        "A server of draft-75 with the names of draft-76: it sends no digest, but a message",
        b"\x00hello, who is there?\xff",
        "unknown-frame-type",
    ),
    "digest-behind-byte-order-mark": around(
        "bytes-before-digest",
        "A source file that begins with a byte order mark is sent along",
        b"\xef\xbb\xbf" + DIGEST,
        "frame-unfinished",
    ),
    "digest-behind-line-feed": around(
        "bytes-before-digest", "A line feed too many", b"\n" + DIGEST, "frame-unfinished"
    ),
    "digest-behind-field": around(
        "bytes-before-digest",
        "A field behind a blank line too many",
        b"Set-Cookie: a=b\r\n\r\n" + DIGEST,
        "line-end-behind-handshake",
    ),
}


def unanswered(code: tuple[str, ...], title: str, sent: bytes, *last: str) -> Sample:
    """A correct request, and then no whole head."""
    return ended(code, title, CLIENT, sent, *last)


UNFINISHED = {
    "unfinished-request": ended(
        ("request-incomplete",), "No blank line", REQUEST[:-2], b"", "timeout"
    ),
    "unfinished-without-key3": ended(
        ("key3-missing",), "An HTTP library ate key3", REQUEST, b"", "timeout"
    ),
    "unfinished-without-key3-by-proxy": ended(
        ("key3-missing",),
        "A proxy ate key3, and has left its name",
        with_field(REQUEST, b"Via: 1.1 cache.example.com (squid/2.7)"),
        b"",
        "timeout",
    ),
    "unfinished-without-key3-head-sent": ended(
        ("key3-missing",), "No key3; the server's head came without it", REQUEST, HEAD, "timeout"
    ),
    "unfinished-without-key3-408": ended(
        ("answered-request-timeout",),
        "No key3; the server waits for it, and then says so",
        REQUEST,
        b"HTTP/1.1 408 Request Timeout\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n",
        "client eof",
        "server eof",
    ),
    "unfinished-short-key3": ended(
        ("key3-short", "key3-trimmed"),
        "key3 lost its leading CR LF",
        REQUEST + b"abcdef",
        b"",
        "timeout",
    ),
    "unfinished-short-key3-head-sent": ended(
        ("key3-short", "key3-trimmed"),
        "key3 lost its leading CR; the server's head came without it",
        REQUEST + b"\0bc\xe9efg",
        HEAD,
        "timeout",
    ),
    "unfinished-key3-cut": Sample(
        "key3 was cut at a NUL: more is gone than a line end",
        BY_HAND,
        ("key3-short",),
        client=REQUEST + b"abc",
        server=b"",
        forbid=("key3-trimmed",),
        steps=("client", "timeout"),
    ),
    "unfinished-key3-line-end-eaten": ended(
        ("response-missing", "key3-line-end-eaten"),
        "key3 begins with CR, and the server never answers",
        REQUEST + b"\rbcdefgh",
        b"",
        "timeout",
    ),
    "unfinished-key3-line-end-eaten-head-sent": ended(
        ("digest-missing", "key3-line-end-eaten"),
        "key3 begins with LF CR, and only the server's head comes",
        REQUEST + b"\n\rcdefgh",
        HEAD,
        "timeout",
    ),
    "unfinished-no-answer": Sample(
        "The server is silent",
        BY_HAND,
        ("response-missing",),
        server=b"",
        forbid=("key3-line-end-eaten",),
        steps=("client", "timeout"),
    ),
    "unfinished-server-closes": unanswered(
        ("response-missing",), "The server closes instead of answering", b"", "server eof"
    ),
    "unfinished-server-closes-on-faulty-keys": Sample(
        "The server closes because a key has no spaces",
        BY_HAND,
        ("key-no-spaces", "faulty-keys-refused"),
        client=client((KEY1, KEY1.replace(b" ", b""))),
        server=b"",
        forbid=("response-missing",),
        steps=("client", "server eof"),
    ),
    "unfinished-head": unanswered(
        ("response-incomplete",), "A head without a blank line", HEAD[:-2], "timeout"
    ),
    "unfinished-status-line": unanswered(
        ("response-incomplete",), "Half a status line", HEAD[:12], "server eof"
    ),
    "unfinished-flash-policy": unanswered(
        ("response-not-http",), "A Flash policy is served at this port", POLICY, "server eof"
    ),
    "unfinished-frames-without-head": unanswered(
        ("response-not-http",), "A message, and no head at all", CAFE, "timeout"
    ),
    "unfinished-tls-alert": unanswered(
        ("response-tls",),
        "The port speaks TLS, and alerts",
        b"\x15\x03\x01\x00\x02\x02\x46",
        "server eof",
    ),
    "unfinished-without-digest": ended(
        ("digest-missing",), "A head without digest", CLIENT, HEAD, "timeout"
    ),
    "unfinished-without-digest-75": ended(
        ("response-names-of-75", "digest-missing"),
        "A server of draft-75: its head has other names, and no digest comes",
        CLIENT,
        HEAD_75,
        "timeout",
    ),
    "unfinished-short-digest": ended(
        ("digest-short",), "Five bytes of digest", CLIENT, HEAD + DIGEST[:5], "server eof"
    ),
    "unfinished-digest-until-nul": ended(
        ("digest-short", "digest-sent-until-nul"),
        "The digest ends before its first NUL",
        asked(key3=KEY3_FOR_NUL),
        HEAD + NUL_DIGEST[: NUL_DIGEST.index(0)],
        "timeout",
    ),
    "unfinished-message-for-digest": ended(
        ("digest-short", "frames-before-digest"),
        "A message that is shorter than a digest, and no digest",
        CLIENT,
        HEAD + b"\x00hello\xff",
        "timeout",
    ),
    "unfinished-client-leaves": Sample(
        "The client closes first",
        SEEN,
        ("client-left-early",),
        server=b"",
        forbid=("error",),
        steps=("client", "client eof"),
    ),
}
