"""Recordings made of real conversations, and `ws76proxy replay` as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ws76proxy.recording import RecordedSession, read_sessions

from .process import PATIENCE, Process


def sessions_of(path: Path) -> list[RecordedSession]:
    """The sessions of a recording, which must be without fault."""
    complaints: list[str] = []
    sessions = list(read_sessions([path], complaints.append))
    assert complaints == []
    return sessions


def ws76proxy(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "ws76proxy", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=os.environ
    )


class ReplayServer:
    """A recording that stands in for its server."""

    def __init__(self, process: Process, url: str) -> None:
        self._process = process
        self.url = url

    def finish(self) -> tuple[int, str]:
        """Wait for its end; its exit status, and what it printed."""
        status = self._process.wait()
        return status, "\n".join(self._process.lines("stdout") + self._process.lines("stderr"))


@contextmanager
def replaying(recording: Path, *arguments: str) -> Iterator[ReplayServer]:
    """`ws76proxy replay server` on a port of its own choice, while the context lasts."""
    command = [sys.executable, "-m", "ws76proxy", "replay", "server", str(recording)]
    command += ["--listen", "127.0.0.1:0", *arguments]
    with Process("replay", command, env=os.environ) as process:
        ready = process.wait_for_line("stderr", r"listening on (wss?://[^\s/]+)")
        yield ReplayServer(process, ready[1])
