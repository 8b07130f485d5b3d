"""What actions of more than one kind are given: seconds, and bytes to inject."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import UnsetType

from ws76proxy.errors import UsageError
from ws76proxy.rules.errors import Fault, Path, found_text
from ws76proxy.rules.language.message_actions import Inject

__all__ = ["MAX_FILE", "injected", "seconds_at"]

MAX_FILE = 16 * 1024 * 1024
"""Bytes of a file that is injected."""

_BETWEEN_BYTES = re.compile(r"0x|\\x|[\s:,]")


def seconds_at(path: Path, value: float | list[float]) -> tuple[float, float]:
    """Shortest and longest time; raises Fault for a range that is upside down."""
    if not isinstance(value, list):
        return value, value
    low, high = value
    if high < low:
        raise Fault((*path, 1), f"expected {low:g} or more, found the number {high:g}")
    return low, high


def injected(path: Path, action: Inject, read_file: Callable[[str], bytes]) -> tuple[bytes, bool]:
    """What is to be said, and whether it is bytes for the wire; raises Fault."""
    if isinstance(action.hex, str):
        return _from_hex((*path, "hex"), action.hex), True
    if isinstance(action.text, str):
        return action.text.encode(), False
    assert not isinstance(action.file, UnsetType)  # noqa: S101 - exactly one of them is there
    return _from_file((*path, "file"), action.file, read_file), False


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


def _from_file(path: Path, name: str, read_file: Callable[[str], bytes]) -> bytes:
    if "\0" in name:
        raise Fault(path, f"expected the name of a file, found {found_text(name)}")
    try:
        data = read_file(name)
    except OSError as error:
        why = error.strerror or str(error)
        raise Fault(path, f"expected a file that can be read, found {name!r}: {why}") from None
    except UsageError as error:
        raise Fault(path, f"expected a file that can be read, found {name!r}: {error}") from None
    if len(data) > MAX_FILE:
        text = f"expected a file of at most {MAX_FILE} bytes, found {name!r} with {len(data)}"
        raise Fault(path, text)
    at = data.find(b"\xff")
    if at >= 0:
        raise Fault(
            path,
            f"expected a text message, in which no byte is FF, found one in {name!r} at offset {at}"
            " (hex takes raw bytes)",
        )
    return data
