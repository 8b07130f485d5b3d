"""Starts a server or a relay, waits until it listens, reads its peak memory, and stops it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
READY_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
_ANNOUNCEMENT = re.compile(r"listening on \S*:(\d+)")


class ProcessError(Exception):
    """A program did not start, or ended when it should not."""


@dataclass(slots=True)
class Listening:
    """A running program and the port on 127.0.0.1 where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    stderr: Path

    def check(self, grace: float = 0) -> None:
        """Raise ProcessError when the program has ended, or does within the grace."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
            raise ProcessError(_ended(self.process, self.stderr))

    def peak_memory_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kibibytes = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        if kibibytes is None:
            raise ProcessError("its peak memory is not known: no VmHWM")
        return int(kibibytes[1]) / 1024


def free_port() -> int:
    """A port for a program that cannot pick one; another could take it first, but seldom does."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def on_cpus(cpus: frozenset[int]) -> Iterator[None]:
    """What is started meanwhile runs on these CPUs: a child inherits the set of its parent."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def listening(
    command: Sequence[str],
    cpus: frozenset[int],
    *,
    port: int | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Listening]:
    """Run a program; without a `port` it must announce its own on stderr."""
    with tempfile.TemporaryDirectory(prefix="ws76-bench-") as scratch:
        # A file, unlike a pipe, takes whatever is written while no one reads.
        stderr = Path(scratch) / "stderr"
        with stderr.open("wb") as sink:
            try:
                with on_cpus(cpus):
                    process = subprocess.Popen(
                        list(command),
                        cwd=ROOT,
                        env={**os.environ, **(environment or {})},
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=sink,
                    )
            except OSError as error:
                raise ProcessError(f"cannot be started: {error}") from error
        try:
            yield Listening(process, _wait_until_ready(process, port, stderr), stderr)
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int | None, stderr: Path) -> int:
    deadline = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ProcessError(_ended(process, stderr))
        if port is None:
            announced = _ANNOUNCEMENT.search(stderr.read_text(errors="replace"))
            if announced:
                return int(announced[1])
        elif _accepts(port):
            return port
        time.sleep(0.01)
    raise ProcessError(f"not listening after {READY_TIMEOUT:g} s")


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        # A connection to a free port may, by chance of its own port, reach itself.
        return bool(probe.getsockname() != probe.getpeername())


def _ended(process: subprocess.Popen[bytes], stderr: Path) -> str:
    lines = [
        line
        for line in stderr.read_text(errors="replace").splitlines()
        if line.strip() and not _ANNOUNCEMENT.search(line)
    ]
    return f"ended with status {process.returncode}" + (f": {lines[-1]}" if lines else "")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_TIMEOUT)
