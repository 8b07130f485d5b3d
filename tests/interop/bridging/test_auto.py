"""What `--server-dialect auto` finds out of real servers, and when it forgets."""

from __future__ import annotations

import asyncio
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from tests.interop.bridging.table import outcome
from tests.interop.cases import ORIGIN
from tests.interop.client import CLOSING, DIGEST, connected
from tests.interop.peer import PeerName, serving
from tests.interop.process import PATIENCE
from tests.interop.relay import Record, Relay, of_type, relaying
from ws76proxy.demo import EchoServer

AUTO = ("--server-dialect", "auto")
SPEAKS_BOTH: tuple[PeerName, ...] = ("eventlet", "protocol-websocket", "websocket-driver")


async def talk(relay: Relay) -> None:
    """One session of a client of RFC 6455."""
    async with connect(f"{relay.url}/echo", open_timeout=PATIENCE) as client:
        await client.send("там и тут")
        assert await client.recv() == "там и тут"


def dialects(records: list[Record]) -> list[str]:
    """What each session's server was asked in, in the end."""
    return [one.get("server_dialect") or one["dialect"] for one in of_type(records, "session-end")]


def lacking(records: list[Record]) -> list[str]:
    """What showed, each time, that a server does not speak what it was asked in."""
    return [
        one["detail"]
        for one in of_type(records, "finding")
        if one["code"] == "server-lacks-dialect"
    ]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.peer(name)) for name in SPEAKS_BOTH]
)
def test_servers_of_hixie_that_speak_rfc6455_too(name: PeerName) -> None:
    with outcome(f"{'websockets -> auto ' + name:34} {'own dialect':22} it speaks RFC 6455, too"):
        with serving(name) as server, relaying(server.url, *AUTO) as relay:
            asyncio.run(talk(relay))
            records = relay.finish()
        assert dialects(records) == ["rfc6455"]
        assert lacking(records) == []


@pytest.mark.peer("ws-8")
def test_ws_8_refuses_hixie_and_that_is_remembered() -> None:
    with outcome(f"{'a raw client -> auto ws-8':34} {'asked again':22} then at once"):
        with serving("ws-8") as server, relaying(server.url, *AUTO) as relay:
            for _ in range(2):
                with connected(relay.url) as client:
                    assert client.open(f"{relay.url}/echo", origin=ORIGIN).digest == DIGEST
                    client.send("in hixie-76")
                    assert client.receive() == "in hixie-76"
                    assert client.close() == CLOSING
            records = relay.finish(2)
        assert dialects(records) == ["rfc6455", "rfc6455"]
        (detail,) = lacking(records)
        assert "asked in hixie-76" in detail
        assert "asked again in rfc6455" in detail


def test_a_server_that_is_replaced() -> None:
    """What is remembered of one is forgotten when the next at its port does not speak it."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async def run() -> list[Record]:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        with relaying(f"ws://127.0.0.1:{port}", *AUTO) as relay:
            async with EchoServer(port=port):
                await talk(relay)
                await talk(relay)
            async with serve(echo, "127.0.0.1", port):
                await talk(relay)
                await talk(relay)
            return await asyncio.to_thread(relay.finish, 4)

    with outcome(f"{'websockets -> auto, replaced':34} {'forgotten':22} hixie-76 first, then not"):
        records = asyncio.run(run())
        assert dialects(records) == ["hixie-76", "hixie-76", "rfc6455", "rfc6455"]
        assert ["asked again in hixie-76" in one for one in lacking(records)] == [True, False]
        notices = [one["text"] for one in of_type(records, "notice")]
        assert ["hixie-76: remembered" in one for one in notices] == [True, False]
