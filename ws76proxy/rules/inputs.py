"""What the parts of a rule file are given while it is read: files, room, and seconds."""

from __future__ import annotations

from collections.abc import Callable

from ws76proxy.errors import UsageError
from ws76proxy.rules.errors import Fault, Path, found_text

__all__ = ["MAX_FILES", "MAX_INSTRUCTIONS", "Reading", "seconds_at"]

MAX_FILES = 16 * 1024 * 1024
"""Bytes of all the files that a rule file injects."""
MAX_INSTRUCTIONS = 2_000_000
"""What all regular expressions of a rule file are compiled to, in RE2's instructions (16 bytes)."""


class Reading:
    """One reading of one rule file: where files come from, and how much has been taken so far."""

    def __init__(self, read_file: Callable[[str], bytes]) -> None:
        """`read_file` raises OSError or UsageError."""
        self._read_file = read_file
        self._files: dict[str, bytes] = {}
        self._instructions = 0

    def take_program(self, path: Path, size: int) -> None:
        """Count an expression of so many instructions; raises Fault when there are too many."""
        self._instructions += size
        if self._instructions > MAX_INSTRUCTIONS:
            text = (
                f"expected regular expressions of at most {MAX_INSTRUCTIONS} instructions in one"
                f" file, found that with this one there are {self._instructions}"
            )
            raise Fault(path, text)

    def file(self, path: Path, name: str) -> bytes:
        """The content of a file that is to be a text message; raises Fault."""
        if "\0" in name:
            raise Fault(path, f"expected the name of a file, found {found_text(name)}")
        if name not in self._files:
            self._files[name] = self._read(path, name)
        return self._files[name]

    def _read(self, path: Path, name: str) -> bytes:
        try:
            data = self._read_file(name)
        except (OSError, UsageError) as error:
            why = getattr(error, "strerror", None) or str(error)
            text = f"expected a file that can be read, found {name!r}: {why}"
            raise Fault(path, text) from None
        size = len(data) + sum(map(len, self._files.values()))
        if size > MAX_FILES:
            text = f"expected files of at most {MAX_FILES} bytes in all, found {size} with {name!r}"
            raise Fault(path, text)
        at = data.find(b"\xff")
        if at >= 0:
            text = (
                "expected a text message, in which no byte is FF (hex takes raw bytes), found one"
                f" in {name!r} at offset {at}"
            )
            raise Fault(path, text)
        return data


def seconds_at(path: Path, value: float | list[float]) -> tuple[float, float]:
    """Shortest and longest time; raises Fault for a range that is upside down."""
    if not isinstance(value, list):
        return value, value
    low, high = value
    if high < low:
        raise Fault((*path, 1), f"expected {low:g} or more, found the number {high:g}")
    return low, high
