"""How many bytes are looked at or copied, counted: evidence against quadratic work, no clock."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, Self, SupportsIndex

import pytest


class Work:
    """A sum of bytes that were searched or copied."""

    def __init__(self) -> None:
        self.bytes = 0


def counted(data: bytes, work: Work) -> bytes:
    """`data`, with what is done to it and to its slices added to `work`."""

    class Counted(bytes):
        def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
            found = bytes.find(self, sub, start, end)
            work.bytes += (found if found >= 0 else len(self)) - start
            return found

        def rfind(self, sub: Any, start: Any = 0, end: Any = None) -> int:
            found = bytes.rfind(self, sub, start, end)
            work.bytes += len(self) - max(found, 0)
            return found

        def count(self, sub: Any, start: Any = None, end: Any = None) -> int:
            work.bytes += len(self)
            return bytes.count(self, sub, start, end)

        def replace(self, old: Any, new: Any, count: SupportsIndex = -1) -> bytes:
            work.bytes += len(self)
            return bytes.replace(self, old, new, count)

        def __getitem__(self, key: Any) -> Any:
            item = bytes.__getitem__(self, key)
            if isinstance(item, bytes):
                work.bytes += len(item)
                return Counted(item)
            return item

    return Counted(data)


class CountingPattern:
    """A compiled pattern that counts how many bytes it is let loose on."""

    def __init__(self, pattern: re.Pattern[bytes], work: Work) -> None:
        self._pattern, self._work = pattern, work

    def search(self, data: bytearray, begin: int) -> re.Match[bytes] | None:
        """Search from `begin` to the first match, or to the end."""
        match = self._pattern.search(data, begin)
        self._work.bytes += (match.end() if match else len(data)) - begin
        return match

    def match(self, data: bytes | bytearray, begin: int = 0) -> re.Match[bytes] | None:
        """Match at `begin`."""
        match = self._pattern.match(data, begin)
        self._work.bytes += len(match.group()) if match else 0
        return match


def count_buffers(module: ModuleType, monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    """Let every bytearray that `module` makes count what is appended to, and copied from it."""

    class CountedBuffer(bytearray):
        def __iadd__(self, other: Any) -> Self:
            work.bytes += len(other)
            return super().__iadd__(other)

        def __add__(self, other: Any) -> Self:
            work.bytes += len(self) + len(other)
            return type(self)(super().__add__(other))

        def __getitem__(self, key: Any) -> Any:
            item = super().__getitem__(key)
            if isinstance(item, bytearray):
                work.bytes += len(item)
                return type(self)(item)
            return item

        def __bytes__(self) -> bytes:
            work.bytes += len(self)
            return bytes(memoryview(self))

    # A name in the module comes before the built-in one.
    monkeypatch.setattr(module, "bytearray", CountedBuffer, raising=False)
