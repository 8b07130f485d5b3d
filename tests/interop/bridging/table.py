"""One case: a socket, what its outcome must be, and a line in the table that a run prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.interop.bridging.performance import Seen, Socket, Way
from tests.interop.peer import PeerName

__all__ = ["OUTCOMES", "Case", "lines", "outcome", "parameters"]

OUTCOMES: dict[str, str] = {}
"""What came of each case of this run, by its line."""


class Case(NamedTuple):
    """`check` is given what was seen, and the socket's path."""

    browser: PeerName
    way: Way
    socket: Socket
    shows: str
    check: Callable[[Seen, str], None]

    @property
    def line(self) -> str:
        """Its line in the table."""
        way = f"{self.browser} -> {self.way.name}"
        return f"{way:34} {self.socket.name:22} {self.shows}"

    def run(self, seen: Seen) -> None:
        """Judge."""
        with outcome(self.line):
            self.check(seen, self.socket.path)


class outcome:  # noqa: N801 - it is used as a statement
    """What a line of the table says of the block."""

    def __init__(self, line: str) -> None:
        self._line = line

    def __enter__(self) -> None:
        OUTCOMES[self._line] = "FAILED"

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            OUTCOMES[self._line] = "pass"


def parameters(cases: list[Case]) -> list[object]:
    """The cases as pytest has them, each with the peers that it needs."""
    return [
        pytest.param(
            case,
            id=case.socket.path.removeprefix("/"),
            marks=pytest.mark.peer(case.browser, case.way.server),
        )
        for case in cases
    ]


def lines() -> Iterator[str]:
    """The table."""
    for line, came in OUTCOMES.items():
        yield f"{came:8} {line}"
