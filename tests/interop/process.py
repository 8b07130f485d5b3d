"""Child processes whose output is collected line by line, and waited on within bounds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, TypeVar

# Long enough for a busy machine: nothing that works ever waits for it.
PATIENCE = 30.0
STOP_PATIENCE = 10.0

Stream = Literal["stdout", "stderr"]
Found = TypeVar("Found")


class ProcessError(Exception):
    """A child ended, or stayed silent, where the test needed something of it."""


class Process:
    """A running command; leaving its context stops it, and a failed test shows what it said."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self._changed = threading.Condition()
        self._lines: dict[Stream, list[str]] = {"stdout": [], "stderr": []}
        self._open: set[Stream] = {"stdout", "stderr"}
        # A session of its own, so that the children of a forking server end with it.
        self._child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._readers = [
            self._reader("stdout", self._child.stdout),
            self._reader("stderr", self._child.stderr),
        ]

    @property
    def pid(self) -> int:
        return self._child.pid

    def _reader(self, stream: Stream, pipe: IO[str]) -> threading.Thread:
        thread = threading.Thread(target=self._collect, args=(stream, pipe), daemon=True)
        thread.start()
        return thread

    def _collect(self, stream: Stream, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    self._lines[stream].append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._open.discard(stream)
            self._changed.notify_all()

    def lines(self, stream: Stream) -> list[str]:
        """What came so far on one stream."""
        with self._changed:
            return list(self._lines[stream])

    def wait_until(
        self, found: Callable[[], Found | None], what: str, timeout: float = PATIENCE
    ) -> Found:
        """Ask `found` again after each new line, until it gives something."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                ended = not self._open
                result = found()
                if result is not None:
                    return result
                left = deadline - time.monotonic()
                if ended or left <= 0:
                    why = "ended" if ended else f"was waited for {timeout:g} s"
                    raise ProcessError(f"{self.name} {why} without {what}")
                self._changed.wait(left)

    def wait_for_line(
        self, stream: Stream, pattern: str, timeout: float = PATIENCE
    ) -> re.Match[str]:
        """The first line of a stream in which the pattern is found."""
        compiled = re.compile(pattern)

        def found() -> re.Match[str] | None:
            return next(filter(None, map(compiled.search, self._lines[stream])), None)

        return self.wait_until(found, f"a line {pattern!r} on {stream}", timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for the command to end of itself, all of its output read."""
        try:
            status = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{self.name} did not end in {timeout:g} s") from None
        self._join()
        return status

    def stop(self) -> int:
        """End the command as a user would, with SIGTERM; by force when it does not obey."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
        try:
            status = self._child.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill_group()
            status = self._child.wait(STOP_PATIENCE)
        self._kill_group()
        self._join()
        return status

    def _kill_group(self) -> None:
        # What is left of the group: the children of a forking server outlive their parent.
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def _join(self) -> None:
        for thread in self._readers:
            thread.join(STOP_PATIENCE)

    def transcript(self) -> str:
        """Everything that the command said, for the reader of a failure."""
        parts = [f"--- {self.name}, pid {self._child.pid}, exit status {self._child.poll()}"]
        with self._changed:
            for stream, lines in self._lines.items():
                parts += [f"--- {self.name} {stream}:", *(line[:2000] for line in lines)]
        return "\n".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        # pytest shows captured output of a test that failed, and of no other.
        print(self.transcript(), file=sys.stderr)
