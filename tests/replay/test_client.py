"""The client of a recording against servers on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.relay.certificates import Authority
from tests.relay.ends import End, Server, serving
from ws76proxy.endpoint import Endpoint
from ws76proxy.recording import RecordedSession
from ws76proxy.relay.tls import listener_context
from ws76proxy.replay import (
    ClientOptions,
    Header,
    Outcome,
    as_text,
    plan_of,
    replay_client,
    soak,
)
from ws76proxy.replay.compare import EXACT
from ws76proxy.wire import Challenge, Dialect, RequestHead, read_key

from .tape import CHAT, recorded, request_head, response_head

Script = Callable[[End, RequestHead], Awaitable[None]]


async def ask(end: End) -> tuple[RequestHead, bytes]:
    """Read a client's handshake; its head, and the right answer to its challenge."""
    head = RequestHead(await end.receive_head())
    key1, key2 = head.value(b"sec-websocket-key1"), head.value(b"sec-websocket-key2")
    if key1 is None or key2 is None:
        return head, b""
    challenge = Challenge(read_key(key1), read_key(key2), await end.receive(8))
    assert challenge.answer is not None
    return head, challenge.answer


async def chat(end: End, *answers: bytes) -> None:
    """The recorded server's part after the handshake, with these answers."""
    for answer in answers:
        await end.receive(5)
        await end.send(b"\0" + answer + b"\xff")
    assert await end.receive(2) == b"\xff\0"
    await end.send(b"\xff\0")
    end.finish()
    await end.rest()


async def play(
    session: RecordedSession,
    server: Server,
    script: Callable[[End], Awaitable[None]],
    *,
    dialect: Dialect | None = None,
    **options: Any,
) -> Outcome:
    """Play a session's client against a scripted server."""

    async def serve() -> None:
        end = await server.accept()
        # A client that has seen enough drops the connection.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await script(end)
        await end.close()

    where = Endpoint(False, "127.0.0.1", server.port)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve())
        plan = plan_of(session, dialect)
        playing = group.create_task(replay_client(plan, ClientOptions(server=where, **options)))
    return playing.result()


def words(outcome: Outcome) -> str:
    """All differences, as a person reads them."""
    return as_text(outcome.differences, EXACT)


async def test_a_server_that_does_the_same() -> None:
    heads = []

    async def script(end: End) -> None:
        head, digest = await ask(end)
        heads.append(head)
        await end.send(response_head().encode() + digest)
        await chat(end, b"ONE", b"TWO")

    async with serving() as server:
        outcome = await play(recorded(*CHAT), server, script)
    assert words(outcome) == ""
    assert outcome.is_equal
    assert (outcome.sent, outcome.received, len(outcome.answers)) == (2, 2, 3)
    (head,) = heads
    names = [field.name for field in head.fields]
    assert names == [field.name for field in RequestHead(request_head().encode()).fields]
    assert head.value(b"host") == f"127.0.0.1:{server.port}".encode()
    assert head.value(b"origin") == b"http://page.example"
    # What stood without a space behind its colon still does.
    assert b"\r\nconnection:Upgrade\r\n" in head.raw
    assert head.value(b"sec-websocket-key1") != b"4 @1  46546xW%0l 1 5"


async def test_another_message_is_shown_with_its_place() -> None:
    async def script(end: End) -> None:
        _, digest = await ask(end)
        await end.send(response_head().encode() + digest)
        await chat(end, b"ONE", b"T\x1bO")

    async with serving() as server:
        outcome = await play(recorded(*CHAT), server, script)
    text = words(outcome)
    assert "tape, line 8" in text
    lines = text.splitlines()
    assert lines[1:3] == ['  expected "TWO"', '  got      "T\\x1bO"']
    assert lines[3].index("^") == lines[1].index("W")


HANDSHAKES = [
    (response_head(), ""),
    (response_head("Sec-WebSocket-Protocol: chat"), "not asked for"),
    (response_head("X-More: 1"), "X-More: not in the recording"),
    (response_head().replace("Upgrade: WebSocket\r\n", ""), 'Upgrade: recorded "WebSocket", now'),
    (response_head().replace("page.example", "evil.example"), "Sec-WebSocket-Origin"),
    (response_head().replace("room=1", "room=2"), "Sec-WebSocket-Location"),
    (response_head().replace("ws://recorded.example", "wss://new.example:1"), ""),
    (response_head(status="101 Other Words"), ""),
    (response_head("Date: today", "Server: new"), "Date: not in the recording"),
    ("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "recorded 101, got 403"),
    ("HTTP/1.1 200 OK\r\n\r\nhello", "recorded 101, got 200"),
    ("junk\r\n\r\n", "got None"),
]


@pytest.mark.parametrize(("answer", "difference"), HANDSHAKES, ids=range(len(HANDSHAKES)))
async def test_answers_to_the_handshake(answer: str, difference: str) -> None:
    async def script(end: End) -> None:
        _, digest = await ask(end)
        await end.send(answer.encode() + digest)
        await chat(end, b"ONE", b"TWO")

    async with serving() as server:
        outcome = await play(recorded(*CHAT), server, script)
    text = words(outcome)
    assert difference in text
    assert bool(text) == bool(difference)


async def test_fields_that_change_and_fields_that_are_ignored() -> None:
    def answer(day: str, cookie: str, token: str) -> str:
        return response_head(f"Date: {day}", f"Set-Cookie: a={cookie}", f"X-Token: {token}")

    async def script(end: End) -> None:
        _, digest = await ask(end)
        await end.send(answer("tuesday", "2", "other").encode() + digest)
        await chat(end, b"ONE", b"TWO")

    session = recorded(*CHAT, response=answer("monday", "1", "one"))
    async with serving() as server:
        outcome = await play(session, server, script, ignore_fields=("x-TOKEN",))
        assert words(outcome) == ""
        outcome = await play(session, server, script)
        assert 'X-Token: recorded "one", got "other"' in words(outcome)


async def test_a_wrong_digest() -> None:
    async def script(end: End) -> None:
        await ask(end)
        await end.send(response_head().encode() + bytes(16))
        await chat(end, b"ONE", b"TWO")

    async with serving() as server:
        outcome = await play(recorded(*CHAT), server, script)
        assert "answer to the challenge is wrong" in words(outcome)
        assert outcome.received == 0
        outcome = await play(recorded(*CHAT), server, script, go_on=True)
        assert (len(outcome.differences), outcome.received) == (1, 2)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 101 Sw", response_head().encode() + b"12345"])
async def test_an_answer_that_is_not_whole(sent: bytes) -> None:
    async def ends(end: End) -> None:
        await ask(end)
        await end.send(sent)

    async def hangs(end: End) -> None:
        await ends(end)
        await end.rest()

    # Recorded seconds count: the handshake may take as long as it did, and a little longer.
    async with serving() as server:
        outcome = await play(recorded(*CHAT), server, ends)
        assert "the connection ended first" in words(outcome)
        outcome = await play(recorded(*CHAT), server, hangs, timeout=0.1)
        assert "not done within" in words(outcome)


async def test_a_head_without_end() -> None:
    async def script(end: End) -> None:
        await ask(end)
        await end.send(b"HTTP/1.1 101 X\r\n" + b"X: " + b"y" * 100_000)
        await end.rest()

    async with serving() as server:
        assert "larger than" in words(await play(recorded(*CHAT), server, script))


async def test_a_recorded_refusal() -> None:
    refusal = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"

    async def script(end: End) -> None:
        await ask(end)
        await end.send(refusal.encode())

    async with serving() as server:
        assert (await play(recorded(response=refusal, status=403), server, script)).is_equal


async def test_messages_in_one_piece_with_the_answer() -> None:
    async def script(end: End) -> None:
        _, digest = await ask(end)
        await end.send(response_head().encode() + digest + b"\0early\xff")
        assert await end.receive(4) == b"\0hi\xff"

    session = recorded("server: early", "client: hi", "server end")
    async with serving() as server:
        assert words(await play(session, server, script)) == ""


async def test_hixie_75() -> None:
    lines = ("client: one", "server: ONE", "client end", "server end")
    closing = (*lines[:2], "client FF00", "server FF00", "server end", "client end")

    async def script(end: End) -> None:
        head, digest = await ask(end)
        assert digest == b""
        assert head.get(b"sec-websocket-key1") is None
        await end.send(response_head(dialect="hixie-75").encode())
        assert await end.receive(5) == b"\0one\xff"
        await end.send(b"\0ONE\xff")
        assert await end.rest() == b""

    async with serving() as server:
        assert words(await play(recorded(*lines, dialect="hixie-75"), server, script)) == ""
        forced = await play(recorded(*closing), server, script, dialect=Dialect.HIXIE_75)
        assert words(forced) == ""


async def test_rfc6455_in_a_hixie_dialect() -> None:
    async def script(end: End) -> None:
        head, digest = await ask(end)
        assert head.get(b"sec-websocket-version") is None
        assert head.get(b"sec-websocket-key") is None
        await end.send(response_head().encode() + digest)
        assert await end.receive(3) == b"\0a\xff"
        await end.send(b"\0b\xff")

    session = recorded("client: a", "server: b", dialect="rfc6455", whole=False)
    async with serving() as server:
        outcome = await play(session, server, script, dialect=Dialect.HIXIE_76)
    assert words(outcome) == ""


async def test_redacted_fields_are_left_out_and_said() -> None:
    heads = []

    async def script(end: End) -> None:
        head, digest = await ask(end)
        heads.append(head)
        await end.send(response_head().encode() + digest)

    head = request_head("/chat?token=[redacted]", "Cookie: [redacted]", "X: 1")
    session = recorded(request=head, redacted=True, whole=False)
    async with serving() as server:
        outcome = await play(session, server, script)
        notes = " ".join(outcome.notes)
        assert "--header 'Cookie: ...'" in notes
        assert "--resource" in notes
        given = (Header("cookie", "a=b"), Header("X", None), Header("Origin", "http://me"))
        outcome = await play(session, server, script, headers=given, resource="/chat?token=secret")
        assert not [note for note in outcome.notes if "redacted" in note]
    first, second = heads
    assert first.get(b"cookie") is None
    assert first.target == b"/chat?token=[redacted]"
    assert second.value(b"cookie") == b"a=b"
    assert second.get(b"x") is None
    assert second.value(b"origin") == b"http://me"
    assert second.target == b"/chat?token=secret"


async def test_nobody_listens() -> None:
    async with serving() as server:
        port = server.port
    outcome = await replay_client(
        plan_of(recorded(*CHAT)), ClientOptions(server=Endpoint(False, "127.0.0.1", port))
    )
    assert outcome.error == "Connection refused"
    assert not outcome.is_equal


async def test_tls(authority: Authority) -> None:
    certificate = authority.certify("127.0.0.1")
    context = listener_context(certificate.chain, certificate.key, legacy=False)

    async def script(end: End) -> None:
        _, digest = await ask(end)
        await end.send(response_head().encode() + digest)
        await end.receive(5)
        await end.send(b"\0ONE\xff")
        await end.receive(2)
        await end.send(b"\xff\0")

    async with serving(tls=context) as server, asyncio.TaskGroup() as group:

        async def serve() -> None:
            end = await server.accept()
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await script(end)
            await end.close()

        session = recorded("client: one", "server: ONE", "client FF00", "server FF00", "client end")
        where = Endpoint(True, "127.0.0.1", server.port)
        group.create_task(serve())
        trusting = ClientOptions(server=where, tls=authority.client_context())
        assert words(await replay_client(plan_of(session), trusting)) == ""
        distrusting = await replay_client(plan_of(session), ClientOptions(server=where))
        assert distrusting.error is not None
        assert "certificate" in distrusting.error.lower()


async def test_a_slow_reader_is_not_flooded() -> None:
    """What waits for a server that does not read stays below the limit, and all of it arrives."""
    text = "x" * 100_000
    count = 200

    async def script(end: End) -> None:
        end.shrink()
        _, digest = await ask(end)
        await end.send(response_head().encode() + digest)
        for _ in range(count):
            assert await end.receive(len(text) + 2) == b"\0" + text.encode() + b"\xff"
        await end.send(b"\0done\xff")

    session = recorded(*[f"client: {text}"] * count, "server: done")
    async with serving() as server:
        outcome = await play(session, server, script, write_buffer=65_536)
    assert words(outcome) == ""
    assert outcome.sent == count


async def test_a_soak() -> None:
    async with answering() as port:
        options = ClientOptions(server=Endpoint(False, "127.0.0.1", port))
        plans = [plan_of(recorded(*CHAT)), plan_of(recorded(*CHAT, number=2))]
        summary = await soak(plans, options, times=10, concurrency=4)
    assert (summary.runs, summary.failures) == (20, 0)
    assert [tally.runs for tally in summary.tallies] == [10, 10]
    assert (summary.handshakes.count, summary.answers.count) == (20, 60)
    least, *_, most = summary.answers.row()
    assert least is not None
    assert most is not None
    assert 0 < least <= most


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[int]:
    """A server that does as recorded for each client."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = End(reader, writer)
        _, digest = await ask(end)
        await end.send(response_head().encode() + digest)
        await chat(end, b"ONE", b"TWO")
        await end.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
