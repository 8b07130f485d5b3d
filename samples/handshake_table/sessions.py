"""Samples of odd frames, and of odd ends."""

from __future__ import annotations

from dataclasses import replace

from handshake_table.base import (
    BY_HAND_75,
    CAFE,
    CLIENT_75,
    NO_FAULT,
    SERVER_75,
    Sample,
    session,
)

__all__ = ["FRAMES"]


def quiet(code: tuple[str, ...], title: str, *said: bytes) -> Sample:
    """A correct handshake, and then frames that are worth a word and no more."""
    return replace(session(code, title, *said), forbid=NO_FAULT)


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
        ("line-end-behind-handshake",), "A line end behind the digest", b"", b"\r\n\x00hello\xff"
    ),
    "frames-line-end-after-digest-alone": session(
        ("line-end-behind-handshake",), "A line end behind the digest, and no message", b"", b"\n"
    ),
    "frames-line-end-after-key3": session(
        ("line-end-behind-handshake",), "A line end behind key3", b"\r\n\x00hello\xff"
    ),
    "frames-line-end-between": session(
        ("line-end-in-frames",), "A line end between messages", CAFE + b"\r\n" + CAFE
    ),
    "frames-nul": quiet(("text-with-nul",), "A NUL in a message", b"\x00a\x00b\xff"),
    "frames-half-surrogates": session(
        ("text-not-utf8",), "A character as two surrogates", b"\x00\xed\xa0\xbd\xed\xb8\x80\xff"
    ),
    "frames-nul-of-java": session(("text-not-utf8",), "Java's NUL", b"\x00a\xc0\x80b\xff"),
    "frames-cut-character": session(
        ("text-not-utf8",), "A message cut within a character", b"\x00caf\xc3\xff"
    ),
    "frames-rfc6455-close": session(
        ("rfc6455-frame",), "The client closes as RFC 6455", b"\x88\x82\x01\x02\x03\x04\x02\xea"
    ),
    "frames-rfc6455-ping": session(("rfc6455-frame",), "A ping", b"", b"\x89\x00"),
    "frames-close-reversed": session(
        ("close-reversed",), "00 FF for FF 00, and then the end", CAFE + b"\x00\xff", CAFE
    ),
    "frames-close-answered-reversed": session(
        ("close-reversed",), "FF 00 is answered with 00 FF", b"\xff\x00", CAFE + b"\x00\xff"
    ),
    "frames-answered-late": quiet(
        ("data-before-close-answer",),
        "Two messages come between FF 00 and its answer",
        b"\xff\x00",
        CAFE + CAFE + b"\xff\x00",
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
