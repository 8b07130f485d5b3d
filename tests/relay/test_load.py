"""Much: frames, a message, connections. Everything arrives, is counted, and memory is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from .ends import End, opened, serving
from .handshakes import KEY3, frame, request
from .process import MIB, Process, running

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a process's memory is read from Linux's /proc"
)

# Twice what was seen, and far below what an unbounded buffer would take.
LIMIT = 200 * MIB


async def count(end: End) -> int:
    """How many bytes come until FIN."""
    size = 0
    while data := await end.receive_some():
        size += len(data)
    return size


async def send_all(end: End, data: bytes, times: int) -> None:
    for _ in range(times):
        await end.send(data)
    end.finish()


async def until_end(relay: Process, sessions: int = 1) -> tuple[int, list[bytes]]:
    """Read what is told up to the end of so many sessions: how many messages, and the ends."""
    messages, ends = 0, []
    async for line in relay.lines():
        if line.startswith(b'{"type":"message"'):
            messages += 1
        elif line.startswith(b'{"type":"session-end"'):
            ends.append(line)
            if len(ends) == sessions:
                break
    return messages, ends


async def until_ended(relay: Process) -> AsyncIterator[bytes]:
    async for line in relay.lines():
        yield line
        if line.startswith(b'{"type":"session-end"'):
            return


# Once: it is the frames that take their time, and no event loop has to do with them.
@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_ten_million_empty_frames(loop_name: str) -> None:
    total = 10_000_000
    async with (
        serving() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        async with asyncio.TaskGroup() as group:
            group.create_task(send_all(client, b"\x00\xff" * 100_000, total // 100_000))
            arriving = group.create_task(count(upstream))
            telling = group.create_task(until_end(relay))
            assert await arriving == 2 * total
            upstream.finish()
        messages, _ends = telling.result()
        assert messages == total
        assert relay.peak_memory < LIMIT


async def test_a_large_message_in_small_pieces(loop_name: str) -> None:
    size, piece = 100 * MIB, 1448
    message = frame(bytes(range(32, 127)) * (size // 95))
    async with (
        serving() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)

        async def send_in_pieces() -> None:
            for begin in range(0, len(message), piece):
                await client.send(message[begin : begin + piece])
            client.finish()

        async with asyncio.TaskGroup() as group:
            group.create_task(send_in_pieces())
            arriving = group.create_task(upstream.rest())
        assert arriving.result() == message
        upstream.finish()
        lines = [line async for line in until_ended(relay)]
        (told,) = (line for line in lines if line.startswith(b'{"type":"frame"'))
        # Above the limit of --max-message: passed on as it was, and not kept.
        assert b'"whole":false' in told
        assert b'"size":%d,' % len(message) in told
        assert relay.peak_memory < LIMIT


async def test_a_thousand_idle_connections(loop_name: str) -> None:
    number = 1000
    with file_limit(2 * number + 200):
        async with (
            serving() as server,
            running(loop_name, server.port, "--json") as relay,
            contextlib.AsyncExitStack() as stack,
            asyncio.TaskGroup() as group,
        ):
            telling = group.create_task(until_end(relay, number))
            clients = [await stack.enter_async_context(relay.client()) for _ in range(number)]
            upstreams = [await opened(client, server) for client in clients]
            # Idle does not mean dead.
            for client, upstream in zip(clients, reversed(upstreams), strict=True):
                await client.send(frame(b"x"))
                await upstream.send(frame(b"y"))
            for client, upstream in zip(clients, upstreams, strict=True):
                assert await client.receive(3) == frame(b"y")
                assert await upstream.receive(3) == frame(b"x")
            for end in (*clients, *upstreams):
                end.finish()
            messages, ends = await telling
            assert messages == 2 * number
            assert all(b'"outcome":"open"' in end for end in ends)
            assert relay.peak_memory < LIMIT


async def test_a_peer_that_stops_reading(loop_name: str) -> None:
    size = 300 * MIB
    async with (
        serving() as server,
        running(loop_name, server.port, "-q") as relay,
        relay.client() as client,
        relay.client() as other,
    ):
        client.shrink()
        upstream, other_upstream = await opened(client, server), await opened(other, server)
        flooding = asyncio.create_task(send_all(upstream, frame(b"x" * (MIB - 2)), size // MIB))
        for _ in range(2000):
            await other.send(frame(b"busy"))
            assert await other_upstream.receive(6) == frame(b"busy")
        assert not flooding.done()
        arriving = asyncio.create_task(count(client))
        await flooding
        assert await arriving == size
        assert relay.peak_memory < LIMIT


async def test_no_more_files_may_be_opened(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as before,
    ):
        relay.expected = "Too many open files"
        upstream = await opened(before, server)
        resource.prlimit(relay.child.pid, resource.RLIMIT_NOFILE, (20, 20))
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(relay.client()) for _ in range(40)]
            for client in clients:
                await client.send(request() + KEY3)
            await before.send(frame(b"still here"))
            assert await upstream.receive(12) == frame(b"still here")
        async with relay.client() as after:
            await after.send(request() + KEY3)
            await before.send(frame(b"and here"))
            assert await upstream.receive(10) == frame(b"and here")
        records = await relay.stop()
    assert records[-1]["type"] == "session-end"
    assert len(relay.errors) <= 2


@contextlib.contextmanager
def file_limit(wanted: int) -> Iterator[None]:
    """Let this process open that many files, or skip the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < wanted:
        pytest.skip(f"the system allows {hard} open files, fewer than {wanted}")
    if resource.RLIM_INFINITY != soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
