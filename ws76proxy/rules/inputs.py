"""What actions of more than one kind are given: seconds, and bytes to inject."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import UnsetType

from ws76proxy.errors import UsageError
from ws76proxy.rules.errors import Fault, Path, found_text
from ws76proxy.rules.language.message_actions import Inject

__all__ = ["MAX_FILES", "MAX_INSTRUCTIONS", "Reading", "injected", "seconds_at"]

MAX_FILES = 16 * 1024 * 1024
"""Bytes of all the files that a rule file injects."""
MAX_INSTRUCTIONS = 2_000_000
"""What all regular expressions of a rule file are compiled to, in RE2's instructions (16 bytes)."""

_BETWEEN_BYTES = re.compile(r"0x|\\x|[\s:,]")


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


def injected(reading: Reading, path: Path, action: Inject) -> tuple[bytes, bool]:
    """What is to be said, and whether it is bytes for the wire; raises Fault."""
    if isinstance(action.hex, str):
        return _from_hex((*path, "hex"), action.hex), True
    if isinstance(action.text, str):
        return action.text.encode(), False
    assert not isinstance(action.file, UnsetType)  # noqa: S101 - exactly one of them is there
    return reading.file((*path, "file"), action.file), False


def _from_hex(path: Path, text: str) -> bytes:
    digits = _BETWEEN_BYTES.sub("", text)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        wrong = re.search(r"[^0-9a-fA-F]", digits)
        found = repr(wrong[0]) if wrong else f"{len(digits)} digits, an odd number"
        text = f"expected bytes in hexadecimal, such as '00 68 69 ff', found {found}"
        raise Fault(path, text) from None
    if not data:
        raise Fault(path, f"expected bytes in hexadecimal, found {found_text(text)}")
    return data
