"""What a worker knows of its place among others: its number, its output's turn, who began it."""

from __future__ import annotations

import asyncio
import fcntl
import mmap
import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

__all__ = ["READY", "Board", "Place", "TakesTurns", "place_of_this_process"]

READY = b"R"
"""What a worker sends its supervisor when it serves."""

_VARIABLE = "WS76PROXY_WORKER"
_NUMBER = struct.Struct("=q")
_IDLE, _WRITING = b"-", b"w"


class Place(msgspec.Struct, frozen=True):
    """Worker `worker` (from 1) of so many `workers`; `first` is its next session's number.

    `port` is what the supervisor has reserved. `folder` holds what the workers share. `control` is
    the number of an open socket to the supervisor.
    """

    worker: int
    workers: int
    first: int
    port: int
    folder: str
    control: int

    def environment(self) -> dict[str, str]:
        """The environment of a process that is to take this place."""
        return {_VARIABLE: msgspec.json.encode(self).decode()}

    def numbers(self) -> Iterator[int]:
        """Numbers for sessions, such as no other worker has; the last one is on the board."""
        board = Board(Path(self.folder), self.workers)
        number = self.first
        while True:
            board.write(self.worker, number)
            yield number
            number += self.workers

    def share_of(self, whole: int) -> int:
        """This worker's part of a limit that is for all: at least 1, and 0 (none) stays 0."""
        return -(-whole // self.workers)

    def takes_turns(self, file: IO[bytes]) -> TakesTurns:
        """A file that all workers have, to be written by one at a time."""
        return TakesTurns(file, Path(self.folder))

    def serve(self, stop: Callable[[], None]) -> socket.socket:
        """Tell the supervisor that this worker serves; call `stop` when it has gone."""
        control = socket.socket(fileno=self.control)
        control.setblocking(False)
        loop = asyncio.get_running_loop()

        def look() -> None:
            if not control.recv(1):
                loop.remove_reader(control)
                stop()

        loop.add_reader(control, look)
        control.send(READY)
        return control


def place_of_this_process() -> Place | None:
    """The place that a supervisor has given this process, once; None: it is nobody's worker."""
    text = os.environ.pop(_VARIABLE, None)
    return None if text is None else msgspec.json.decode(text, type=Place)


class Board:
    """The number of the last session of each worker: it outlives the worker, however that ends."""

    def __init__(self, folder: Path, workers: int) -> None:
        path = folder / "board"
        size = workers * _NUMBER.size
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(handle, size)
            self._memory = mmap.mmap(handle, size)
        finally:
            os.close(handle)

    def write(self, worker: int, number: int) -> None:
        """A worker has begun this session."""
        _NUMBER.pack_into(self._memory, (worker - 1) * _NUMBER.size, number)

    def last(self, worker: int) -> int:
        """The number of its last session; 0: it had none."""
        number: int = _NUMBER.unpack_from(self._memory, (worker - 1) * _NUMBER.size)[0]
        return number

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()


class TakesTurns:
    """A file of several processes: what one writes at once stays together.

    Where a writer was killed in the middle of a line, the next one begins on a line of its own.
    """

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self._file = file
        # A lock of a process, not of a handle: whoever dies lets go of it.
        self._lock = os.open(folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> int:
        """Wait for our turn, and write everything."""
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            if os.pread(self._lock, 1, 0) == _WRITING:
                self._file.write(b"\n")
            os.pwrite(self._lock, _WRITING, 0)
            self._file.write(data)
            self._file.flush()
            os.pwrite(self._lock, _IDLE, 0)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)
        return len(data)

    def flush(self) -> None:
        """Everything has been flushed."""

    def close(self) -> None:
        """Let go of the lock; the file stays open."""
        os.close(self._lock)
