"""mitmdump in a process of its own, forked from one that has imported mitmproxy already.

Of the two seconds that it takes to start, its imports are more than one.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from io import BufferedReader
from multiprocessing.connection import Connection
from pathlib import Path

__all__ = ["ForkedMitmdump"]

_context = multiprocessing.get_context("forkserver")


class ForkedMitmdump:
    """A running mitmdump, with what `subprocess.Popen` has; its output comes through pipes.

    `stderr` is None where standard error goes the way of standard output.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        environment: Mapping[str, str],
        folder: Path | None = None,
        one_output: bool = False,
        own_session: bool = False,
    ) -> None:
        _context.set_forkserver_preload(["pytest", "mitmproxy.tools.main", "mitmproxy.tools.dump"])
        readers, writers = zip(
            *(_context.Pipe(duplex=False) for _ in range(1 if one_output else 2)), strict=True
        )
        self._process = _context.Process(
            target=_mitmdump,
            args=(arguments, dict(environment), folder or Path.cwd(), writers, own_session),
            daemon=True,
        )
        self._process.start()
        files = [_as_file(reader) for reader in readers]
        for writer in writers:
            writer.close()
        self.stdout = files[0]
        self.stderr = None if one_output else files[1]
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the exit status. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("mitmdump", timeout)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing is sent to one that has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _as_file(reader: Connection) -> BufferedReader:
    file = os.fdopen(os.dup(reader.fileno()), "rb")
    reader.close()
    return file


def _mitmdump(
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    outputs: tuple[Connection, ...],
    own_session: bool,
) -> None:
    """In the new process."""
    if own_session:
        os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(outputs[0].fileno(), 1)
    os.dup2(outputs[-1].fileno(), 2)
    for output in outputs:
        output.close()
    sys.stdout, sys.stderr = (
        open(number, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number in (1, 2)
    )
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["mitmdump", *arguments]
    from mitmproxy.tools.main import mitmdump

    mitmdump()
    # What an interpreter would still say at its end.
    gc.collect()
