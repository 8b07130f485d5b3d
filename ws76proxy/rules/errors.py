"""Faults of a rule file: first with a path into its data, then with line and column."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ws76proxy.errors import UsageError

__all__ = ["Fault", "Path", "RuleError", "found_text", "nearest"]

Path = tuple[str | int, ...]
"""Where something is in the data of a rule file: keys and indices from the top."""


class RuleError(UsageError):
    """A rule file, or a rewrite on the command line, that cannot be used: where, and why.

    The text is one line that can be printed, whatever the file has in it.
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join([one if one.isprintable() else ascii(one)[1:-1] for one in text]))


class Fault(Exception):  # noqa: N818 - it never leaves this room
    """Something wrong at a path. `at_key`: it is the key, not its value."""

    def __init__(self, path: Path, text: str, *, at_key: bool = False) -> None:
        super().__init__(text)
        self.path = path
        self.text = text
        self.at_key = at_key


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause with the nearest spelling; empty where none is near."""
    choices = list(dict.fromkeys(known))
    near = difflib.get_close_matches(word[:100], choices, 1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def found_text(value: object) -> str:
    """A value of a rule file, in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    if isinstance(value, (int, float)):
        # Python refuses to write out very long numbers.
        written = hex(value) if isinstance(value, int) and abs(value) > 10**30 else str(value)
        return f"the number {written if len(written) <= 30 else f'{written[:30]}…'}"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a date or time"
