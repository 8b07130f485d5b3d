"""Masking (RFC 6455, 5.3): the XOR is the library's, in C where it has been built."""

from __future__ import annotations

from ws76proxy.wire.challenge import RandomBelow

try:
    from websockets.speedups import apply_mask
except ImportError:
    # The same in Python: a wheel without the extension.
    from websockets.utils import apply_mask

__all__ = ["Masks", "apply_mask"]

_AT_ONCE = 4096


class Masks:
    """Fresh four-byte masks from entropy that is passed in, fetched many at a time.

    A mask must not be foretold by who has seen those before it: `random_below` has to be of the
    cryptographic kind, as `secrets.randbelow` is.
    """

    __slots__ = ("_pool", "_position", "_random_below")

    def __init__(self, random_below: RandomBelow) -> None:
        self._random_below = random_below
        self._pool = b""
        self._position = 0

    def take(self, count: int) -> bytes:
        """So many masks, one behind the other."""
        size = 4 * count
        if self._position + size > len(self._pool):
            fetched = max(size, _AT_ONCE)
            self._pool = self._random_below(1 << 8 * fetched).to_bytes(fetched, "big")
            self._position = 0
        self._position += size
        return self._pool[self._position - size : self._position]
