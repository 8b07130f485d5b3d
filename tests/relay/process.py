"""The command line in a process of its own: its records, its memory, its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .ends import End, connecting

MIB = 1024 * 1024
Line = dict[str, Any]

# Several processes take their time to start: one event loop is enough, the faster where it is.
one_loop = pytest.mark.parametrize(
    "loop_name", ["asyncio" if find_spec("uvloop") is None else "uvloop"]
)


class Process:
    """A relay that has said that it listens."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.port = 0
        self.metrics_port = 0
        self.errors: list[str] = []
        self.expected = ""
        self._listening = asyncio.Event()
        self._said = asyncio.Event()
        self._stderr = asyncio.create_task(self._read_stderr())

    async def _read_stderr(self) -> None:
        assert self.child.stderr is not None
        async for raw in self.child.stderr:
            line = raw.decode().rstrip("\n")
            self.errors.append(line)
            if match := re.fullmatch(r"listening on wss?://.*:(\d+)", line):
                self.port = int(match[1])
                self._listening.set()
            elif match := re.fullmatch(r"metrics on http://.*:(\d+)/metrics", line):
                self.metrics_port = int(match[1])
            self._said.set()
        # Whoever waits for a port would wait for ever.
        self._listening.set()
        self._said.set()

    async def until_said(self, text: str) -> str:
        """Wait for a line on stderr that contains a text."""
        while not (found := [line for line in self.errors if text in line]):
            assert not self._stderr.done(), self.errors
            self._said.clear()
            await self._said.wait()
        return found[0]

    @property
    def workers(self) -> list[int]:
        """The processes of its workers."""
        path = Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children")
        return [int(number) for number in path.read_text().split()]

    async def ready(self) -> None:
        await self._listening.wait()
        assert self.port, self.errors

    def client(self) -> contextlib.AbstractAsyncContextManager[End]:
        """A client of it."""
        return connecting(self.port)

    def send_signal(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; its exit status."""
        # asyncio tells of the end only when the output has been read, which is not what is tested.
        while self.child.stdout is not None and await self.child.stdout.read(MIB):
            pass
        status = await self.child.wait()
        await self._stderr
        return status

    async def records(self) -> AsyncIterator[Line]:
        """What it tells, line by line, up to the end of its output."""
        async for line in self.lines():
            yield json.loads(line)

    async def lines(self) -> AsyncIterator[bytes]:
        """The same, unread. Lines may be longer than what a `StreamReader` takes for one."""
        assert self.child.stdout is not None
        begun: list[bytes] = []
        while data := await self.child.stdout.read(MIB):
            head, newline, tail = data.partition(b"\n")
            begun.append(head)
            if not newline:
                continue
            yield b"".join(begun)
            *whole, last = tail.split(b"\n")
            for line in whole:
                yield line
            begun = [last]
        assert not any(begun), "the output ends in the middle of a line"

    async def stop(self) -> list[Line]:
        """End it as a user would; the rest of its records."""
        self.send_signal(signal.SIGTERM)
        records = [record async for record in self.records()]
        assert await self.ended() == 0, self.errors
        return records

    @property
    def peak_memory(self) -> int:
        """The most that it ever had in memory, in bytes."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert match is not None
        return int(match[1]) * 1024

    @property
    def complaints(self) -> list[str]:
        """What it said on stderr besides where it listens, and what is `expected`."""
        return [
            line
            for line in self.errors
            if not line.startswith(("listening on ", "metrics on "))
            if not (self.expected and self.expected in line)
        ]


@contextlib.asynccontextmanager
async def running(
    loop_name: str, port: int, *arguments: str, stdout: int = PIPE
) -> AsyncIterator[Process]:
    """`ws76proxy relay` in front of a port; what leaves a resource open fails its test."""
    command = [sys.executable, "-W", "error", "-m", "ws76proxy", "relay"]
    command += [f"ws://127.0.0.1:{port}", "--listen", "127.0.0.1:0", "--loop", loop_name]
    child = await asyncio.create_subprocess_exec(
        *command, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=stdout, stderr=PIPE
    )
    process = Process(child)
    try:
        await process.ready()
        yield process
    finally:
        if child.returncode is None:
            child.kill()
        await process.ended()
    assert process.complaints == []
