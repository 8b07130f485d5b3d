"""All nine pairs of dialects through a real relay; a run prints what came of each as a table."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from ws76proxy.demo import EchoServer, converse
from ws76proxy.record import FindingRecord, FrameRecord, NoticeRecord
from ws76proxy.recording import read_sessions
from ws76proxy.wire.dialect import Dialect

from .ends import serving
from .handshakes import ANSWER, KEY3, request
from .harness import relaying
from .process import running
from .talking import H75, H76, OUTCOMES, PAIRS, RFC, Talk, talking

Case = Callable[[Talk, Dialect, Dialect], Awaitable[None]]
CASES: dict[str, Case] = {}
BIG = "Grüße, 世界, 🦄 " * 40_000
BINARY = b"\x00\x01\xfe\xff"


def case(deed: Case) -> Case:
    """A column of the table."""
    CASES[deed.__name__.replace("_", " ")] = deed
    return deed


async def crosses(talk: Talk, *texts: str) -> None:
    for who in ("client", "server"):
        speaker, hearer = talk.both(who)
        await speaker.says(*texts)
        assert [await hearer.hears() for _ in texts] == list(texts)


async def both_end(talk: Talk) -> None:
    """Whoever has not ended does so now, and the relay ends both connections."""
    for talker in (talk.client, talk.server):
        if not talker.connection.sent_close:
            await talker.closes()
    for talker in (talk.client, talk.server):
        await talker.end.until_dropped()
    await talk.over()


def farewell(came: Dialect, to: Dialect, code: int, reason: str) -> str:
    """What a side hears when the other one has closed in order."""
    if to is RFC:
        return f"close {code} {reason}" if came is RFC else "close 1000"
    return "FF 00" if to is H76 else "end"


@case
async def text(talk: Talk, _client: Dialect, _server: Dialect) -> None:
    await crosses(talk, "Hello, 2010!", "Grüße, 世界, ☃, 🦄", "U+0000: \0")
    await both_end(talk)


@case
async def empty(talk: Talk, _client: Dialect, _server: Dialect) -> None:
    await crosses(talk, "", "not empty", "")
    await both_end(talk)


@case
async def big(talk: Talk, _client: Dialect, _server: Dialect) -> None:
    for who in ("client", "server"):
        speaker, hearer = talk.both(who)
        async with asyncio.TaskGroup() as group:
            group.create_task(speaker.says(BIG))
            heard = group.create_task(hearer.hears())
        assert heard.result() == BIG
    await both_end(talk)


@case
async def binary(talk: Talk, client: Dialect, server: Dialect) -> None:
    if client is server is RFC:
        for who in ("client", "server"):
            speaker, hearer = talk.both(who)
            await speaker.says(BINARY, "behind")
            assert [await hearer.hears(), await hearer.hears()] == [BINARY, "behind"]
        await both_end(talk)
        return
    if RFC not in (client, server):
        # Nobody can say it.
        await both_end(talk)
        return
    speaker, hearer = talk.both("client" if client is RFC else "server")
    await speaker.says("before", BINARY)
    assert await hearer.hears() == "before"
    assert str(await speaker.hears()).startswith("close 1003 ")
    assert await hearer.hears() == "end"
    await hearer.closes()
    end = await talk.over()
    assert end.findings == ["bridge-binary-refused"]


async def _closing(who: str, talk: Talk, client: Dialect, server: Dialect) -> None:
    speaker, hearer = talk.both(who)
    came, to = (client, server) if who == "client" else (server, client)
    await speaker.closes(4000, "enough")
    assert await hearer.hears() == farewell(came, to, 4000, "enough")
    await hearer.closes()
    words = {RFC: "close 4000 enough", H76: "FF 00", H75: "end"}
    assert await speaker.hears() == words[came]
    assert await speaker.end.until_dropped() == b""
    end = await talk.over()
    assert end.outcome == "open"
    assert end.findings == ["bridge-close-reduced"] * (came is RFC and to is not RFC)


@case
async def client_closes(talk: Talk, client: Dialect, server: Dialect) -> None:
    await _closing("client", talk, client, server)


@case
async def server_closes(talk: Talk, client: Dialect, server: Dialect) -> None:
    await _closing("server", talk, client, server)


@case
async def error(talk: Talk, client: Dialect, server: Dialect) -> None:
    broken = {RFC: b"\x83\x80", H76: b"\x90" + b"\xff" * 10, H75: b"\x90" + b"\xff" * 10}
    await talk.client.end.send(broken[client])
    told = str(await talk.client.hears())
    assert told.startswith({RFC: "close 1002", H76: "FF 00", H75: "end"}[client])
    assert await talk.server.hears() == ("close 1001" if server is RFC else "end")
    await talk.server.closes()
    end = await talk.over()
    code = "rfc6455-frame-fault" if client is RFC else "length-absurd"
    assert code in end.findings


@case
async def server_gone(talk: Talk, client: Dialect, _server: Dialect) -> None:
    await talk.server.says("before")
    assert await talk.client.hears() == "before"
    talk.server.end.reset()
    assert await talk.client.hears() == ("close 1011" if client is RFC else "end")
    end = await talk.over()
    assert end.findings == ["connection-reset"]


@case
async def client_gone(talk: Talk, _client: Dialect, server: Dialect) -> None:
    await talk.client.says("before")
    assert await talk.server.hears() == "before"
    talk.client.end.reset()
    assert await talk.server.hears() == ("close 1001" if server is RFC else "end")
    end = await talk.over()
    assert end.findings == ["connection-reset"]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("client", "server"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
async def test_pair(client: Dialect, server: Dialect, name: str) -> None:
    row = OUTCOMES.setdefault((client, server), {})
    row.setdefault(name, "pass")
    try:
        async with talking(client, server) as talk:
            await CASES[name](talk, client, server)
    except BaseException:
        row[name] = "FAIL"
        raise


# With a library that is not ours on the modern side


async def test_a_modern_client_and_an_old_server() -> None:
    messages = ["Hello, 2010!", "", "🦄" * 100_000]
    async with (
        EchoServer() as server,
        relaying(server.port, session={"server_dialect": H76}) as relay,
        connect(f"ws://127.0.0.1:{relay.port}/demo", max_size=None) as client,
    ):
        for message in messages:
            await client.send(message)
            assert await client.recv() == message
        await (await client.ping())
        await client.close(3001, "enough")
        assert (client.close_code, client.close_reason) == (3001, "enough")
        end = await relay.recorder.ended()
    assert (end.dialect, end.server_dialect, end.verdict) == (RFC, H76, "verified")
    assert relay.recorder.texts("server") == messages


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize("asks", [RFC, "auto"])
async def test_an_old_client_and_a_modern_server(asks: Any) -> None:
    messages = ["Hello, 2010!", "", "🦄" * 100_000]

    async with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with relaying(port, session={"server_dialect": asks}) as relay:
            for number in (1, 2):
                assert await converse(relay.host, relay.port, messages) == messages
                end = await relay.recorder.ended(number)
                assert (end.dialect, end.server_dialect) == (H76, RFC)
    findings = [one.code for one in relay.recorder.all(FindingRecord) if one.severity != "good"]
    notices = [one.text for one in relay.recorder.all(NoticeRecord)]
    # Found out by the first session, remembered for the second.
    assert findings == (["server-lacks-dialect"] if asks == "auto" else [])
    assert len(notices) == (1 if asks == "auto" else 0)


async def test_a_refusal_reaches_a_modern_client_as_it_is() -> None:
    async with (
        serving() as server,
        relaying(server.port, session={"server_dialect": H75}) as relay,
    ):
        asking = asyncio.ensure_future(connect(f"ws://127.0.0.1:{relay.port}/").__aenter__())
        upstream = await server.accept()
        await upstream.receive_head()
        await upstream.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!")
        upstream.finish()
        with pytest.raises(InvalidStatus) as refused:
            await asking
        assert refused.value.response.status_code == 403
        assert refused.value.response.body == b"no!"
        await relay.recorder.ended()


async def test_a_modern_side_is_pinged_and_a_dead_one_is_found() -> None:
    session = {"ping_interval": 0.05}
    async with talking(H76, RFC, session=session, idle_timeout=0.5) as talk:
        # It answers, so it lives, however long nobody says anything.
        for _ in range(3):
            await talk.server.event()
        assert len(talk.relay.recorder.all(FrameRecord)) >= 2
        # From here on it does not.
        assert await talk.client.end.until_dropped() == b"\xff\x00"
        end = await talk.over()
    assert end.findings == ["idle-timeout"]


async def test_a_close_without_an_answer_is_ended_by_the_close_timeout() -> None:
    async with talking(RFC, H76, close_timeout=0.3) as talk:
        await talk.client.closes(4000, "bye")
        assert await talk.server.hears() == "FF 00"
        assert await talk.client.hears() == "close 4000 bye"
        end = await talk.over()
    assert "close-unanswered" in end.findings


async def test_the_relay_stops() -> None:
    async with talking(RFC, H76) as talk:
        await asyncio.gather(talk.relay.stop(), farewells(talk))


async def farewells(talk: Talk) -> None:
    assert await talk.client.hears() == "close 1001"
    assert await talk.server.hears() == "FF 00"
    await talk.client.closes()
    await talk.server.closes()
    for talker in (talk.client, talk.server):
        await talker.end.until_dropped()


async def test_a_slow_reader_holds_the_other_side_back() -> None:
    # Uncompressed: of what is compressed, much fits into little.
    deflate = {"deflate": False}
    async with talking(RFC, H76, bridge=deflate, write_buffer=65_536) as talk:
        talk.server.end.shrink()
        chunk = "x" * 50_000
        # As much as there is room for, in the kernel too; then no more.
        sent = 0
        while sent < 2000:
            talk.client.connection.send_text(chunk)
            if not talk.client.end.send_some(talk.client.connection.data_to_send()):
                break
            sent += 1
            await asyncio.sleep(0)
        assert sent < 2000
        for _ in range(sent + 1):
            assert await talk.server.hears() == chunk
        await both_end(talk)


async def test_a_client_that_must_speak_another_dialect() -> None:
    async with relaying(9, session={"client_dialect": RFC}) as relay, relay.client() as client:
        await client.send(request() + KEY3)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        end = await relay.recorder.ended()
    assert end.findings == ["client-dialect-refused"]


async def test_the_same_dialect_by_name_is_forwarded_to_the_byte() -> None:
    async with (
        serving() as server,
        relaying(server.port, session={"server_dialect": H76, "host": "keep"}) as relay,
        relay.client() as client,
    ):
        await client.send(request() + KEY3)
        upstream = await server.accept()
        assert await upstream.receive_head() == request()
        assert await upstream.receive(8) == KEY3
        await upstream.send(ANSWER)
        assert await client.receive(len(ANSWER)) == ANSWER


async def test_as_a_user_runs_it(loop_name: str, tmp_path: Path) -> None:
    options = ("--server-dialect", "hixie-76", "--binary", "text", "--record", str(tmp_path / "r"))
    async with (
        EchoServer() as server,
        running(loop_name, server.port, *options) as relay,
        connect(f"ws://127.0.0.1:{relay.port}/demo") as client,
    ):
        await client.send("text")
        await client.send(b"text, too")
        assert [await client.recv(), await client.recv()] == ["text", "text, too"]
        await client.close(4000)
        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
    (session,) = read_sessions([tmp_path / "r"], pytest.fail)
    assert session.request is not None
    assert (session.request.dialect, session.request.server_dialect) == (RFC, H76)
    assert session.end is not None
    assert session.end.verdict == "verified"
