"""Rule files: read, put together, and read anew when they change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ws76proxy.errors import UsageError
from ws76proxy.rules import MAX_FILE, MAX_SIZE, RuleSet, read_rules

__all__ = ["LOOK_EVERY", "RuleFiles", "TellChange"]

LOOK_EVERY = 0.5
"""Seconds between two looks at the files."""


class TellChange(Protocol):
    """Hears, in one line, what became of a change."""

    def __call__(self, text: str, *, is_fault: bool) -> None:
        """`is_fault`: the earlier rules stay in force."""


class _Stamp(NamedTuple):
    """What shows that a file is another one than before: editors write anew, or replace it."""

    device: int
    inode: int
    size: int
    modified: int


class RuleFiles:
    """The rules of some files as if they stood in one, and behind them others; `current` are those
    in force. Sessions tell a new set by its identity: it is replaced whole, never changed."""

    def __init__(self, paths: Sequence[Path], *, behind: Sequence[RuleSet] = ()) -> None:
        """Reads the files. Raises UsageError for the first that cannot be used."""
        self._paths = tuple(paths)
        self._behind = tuple(behind)
        self._stamps = self._look()
        self.current = self._read()

    async def watch(self, tell: TellChange, every: float = LOOK_EVERY) -> None:
        """Read the files anew whenever one of them has changed, until cancelled.

        A set that cannot be used is told, and the rules in force stay. Files are looked at, which
        costs microseconds, where a file system's own messages would miss mounts and links.
        """
        while True:
            await asyncio.sleep(every)
            self.look(tell)

    def look(self, tell: TellChange) -> None:
        """Look once whether a file has changed."""
        stamps = self._look()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self.current = self._read()
        except UsageError as error:
            text = " ".join(str(error).split())
            tell(f"{text}; the earlier rules stay in force", is_fault=True)
            return
        counts = self.current.counts
        total = counts.request + counts.response + counts.message - counts.disabled
        names = ", ".join(map(str, self._paths))
        tell(f"{names}: {total} rule{'' if total == 1 else 's'} in force", is_fault=False)

    def _look(self) -> tuple[_Stamp | None, ...]:
        return tuple(map(_stamp_of, self._paths))

    def _read(self) -> RuleSet:
        return RuleSet.merged([*map(_rules_of, self._paths), *self._behind])


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _rules_of(path: Path) -> RuleSet:
    try:
        data = _beginning(path, MAX_SIZE + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    # Files that rules name are seen from the folder of the rule file.
    return read_rules(
        data, str(path), read_file=lambda name: _beginning(path.parent / name, MAX_FILE + 1)
    )


def _beginning(path: Path, size: int) -> bytes:
    """What is too large is not read whole."""
    with path.open("rb") as file:
        return file.read(size)
