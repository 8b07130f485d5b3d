"""The matrix of cases: all of them, in the order of the table that a run prints."""

from __future__ import annotations

from collections.abc import Iterator

from tests.mitm import cases_answers, cases_modes, cases_talk
from tests.mitm.table import CASES, Case

__all__ = ["CASES", "OUTCOMES", "Case", "cases_answers", "cases_modes", "cases_talk", "lines"]

OUTCOMES: dict[str, str] = {}
"""What came of each case of this run, by name."""


def lines() -> Iterator[str]:
    """The table: outcome, name, what it shows, and the reason where it must be refused."""
    for case in CASES:
        if case.name in OUTCOMES:
            reason = case.expected.removeprefix("refused: ")
            why = "" if case.expected == "pass" else f" [{reason}]"
            yield f"{OUTCOMES[case.name]:8} {case.name:34} {case.shows}{why}"
