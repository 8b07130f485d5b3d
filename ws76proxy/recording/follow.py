"""Follows recordings that still grow, through rotation, by looking at them again and again."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ws76proxy.errors import RecordingError
from ws76proxy.record import RecordingRecord
from ws76proxy.recording import lines
from ws76proxy.recording.lines import LineReader
from ws76proxy.recording.reader import SUFFIX, Complain, format_of
from ws76proxy.recording.sources import Source, Told, tell_entries

__all__ = ["Follower"]

_BLOCK = 1 << 20
_HEADER = 64 * 1024

_Inode = tuple[int, int]


class _Found:
    """A file as the folder has it now."""

    __slots__ = ("changed", "path", "size")

    def __init__(self, path: Path, status: os.stat_result) -> None:
        self.path = path
        self.size = status.st_size
        self.changed = status.st_mtime_ns


class _Tail:
    """How far one file has been read. It is open only while it is read: there may be thousands."""

    __slots__ = ("_complain", "inode", "path", "position", "reader", "source")

    def __init__(self, inode: _Inode, path: Path, complain: Complain) -> None:
        self._complain = complain
        self.inode = inode
        self.path = path
        self.position = 0
        self.reader = LineReader(str(path), complain)
        self.source = Source(path)

    def read(self, size: int) -> Iterator[Told]:
        """What there is up to that size."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) != self.inode:
                    # Renamed meanwhile: the next look finds it under its new name.
                    return
                file.seek(self.position)
                while self.position < size:
                    block = file.read(min(_BLOCK, size - self.position))
                    if not block:
                        return
                    self.position += len(block)
                    for told in tell_entries(self.source, self.reader.feed(block)):
                        self.source = told.source
                        yield told
        except FileNotFoundError:
            return
        except OSError as error:
            self._complain(f"{self.path}: {error.strerror}")
            # Once is enough, until there is more of it.
            self.position = size


class Follower:
    """One file of our own format with those that continue it, or all such files of a folder.

    It knows files by what they are, not by their names: one that is renamed is not read again.
    """

    def __init__(self, path: Path, complain: Complain) -> None:
        """Raises RecordingError where there is no such file or folder, or one of another format."""
        if path.is_symlink():
            path = path.resolve()
        if path.is_dir():
            self._folder, self._file = path, None
        elif path.is_file():
            self._folder, self._file = path.parent, path
            if path.stat().st_size and format_of(path) is not lines:
                raise RecordingError(
                    f"{path}: expected a file *{SUFFIX} to follow, found another format, which"
                    " is written in one go"
                )
        else:
            raise RecordingError(f"{path}: expected a file or a folder to follow, found none")
        self._complain = complain
        self._tails: dict[_Inode, _Tail] = {}
        self._others: set[_Inode] = set()
        self._newest = 0

    def poll(self) -> Iterator[Told]:
        """What has been written since the last time, in order within each session.

        A line that is not whole yet is waited for. Raises RecordingError where the folder cannot be
        read any more.
        """
        found = self._look()
        for inode in [*self._tails]:
            if inode in found:
                yield from self._grown(self._tails[inode], found[inode])
            else:
                self._tails.pop(inode).reader.end()
        self._others &= found.keys()
        if self._file is None:
            for inode in [inode for inode in found if inode not in self._tails]:
                yield from self._begin(inode, found[inode])
        else:
            while (following := self._next(found)) is not None:
                yield from self._begin(following, found[following])

    def _begin(self, inode: _Inode, found: _Found) -> Iterator[Told]:
        tail = self._tails[inode] = _Tail(inode, found.path, self._complain)
        yield from self._grown(tail, found)

    def _look(self) -> dict[_Inode, _Found]:
        """The files that may be of interest, in the order of their names."""
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(entry.name for entry in entries if self._is_candidate(entry.name))
        except OSError as error:
            raise RecordingError(f"{self._folder}: {error.strerror}") from None
        found: dict[_Inode, _Found] = {}
        for name in names:
            path = self._folder / name
            try:
                status = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                found[status.st_dev, status.st_ino] = _Found(path, status)
        return found

    def _is_candidate(self, name: str) -> bool:
        return name.endswith(SUFFIX) or (self._file is not None and name == self._file.name)

    def _grown(self, tail: _Tail, found: _Found) -> Iterator[Told]:
        tail.path = found.path
        self._newest = max(self._newest, found.changed)
        if found.size < tail.position:
            self._complain(
                f"{tail.path}: expected a file that grows, found one of {found.size} bytes after"
                f" {tail.position} had been read; it is read again from its beginning"
            )
            tail = self._tails[tail.inode] = _Tail(tail.inode, tail.path, self._complain)
        if found.size > tail.position:
            yield from tail.read(found.size)

    def _next(self, found: dict[_Inode, _Found]) -> _Inode | None:
        """A file that continues one that is followed, or else has the name to follow."""
        followed = {found[inode].path.name for inode in self._tails if inode in found}
        named: _Inode | None = None
        for inode, file in found.items():
            if inode in self._tails or inode in self._others:
                continue
            if file.path == self._file:
                named = inode
            # Nothing continues a file before that has been written to its end.
            if not followed or file.changed < self._newest:
                continue
            header = _header(file.path)
            if header is not None and header.continues in followed:
                return inode
            if header is not None and inode != named:
                self._others.add(inode)
        return named


def _header(path: Path) -> RecordingRecord | None:
    """The first line of a recording, if it is whole and a header."""
    try:
        with path.open("rb") as file:
            first = file.readline(_HEADER)
    except OSError:
        return None
    if not first.endswith(b"\n"):
        return None
    for record, _line in LineReader(str(path), lambda _: None).feed(first):
        if isinstance(record, RecordingRecord):
            return record
    return None
