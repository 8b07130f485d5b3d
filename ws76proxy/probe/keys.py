"""Keys for the cases: easy ones for whatever is not about keys, and exact ones for what is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ws76proxy.wire.challenge import KEY3_SIZE, RandomBelow

__all__ = ["easy_key", "easy_key3", "entropy", "key_of"]

_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def entropy(seed: str) -> RandomBelow:
    """Numbers that look random and are the same in every run: a report can be repeated."""
    stream = _numbers(seed)
    return lambda below: next(stream) % below


def _numbers(seed: str) -> Iterator[int]:
    block = seed.encode()
    while True:
        block = hashlib.sha256(block).digest()
        yield int.from_bytes(block[:8], "big")


def key_of(number: int, spaces: int, *, filling: bytes = b"xQ", zeros: int = 0) -> bytes:
    """A key whose digits are `number` times `spaces` in base ten (4.1, steps 18 to 21).

    The first byte of `filling` stands in front, the others behind the digits. Spaces are spread
    evenly between, never at an edge, and next to each other only where there are more than places.
    `zeros` are put before the first digit.
    """
    text = filling[:1] + b"0" * zeros + str(number * spaces).encode() + filling[1:]
    places = len(text) - 1
    key = bytearray()
    for index, byte in enumerate(text):
        key.append(byte)
        if index < places:
            key += b" " * (spaces * (index + 1) // places - spaces * index // places)
    return bytes(key)


def easy_key(random_below: RandomBelow) -> bytes:
    """A right key that no known bug of a server trips over.

    Its digits are below 2^31, its spaces stand alone, and each byte of its part is in 0x01..0x7F.
    """
    part = bytes([1 + random_below(0x14), *(0x21 + random_below(0x5E) for _ in range(3))])
    spaces = 2 + random_below(5)
    filling = bytes(_LETTERS[random_below(len(_LETTERS))] for _ in range(4))
    return key_of(int.from_bytes(part, "big"), spaces, filling=filling)


def easy_key3(random_below: RandomBelow) -> bytes:
    """Eight letters: nothing in them is trimmed, cut or encoded anew."""
    return bytes(_LETTERS[random_below(len(_LETTERS))] for _ in range(KEY3_SIZE))
