"""Samples of handshakes that end too early, and of odd frames."""

from __future__ import annotations

from handshake_table.base import (
    BY_HAND_75,
    CLIENT,
    CLIENT_75,
    DIGEST,
    HEAD,
    NO_FAULT,
    REQUEST,
    SERVER_75,
    Sample,
    ended,
    session,
)

__all__ = ["FRAMES", "UNFINISHED"]

UNFINISHED = {
    "unfinished-request": ended(
        ("request-incomplete",), "No blank line", REQUEST[:-2], b"", "timeout"
    ),
    "unfinished-without-key3": ended(
        ("key3-missing",), "An HTTP library ate key3", REQUEST, b"", "timeout"
    ),
    "unfinished-without-key3-head-sent": ended(
        ("key3-missing",), "No key3; the server's head came without it", REQUEST, HEAD, "timeout"
    ),
    "unfinished-short-key3": ended(
        ("key3-short",), "key3 lost its leading CR LF", REQUEST + b"abcdef", b"", "timeout"
    ),
    "unfinished-no-answer": ended(
        ("response-missing",), "The server is silent", CLIENT, b"", "timeout"
    ),
    "unfinished-server-closes": ended(
        ("response-missing",), "The server closes instead of answering", CLIENT, b"", "server eof"
    ),
    "unfinished-without-digest": ended(
        ("digest-missing",), "A head without digest", CLIENT, HEAD, "timeout"
    ),
    "unfinished-short-digest": ended(
        ("digest-short",), "The digest was cut at a NUL", CLIENT, HEAD + DIGEST[:5], "server eof"
    ),
    "unfinished-client-leaves": ended(
        ("client-left-early",), "The client closes first", CLIENT, b"", "client eof"
    ),
}

FRAMES = {
    "frames-bad-utf8": session(
        ("text-not-utf8",), "Latin-1 in a text frame", b"\x00caf\xe9!\xff\xff\x00", b"\xff\x00"
    ),
    "frames-unfinished": session(("frame-unfinished",), "No 0xFF at the end", b"\x00abc"),
    "frames-length": session(
        ("length-frame-discarded",), "A frame with a length", b"\x80\x03abc\x00x\xff"
    ),
    "frames-length-leading-zeros": session(
        ("length-frame-discarded", "length-not-minimal"),
        "A length with leading 0x80 bytes",
        b"\x80\x80\x80\x03abc",
    ),
    "frames-length-absurd": session(
        ("length-absurd",), "A length of ten groups", b"\x80" + b"\xff" * 10
    ),
    "frames-type-1": session(("unknown-frame-type",), "A frame of type 0x01", b"\x01abc\xff"),
    "frames-rfc6455": session(
        ("rfc6455-frame",), "The server frames as RFC 6455", b"", b"\x81\x05hello"
    ),
    "frames-rfc6455-masked": session(
        ("rfc6455-frame",),
        "The client frames and masks as RFC 6455",
        b"\x81\x85\x01\x02\x03\x04igoho",
    ),
    "frames-http-500": session(
        ("http-in-frames",),
        "An error page in the stream",
        b"",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    ),
    "frames-http-after-line-ends": session(
        ("http-in-frames",), "A second answer", b"", b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    ),
    "frames-line-end-after-digest": session(
        ("line-end-in-frames",), "A line end behind the digest", b"", b"\r\n\x00hello\xff"
    ),
    "frames-closed-twice": session(
        ("closed-twice",), "FF 00 twice", b"\xff\x00\xff\x00", b"\xff\x00"
    ),
    "frames-data-after-close": session(
        ("data-after-close",), "A message behind FF 00", b"\xff\x00\x00late\xff", b"\xff\x00"
    ),
    "frames-closing-in-75": Sample(
        "FF 00 in a hixie-75 session",
        BY_HAND_75,
        ("closing-handshake-in-75",),
        client=CLIENT_75 + b"\xff\x00",
        server=SERVER_75,
        forbid=NO_FAULT,
        steps=(
            f"client {len(CLIENT_75)}",
            "server",
            "client",
            "client eof",
            "server eof",
        ),
    ),
    "frames-repeated": session(
        ("unknown-frame-type", "repeated"), "The same fault seven times", b"\x01\xff" * 7
    ),
}
