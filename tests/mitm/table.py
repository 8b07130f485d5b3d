"""One case of the matrix: what is tried, in which mode, what it shows, what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.mitm.world import World

__all__ = ["CASES", "Case", "case", "check_verified", "messages_of"]

Deed = Callable[[World, str, str], None]


class Case(NamedTuple):
    """`deed` is given the world, the mode and a path of its own."""

    name: str
    mode: str
    shows: str
    expected: str
    deed: Deed


CASES: list[Case] = []


def case(
    mode: str, shows: str, expected: str = "pass", odd: str = "echo"
) -> Callable[[Deed], Deed]:
    """Put a function into the table."""

    def add(deed: Deed) -> Deed:
        name = deed.__name__.replace("_", "-")
        taken = {one.name for one in CASES}
        full = f"{name}/{mode}" if f"{name}/{mode}" not in taken else f"{name}/{mode}/{odd}"
        # The last decorator of a function comes first; the table is to read from the top.
        place = len(CASES)
        while place and CASES[place - 1].name.startswith(f"{name}/"):
            place -= 1
        CASES.insert(place, Case(full, mode, shows, expected, _with_path(deed, odd, name)))
        return deed

    return add


def _with_path(deed: Deed, odd: str, name: str) -> Deed:
    def run(world: World, mode: str, suffix: str) -> None:
        deed(world, mode, f"/{odd}?case={name}-{suffix}")

    return run


def messages_of(flow: dict[str, Any]) -> list[tuple[bool, str]]:
    return [(one[1], one[2]) for one in flow["messages"]]


def check_verified(flow: dict[str, Any]) -> None:
    assert flow["event"] == "end", flow
    assert flow["metadata"]["verdict"] == "verified", flow
    assert flow["marked"] == "", flow
