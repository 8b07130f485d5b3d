"""Whoever reads the records: stops, comes back, goes away, or was never there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from ws76proxy.demo import EchoServer, converse

from .ends import End, serving
from .handshakes import KEY3, frame, request
from .process import MIB, running

MESSAGES = 400_000
TEXT = b"0123456789" * 5


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe that nobody reads."""
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        for end in (reader, writer):
            with contextlib.suppress(OSError):
                os.close(end)


async def say_much(client: End) -> None:
    for _ in range(MESSAGES // 1000):
        await client.send(frame(TEXT) * 1000)


async def test_a_reader_that_stops_holds_sessions_and_not_the_relay(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--max-connections", "2") as relay,
        relay.client() as client,
        relay.client(),
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        speaking = asyncio.create_task(say_much(client))
        arriving = asyncio.create_task(upstream.receive(MESSAGES * (len(TEXT) + 2)))
        for _ in range(100):
            # The relay itself is awake.
            async with relay.client() as third:
                assert (await third.receive_head()).startswith(b"HTTP/1.1 503 ")
        assert not arriving.done()
        lines = relay.lines()
        messages = 0
        async for line in lines:
            if line.startswith(b'{"type":"message"'):
                messages += 1
                assert b'"number":%d,' % messages in line
                if messages == MESSAGES:
                    break
        await speaking
        assert await arriving == frame(TEXT) * MESSAGES
        assert relay.peak_memory < 150 * MIB


# It takes as long as the relay gives a reader that may come back.
@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_stopping_while_nobody_reads(loop_name: str) -> None:
    with pipe() as (_reader, writer):
        async with (
            serving() as server,
            running(loop_name, server.port, "--json", stdout=writer) as relay,
            relay.client() as client,
        ):
            await client.send(request() + KEY3)
            upstream = await server.accept()
            await upstream.answer()
            # More than the pipe takes, less than what makes the relay hold the session.
            await client.send(frame(TEXT) * 10_000)
            await upstream.receive(10_000 * (len(TEXT) + 2))
            relay.send_signal(signal.SIGTERM)
            assert await relay.ended() == 0


async def test_a_reader_that_goes_away(loop_name: str) -> None:
    with pipe() as (reader, writer):
        async with (
            EchoServer() as server,
            running(loop_name, server.port, "--json", stdout=writer) as relay,
        ):
            os.close(writer)
            assert await converse("127.0.0.1", relay.port, ["before"]) == ["before"]
            os.close(reader)
            for _ in range(5):
                said = ["after" * 10_000] * 20
                assert await converse("127.0.0.1", relay.port, said) == said
            relay.send_signal(signal.SIGTERM)
            assert await relay.ended() == 0


@pytest.mark.parametrize("output", [["--json"], []], ids=["json", "console"])
async def test_output_that_goes_nowhere(loop_name: str, output: list[str]) -> None:
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *output, stdout=asyncio.subprocess.DEVNULL) as relay,
    ):
        assert await converse("127.0.0.1", relay.port, ["hi"]) == ["hi"]
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0


async def test_the_console_when_its_reader_goes_away(loop_name: str) -> None:
    with pipe() as (reader, writer):
        async with EchoServer() as server, running(loop_name, server.port, stdout=writer) as relay:
            os.close(writer)
            os.close(reader)
            for _ in range(5):
                assert await converse("127.0.0.1", relay.port, ["hi"] * 100) == ["hi"] * 100
            relay.send_signal(signal.SIGTERM)
            assert await relay.ended() == 0
