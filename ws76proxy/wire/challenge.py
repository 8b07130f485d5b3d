"""The hixie-76 challenge: keys, key-numbers, parts and the 16-byte answer, taken apart and made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

import msgspec

__all__ = [
    "DIGEST_SIZE",
    "KEY3_SIZE",
    "MAX_KEY_NUMBER",
    "Challenge",
    "Key",
    "KeyFault",
    "RandomBelow",
    "digest",
    "generate_challenge",
    "generate_key",
    "read_key",
]

KEY3_SIZE = 8
DIGEST_SIZE = 16
MAX_KEY_NUMBER = 4_294_967_295

RandomBelow = Callable[[int], int]
"""Entropy, passed in: given n > 0, an integer in 0..n-1 (`secrets.randbelow` fits)."""

_DIGITS = frozenset(b"0123456789")
_NOT_DIGITS = bytes(set(range(256)) - _DIGITS)
_FILLING = bytes([*range(0x21, 0x30), *range(0x3A, 0x7F)])
_IN_A_KEY = frozenset(_FILLING) | _DIGITS | {0x20}
_MAX_DIGITS = 40


class KeyFault(StrEnum):
    """What is wrong with a key; the first four make a server abort (5.2, steps 4 to 6)."""

    NO_DIGITS = "no-digits"
    NO_SPACES = "no-spaces"
    NUMBER_TOO_LARGE = "number-too-large"
    NOT_DIVISIBLE = "not-divisible"
    LEADING_SPACE = "leading-space"
    TRAILING_SPACE = "trailing-space"
    TOO_MANY_SPACES = "too-many-spaces"
    ODD_CHARACTERS = "odd-characters"


_FATAL = frozenset(
    {
        KeyFault.NO_DIGITS,
        KeyFault.NO_SPACES,
        KeyFault.NUMBER_TOO_LARGE,
        KeyFault.NOT_DIVISIBLE,
    }
)


class Key(NamedTuple):
    """One ``Sec-WebSocket-Key1`` or ``-Key2``, taken apart.

    ``number`` is the key-number: all ASCII digits read as one base-ten integer, None where there
    are none or more than 40 (leading zeros aside). ``part`` is number / spaces where the draft
    allows the division, otherwise None. ``faults`` lists everything that a generating client may
    not do.
    """

    text: bytes
    digits: bytes
    number: int | None
    spaces: int
    part: int | None
    faults: tuple[KeyFault, ...]

    @property
    def fatal(self) -> bool:
        """Whether the draft tells the server to abort the connection."""
        return self.part is None


@lru_cache(64)  # A handshake looks at its keys from several sides.
def read_key(text: bytes) -> Key:
    """Take a key's value apart (5.2, steps 4 to 7). Never raises: faults are listed."""
    digits = text.translate(None, _NOT_DIGITS)
    spaces = text.count(b" ")
    faults: list[KeyFault] = []
    significant = digits.lstrip(b"0")
    # Leading zeros go first: int() itself refuses more than some 4,300 digits.
    number = int(significant or b"0") if digits and len(significant) <= _MAX_DIGITS else None
    if not digits:
        faults.append(KeyFault.NO_DIGITS)
    if not spaces:
        faults.append(KeyFault.NO_SPACES)
    if digits and (number is None or number > MAX_KEY_NUMBER):
        faults.append(KeyFault.NUMBER_TOO_LARGE)
    elif spaces and number is not None and number % spaces:
        faults.append(KeyFault.NOT_DIVISIBLE)
    part = number // spaces if number is not None and not faults else None
    if text[:1] == b" ":
        faults.append(KeyFault.LEADING_SPACE)
    if text[-1:] == b" ":
        faults.append(KeyFault.TRAILING_SPACE)
    if spaces > 12:
        faults.append(KeyFault.TOO_MANY_SPACES)
    if not _IN_A_KEY.issuperset(text):
        faults.append(KeyFault.ODD_CHARACTERS)
    return Key(text, digits, number, spaces, part, tuple(faults))


def digest(part1: int, part2: int, key3: bytes) -> bytes:
    """The 16 raw bytes that prove the server: MD5 over both parts, big-endian, and key3 (5.2)."""
    challenge = part1.to_bytes(4, "big") + part2.to_bytes(4, "big") + key3
    return hashlib.md5(challenge, usedforsecurity=False).digest()


class Challenge(msgspec.Struct, frozen=True, dict=True):
    """Both keys and key3 of one opening handshake."""

    key1: Key
    key2: Key
    key3: bytes

    @cached_property
    def concatenation(self) -> bytes | None:
        """The bytes that are hashed: part1, part2 (each 32-bit big-endian), key3; None if a key
        has no part."""
        if self.key1.part is None or self.key2.part is None:
            return None
        return self.key1.part.to_bytes(4, "big") + self.key2.part.to_bytes(4, "big") + self.key3

    @cached_property
    def answer(self) -> bytes | None:
        """The digest that the draft's server sends, 16 bytes; None where it must abort."""
        if self.concatenation is None:
            return None
        return hashlib.md5(self.concatenation, usedforsecurity=False).digest()


def generate_key(random_below: RandomBelow) -> Key:
    """A fresh key as a client makes it (4.1, steps 16 to 22)."""
    spaces = 1 + random_below(12)
    number = random_below(MAX_KEY_NUMBER // spaces + 1)
    digits = str(number * spaces).encode()
    text = bytearray(digits)
    for size in range(len(text) + 1, len(text) + 2 + random_below(12)):
        # Place and character at once: as likely as each by itself, for half the calls.
        place, character = divmod(random_below(size * len(_FILLING)), len(_FILLING))
        text.insert(place, _FILLING[character])
    for size in range(len(text) - 1, len(text) - 1 + spaces):
        text.insert(1 + random_below(size), 0x20)
    return Key(bytes(text), digits, number * spaces, spaces, number, ())


def generate_challenge(random_below: RandomBelow) -> Challenge:
    """Two fresh keys and a fresh key3 (4.1, steps 16 to 26)."""
    key1 = generate_key(random_below)
    key2 = generate_key(random_below)
    key3 = b"".join(random_below(1 << 32).to_bytes(4, "big") for _ in range(KEY3_SIZE // 4))
    return Challenge(key1, key2, key3)
