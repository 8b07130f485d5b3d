"""The files of a recording on disk: their names, their limits, and how they follow each other."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ws76proxy.errors import RecordingError
from ws76proxy.recording.lines import recognises
from ws76proxy.recording.reader import SUFFIX

__all__ = ["FullError", "RecordingOptions", "Store"]

# O_NONBLOCK: opening a pipe that nobody has at its other end must not wait for somebody.
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_START = 4096
_MOST_OF_A_NAME = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """Where and how much to record; sizes in bytes, times in seconds, 0 means no limit.

    `path` names a file where it ends in ``.jsonl``, or is one; otherwise a folder, in which each
    session gets a file of its own. `session_limit` is for each session, `total_limit` for all files
    of this run together: when that is reached recording stops, or with `when_full` "remove-oldest"
    files of this run which are not written to any more are removed. A file that has `rotate_size`
    or is older than `rotate_age` is followed by another. `gather` is how long records wait to be
    written together, `open_files` how many are held open at once, `waiting` how many bytes of
    records may wait for a slow disk before sessions are not read any more. `patience` is how long
    they wait for a disk that takes nothing at all, before recording stops.
    """

    path: Path
    secrets: bool = False
    session_limit: int = 1 << 30
    total_limit: int = 16 << 30
    when_full: Literal["stop", "remove-oldest"] = "stop"
    rotate_size: int = 0
    rotate_age: float = 0.0
    gather: float = 0.05
    open_files: int = 128
    waiting: int = 8 << 20
    patience: float = 60.0

    @property
    def is_folder(self) -> bool:
        """Whether each session gets a file of its own."""
        return self.path.is_dir() or not (self.path.suffix == ".jsonl" or self.path.exists())


class FullError(RecordingError):
    """The recording has reached the limit for all of its files."""


class _File:
    """One file that is written to; its handle may be closed meanwhile.

    `size` is all that it holds, `ours` what this run has written of that.
    """

    __slots__ = ("began", "handle", "has_lines", "ours", "path", "size", "started")

    def __init__(self, path: Path, handle: int, began: float, started: datetime) -> None:
        self.path = path
        self.handle: int | None = handle
        self.began = began
        self.started = started
        self.size = 0
        self.ours = 0
        self.has_lines = False


class Store:
    """Appends to the files of a recording, each known by a key: a session's number, or None.

    `header` makes the first line of a file, given the name of the one before it. `clock` gives
    seconds and never jumps. All methods raise OSError where the disk does.
    """

    def __init__(
        self,
        options: RecordingOptions,
        header: Callable[[str | None], bytes],
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._options = options
        self._is_folder = options.is_folder
        self._header = header
        self._clock = clock
        self._now = now
        self._files: dict[int | None, _File] = {}
        self._open: OrderedDict[int | None, _File] = OrderedDict()
        self._finished: deque[_File] = deque()
        self._total = 0

    def prepare(self) -> None:
        """Make the folder or the file. Raises RecordingError where that cannot be."""
        path = self._options.path
        try:
            if self._is_folder:
                path.mkdir(mode=0o700, exist_ok=True)
                if not os.access(path, os.W_OK | os.X_OK):
                    raise RecordingError(f"{path}: expected a folder to write to, found none")
            else:
                self.append(None, b"", self._now())
        except (OSError, RecordingError) as error:
            with contextlib.suppress(OSError):
                self.close()
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"{path}: cannot record there: {error.strerror}") from None

    def append(self, key: int | None, lines: bytes, started: datetime) -> None:
        """Write whole lines; `started` names a new file. A line is never torn but by a crash.

        Raises FullError where the limit for all files does not allow them.
        """
        file = self._files.get(key)
        if file is not None and self._is_due(file):
            file = self._rotate(key, file)
        if file is None:
            file = self._begin(key, started, None)
        self._make_room(len(lines))
        self._write(key, file, lines)
        if lines and not file.has_lines:
            file.has_lines = True
            file.began = self._clock()

    def finish(self, key: int | None) -> None:
        """Nothing more will be written for this key."""
        file = self._files.pop(key, None)
        if file is None:
            return
        # What other runs have written is not ours to remove.
        if self._may_remove and file.ours == file.size:
            self._finished.append(file)
        self._close(key, file)

    def close(self) -> None:
        """Close every file, whatever becomes of the others."""
        failed: OSError | None = None
        for key in list(self._files):
            try:
                self.finish(key)
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed

    # Beginning and following

    def _begin(self, key: int | None, started: datetime, continues: str | None) -> _File:
        path, handle = self._open_user_file() if key is None else self._open_new(key, started)
        file = self._files[key] = _File(path, handle, self._clock(), started)
        self._use(key, file)
        if key is None:
            self._continue_old(file, handle)
        # Not `append`: a header is written whatever the limits say.
        self._write(key, file, self._header(continues))
        return file

    def _open_new(self, number: int, started: datetime) -> tuple[Path, int]:
        """A session's file, under a name that nothing has."""
        for name in _names(f"{_stamp(started)}-{number:06}"):
            path = self._options.path / name
            with contextlib.suppress(FileExistsError):
                return path, os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        raise _every_name_is_taken(path)

    def _open_user_file(self) -> tuple[Path, int]:
        """The file that the user named, which may have a recording already."""
        path = self._options.path
        try:
            handle = os.open(path, _APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise RecordingError(f"{path}: expected a file, found a symbolic link") from None
        try:
            _check_recording(path, handle)
        except (OSError, RecordingError):
            os.close(handle)
            raise
        return path, handle

    def _continue_old(self, file: _File, handle: int) -> None:
        """What an earlier run has recorded in this file stays, and ends with a whole line."""
        file.size = os.fstat(handle).st_size
        if file.size:
            file.has_lines = True
            if os.pread(handle, 1, file.size - 1) != b"\n":
                self._write(None, file, b"\n")

    def _is_due(self, file: _File) -> bool:
        size, age = self._options.rotate_size, self._options.rotate_age
        is_due = bool(size and file.size >= size) or bool(age and self._clock() - file.began >= age)
        return is_due and file.has_lines

    def _rotate(self, key: int | None, file: _File) -> _File:
        self.finish(key)
        # Names sort by time even where the wall clock has been set back.
        started = max(self._now(), file.started)
        if key is None:
            # The file that is being written keeps the name that the user gave.
            old = self._name_of_old(file)
            file.path.rename(old)
            file.path = old
        return self._begin(key, started, file.path.name)

    def _name_of_old(self, file: _File) -> Path:
        begin = file.path.name.removesuffix(".jsonl").removesuffix(".ws76")
        for name in _names(f"{begin}-{_stamp(file.started)}"):
            path = file.path.with_name(name)
            if not os.path.lexists(path):
                return path
        raise _every_name_is_taken(path)

    # Writing

    def _write(self, key: int | None, file: _File, data: bytes) -> None:
        handle = self._handle(key, file)
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "the file has been removed", str(file.path))
        view = memoryview(data)
        while view:
            try:
                written = os.write(handle, view)
            except OSError:
                # Half a line would be read as a torn one: take it away, as far as the disk lets us.
                done = len(data) - len(view)
                torn = done - (data.rfind(b"\n", 0, done) + 1)
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, os.fstat(handle).st_size - torn)
                raise
            view = view[written:]
        file.size += len(data)
        file.ours += len(data)
        self._total += len(data)

    def _handle(self, key: int | None, file: _File) -> int:
        if file.handle is None:
            # Not O_CREAT: were it made anew it would have no header, and nobody would notice.
            file.handle = os.open(file.path, _APPEND)
            self._use(key, file)
        else:
            self._open.move_to_end(key)
        return file.handle

    def _use(self, key: int | None, file: _File) -> None:
        """A file has been opened: one too many, and the one that has waited longest is closed."""
        self._open[key] = file
        if len(self._open) > self._options.open_files:
            self._close(*next(iter(self._open.items())))

    def _close(self, key: int | None, file: _File) -> None:
        self._open.pop(key, None)
        if file.handle is not None:
            handle, file.handle = file.handle, None
            os.close(handle)

    @property
    def _may_remove(self) -> bool:
        return bool(self._options.total_limit) and self._options.when_full == "remove-oldest"

    def _make_room(self, size: int) -> None:
        limit = self._options.total_limit
        if not limit or self._total + size <= limit:
            return
        while self._finished:
            oldest = self._finished.popleft()
            with contextlib.suppress(FileNotFoundError):
                oldest.path.unlink()
            self._total -= oldest.ours
            if self._total + size <= limit:
                return
        raise FullError(f"{self._options.path}: all files together have reached {limit:,} bytes")


def _check_recording(path: Path, handle: int) -> None:
    """Whether records may be added to a file. Raises RecordingError where it is something else."""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise RecordingError(f"{path}: expected a file, found a device or a pipe")
    start = os.pread(handle, _START, 0)
    if start and not recognises(start):
        raise RecordingError(
            f"{path}: expected no such file, or a recording to add to; found another kind of file,"
            " which is left as it is"
        )


def _names(begin: str) -> Iterator[str]:
    """Names of files that begin so, and sort in this order."""
    yield begin + SUFFIX
    for attempt in range(2, _MOST_OF_A_NAME):
        # Of "_" and the "." of the suffix, "_" comes second.
        yield f"{begin}_{attempt:03}{SUFFIX}"


def _every_name_is_taken(path: Path) -> OSError:
    return FileExistsError(errno.EEXIST, "every name for a file of this time is taken", str(path))


def _stamp(when: datetime) -> str:
    """A time as it stands in a file's name: in UTC, and sorting as text sorts it by time."""
    utc = when.astimezone(UTC)
    return f"{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03}Z"
