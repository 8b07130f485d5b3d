"""The same right handshake in other segments: TCP is a stream and keeps no boundaries (5.1)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from ws76proxy.probe.cases.making import Cut, opening_case
from ws76proxy.probe.model import Case
from ws76proxy.probe.opening import KEY1, Opening
from ws76proxy.probe.script import Send
from ws76proxy.wire.frames import encode_text

__all__ = ["CASES", "byte_by_byte"]


def _cut_at(*places: Callable[[Opening], int], pause: float = 0.05) -> Cut:
    """Cut where these say, in bytes from the first."""

    def cut(opening: Opening) -> tuple[Send]:
        raw = opening.raw
        edges = [0, *(place(opening) for place in places), len(raw)]
        return (Send(tuple(raw[begin:end] for begin, end in pairwise(edges)), pause),)

    return cut


def _behind(text: bytes, further: int = 0) -> Callable[[Opening], int]:
    return lambda opening: opening.head.index(text) + len(text) + further


def _at_head_end(further: int) -> Callable[[Opening], int]:
    return lambda opening: len(opening.head) + further


def _lines(opening: Opening) -> tuple[Send]:
    return (Send((*opening.head.splitlines(keepends=True), opening.key3), pause=0.01),)


def byte_by_byte(opening: Opening) -> tuple[Send]:
    """Each byte of a handshake in a segment of its own."""
    return (Send(tuple(bytes([byte]) for byte in opening.raw), pause=0.001),)


def _with_frame(opening: Opening) -> tuple[Send]:
    return (Send((opening.raw + encode_text("too early"),)),)


_ROWS: tuple[tuple[str, str, Cut], ...] = (
    ("key3-apart", "the head, and key3 in the next segment", _cut_at(_at_head_end(0))),
    ("key3-late", "the head, and key3 half a second later", _cut_at(_at_head_end(0), pause=0.5)),
    ("key3-first-byte", "the head with one byte of key3, then the rest", _cut_at(_at_head_end(1))),
    ("key3-halves", "the head with half of key3, then the rest", _cut_at(_at_head_end(4))),
    ("key3-last-byte", "the last byte of key3 in a segment of its own", _cut_at(_at_head_end(7))),
    ("blank-line-1", "a cut behind the first CR of the blank line", _cut_at(_at_head_end(-3))),
    ("blank-line-2", "a cut before the last CR LF of the head", _cut_at(_at_head_end(-2))),
    ("blank-line-3", "a cut between the last CR and its LF", _cut_at(_at_head_end(-1))),
    ("inside-key", "a cut inside key1", _cut_at(_behind(KEY1 + b": ", 5))),
    ("request-line", "a cut inside the request line", _cut_at(_behind(b"GET"))),
    ("line-by-line", "each line in a segment of its own", _lines),
    ("byte-by-byte", "each byte in a segment of its own", byte_by_byte),
    ("with-frame", "a text frame in the segment of the handshake, too early", _with_frame),
)

CASES: tuple[Case, ...] = tuple(
    opening_case(
        f"76.segments.{name}",
        sends,
        "101 and the digest: key3 is the eight bytes behind the fields, however they come",
        "5.1, 5.2",
        cut=cut,
    )
    for name, sends, cut in _ROWS
)
