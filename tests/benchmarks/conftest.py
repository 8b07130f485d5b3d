"""The programs of the benchmark, built once, and ways to set them against each other."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest

# `benchmarks` is no part of the installed package: it is found beside `tests`.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.build import Programs, build
from benchmarks.processes import listening

DEADLINE = 60

Finished = subprocess.CompletedProcess[str]
Change = Callable[[bytes], bytes]
"""What a proxy makes of each chunk in one direction of one connection."""


class Load(Protocol):
    def __call__(self, *arguments: str, port: int | None = None) -> Finished: ...


class LoadThrough(Protocol):
    def __call__(
        self,
        *arguments: str,
        up: Callable[[], Change] | None = None,
        down: Callable[[], Change] | None = None,
    ) -> Finished: ...


@pytest.fixture(scope="session")
def programs() -> Programs:
    if sys.platform != "linux":
        pytest.skip("the load generator needs Linux (epoll)")
    if shutil.which("cc") is None:
        pytest.skip("the load generator needs a C compiler: no 'cc' on the PATH")
    return build()


@pytest.fixture(scope="session")
def server(programs: Programs) -> Iterator[int]:
    """The port of a running server."""
    command = [str(programs.server), "--max-seconds", "600"]
    with listening(command, frozenset(os.sched_getaffinity(0))) as running:
        yield running.port


@pytest.fixture
def load(programs: Programs, server: int) -> Load:
    """Run the load generator against the server, or another port."""

    def run(*arguments: str, port: int | None = None) -> Finished:
        command = [str(programs.load), "--port", str(port or server), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=DEADLINE, check=False
        )

    return run


@pytest.fixture
def load_through(programs: Programs, server: int) -> LoadThrough:
    """Run the load generator through a proxy that changes what passes."""

    def unchanged() -> Change:
        return bytes

    def run(
        *arguments: str,
        up: Callable[[], Change] | None = None,
        down: Callable[[], Change] | None = None,
    ) -> Finished:
        running = _through(programs, server, up or unchanged, down or unchanged, arguments)
        return asyncio.run(asyncio.wait_for(running, DEADLINE))

    return run


async def _through(
    programs: Programs,
    server: int,
    up: Callable[[], Change],
    down: Callable[[], Change],
    arguments: tuple[str, ...],
) -> Finished:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", server)
        await asyncio.gather(
            _pump(reader, upstream_writer, up()), _pump(upstream_reader, writer, down())
        )

    proxy = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with proxy:
        client = await asyncio.create_subprocess_exec(
            programs.load,
            "--port",
            str(proxy.sockets[0].getsockname()[1]),
            *arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        stdout, stderr = await client.communicate()
    return Finished(arguments, client.returncode or 0, stdout.decode(), stderr.decode())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Change) -> None:
    # The load generator leaves at the first fault, in the middle of everything.
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            writer.write(change(chunk))
            await writer.drain()
    writer.close()
