"""Clients and servers that are slow, silent or gone: each wait of the relay has an end."""

from __future__ import annotations

import asyncio

import pytest

from ws76proxy.demo import EchoServer

from .ends import End, opened, serving
from .handshakes import KEY3, SWITCHING, frame, request
from .harness import relaying

UNUSED = 9
"""A port for an upstream that no client of the test gets to."""
SHORT = 0.5
"""A time-out that a test waits for; what must happen before it takes far less."""


async def trickle(client: End, data: bytes) -> None:
    """Send byte by byte, never stopping for longer than the relay waits."""
    for byte in data:
        await client.send(bytes([byte]))
        await asyncio.sleep(SHORT / 10)


async def test_a_head_that_trickles_in() -> None:
    async with relaying(UNUSED, handshake_timeout=SHORT) as relay, relay.client() as client:
        drip = asyncio.create_task(trickle(client, request()))
        answer = await client.until_dropped()
        end = await relay.recorder.ended()
        drip.cancel()
        await asyncio.gather(drip, return_exceptions=True)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert end.outcome == "failed"
    assert ("relay", "timeout") in relay.recorder.closings()


async def test_a_client_that_says_nothing() -> None:
    async with relaying(UNUSED, handshake_timeout=SHORT) as relay, relay.client() as client:
        assert await client.rest() == b""
        end = await relay.recorder.ended()
    assert end.outcome == "nothing"


@pytest.mark.parametrize("part", [b"", KEY3[:5]])
async def test_key3_that_never_comes(part: bytes) -> None:
    async with (
        serving() as server,
        relaying(server.port, handshake_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        await client.send(request() + part)
        upstream = await server.accept()
        await upstream.receive_head()
        answer = await client.rest()
        assert await upstream.rest() == part
        end = await relay.recorder.ended()
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"8 bytes must follow the head; %d came" % len(part) in answer
    assert end.outcome == "failed"
    assert any(code.startswith("key3") for code in end.findings)


async def test_a_server_that_says_nothing() -> None:
    async with (
        serving() as server,
        relaying(server.port, handshake_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        await (await server.accept()).receive_head()
        answer = await client.rest()
        end = await relay.recorder.ended()
    assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert end.outcome == "failed"


async def test_a_digest_that_never_comes() -> None:
    async with (
        serving() as server,
        relaying(server.port, handshake_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(SWITCHING + b"short")
        received = await client.rest()
        end = await relay.recorder.ended()
    # What the server did say has been passed on: nothing may follow it.
    assert received.endswith(b"\r\n\r\nshort")
    assert (end.outcome, end.verdict) == ("failed", "missing")


async def test_a_server_that_ends_before_it_answers() -> None:
    async with (
        serving() as server,
        relaying(server.port, handshake_timeout=SHORT, close_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        upstream.finish()
        assert await client.rest() == b""
        end = await relay.recorder.ended()
    assert end.outcome == "failed"


async def test_an_idle_session() -> None:
    async with (
        EchoServer() as server,
        relaying(server.port, idle_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        await client.open()
        assert await client.rest() == b""
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("open", ["idle-timeout"])
    assert relay.recorder.closings() == [("relay", "timeout")]


async def test_a_session_that_is_not_idle_goes_on() -> None:
    day = 86_400.0
    async with (
        EchoServer() as server,
        relaying(server.port, idle_timeout=day) as relay,
        relay.client() as client,
    ):
        await client.open()
        pump = relay.pumps[1]
        # Two days pass, but not in silence.
        pump.last_activity -= 2 * day
        await client.echo(b"still here")
        pump._check_time()
        await client.echo(b"and here")
        assert not relay.recorder.closings()
        # And two in silence.
        pump.last_activity -= 2 * day
        pump._check_time()
        assert await client.rest() == b""
        end = await relay.recorder.ended()
    assert end.findings == ["idle-timeout"]


@pytest.mark.parametrize("idle_timeout", [0.0, 3600.0])
async def test_who_goes_on_too_long_after_the_other_has_ended(idle_timeout: float) -> None:
    async with (
        serving() as server,
        relaying(server.port, idle_timeout=idle_timeout, close_timeout=SHORT) as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        client.finish()
        assert await upstream.rest() == b""
        # The server never closes its side: it is closed for it.
        assert await client.rest() == b""
        await relay.recorder.ended()
    assert relay.recorder.closings() == [("client", "end-of-stream"), ("relay", "timeout")]


@pytest.mark.parametrize("first", ["client", "server"])
async def test_one_direction_ends_and_the_other_goes_on(first: str) -> None:
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        upstream = await opened(client, server)
        ends, goes_on = (client, upstream) if first == "client" else (upstream, client)
        await ends.send(frame(b"last"))
        ends.finish()
        assert await goes_on.rest() == frame(b"last")
        for _ in range(3):
            await goes_on.send(frame(b"and on"))
            assert await ends.receive(8) == frame(b"and on")
        assert relay.recorder.closings() == [(first, "end-of-stream")]
        goes_on.finish()
        assert await ends.rest() == b""
        await relay.recorder.ended()


@pytest.mark.parametrize("first", ["client", "server"])
async def test_a_reset_is_passed_on_behind_what_came_before(first: str) -> None:
    said = frame(b"x" * 100_000)
    async with serving() as server, relaying(server.port) as relay, relay.client() as client:
        upstream = await opened(client, server)
        resets, other = (client, upstream) if first == "client" else (upstream, client)
        await resets.send(said)
        # A reset may overtake what the kernel still has to deliver: let that arrive first.
        assert await other.receive(len(said)) == said
        resets.reset()
        assert await other.until_dropped() == b""
        end = await relay.recorder.ended()
    assert relay.recorder.closings() == [(first, "reset")]
    assert "connection-reset" in end.findings
    assert relay.recorder.finding("connection-reset").detail.startswith(f"{first}: ")
