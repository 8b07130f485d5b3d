"""What the relay answers itself: 502, 503, 431, 403; and what it lets pass unread."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ws76proxy.record import FrameRecord, SessionEndRecord, SessionStartRecord
from ws76proxy.wire import HeadLimits

from .ends import opened, serving
from .handshakes import ANSWER, KEY3, frame, request
from .harness import relaying

UNUSED = 9
"""A port for an upstream that no client of the test gets to."""


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


async def test_an_unreachable_server(closed_port: int) -> None:
    async with relaying(closed_port) as relay, relay.client() as client:
        head = await client.ask()
        text = (await client.rest()).decode()
        end = await relay.recorder.ended()
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert text == f"ws://127.0.0.1:{closed_port}: Connection refused\n"
    assert (end.outcome, end.findings) == ("failed", ["upstream-unreachable"])
    assert relay.recorder.finding("upstream-unreachable").detail == text.strip()


async def test_an_unreachable_server_and_a_page(closed_port: int) -> None:
    async with relaying(closed_port) as relay, relay.client() as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        await relay.recorder.ended()


# uvloop's resolver is out of a test's reach, and the network is not to be asked.
@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with relaying(80, "unknown.example") as relay, relay.client() as client:
        monkeypatch.setattr(relay.relay.loop, "getaddrinfo", unknown)
        head = await client.ask()
        text = (await client.rest()).decode()
        end = await relay.recorder.ended()
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert text == "ws://unknown.example:80: Name or service not known\n"
    assert end.findings == ["upstream-unreachable"]


@pytest.mark.parametrize("name", ["two..dots", "x" * 64 + ".example"])
async def test_a_name_that_cannot_be_one(name: str) -> None:
    async with relaying(80, name, session={"host": "keep"}) as relay, relay.client() as client:
        head = await client.ask()
        assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        await client.rest()
        end = await relay.recorder.ended()
    assert end.findings == ["upstream-unreachable"]


@pytest.mark.parametrize("asks_first", [False, True])
async def test_more_connections_than_allowed(asks_first: bool) -> None:
    async with (
        serving() as server,
        relaying(server.port, max_connections=2) as relay,
        relay.client() as first,
        relay.client(),
    ):
        await relay.recorder.until(SessionStartRecord, count=2)
        async with relay.client() as third:
            if asks_first:
                await third.send(request() + KEY3)
            assert (await third.receive_head()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"--max-connections" in await third.until_dropped()
        end = await relay.recorder.ended(session=3)
        assert (end.outcome, end.findings) == ("refused", ["too-many-connections"])
        # Those inside go on, and who leaves makes room.
        upstream = await opened(first, server)
        await first.close()
        await upstream.close()
        await relay.recorder.ended(session=1)
        await relay.until_pumps(1)
        async with relay.client() as fourth:
            await fourth.send(request() + KEY3)
            await server.accept()


@pytest.mark.parametrize(
    "head",
    [
        request(extra="X-Long: " + "x" * 5000 + "\r\n"),
        b"GET / HTTP/1.1\r\nCookie: " + b"x" * 200_000,
        request(extra="X: y\r\n" * 300),
    ],
    ids=["long", "endless", "many-fields"],
)
async def test_a_head_above_the_limit(head: bytes) -> None:
    limits = HeadLimits(size=4096, fields=100)
    async with (
        relaying(UNUSED, session={"head_limits": limits}) as relay,
        relay.client() as client,
    ):
        await client.send(head)
        answer = await client.until_dropped()
        end = await relay.recorder.ended()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert (end.outcome, end.findings) == ("refused", ["head-refused"])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"allow_origins": ("http://*.example.org",)}, "origin-refused"),
        ({"allow_hosts": ("localhost:*", "127.0.0.1")}, "host-refused"),
    ],
)
async def test_who_is_not_allowed(options: dict[str, Any], code: str) -> None:
    async with relaying(UNUSED, session=options) as relay, relay.client() as client:
        assert (await client.ask()).startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"is not among those allowed here" in await client.rest()
        end = await relay.recorder.ended()
    assert (end.outcome, end.findings) == ("refused", [code])


async def test_who_is_allowed() -> None:
    options = {"allow_origins": ("http://EXAMPLE.*",), "allow_hosts": ("example.com",)}
    async with (
        serving() as server,
        relaying(server.port, session=options) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        await (await server.accept()).answer()
        await client.receive(len(ANSWER))


async def test_a_message_above_the_limit_passes_undecoded() -> None:
    large = frame(b"x" * 100_000)
    async with (
        serving() as server,
        relaying(server.port, session={"max_message": 1000}) as relay,
        relay.client() as client,
    ):
        upstream = await opened(client, server)
        await client.send(large + frame(b"small"))
        assert await upstream.receive(len(large) + 7) == large + frame(b"small")
        told = await relay.recorder.until(FrameRecord)
        client.finish()
        upstream.finish()
        end = await relay.recorder.ended()
    assert (told.whole, told.size, told.direction) == (False, len(large), "client")
    assert len(told.raw) < 200
    assert relay.recorder.texts("client") == ["small"]
    assert end.client.messages + end.client.frames == 2


async def test_the_end_of_one_session_is_not_the_end_of_another(closed_port: int) -> None:
    async with relaying(closed_port) as relay, relay.client() as waiting:
        for number in range(2, 12):
            async with relay.client() as client:
                await client.ask()
                await relay.recorder.ended(session=number)
        assert len(relay.recorder.all(SessionEndRecord)) == 10
        assert (await waiting.ask()).startswith(b"HTTP/1.1 502 ")
