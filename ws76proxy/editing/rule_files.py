"""Rule files: read, put together, and read anew when they change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ws76proxy.errors import UsageError
from ws76proxy.rules import MAX_FILE, MAX_SIZE, RuleSet, read_rules

__all__ = ["LOOK_EVERY", "RuleFiles", "TellChange"]

LOOK_EVERY = 0.5
"""Seconds between two looks at the files."""


class TellChange(Protocol):
    """Hears, in one line, what became of a change."""

    def __call__(self, text: str, *, is_fault: bool) -> None:
        """`is_fault`: the earlier rules stay in force."""


class RuleFiles:
    """The rules of some files as if they stood in one, and behind them others; `current` are those
    in force. Sessions tell a new set by its identity: it is replaced whole, never changed."""

    def __init__(self, paths: Sequence[Path], *, behind: Sequence[RuleSet] = ()) -> None:
        """Reads the files. Raises UsageError for the first that cannot be used."""
        self._paths = tuple(paths)
        self._behind = tuple(behind)
        self._read = tuple(map(_read, self._paths))
        self.current = self._rules()

    async def watch(self, tell: TellChange, every: float = LOOK_EVERY) -> None:
        """Read the files anew every so many seconds, until cancelled.

        A set that cannot be used is told, and the rules in force stay. Files are read whole each
        time: their times miss what is written twice in a moment, and a file system's own messages
        miss mounts, links and whatever an editor does instead of writing.
        """
        while True:
            await asyncio.sleep(every)
            self.look(tell)

    def look(self, tell: TellChange) -> None:
        """Look once whether a file has changed."""
        read = tuple(map(_read, self._paths))
        if read == self._read:
            return
        self._read = read
        try:
            self.current = self._rules()
        except UsageError as error:
            text = " ".join(str(error).split())
            tell(f"{text}; the earlier rules stay in force", is_fault=True)
            return
        counts = self.current.counts
        total = counts.request + counts.response + counts.message - counts.disabled
        names = ", ".join(map(str, self._paths))
        tell(f"{names}: {total} rule{'' if total == 1 else 's'} in force", is_fault=False)

    def _rules(self) -> RuleSet:
        sets = [_rules_of(path, read) for path, read in zip(self._paths, self._read, strict=True)]
        return RuleSet.merged([*sets, *self._behind])


def _read(path: Path) -> bytes | str:
    """What is in a file, as far as it may be a rule file; why it cannot be read."""
    try:
        return _beginning(path, MAX_SIZE + 1)
    except OSError as error:
        return error.strerror or str(error)


def _rules_of(path: Path, read: bytes | str) -> RuleSet:
    if isinstance(read, str):
        raise UsageError(f"{path}: cannot be read: {read}")
    # Files that rules name are seen from the folder of the rule file.
    return read_rules(
        read, str(path), read_file=lambda name: _beginning(path.parent / name, MAX_FILE + 1)
    )


def _beginning(path: Path, size: int) -> bytes:
    """What is too large is not read whole."""
    with path.open("rb") as file:
        return file.read(size)
