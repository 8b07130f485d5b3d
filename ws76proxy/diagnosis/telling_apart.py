"""Which other handshake would tell apart two causes that one handshake cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ws76proxy.diagnosis.causes import Cause
from ws76proxy.diagnosis.hypotheses import Asked
from ws76proxy.wire.challenge import DIGEST_SIZE, Challenge, read_key

__all__ = ["PROBES", "Probe", "what_would_tell"]

# Numbers below 2**31, parts of printable bytes, single spaces, key3 of letters: whatever happens
# only now and then does not happen here, and each probe adds one such thing.
_KEY1, _KEY2, _KEY3 = b"2 1a2 2b4 17287", b"1 6c6 7d4 59436", b"keythree"
_KEY1_FIRST = b"GET / HTTP/1.1\r\nSec-WebSocket-Key1: x\r\nSec-WebSocket-Key2: x\r\n\r\n"
_KEY2_FIRST = b"GET / HTTP/1.1\r\nSec-WebSocket-Key2: x\r\nSec-WebSocket-Key1: x\r\n\r\n"
_FRAME = b"\x00a message\xff"


class Probe(NamedTuple):
    """A handshake, and what is special about it."""

    what: str
    asked: Asked


def _probe(
    what: str,
    *,
    key1: bytes = _KEY1,
    key2: bytes = _KEY2,
    key3: bytes = _KEY3,
    head: bytes = _KEY2_FIRST,
) -> Probe:
    return Probe(what, Asked(Challenge(read_key(key1), read_key(key2), key3), head, _FRAME))


PROBES = (
    _probe("nearly any other handshake"),
    _probe("Key1 before Key2 in the request", head=_KEY1_FIRST),
    _probe("white space at the beginning of key3", key3=b" eythree"),
    _probe("white space at the end of key3", key3=b"keythre "),
    _probe("a NUL at the beginning of key3", key3=b"\0eythree"),
    _probe("a control character at the beginning of key3", key3=b"\x01eythree"),
    _probe("a line end inside key3", key3=b"key\r\nree"),
    _probe("a NUL inside key3", key3=b"key\0hree"),
    _probe("bytes in key3 that are UTF-8, but not ASCII", key3=b"keythr\xc3\xa9"),
    _probe("bytes in key3 that are not UTF-8", key3=b"key\x80hre\xe9"),
    _probe("bytes in a part that are not ASCII", key1=b"1 31a7 12b3 711"),
    _probe("a part below 16777216", key1=b"8 48a8 0b 71"),
    _probe("a key with one space", key1=b"70747a2 429"),
    _probe("spaces next to each other in a key", key1=b"2  1a2 2b417287"),
    _probe("a key that does not begin with a digit", key1=b"x2122417 a2 b8 7"),
    _probe("a space at the beginning of a key", key1=b" 21a2 2b4 17287"),
    _probe("a space at the end of a key", key1=b"2 1a2 2b417287 "),
    _probe("a tab in a key", key1=b"2\t1a2 2b4 17 287"),
    _probe("a key-number above 2147483647", key1=b"2 8a2 98b8 9 716"),
    _probe("a key-number above 4294967295", key1=b"4 9 5 2 3 0 7 003x"),
    _probe(
        "key-numbers that are not multiples of their spaces",
        key1=b"2 1a2 2b4 17288",
        key2=b"1 6c6 7d4 59438",
    ),
    _probe("a key without digits", key1=b"a b c"),
    _probe("a NUL in the digest", key3=b"digabgst"),
)


def what_would_tell(causes: Sequence[Cause]) -> str:
    """A clause that says which other handshakes would tell the causes apart; empty for one cause.

    It is found by computing what each cause makes of the probes.
    """
    if len(causes) < 2:
        return ""
    made = [[cause.server.answer(probe.asked) for probe in PROBES] for cause in causes]
    read = [
        [None if sent is None else sent[:DIGEST_SIZE] for sent in all_sent] for all_sent in made
    ]
    chosen = _telling(read)
    told = _told_apart(read, chosen)
    names = [PROBES[place].what for place in chosen]
    if told < _told_apart(made, [*chosen, 0]):
        names.append("what follows the first 16 bytes")
        told = _told_apart(made, [*chosen, 0])
    if not names:
        return "these always give the same bytes"
    which = "them" if told == len(causes) else "some of them"
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed} would tell {which} apart"


def _telling(made: Sequence[Sequence[bytes | None]]) -> list[int]:
    """The fewest probes, more or less, that tell apart all that can be told apart."""
    chosen: list[int] = []
    told = 1
    while told < len(made):
        most, place = max(
            [(_told_apart(made, [*chosen, place]), -place) for place in range(len(PROBES))]
        )
        if most == told:
            break
        told = most
        chosen.append(-place)
    return chosen


def _told_apart(made: Sequence[Sequence[bytes | None]], chosen: Sequence[int]) -> int:
    return len({tuple([answers[place] for place in chosen]) for answers in made})
