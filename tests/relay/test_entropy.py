"""Random numbers from a pool: below their bound, all of them, and never the same bytes twice."""

from __future__ import annotations

import os
import sys

import pytest

from ws76proxy.relay.entropy import Entropy


@pytest.mark.parametrize("bound", [1, 2, 3, 12, 255, 256, 257, 2**32, 2**40 - 1])
def test_below_its_bound(bound: int) -> None:
    entropy = Entropy()
    numbers = [entropy.below(bound) for _ in range(2000)]
    assert all(0 <= number < bound for number in numbers)
    if bound <= 12:
        assert {*numbers} == {*range(bound)}
    else:
        # The middle of 2,000 numbers; a hundred standard deviations would not do.
        assert abs(sum(numbers) / len(numbers) / bound - 0.5) < 0.1


def test_no_byte_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def urandom(size: int) -> bytes:
        given.append(os.getrandom(size))
        return given[-1]

    monkeypatch.setattr("ws76proxy.relay.entropy.os.urandom", urandom)
    entropy = Entropy()
    taken = b"".join(entropy.below(1 << 32).to_bytes(4, sys.byteorder) for _ in range(1500))
    assert taken == b"".join(given)[: len(taken)]
    assert len(given) == 2


@pytest.mark.parametrize("bound", [0, -1])
def test_there_is_none(bound: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Entropy().below(bound)
