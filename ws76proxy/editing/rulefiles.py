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

__all__ = ["DEFAULT_INTERVAL", "RuleFiles", "Tell", "Told"]

DEFAULT_INTERVAL = 0.25
"""Seconds between two looks at the files."""
_MOST_WAITS = 8
"""A file that is another one at each look is read at last, after so many."""
_COARSE = 3 * 10**9
"""Nanoseconds within which two changes may bear the same time, on any file system."""


class Told(NamedTuple):
    """Something to tell the user about a file."""

    text: str
    is_fault: bool


class Tell(Protocol):
    """Who tells the user."""

    def __call__(self, text: str, *, is_fault: bool) -> object:
        """One line; `is_fault`: the rules stay as they were."""


class RuleFiles:
    """The rules of files, in this order, and behind them others that do not change.

    `current` is the set in force. It is replaced, whole, by another one, never changed: whoever
    reads it holds all of the old rules or all of the new ones.

    The files are looked at every `interval` seconds. That sees what a notice of the system does
    not: a file put in another's place, a link that points elsewhere, a mounted folder. It costs
    about 0.1 ms a look. Files that rules inject count as parts of the file that names them.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        behind: Sequence[RuleSet] = (),
        interval: float = DEFAULT_INTERVAL,
    ) -> None:
        """Raises UsageError for a file that cannot be read, or is no rule file."""
        self._behind = tuple(behind)
        self._interval = interval
        self._files = [_File(path) for path in paths]
        self.current = self._merged()

    def look(self) -> list[Told]:
        """Look at the files once, and put the rules that they have now in force.

        A file that has changed is read when it is the same at two looks: then whoever writes it is
        done. Returns what is to be told, in order: a file that is as it was says nothing.
        """
        told: list[Told] = []
        good: list[Told] = []
        for file in self._files:
            one = file.look()
            if one is not None:
                (told if one.is_fault else good).append(one)
        if good:
            try:
                self.current = self._merged()
            except RuleError as error:
                good = [Told(f"{_line(error)}; the old rules stay in force", is_fault=True)]
        return told + good

    async def watch(self, tell: Tell) -> None:
        """Look at the files again and again, in a thread, until cancelled; tell of changes."""
        while any(file.can_change for file in self._files):
            await asyncio.sleep(self._interval)
            for text, is_fault in await asyncio.to_thread(self.look):
                tell(text, is_fault=is_fault)

    def _merged(self) -> RuleSet:
        return RuleSet.merged([*(file.rules for file in self._files), *self._behind])


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

    def look(self) -> Told | None:
        """Read the file anew if it has changed; return what is to be told of that."""
        if not self.can_change:
            return None
        stamps = {path: _stamp(path) for path in self._contents}
        if stamps == self._stamps and self._is_certain:
            return None
        if stamps != self._seen and self._waits < _MOST_WAITS:
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
            return Told(f"{_line(outcome)}; the old rules stay in force", is_fault=True)
        self.rules = outcome
        return Told(f"{self._path}: {_in_force(outcome)}", is_fault=False)

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
            text = f"{self._path}: expected a rule file that can be read, found: {why}"
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


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _in_force(rules: RuleSet) -> str:
    counts = rules.counts
    number = counts.request + counts.response + counts.message - counts.disabled
    return f"{number or 'no'} rule{'' if number == 1 else 's'} in force"
