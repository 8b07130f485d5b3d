"""Readers that stop: what waits for them is bounded, others go on, and nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from typing import Any, cast

import pytest

from ws76proxy.demo import EchoServer
from ws76proxy.record import MessageRecord, RequestRecord, SessionStartRecord
from ws76proxy.relay.pump import Leg
from ws76proxy.session import Peer

from .certificates import Authority
from .ends import End, opened, serving
from .handshakes import KEY3, frame, request
from .harness import relaying, turn_until

WRITE_BUFFER = 65_536
QUIET = {"messages": False}
# What one read of either event loop may bring on top of a full buffer.
ONE_READ = 262_144
# More than the kernel keeps for a connection on its way, with the largest buffers of Linux.
MUCH = 48 * 1024 * 1024


@pytest.fixture
def until_paused(monkeypatch: pytest.MonkeyPatch) -> Callable[[Peer], asyncio.Event]:
    """For a peer: an event that is set once the relay does not read from it any more."""
    events: dict[Peer, asyncio.Event] = {}
    pause = Leg.pause

    def watched(leg: Leg, why: str) -> None:
        pause(leg, why)
        events.setdefault(leg.peer, asyncio.Event()).set()

    monkeypatch.setattr(Leg, "pause", watched)
    return lambda peer: events.setdefault(peer, asyncio.Event())


async def flood(end: End, size: int) -> str:
    """Send that many bytes of messages, each of its own content; what they hash to."""
    hashed, number = hashlib.sha256(), 0
    while size > 0:
        piece = frame(b"%08d" % number * 8192)
        hashed.update(piece)
        await end.send(piece)
        size -= len(piece)
        number += 1
    end.finish()
    return hashed.hexdigest()


async def drain(end: End) -> str:
    hashed = hashlib.sha256()
    while data := await end.receive_some():
        hashed.update(data)
    return hashed.hexdigest()


@pytest.mark.parametrize("reader", [Peer.CLIENT, Peer.SERVER])
async def test_a_peer_that_stops_reading(
    reader: Peer, until_paused: Callable[[Peer], asyncio.Event]
) -> None:
    async with (
        serving() as server,
        relaying(server.port, write_buffer=WRITE_BUFFER, session=QUIET) as relay,
        relay.client() as client,
        relay.client() as other,
    ):
        upstream = await opened(client, server)
        stops, floods = (client, upstream) if reader is Peer.CLIENT else (upstream, client)
        stops.shrink()
        flooding = asyncio.create_task(flood(floods, MUCH))
        await until_paused(reader.other).wait()

        # The other session does not notice.
        other_upstream = await opened(other, server)
        for number in range(500):
            await other.send(frame(b"%d" % number))
            assert await other_upstream.receive(len(str(number)) + 2) == frame(b"%d" % number)
        assert not flooding.done()
        transport = relay.pumps[1].legs[reader].transport
        assert transport is not None
        assert transport.get_write_buffer_size() <= WRITE_BUFFER + ONE_READ

        assert await drain(stops) == await flooding


async def test_a_tls_client_that_stops_reading(
    authority: Authority, until_paused: Callable[[Peer], asyncio.Event]
) -> None:
    context: ssl.SSLContext = authority.certify("127.0.0.1").server_context()
    async with (
        serving() as server,
        relaying(
            server.port, listener_tls=context, write_buffer=WRITE_BUFFER, session=QUIET
        ) as relay,
        relay.client(tls=authority.client_context()) as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        await upstream.answer()
        await client.receive_head()
        await client.receive(16)
        flooding = asyncio.create_task(flood(upstream, MUCH))
        await until_paused(Peer.SERVER).wait()
        transport = relay.pumps[1].legs[Peer.CLIENT].transport
        assert transport is not None
        assert transport.get_write_buffer_size() <= WRITE_BUFFER + 2 * ONE_READ
        assert not flooding.done()
        assert await drain(client) == await flooding


async def test_a_client_that_sends_while_the_server_is_not_connected_yet(
    until_paused: Callable[[Peer], asyncio.Event],
) -> None:
    """A tunnel or a form's body could be any size, and a connection can take long to stand."""
    async with serving() as server, relaying(server.port) as relay:
        may_connect = asyncio.Event()
        relay.relay.loop = cast("asyncio.AbstractEventLoop", _Slow(relay.relay.loop, may_connect))
        async with relay.client() as client:
            head = b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: %d\r\n\r\n" % MUCH
            await client.send(head)
            flooding = asyncio.create_task(flood(client, MUCH))
            await until_paused(Peer.CLIENT).wait()
            held = sum(map(len, relay.pumps[1].session._for_server))
            assert held <= len(head) + 2 * ONE_READ
            may_connect.set()
            upstream = await server.accept()
            await upstream.receive_head()
            assert await drain(upstream) == await flooding


class _Slow:
    """An event loop whose connections take as long as a test wants."""

    def __init__(self, loop: asyncio.AbstractEventLoop, may_connect: asyncio.Event) -> None:
        self._loop = loop
        self._may_connect = may_connect

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        await self._may_connect.wait()
        return await self._loop.create_connection(*args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


async def test_a_listener_that_falls_behind_holds_sessions_and_not_the_relay() -> None:
    async with EchoServer() as server, relaying(server.port) as relay, relay.client() as before:
        await before.open()
        relay.recorder.is_full = True
        await before.send(frame(b"told"))
        await relay.recorder.until(MessageRecord)
        async with relay.client() as after:
            # A new connection is accepted, and held too.
            await relay.recorder.until(SessionStartRecord, session=2)
            await after.send(request() + KEY3)
            await before.send(frame(b"waits"))
            transports = [pump.legs[Peer.CLIENT].transport for pump in relay.pumps.values()]
            await turn_until(lambda: not any(one and one.is_reading() for one in transports))
            assert relay.recorder.texts("client") == ["told"]
            assert not relay.recorder.all(RequestRecord, session=2)
            relay.recorder.is_full = False
            relay.recorder.drained()
            assert await before.receive(13) == frame(b"told") + frame(b"waits")
            await after.receive_head()
