"""SIGINT and SIGTERM: sessions end in order, everything is told, the exit status is 0."""

from __future__ import annotations

import signal

import pytest

from .ends import opened, serving
from .handshakes import CLOSING, KEY3, frame, request
from .harness import turn_until
from .process import running

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
async def test_sessions_are_closed_in_order(loop_name: str, number: signal.Signals) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--host", "keep") as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        await client.send(frame(b"last words"))
        assert await upstream.receive(12) == frame(b"last words")
        relay.send_signal(number)
        assert await client.rest() == CLOSING
        assert await upstream.rest() == CLOSING
        records = [record async for record in relay.records()]
        assert await relay.ended() == 0
    told = [record["type"] for record in records]
    assert told[0] == "session-start"
    assert told[-2:] == ["closing", "session-end"]
    assert (records[-2]["by"], records[-2]["how"]) == ("relay", "shutdown")
    assert [record["text"] for record in records if record["type"] == "message"] == ["last words"]


async def test_sessions_of_every_kind_end(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json") as relay,
        relay.client() as silent,
        relay.client() as halfway,
        relay.client() as waiting,
        relay.client() as page,
    ):
        await halfway.send(request()[:30])
        await waiting.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await page.send(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        await (await server.accept()).receive_head()
        relay.send_signal(signal.SIGTERM)
        for client in (silent, halfway, waiting, page):
            await client.until_dropped()
        records = [record async for record in relay.records()]
        assert await relay.ended() == 0
    ends = {record["session"] for record in records if record["type"] == "session-end"}
    starts = {record["session"] for record in records if record["type"] == "session-start"}
    assert starts == ends == {1, 2, 3, 4}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
async def test_a_second_signal_ends_at_once(loop_name: str, number: signal.Signals) -> None:
    stubborn = "--close-timeout", "3600"
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", *stubborn) as relay,
        relay.client() as client,
    ):
        client.shrink()
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        # More than the client, who does not read, and the kernel take: closing has to wait.
        await turn_until(lambda: not upstream.send_some(frame(b"x" * 1_000_000)))
        relay.send_signal(number)
        await upstream.until_dropped()
        relay.send_signal(number)
        assert await relay.ended() == -number


async def test_nobody_is_connected(loop_name: str) -> None:
    async with running(loop_name, 9, "--json") as relay:
        assert await relay.stop() == []
