"""Key3: eight bytes of any value, whatever a text protocol would make of them (4.1, 5.1)."""

from __future__ import annotations

from dataclasses import replace

from ws76proxy.probe.cases.making import opening_case, whole
from ws76proxy.probe.judges import withholds
from ws76proxy.probe.model import Case, Need, Requirement
from ws76proxy.probe.opening import Alteration, Opening
from ws76proxy.probe.script import Finish, Listen, Send, Step, Until, Wait

__all__ = ["CASES"]

_BYTES = (
    ("leading-cr", "key3 that begins with CR", b"\rbcdefgh"),
    ("leading-lf", "key3 that begins with LF", b"\nbcdefgh"),
    ("leading-crlf", "key3 that begins with CR LF", b"\r\ncdefgh"),
    ("leading-space", "key3 that begins with a space", b" bcdefgh"),
    ("leading-tab", "key3 that begins with a tab", b"\tbcdefgh"),
    ("leading-nul", "key3 that begins with NUL", b"\0bcdefgh"),
    ("leading-ff", "key3 that begins with 0xFF", b"\xffbcdefgh"),
    ("trailing-cr", "key3 that ends in CR", b"abcdefg\r"),
    ("trailing-lf", "key3 that ends in LF", b"abcdefg\n"),
    ("trailing-crlf", "key3 that ends in CR LF", b"abcdef\r\n"),
    ("trailing-space", "key3 that ends in a space", b"abcdefg "),
    ("trailing-nul", "key3 that ends in NUL", b"abcdefg\0"),
    ("trailing-ff", "key3 that ends in 0xFF", b"abcdefg\xff"),
    ("inner-nul", "key3 with NUL in the middle", b"abc\0efgh"),
    ("inner-blank-line", "key3 with CR LF CR LF in the middle", b"ab\r\n\r\ngh"),
    ("zeros", "key3 of eight bytes 0x00", bytes(8)),
    ("ones", "key3 of eight bytes 0xFF", b"\xff" * 8),
    ("spaces", "key3 of eight spaces", b" " * 8),
    (
        "high-bytes",
        "key3 of eight bytes from 0x80 on",
        b"\x80\x9f\xa0\xc3\xdf\xe9\xfe\xff",
    ),
    ("broken-utf8", "key3 that ends within a UTF-8 sequence", b"abcdef\xe2\x98"),
    ("byte-order-mark", "key3 that begins with a UTF-8 byte order mark", b"\xef\xbb\xbfdefgh"),
    ("digits", "key3 of eight ASCII digits", b"12345678"),
    ("text-frame", "key3 that looks like a text frame", b"\0bcdefg\xff"),
)


def _key3(key3: bytes) -> Alteration:
    return lambda opening: replace(opening, key3=key3)


def _head_only(opening: Opening) -> tuple[Step, ...]:
    return Send((opening.head,)), Listen(1.0)


def _ended(opening: Opening) -> tuple[Step, ...]:
    return *whole(opening), Finish(), Wait(Until.ENDED)


CASES: tuple[Case, ...] = (
    *(
        opening_case(
            f"76.key3.{name}",
            sends,
            "the digest over the eight bytes in the order they were sent on the wire",
            "5.2, step 8",
            _key3(key3),
        )
        for name, sends, key3 in _BYTES
    ),
    opening_case(
        "76.key3.never",
        "the head without key3, and nothing more for a second",
        "no digest before the eight bytes behind the fields have come",
        "5.1, 5.2",
        cut=_head_only,
        judge=withholds(),
    ),
    opening_case(
        "76.key3.seven-bytes",
        "seven bytes of key3, and then the end of its direction of TCP",
        "no digest, and the connection closed",
        "5.1, 5.2",
        _key3(b"abcdefg"),
        cut=_ended,
        judge=withholds(),
        needs=frozenset({Need.HALF_CLOSE}),
        requirement=Requirement.MUST,
    ),
)
