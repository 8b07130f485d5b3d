"""The rules of files, as they are now: read anew when a file changes."""

from __future__ import annotations

import asyncio
import errno
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ws76proxy.errors import UsageError
from ws76proxy.rules import MAX_FILES, MAX_SIZE, RuleError, RuleSet, read_rules

__all__ = ["LOOK_EVERY", "RuleFiles", "TellChange"]

LOOK_EVERY = 0.25
"""Seconds between two looks at the files."""
_MOST_WAITS = 8
"""A file that is another one at each look is read at last, after so many."""
_COARSE = 3 * 10**9
"""Nanoseconds within which two changes may bear the same time, on any file system."""


class TellChange(Protocol):
    """Hears, in one line, what became of a change."""

    def __call__(self, text: str, *, is_fault: bool) -> object:
        """`is_fault`: the earlier rules stay in force."""


class RuleFiles:
    """The rules of some files as if they stood in one, and behind them others.

    `current` are those in force. The set is replaced whole, never changed: whoever reads it holds
    all of the earlier rules or all of the new ones. Files that rules inject count as parts of the
    file that names them.
    """

    def __init__(self, paths: Sequence[Path], *, behind: Sequence[RuleSet] = ()) -> None:
        """Reads the files. Raises UsageError for the first that cannot be used."""
        self._behind = tuple(behind)
        self._files = [_File(path) for path in paths]
        self.current = self._merged()

    async def watch(self, tell: TellChange, every: float = LOOK_EVERY) -> None:
        """Look at the files every so many seconds, in a thread, until cancelled.

        A file that has changed is read when it is the same at two looks: then whoever writes it is
        done. Looking sees what a notice of the system does not: a link that points elsewhere, a
        mounted folder. The thread costs more than the look, but with it a file system that does not
        answer holds up no session.
        """
        while any(file.can_change for file in self._files):
            await asyncio.sleep(every)
            for text, is_fault in await asyncio.to_thread(self._look, patiently=True):
                tell(text, is_fault=is_fault)

    def look(self, tell: TellChange) -> None:
        """Look once whether a file has changed, and read it as it is now.

        A set that cannot be used is told, and the rules in force stay.
        """
        for text, is_fault in self._look(patiently=False):
            tell(text, is_fault=is_fault)

    def _look(self, *, patiently: bool) -> list[_Told]:
        faults: list[_Told] = []
        good: list[_Told] = []
        for file in self._files:
            told = file.look(patiently=patiently)
            if told is not None:
                (faults if told.is_fault else good).append(told)
        if good:
            try:
                self.current = self._merged()
            except RuleError as error:
                good = [_fault(error)]
        return faults + good

    def _merged(self) -> RuleSet:
        return RuleSet.merged([*(file.rules for file in self._files), *self._behind])


class _Told(NamedTuple):
    text: str
    is_fault: bool


_Stamp = tuple[int, ...] | None
"""What changes with a file; None: there is none."""


class _File:
    """One rule file, with the files that its rules inject.

    `rules` are the last ones that could be used. A file that was a pipe cannot change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waits = 0
        stamp = _stamp(path)
        self.can_change = path.is_file()
        self._contents, outcome = self._read(must_be_file=False)
        if not isinstance(outcome, RuleSet):
            raise UsageError(_line(outcome)) from None
        self.rules = outcome
        self._stamps = {name: _stamp(name) for name in self._contents} | {path: stamp}
        self._seen = self._stamps
        self._is_certain = _are_old(self._stamps)

    def look(self, *, patiently: bool) -> _Told | None:
        """Read the file anew if it has changed; return what is to be told of that."""
        if not self.can_change:
            return None
        stamps = {path: _stamp(path) for path in self._contents}
        if stamps == self._stamps and self._is_certain:
            return None
        if patiently and stamps != self._seen and self._waits < _MOST_WAITS:
            self._seen = stamps
            self._waits += 1
            return None
        self._waits = 0
        if stamps == self._stamps and self._is_same():
            self._is_certain = _are_old(stamps)
            return None
        contents, outcome = self._read(must_be_file=True)
        after = {path: _stamp(path) for path in contents}
        if any(after[path] != stamps.get(path, after[path]) for path in contents):
            # It has changed while it was read.
            self._seen = after
            return None
        self._stamps = self._seen = after
        self._is_certain = _are_old(after)
        if contents == self._contents:
            return None
        self._contents = contents
        if not isinstance(outcome, RuleSet):
            return _fault(outcome)
        self.rules = outcome
        return _Told(f"{self._path}: {_in_force(outcome)}", is_fault=False)

    def _is_same(self) -> bool:
        """Whether the files hold what they held, so that nothing has to be understood anew."""
        try:
            return all(
                data is None or data == _read(path, len(data), must_be_file=True)
                for path, data in self._contents.items()
            )
        except OSError:
            return False

    def _read(self, *, must_be_file: bool) -> tuple[dict[Path, bytes | None], RuleSet | UsageError]:
        """What is in the file and in those that it names, None where there is none; and the rules,
        or why there are none."""
        contents: dict[Path, bytes | None] = {self._path: None}

        def read_named(name: str) -> bytes:
            path = self._path.parent / name
            contents[path] = None
            data = contents[path] = _read(path, MAX_FILES, must_be_file=True)
            return data

        try:
            data = contents[self._path] = _read(self._path, MAX_SIZE, must_be_file=must_be_file)
            return contents, read_rules(data, str(self._path), read_file=read_named)
        except UsageError as error:
            return contents, error
        except (OSError, ValueError) as error:
            # ValueError: what cannot be the name of a file.
            why = getattr(error, "strerror", None) or error
            text = f"{self._path}: cannot be read: {why}"
            return contents, UsageError(text)


def _read(path: Path, size: int, *, must_be_file: bool) -> bytes:
    """A file, or enough of it to see that it is larger than that."""
    if must_be_file and not stat.S_ISREG(path.stat().st_mode):
        # A pipe would be waited for.
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(size + 1)


def _stamp(path: Path) -> _Stamp:
    try:
        now = path.stat()
    except (OSError, ValueError):
        return None
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _are_old(stamps: Mapping[Path, _Stamp]) -> bool:
    """Whether a change from now on would be seen: otherwise it could have the same time."""
    now = time.time_ns()
    return all(stamp is None or abs(now - stamp[3]) > _COARSE for stamp in stamps.values())


def _fault(error: UsageError) -> _Told:
    return _Told(f"{_line(error)}; the earlier rules stay in force", is_fault=True)


def _line(error: UsageError) -> str:
    return " ".join(str(error).split())


def _in_force(rules: RuleSet) -> str:
    counts = rules.counts
    number = counts.request + counts.response + counts.message - counts.disabled
    return f"{number or 'no'} rule{'' if number == 1 else 's'} in force"
