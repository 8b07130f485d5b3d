"""Random numbers of the cryptographic kind, fetched many at a time."""

from __future__ import annotations

import os

__all__ = ["Entropy"]

_AT_ONCE = 4096


class Entropy:
    """What `secrets.randbelow` gives, from the same source, without a system call for each number.

    A challenge takes some eighty of them: fetched one by one, they cost as much as all the rest of
    a handshake.
    """

    def __init__(self) -> None:
        self._pool = b""
        self._position = 0

    def below(self, bound: int) -> int:
        """A number from 0 up to, and without, `bound`. Raises ValueError where there is none."""
        if bound <= 0:
            raise ValueError(f"expected a bound above 0, found {bound}")
        bits = (bound - 1).bit_length()
        size = (bits + 7) // 8
        surplus = 8 * size - bits
        while True:
            number = int.from_bytes(self._take(size), "big") >> surplus
            # Others are thrown away, at most every second one: so all are equally likely.
            if number < bound:
                return number

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._pool):
            if size > _AT_ONCE:
                return os.urandom(size)
            self._pool, self._position, end = os.urandom(_AT_ONCE), 0, size
        taken = self._pool[self._position : end]
        self._position = end
        return taken
