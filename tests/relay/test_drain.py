"""Draining: nobody new, the idle go at once, the busy when they are idle, all others at the end."""

from __future__ import annotations

import asyncio
import signal

import pytest

from ws76proxy.record import ClosingRecord, SessionEndRecord
from ws76proxy.session import Peer

from .ends import accepts, opened, serving
from .handshakes import ANSWER, CLOSING, KEY3, frame, request, request_75
from .harness import Running, relaying, turn_until
from .process import one_loop, running
from .test_editing import by_rules
from .web import health

QUIET = 0.03
LONG = 3600.0
CAME = len(request() + KEY3)


def draining(relay: Running, seconds: float = LONG) -> asyncio.Task[None]:
    """A drain that has begun."""
    return asyncio.get_running_loop().create_task(relay.relay.drain(seconds))


async def test_an_idle_session_ends_in_order() -> None:
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET) as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        drained = draining(relay)
        assert await client.rest() == CLOSING
        assert await upstream.rest() == CLOSING
        await client.close()
        await upstream.close()
        await drained
        assert not await accepts(relay.port)
        assert relay.recorder.closings() == [("relay", "shutdown")]


async def test_nobody_is_there() -> None:
    async with relaying(9) as relay:
        await relay.relay.drain(LONG)
        assert relay.relay.is_draining
        assert not await accepts(relay.port)


async def test_a_message_on_its_way_is_waited_for() -> None:
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET) as relay,
        relay.client() as client,
        relay.client() as idle,
    ):
        upstream = await opened(client, server)
        await client.send(b"\x00half of")
        assert await upstream.receive(8) == b"\x00half of"
        drained = draining(relay)
        # Whoever has said nothing goes, while the message is still on its way.
        assert await idle.until_dropped() == b""
        assert not relay.recorder.all(SessionEndRecord, session=1)
        await client.send(b" a message\xff")
        assert await upstream.receive(11) == b" a message\xff"
        assert await upstream.rest() == CLOSING
        assert await client.rest() == CLOSING
        await client.close()
        await upstream.close()
        await drained
    assert relay.recorder.texts("client") == ["half of a message"]


@pytest.mark.parametrize("when", ['text = "nobody says this"', 'text = "message"'])
async def test_so_is_one_where_rules_look(when: str) -> None:
    """A frame is held until it is whole: with a rule half of it must not be all that ever comes."""
    editing = by_rules(f"""
        [[message]]
        name = "a while"
        when = {{ {when} }}
        do = [{{ action = "delay", seconds = 0.1 }}]
    """)
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET, editing=editing) as relay,
        relay.client() as client,
        relay.client() as idle,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        await client.receive(len(ANSWER))
        await client.send(b"\x00half of")
        await turn_until(lambda: relay.pumps[1].session.traffic[Peer.CLIENT].bytes == CAME + 8)
        drained = draining(relay)
        await idle.until_dropped()
        assert not relay.recorder.all(SessionEndRecord, session=1)
        await client.send(b" a message\xff")
        whole = frame(b"half of a message")
        assert await upstream.receive(len(whole)) == whole
        assert await upstream.rest() == CLOSING
        assert await client.rest() == CLOSING
        await client.close()
        await upstream.close()
        await drained


async def test_an_opening_handshake_is_waited_for() -> None:
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET) as relay,
        relay.client() as client,
        relay.client() as idle,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.receive_head()
        drained = draining(relay)
        await idle.until_dropped()
        await upstream.send(ANSWER)
        assert (await client.rest()).endswith(ANSWER[-16:] + CLOSING)
        await client.close()
        await upstream.close()
        await drained
        end = await relay.recorder.ended(1)
    assert (end.outcome, end.verdict) == ("open", "verified")


async def test_an_answer_to_a_request_is_waited_for() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET) as relay,
        relay.client() as client,
        relay.client() as idle,
    ):
        await client.send(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        upstream = await server.accept()
        await upstream.receive_head()
        drained = draining(relay)
        await idle.until_dropped()
        assert not relay.recorder.all(SessionEndRecord, session=1)
        await upstream.send(answer)
        assert await client.rest() == answer
        await upstream.close()
        await drained


@pytest.mark.parametrize("begun", [request()[:30], request_75()[:-2]])
async def test_what_does_not_end_is_ended(begun: bytes) -> None:
    async with (
        serving() as server,
        relaying(server.port, drain_quiet=QUIET) as relay,
        relay.client() as client,
    ):
        await client.send(begun)
        await relay.until_pumps(1)
        sent = relay.pumps[1].session.traffic[Peer.CLIENT]
        await turn_until(lambda: sent.bytes == len(begun))
        await relay.relay.drain(0.1)
        assert not relay.recorder.all(SessionEndRecord)
        await relay.stop()
    assert relay.recorder.all(ClosingRecord)[-1].how == "shutdown"


# As a process


async def test_sigterm_drains(loop_name: str) -> None:
    options = "--json", "--host", "keep", "--drain", "3600", "--drain-quiet", "0.05"
    page = "--metrics", "127.0.0.1:0"
    async with (
        serving() as server,
        running(loop_name, server.port, *options, *page) as relay,
        relay.client() as idle,
        relay.client() as busy,
    ):
        assert await health(relay.metrics_port) == (200, "ok\n")
        upstreams = [await opened(client, server) for client in (idle, busy)]
        await busy.send(b"\x00on its way")
        await upstreams[1].receive(11)
        relay.send_signal(signal.SIGTERM)
        assert await idle.rest() == CLOSING
        assert await health(relay.metrics_port) == (503, "draining\n")
        assert not await accepts(relay.port)
        await busy.send(b"\xff")
        assert await upstreams[1].receive(1) == b"\xff"
        assert await busy.rest() == CLOSING
        for end in (idle, busy, *upstreams):
            await end.close()
        records = [record async for record in relay.records()]
        assert await relay.ended() == 0
    ends = [record for record in records if record["type"] == "session-end"]
    assert [end["session"] for end in ends] == [1, 2]


@one_loop
async def test_sigint_does_not(loop_name: str) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--drain", "3600") as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        await client.send(b"\x00on its way")
        await upstream.receive(11)
        relay.send_signal(signal.SIGINT)
        assert await client.rest() == CLOSING
        assert await upstream.rest() == b""
        assert await relay.ended() == 0


@one_loop
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
async def test_a_second_signal_ends_a_drain_at_once(loop_name: str, number: signal.Signals) -> None:
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", "--drain", "3600") as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        await client.send(b"\x00on its way")
        await upstream.receive(11)
        relay.send_signal(signal.SIGTERM)
        while await accepts(relay.port):
            pass
        relay.send_signal(number)
        await client.until_dropped()
        assert await relay.ended() == -number


@one_loop
async def test_a_message_every_now_and_then_is_busy(loop_name: str) -> None:
    """And so is whoever talks: it ends when the drain does."""
    options = "--json", "--drain", "2", "--drain-quiet", "3600"
    async with (
        serving() as server,
        running(loop_name, server.port, *options) as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        relay.send_signal(signal.SIGTERM)
        while await accepts(relay.port):
            pass
        await client.send(frame(b"still talking"))
        assert await upstream.receive(15) == frame(b"still talking")
        assert await client.rest() == CLOSING
        await client.close()
        await upstream.close()
        assert await relay.ended() == 0
