"""Random numbers of the cryptographic kind, fetched many at a time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

__all__ = ["Entropy"]

_AT_ONCE = 4096
_ALL = 1 << 32


class Entropy:
    """What `secrets.randbelow` gives, from the same source, without a system call for each number.

    A challenge takes some thirty of them: fetched one by one, they cost as much as all the rest of
    a handshake.
    """

    def __init__(self) -> None:
        self._numbers: Iterator[int] = iter(())
        """Of 32 bits each."""

    def below(self, bound: int) -> int:
        """A number from 0 up to, and without, `bound`. Raises ValueError where there is none."""
        if not 0 < bound <= _ALL:
            return secrets.randbelow(bound)
        # Those above are thrown away, at most every second one: so all are equally likely.
        end = _ALL - _ALL % bound
        while True:
            for number in self._numbers:
                if number < end:
                    return number % bound
            self._numbers = iter(memoryview(os.urandom(_AT_ONCE)).cast("I"))
