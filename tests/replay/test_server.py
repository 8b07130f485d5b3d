"""The server of a recording for clients on real sockets, ours among them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.relay.certificates import Authority
from tests.relay.ends import End, connecting
from tests.relay.handshakes import DIGEST, KEY3
from ws76proxy.endpoint import Endpoint
from ws76proxy.recording import RecordedSession
from ws76proxy.relay.tls import listener_context
from ws76proxy.replay import (
    ClientOptions,
    ReplayServer,
    ServerOptions,
    Timing,
    Visit,
    as_text,
    parse_timing,
    plan_of,
    replay_client,
)
from ws76proxy.replay.compare import EXACT
from ws76proxy.replay.heads import answer_notes
from ws76proxy.wire import Challenge, Dialect

from .tape import CHAT, recorded, request_head, response_head


class Stage:
    """A replay server, and what it told."""

    def __init__(self) -> None:
        self.visits: list[Visit] = []
        self.server: ReplayServer
        self.port = 0

    @property
    def differences(self) -> str:
        return as_text(self.server.differences, EXACT)


@contextlib.asynccontextmanager
async def playing(*sessions: RecordedSession, **options: Any) -> AsyncIterator[Stage]:
    """A replay server of these sessions."""
    stage = Stage()
    plans = [plan_of(session) for session in sessions]
    stage.server = ReplayServer(plans, ServerOptions(**options), stage.visits.append)
    async with stage.server as server:
        stage.port = server.addresses[0][1]
        yield stage


async def converse(end: End, *, first: bytes = b"one") -> None:
    """The recorded client's part of CHAT, with another first message perhaps."""
    await end.send(b"\0" + first + b"\xff")
    assert await end.receive(5) == b"\0ONE\xff"
    await end.send(b"\0two\xff")
    assert await end.receive(5) == b"\0TWO\xff"
    await end.send(b"\xff\0")
    assert await end.rest() == b"\xff\0"


async def test_a_client_that_does_the_same() -> None:
    async with playing(recorded(*CHAT), clients=1) as stage:
        async with connecting(stage.port) as end:
            head = await end.ask(request_head().replace("recorded", "mine").encode())
            assert b"Sec-WebSocket-Location: ws://mine.example/chat?room=1\r\n" in head
            assert b"Sec-WebSocket-Origin: http://page.example\r\n" in head
            # The recorded keys are the draft's own.
            assert await end.receive(16) == DIGEST
            await converse(end)
        await stage.server.finished.wait()
        assert stage.differences == ""
        (visit,) = stage.visits
        assert (visit.target, visit.sent, visit.received) == ("/chat?room=1", 2, 2)


async def test_any_challenge_is_answered_and_origin_and_location_are_the_client_s() -> None:
    async with playing(recorded(*CHAT)) as stage:
        where = Endpoint(False, "127.0.0.1", stage.port)
        for _ in range(3):
            outcome = await replay_client(plan_of(recorded(*CHAT)), ClientOptions(server=where))
            assert as_text(outcome.differences, EXACT) == ""
    assert stage.differences == ""


@pytest.mark.parametrize("timing", ["lockstep", "fast", "x50"])
async def test_client_and_server_of_the_same_recording(timing: str) -> None:
    lines = ("client 0541ff", "server 8003616263", "server: \udc80", "client: ", "server: é☃")
    session = recorded(*lines, *CHAT)
    how: dict[str, Any] = {"timing": parse_timing(timing)}
    async with playing(session, **how) as stage:
        where = Endpoint(False, "127.0.0.1", stage.port)
        outcome = await replay_client(plan_of(session), ClientOptions(server=where, **how))
        assert as_text(outcome.differences, EXACT) == ""
    assert stage.differences == ""


async def timed(end: End) -> float:
    """When the next message of one character has come."""
    await end.receive(3)
    return asyncio.get_running_loop().time()


async def test_original_times_on_sockets() -> None:
    lines = ["@0.5 client: a", *[f"@{0.55 + n / 50} server: {n}" for n in range(10)], "server end"]
    session = recorded(*lines)
    async with playing(session, timing=Timing("original")) as stage, connecting(stage.port) as end:
        await end.ask(request_head().encode())
        await end.receive(16)
        first, *rest = [await timed(end) for _ in range(10)]
        # How much later than recorded is the machine's affair; and loops round to milliseconds.
        assert rest[-1] - first > 0.15


async def test_a_deviation_stops_a_strict_server() -> None:
    async with playing(recorded(*CHAT)) as stage:
        async with connecting(stage.port) as end:
            await end.ask(request_head().encode())
            await end.receive(16)
            await end.send(b"\0uno\xff")
            assert await end.rest() == b""
        assert "tape, line 5" in stage.differences
        assert 'expected "one"' in stage.differences
        assert 'got      "uno"' in stage.differences


async def test_a_loose_server_goes_on() -> None:
    async with playing(recorded(*CHAT), loose=True, clients=1) as stage:
        async with connecting(stage.port) as end:
            await end.ask(request_head().encode())
            await end.receive(16)
            await converse(end, first=b"uno")
        await stage.server.finished.wait()
        assert len(stage.server.differences) == 1


async def test_a_client_that_falls_silent() -> None:
    async with playing(recorded("@0.5 client: a", "@0.5 server: b"), timeout=0.1) as stage:
        async with connecting(stage.port) as end:
            await end.ask(request_head().encode())
            await end.receive(16)
            assert await end.rest() == b""
        assert "message 1 never came" in stage.differences


async def test_a_client_that_leaves_and_one_that_comes_again() -> None:
    async with playing(recorded(*CHAT), clients=2) as stage:
        async with connecting(stage.port) as end:
            await end.ask(request_head().encode())
            await end.receive(16)
            end.reset()
        async with connecting(stage.port) as end:
            await end.ask(request_head().encode())
            await end.receive(16)
            await converse(end)
        await stage.server.finished.wait()
        by_number = {visit.number: visit for visit in stage.visits}
        assert by_number[1].differences
        assert not by_number[2].differences


async def first_message(port: int, target: str, *fields: str) -> bytes:
    """What a client that asks for this hears first; its refusal's head, where it is refused."""
    async with connecting(port) as end:
        head = await end.ask(request_head(target, *fields).encode())
        if b" 101 " not in head.partition(b"\r\n")[0]:
            return head
        await end.receive(16)
        return await end.receive(3)


async def test_which_session_a_client_gets() -> None:
    protocol = "Sec-WebSocket-Protocol: chat"
    sessions = [
        recorded("server: 1", "client end", request=request_head("/a")),
        recorded("server: 2", "client end", request=request_head("/b")),
        recorded("server: 3", "client end", request=request_head("/b")),
        recorded("server: 4", "client end", request=request_head("/b", protocol)),
        recorded(
            "server: 5",
            "client end",
            request=request_head("/c?token=[redacted]&x=1"),
            redacted=True,
        ),
    ]
    async with playing(*sessions) as stage:
        port = stage.port
        assert await first_message(port, "/a") == b"\x001\xff"
        assert await first_message(port, "/b") == b"\x002\xff"
        assert await first_message(port, "/b") == b"\x003\xff"
        assert await first_message(port, "/b") == b"\x002\xff"
        assert await first_message(port, "/b", protocol) == b"\x004\xff"
        assert await first_message(port, "/c?token=abc&x=1") == b"\x005\xff"
        assert stage.differences == ""
        assert b" 404 " in await first_message(port, "/elsewhere")
        assert b" 404 " in await first_message(port, "/c?token=abc&x=2")
        assert b" 404 " in await first_message(port, "/a", protocol)
        assert stage.differences.count("asked for") == 3
    async with playing(sessions[0], loose=True) as stage:
        assert await first_message(stage.port, "/elsewhere") == b"\x001\xff"
    assert "asked for" in stage.differences


async def test_pages_are_no_deviation() -> None:
    async with playing(recorded(*CHAT)) as stage:
        async with connecting(stage.port) as end:
            await end.send(b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 404 " in await end.rest()
        assert stage.visits == []


async def test_other_protocols() -> None:
    async with playing(recorded(*CHAT)) as stage:
        async with connecting(stage.port) as end:
            await end.send(request_head(dialect="rfc6455").encode())
            assert b" 400 " in await end.rest()
        assert "rfc6455" in stage.differences


async def test_another_dialect_than_recorded() -> None:
    lines = ("client: one", "server: ONE", "client end", "server end")
    async with playing(recorded(*lines, dialect="hixie-75")) as stage:
        where = Endpoint(False, "127.0.0.1", stage.port)
        for dialect in (Dialect.HIXIE_75, Dialect.HIXIE_76):
            plan = plan_of(recorded(*lines, dialect="hixie-75"), dialect)
            outcome = await replay_client(plan, ClientOptions(server=where))
            assert as_text(outcome.differences, EXACT) == ""
    assert stage.differences == ""


async def test_a_refusal_is_replayed_with_its_body() -> None:
    refusal = "HTTP/1.1 403 No\r\nContent-Length: 7\r\nX: y\r\n\r\n"
    session = recorded(response=refusal, status=403, body=b"go away")
    async with playing(session) as stage:
        async with connecting(stage.port) as end:
            await end.send(request_head().encode() + KEY3)
            assert await end.rest() == refusal.encode() + b"go away"
        assert stage.differences == ""


async def test_no_answer_is_replayed_as_none() -> None:
    async with playing(recorded(response=None)) as stage, connecting(stage.port) as end:
        await end.send(request_head().encode() + KEY3)
        assert await end.rest() == b""


async def test_redacted_fields_are_not_sent() -> None:
    head = response_head("Set-Cookie: [redacted]", "X: 1")
    session = recorded(*CHAT, response=head, redacted=True)
    (note,) = answer_notes(plan_of(session))
    assert "Set-Cookie" in note
    async with playing(session) as stage, connecting(stage.port) as end:
        answer = await end.ask(request_head().encode())
        assert b"Set-Cookie" not in answer
        assert b"X: 1\r\n" in answer


async def test_the_challenge_may_be_answered_in_another_way() -> None:
    asked: list[Challenge] = []

    def answer(challenge: Challenge) -> bytes:
        asked.append(challenge)
        return b"sixteen bytes..."

    async with playing(recorded(*CHAT), answer=answer) as stage, connecting(stage.port) as end:
        await end.ask(request_head().encode())
        assert await end.receive(16) == b"sixteen bytes..."
    assert [challenge.key3 for challenge in asked] == [KEY3]


async def test_keys_without_an_answer() -> None:
    async with playing(recorded(*CHAT)) as stage:
        async with connecting(stage.port) as end:
            head = request_head().replace("4 @1  46546xW%0l 1 5", "12345")
            assert b" 400 " in await end.ask(head.encode())
        assert "have no answer" in stage.differences


@pytest.mark.parametrize("size", [10, 150, len(request_head()) + 3])
async def test_a_handshake_that_is_not_whole(size: int) -> None:
    async with playing(recorded(*CHAT), timeout=0.1) as stage:
        async with connecting(stage.port) as end:
            await end.send((request_head().encode() + KEY3)[:size])
            assert await end.rest() == b""
        expected = "5 of the 8 bytes of key3" if size > 150 else ""
        assert expected in stage.differences


async def test_limits() -> None:
    async with playing(recorded(*CHAT), max_connections=1, clients=1) as stage:
        async with connecting(stage.port) as first:
            await first.ask(request_head().encode())
            async with connecting(stage.port) as second:
                assert b" 503 " in await second.rest()
            await first.receive(16)
            await converse(first)
        await stage.server.finished.wait()
        async with connecting(stage.port) as third:
            assert b" 503 " in await third.ask(request_head().encode())
        async with connecting(stage.port) as fourth:
            await fourth.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000)
            assert b" 431 " in await fourth.until_dropped()
    assert stage.differences == ""


async def test_a_client_that_does_not_read() -> None:
    text = "x" * 1_000_000
    session = recorded("@0.5 client: go", *[f"@0.5 server: {text}"] * 30)
    options: dict[str, Any] = {"timeout": 0.2, "write_buffer": 65_536, "clients": 1}
    async with playing(session, **options) as stage, connecting(stage.port) as end:
        end.shrink()
        await end.ask(request_head().encode())
        await end.receive(16)
        await end.send(b"\0go\xff")
        await stage.server.finished.wait()
        assert "did not read" in stage.differences


async def test_stopping_in_the_middle_is_no_deviation() -> None:
    async with connecting_to_nothing() as ends:
        async with playing(recorded(*CHAT)) as stage:
            end = await ends(stage.port)
            await end.ask(request_head().encode())
            await end.receive(16)
        assert await end.until_dropped() == b""
        assert stage.differences == ""
        assert len(stage.visits) == 1


@contextlib.asynccontextmanager
async def connecting_to_nothing() -> AsyncIterator[Any]:
    """Connections that outlive the server."""
    async with contextlib.AsyncExitStack() as stack:

        async def connect(port: int) -> End:
            return await stack.enter_async_context(connecting(port))

        yield connect


async def test_tls(authority: Authority) -> None:
    certificate = authority.certify("127.0.0.1")
    tls = listener_context(certificate.chain, certificate.key, legacy=False)
    async with playing(recorded(*CHAT), tls=tls, clients=1) as stage:
        where = Endpoint(True, "127.0.0.1", stage.port)
        options = ClientOptions(server=where, tls=authority.client_context())
        outcome = await replay_client(plan_of(recorded(*CHAT)), options)
        assert as_text(outcome.differences, EXACT) == ""
        await stage.server.finished.wait()
    assert stage.differences == ""
