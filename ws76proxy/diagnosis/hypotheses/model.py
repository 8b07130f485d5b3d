"""A server's way from a challenge to its answer, stage by stage, and what a bug in it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import msgspec

from ws76proxy.wire.challenge import Challenge, Key

__all__ = [
    "Asked",
    "Hypothesis",
    "Server",
    "Steps",
    "big_endian",
    "every_space",
    "undivided",
    "unread",
    "whole",
]


class Asked(msgspec.Struct, frozen=True):
    """What a server has in hand when it answers.

    `head` is the request's head, with its blank line, and `behind` is what the client sent behind
    key3 before the answer came. Both are raw bytes; empty where they are not known.
    """

    challenge: Challenge
    head: bytes = b""
    behind: bytes = b""

    @property
    def key3(self) -> bytes:
        """The 8 bytes behind the head."""
        return self.challenge.key3


class Steps(NamedTuple):
    """What each stage of a server made of a challenge; `sent` is what follows the 101."""

    parts: tuple[int, int]
    packed: tuple[bytes, bytes]
    key3: bytes
    hashed: bytes
    digest: bytes
    sent: bytes


def all_digits(key: Key) -> int | None:
    """The key-number: all ASCII digits read as one base-ten integer (5.2, step 4)."""
    return key.number


def every_space(key: Key) -> int:
    """The count of U+0020 (5.2, step 5)."""
    return key.spaces


def whole(number: int, spaces: int) -> int | None:
    """Number divided by spaces, cut to an integer towards zero as C does (5.2, step 7)."""
    if not spaces:
        return None
    return number // spaces if number >= 0 else -(-number // spaces)


def unread(_: Key) -> int | None:
    """0, whatever is in the key: for servers that make nothing of its digits."""
    return 0


def undivided(number: int, _: int) -> int | None:
    """The number itself."""
    return number


def big_endian(part: int, _: Key) -> bytes:
    """A part as 32 bits, most significant byte first (5.2, step 8); what is above them is cut."""
    return (part & 0xFFFFFFFF).to_bytes(4, "big")


def as_it_came(asked: Asked) -> bytes | None:
    """key3, untouched."""
    return asked.key3


def in_order(_: Asked, part1: bytes, part2: bytes, key3: bytes) -> bytes | None:
    """Part 1, part 2, key3 (5.2, step 8)."""
    return part1 + part2 + key3


def unchanged(data: bytes) -> bytes:
    """The bytes as they are."""
    return data


def md5(data: bytes) -> bytes:
    """16 raw bytes (5.2, step 9)."""
    return hashlib.md5(data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Server:
    """How a server answers: one function for each stage.

    As it stands, it is the draft's, except that it does not check the keys: where the draft's
    server aborts, it goes on as C would, as most real ones do. A bug replaces one stage, rarely
    more, and bugs at different stages combine. A stage gives None where such a server would have no
    answer either, or where `Asked` does not hold what it would need.
    """

    number: Callable[[Key], int | None] = all_digits
    spaces: Callable[[Key], int] = every_space
    divide: Callable[[int, int], int | None] = whole
    pack: Callable[[int, Key], bytes] = big_endian
    key3: Callable[[Asked], bytes | None] = as_it_came
    order: Callable[[Asked, bytes, bytes, bytes], bytes | None] = in_order
    text: Callable[[bytes], bytes] = unchanged
    hash: Callable[[bytes], bytes] = md5
    send: Callable[[bytes], bytes] = unchanged

    def steps(self, asked: Asked) -> Steps | None:
        """Everything on the way to this server's answer; None where it has none."""
        key1, key2 = asked.challenge.key1, asked.challenge.key2
        part1, part2, key3 = self._part(key1), self._part(key2), self.key3(asked)
        if part1 is None or part2 is None or key3 is None:
            return None
        packed = self.pack(part1, key1), self.pack(part2, key2)
        ordered = self.order(asked, *packed, key3)
        if ordered is None:
            return None
        hashed = self.text(ordered)
        digest = self.hash(hashed)
        return Steps((part1, part2), packed, key3, hashed, digest, self.send(digest))

    def answer(self, asked: Asked) -> bytes | None:
        """What this server sends behind its head: 16 bytes, or what the bug makes of them."""
        steps = self.steps(asked)
        return None if steps is None else steps.sent

    def _part(self, key: Key) -> int | None:
        number = self.number(key)
        return None if number is None else self.divide(number, self.spaces(key))

    @property
    def altered(self) -> tuple[str, ...]:
        """The stages that differ from the draft's, in their order."""
        return tuple(name for name in _STAGES if getattr(self, name) is not getattr(_PLAIN, name))

    def combined(self, other: Server) -> Server | None:
        """A server with the bugs of both; None where both alter the same stage."""
        mine, theirs = self.altered, other.altered
        if not set(mine).isdisjoint(theirs):
            return None
        stages = {name: getattr(self, name) for name in mine}
        return Server(**stages, **{name: getattr(other, name) for name in theirs})


_STAGES = tuple(field.name for field in fields(Server))
_PLAIN = Server()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A known way to answer wrongly: what the code does, and a server that does it.

    `code` is permanent, and that of a finding. `cause` is in the words of whoever has to mend it.
    `shows` names what a challenge must have for the digest to differ, as in "every failure has a
    NUL in key3"; it is empty where (nearly) every challenge shows the bug. `carriers` names
    programs that are known to do it. `consequence` replaces the general one of the catalogue.
    """

    code: str
    title: str
    cause: str
    fix: str
    server: Server
    shows: str = ""
    carriers: str = ""
    consequence: str = ""
