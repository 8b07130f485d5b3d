"""What the samples of wrong digests are made of, apart from the package."""

from __future__ import annotations

import hashlib
import struct

from handshake_table.base import BY_HAND, CLIENT, HEAD, KEY1, KEY2, KEY3, REQUEST, Sample, edit

__all__ = [
    "GUID",
    "KEY1_FIRST",
    "LATIN1",
    "LATIN1_AS_UTF8",
    "PART1",
    "PART2",
    "PART2_AS_UTF8",
    "U_FFFD",
    "asked",
    "md5",
    "packed",
    "sha1",
    "wrong",
]

# Both parts of the draft's example, as it states them.
PART1, PART2 = struct.pack(">I", 829_309_203), struct.pack(">I", 259_970_620)
# key3 with bytes that are Latin-1, and neither ASCII nor UTF-8; and the same as UTF-8 text.
LATIN1, LATIN1_AS_UTF8 = b"\x8an:\xe9s[4U", b"\xc2\x8an:\xc3\xa9s[4U"
PART2_AS_UTF8 = b"\x0f~\xc3\x96<"
U_FFFD = b"\xef\xbf\xbd"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

LINE1, LINE2 = b"Sec-WebSocket-Key1: " + KEY1 + b"\r\n", b"Sec-WebSocket-Key2: " + KEY2 + b"\r\n"
KEY1_FIRST = edit(CLIENT, (LINE1, b""), (LINE2, LINE1 + LINE2))


def md5(*pieces: bytes) -> bytes:
    """MD5 of the pieces."""
    return hashlib.md5(b"".join(pieces), usedforsecurity=False).digest()


def sha1(*pieces: bytes) -> bytes:
    """SHA-1 of the pieces."""
    return hashlib.sha1(b"".join(pieces), usedforsecurity=False).digest()


def packed(value: int) -> bytes:
    """32 bits, most significant byte first; a negative number as two's complement."""
    return struct.pack(">I" if value >= 0 else ">i", value)


def asked(key1: bytes = KEY1, key2: bytes = KEY2, key3: bytes = KEY3) -> bytes:
    """The request with other keys."""
    return edit(REQUEST, (KEY1, key1), (KEY2, key2)) + key3


def wrong(
    title: str,
    answered: bytes,
    *codes: str,
    request: bytes = CLIENT,
    source: str = BY_HAND,
    verdict: str = "digest-wrong",
) -> Sample:
    """A correct head with this behind it."""
    return Sample(title, source, (verdict, *codes), client=request, server=HEAD + answered)
