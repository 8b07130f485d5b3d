"""Chance that decides alike each time: from the seed and what it is asked, never from a clock."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

__all__ = ["Chance"]


class Chance(NamedTuple):
    """What decides for one rule in one session. The same seed, rule and session decide alike."""

    seed: int
    rule: str
    session: int

    def fraction(self, side: str, number: int, purpose: str) -> float:
        """A number from 0 to below 1, for this message of that peer and this purpose."""
        return self._bits(side, number, purpose) / 2**64

    def between(self, low: float, high: float, side: str, number: int, purpose: str) -> float:
        """A number from `low` to `high`."""
        return low + (high - low) * self.fraction(side, number, purpose)

    def below(self, limit: int, side: str, number: int, purpose: str) -> int:
        """A whole number from 0 to below `limit`."""
        return self._bits(side, number, purpose) * limit >> 64

    def _bits(self, side: str, number: int, purpose: str) -> int:
        asked = "\0".join(
            [str(self.seed), self.rule, str(self.session), side, str(number), purpose]
        )
        return int.from_bytes(blake2b(asked.encode(), digest_size=8).digest(), "big")
