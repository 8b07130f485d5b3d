"""Disks that misbehave: full, slow, stuck, or gone, seen only by the thread that records."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

SMALL = 256 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL},mode=0700", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program `mount`")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class Disk:
    """What `os.write` and `os.close` do for the recorder's thread."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.close_fails = False
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.waits = threading.Event()
        """Set when the recorder waits for the disk."""
        self._write = os.write
        self._close = os.close

    def stop(self) -> None:
        """Take nothing more until `goes_on` is set."""
        self.waits.clear()
        self.goes_on.clear()

    def write(self, handle: int, data: memoryview) -> int:
        if threading.current_thread().name != "recorder":
            return self._write(handle, data)
        if not self.goes_on.is_set():
            self.waits.set()
            assert self.goes_on.wait(120)
        if self.room is None:
            return self._write(handle, data)
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(handle, data[: self.room])
        self.room -= written
        return written

    def close(self, handle: int) -> None:
        self._close(handle)
        if self.close_fails and threading.current_thread().name == "recorder":
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """A disk for the test to spoil; it works again at the end."""
    disk = Disk()
    monkeypatch.setattr(os, "write", disk.write)
    monkeypatch.setattr(os, "close", disk.close)
    yield disk
    disk.goes_on.set()
