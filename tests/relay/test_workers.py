"""Several processes on one port: what they say stays readable, what dies is followed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.recording.told import files_in, texts_of
from ws76proxy.demo import EchoServer, converse
from ws76proxy.recording import read_sessions

from .ends import End, Server, accepts, conversing, serving
from .handshakes import CLOSING, frame
from .process import Process, one_loop, running

pytestmark = one_loop


async def on_each_worker(
    relay: Process, server: Server, stack: contextlib.AsyncExitStack
) -> dict[int, tuple[End, End]]:
    """A session on each of two workers, by the process that serves it: the kernel deals them."""
    found: dict[int, tuple[End, End]] = {}
    while len(found) < 2:
        ends = await stack.enter_async_context(conversing(relay, server))
        process = process_of(ends[0], relay)
        found.setdefault(process, ends)
    return found


def process_of(client: End, relay: Process) -> int:
    """Which worker has a client's connection."""
    connection: socket.socket = client._writer.get_extra_info("socket")
    port = connection.getsockname()[1]
    inode = next(
        fields[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(f":{relay.port:04X}")
        and fields[2].endswith(f":{port:04X}")
    )
    for process in relay.workers:
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(entry.readlink()) == f"socket:[{inode}]":
                    return process
    raise AssertionError("no worker has it")


async def test_sessions_of_two_workers(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--workers", "2") as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        assert len(relay.workers) == 2
        ends = await on_each_worker(relay, server, stack)
        for client, upstream in ends.values():
            await client.send(frame(b"up"))
            assert await upstream.receive(4) == frame(b"up")
        relay.send_signal(signal.SIGTERM)
        for client, upstream in ends.values():
            assert await client.rest() == CLOSING
            assert await upstream.rest() == CLOSING
        records = [record async for record in relay.records()]
        assert await relay.ended() == 0
    starts = [record["session"] for record in records if record["type"] == "session-start"]
    stops = [record["session"] for record in records if record["type"] == "session-end"]
    assert len(set(starts)) == len(starts)
    assert sorted(starts) == sorted(stops)
    # The number says which worker it was.
    assert {number % 2 for number in starts} == {0, 1}


async def test_lines_stay_whole(loop_name: str) -> None:
    """Each message is larger than what a pipe takes at once."""
    said = [f"{number} ".ljust(20_000, "x") for number in range(20)]
    async with (
        EchoServer() as server,
        running(loop_name, server.port, "--json", "--workers", "2") as relay,
    ):
        reading = asyncio.create_task(_read(relay))
        talks = [converse("127.0.0.1", relay.port, said) for _ in range(20)]
        assert await asyncio.gather(*talks) == [said] * 20
        relay.send_signal(signal.SIGTERM)
        records = await reading
        assert await relay.ended() == 0
    messages = [record for record in records if record["type"] == "message"]
    assert len(messages) == 2 * 20 * 20
    assert {record["session"] % 2 for record in messages} == {0, 1}


async def _read(relay: Process) -> list[dict[str, Any]]:
    return [record async for record in relay.records()]


async def test_a_killed_worker_is_followed(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--workers", "2") as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        relay.expected = "its successor starts now"
        before = set(relay.workers)
        ends = await on_each_worker(relay, server, stack)
        killed, kept = ends
        os.kill(killed, signal.SIGKILL)
        for end in ends[killed]:
            assert await end.until_dropped() == b""
        assert re.search(
            r"worker [12] was ended by SIGKILL; its successor starts now",
            await relay.until_said("SIGKILL"),
        )
        client, upstream = ends[kept]
        await client.send(frame(b"still here"))
        assert await upstream.receive(12) == frame(b"still here")
        while len(set(relay.workers) - before) < 1:
            # The system tells of no new process; a session is as good as any other way to wait.
            await stack.enter_async_context(conversing(relay, server))
        newcomer = (set(relay.workers) - before).pop()
        serves = 0
        while serves != newcomer:
            newest, _ = await stack.enter_async_context(conversing(relay, server))
            serves = process_of(newest, relay)
        relay.send_signal(signal.SIGTERM)
        records = [record async for record in relay.records()]
        assert await relay.ended() == 0
    starts = [record["session"] for record in records if record["type"] == "session-start"]
    assert len(set(starts)) == len(starts)


async def test_a_worker_that_is_told_to_end_drains(loop_name: str) -> None:
    options = "--json", "--workers", "2", "--drain", "3600", "--drain-quiet", "0.05"
    async with (
        serving() as server,
        running(loop_name, server.port, *options) as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        relay.expected = "its successor starts now"
        ends = await on_each_worker(relay, server, stack)
        told, other = ends
        await ends[other][0].send(b"\x00busy")
        await ends[other][1].receive(5)
        os.kill(told, signal.SIGTERM)
        for end in ends[told]:
            assert await end.rest() == CLOSING
            await end.close()
        await relay.until_said("has ended with exit status 0")
        # Of the other sessions none was touched.
        await ends[other][0].send(b"\xff")
        assert await ends[other][1].receive(1) == b"\xff"
        relay.send_signal(signal.SIGTERM)
        for end in ends[other]:
            assert await end.rest() == CLOSING
            await end.close()
        assert await relay.ended() == 0


async def test_a_second_signal_ends_all_at_once(loop_name: str) -> None:
    options = "--json", "--workers", "2", "--drain", "3600"
    async with (
        serving() as server,
        running(loop_name, server.port, *options) as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        relay.expected = "was ended by SIGKILL"
        ends = await on_each_worker(relay, server, stack)
        for client, upstream in ends.values():
            await client.send(b"\x00busy")
            await upstream.receive(5)
        relay.send_signal(signal.SIGTERM)
        while await accepts(relay.port):
            pass
        relay.send_signal(signal.SIGTERM)
        for client, _ in ends.values():
            await client.until_dropped()
        assert await relay.ended() == -signal.SIGTERM


async def test_workers_do_not_outlive_their_supervisor(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--workers", "2") as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        ends = await on_each_worker(relay, server, stack)
        relay.child.kill()
        for client, upstream in ends.values():
            assert await client.rest() == CLOSING
            assert await upstream.rest() == CLOSING
        # Their output ends with them.
        records = [record async for record in relay.records()]
        assert records[-1]["type"] == "session-end"
        assert await relay.ended() == -signal.SIGKILL


async def test_recordings_of_two_workers(loop_name: str, tmp_path: Path) -> None:
    place, sessions = tmp_path / "folder", 20
    options = "-q", "--workers", "2", "--record", str(place)
    async with EchoServer() as server, running(loop_name, server.port, *options) as relay:
        for number in range(sessions):
            await converse("127.0.0.1", relay.port, [f"{number}"])
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
    files = files_in(place)
    assert len({path.name for path in files}) == sessions
    recorded = list(read_sessions([place], pytest.fail))
    assert sorted(texts_of(one.records)[0] for one in recorded) == sorted(
        str(number) for number in range(sessions)
    )
    numbers = {one.records[0].session for one in recorded}
    assert len(numbers) == sessions
    assert {number % 2 for number in numbers} == {0, 1}


async def test_the_limit_of_connections_is_for_all(loop_name: str) -> None:
    options = "--json", "--workers", "2", "--max-connections", "2"
    async with (
        serving() as server,
        running(loop_name, server.port, *options) as relay,
        contextlib.AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(relay.client()) for _ in range(3)]
        answers = [asyncio.create_task(client.until_dropped()) for client in clients]
        done, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert done.pop().result().startswith(b"HTTP/1.1 503 ")
        for task in waiting:
            task.cancel()


async def test_a_worker_that_cannot_begin(loop_name: str, tmp_path: Path) -> None:
    """Nobody is started again and again who never served."""
    folder = tmp_path / "uvloop.py"
    folder.write_text("raise ImportError('hidden by a test')\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    child = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "ws76proxy", "relay", "ws://127.0.0.1:9"],
        *["--listen", "127.0.0.1:0", "--workers", "2", "--loop", "uvloop"],
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stderr is not None
    said = (await child.stderr.read()).decode()
    assert await child.wait() == 1
    assert "uvloop is not installed" in said
    assert "listening" not in said
    assert "successor" not in said
