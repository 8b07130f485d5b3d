"""The control socket: what is asked in pieces, by several, wrongly, or by somebody who is slow."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from pathlib import Path
from typing import cast

import pytest

from tests.relay.harness import turn_until
from ws76proxy.control.breakpoints import PREVIEW
from ws76proxy.record import (
    Counts,
    MessageRecord,
    Messages,
    NoticeRecord,
    RequestRecord,
    SessionEndRecord,
)
from ws76proxy.session import Peer
from ws76proxy.wire.events import TextFrames

from .pretending import a_session, lines_of, pieces, serving
from .speaking import connected, greeted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control"


async def test_the_greeting_says_which_protocol(path: Path) -> None:
    async with serving(path, line=1000, waiting=2000), connected(path) as client:
        greeting = await client.line()
    assert greeting.pop("tool").startswith("ws76proxy ")
    assert greeting == {
        "type": "greeting",
        "protocol": 1,
        "records": 1,
        "longest_line": 1000,
        "most_waiting": 2000,
    }


async def test_what_waits(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        assert await client.ask("held") == {"type": "held", "id": "held", "messages": []}
        relay.hold(3, 17, "é".encode(), peer=Peer.CLIENT, message=5)
        relay.hold(3, 18, b"\x80", until=float("inf"))
        answer = await client.ask("held")
    assert answer["messages"] == [
        {
            "name": "3.17",
            "session": 3,
            "direction": "client",
            "number": 5,
            "rule": "a rule",
            "size": 2,
            "text": "é",
            "payload": None,
            "whole": True,
            "left": 30.0,
        },
        {
            "name": "3.18",
            "session": 3,
            "direction": "server",
            "number": 18,
            "rule": "a rule",
            "size": 1,
            "text": "\ufffd",
            "payload": "gA==",
            "whole": True,
            "left": None,
        },
    ]


@pytest.mark.parametrize("before", range(4))
async def test_long_messages_are_listed_by_their_beginning(path: Path, before: int) -> None:
    content = b"x" * before + "😀".encode() * PREVIEW
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.hold(1, 1, content)
        (listed,) = (await client.ask("held"))["messages"]
        shown = (await client.ask("show", message="1.1"))["message"]
    assert listed["whole"] is False
    # A character that was cut in two does not make it binary.
    assert listed["payload"] is None
    assert listed["size"] == len(content)
    assert content.decode().startswith(listed["text"])
    assert PREVIEW - 4 < len(listed["text"].encode()) <= PREVIEW
    assert shown == {**listed, "whole": True, "text": content.decode()}


async def test_decisions(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        for number in range(1, 5):
            relay.hold(1, number, b"hello")
        done = [
            await client.ask("release", message="1.1"),
            await client.ask("edit", message="1.2", text="é"),
            await client.ask("edit", message="1.3", payload=base64.b64encode(b"\x80").decode()),
            await client.ask("drop", message="1.4"),
        ]
        assert (await client.ask("held"))["messages"] == []
    assert [answer["type"] for answer in done] == ["done"] * 4
    assert relay.decided == [
        ("1.1", None, False),
        ("1.2", "é".encode(), False),
        ("1.3", b"\x80", False),
        ("1.4", None, True),
    ]


@pytest.mark.parametrize("request_name", ["show", "release", "drop"])
async def test_what_does_not_wait(path: Path, request_name: str) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.hold(1, 1, b"hello")
        answer = await client.ask(request_name, message="1.2")
        assert (answer["type"], answer["code"]) == ("error", "no-such-message")
        assert "1.2" in answer["found"]
        assert "1.1" in answer["expected"]
        for name in (
            "",
            "1",
            "1.",
            ".1",
            "1.1.1",
            "0.1",
            "1.01",
            "1.x",
            "all",
            "\u0661.\u0661",
            "9" * 5000,
        ):
            answer = await client.ask(request_name, message=name)
            assert (answer["type"], answer["code"]) == ("error", "bad-name")
            assert len(answer["found"]) < 100
    assert relay.decided == []


async def test_what_cannot_be_framed_goes_on_waiting(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.hold(1, 1, b"hello")
        answer = await client.ask("edit", message="1.1", payload="/w==")
        assert (answer["type"], answer["code"]) == ("error", "cannot-be-framed")
        assert "0xFF" in answer["found"]
        assert len((await client.ask("held"))["messages"]) == 1
        assert (await client.ask("edit", message="1.1", text="better"))["type"] == "done"
    assert relay.decided == [("1.1", b"better", False)]


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_requests_in_pieces(path: Path, size: int) -> None:
    asked = lines_of(
        {"id": 1, "request": "ping"},
        {"id": 2, "request": "held"},
        {"id": 3, "request": "drop", "message": "1.1"},
    )
    # Line ends of another kind, blank lines, and a last line without an end.
    asked = asked.replace(b"\n", b"\r\n") + b"\n \n" + b'{"id": 4, "request": "ping"}'
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.hold(1, 1, b"hello")
        for piece in pieces(asked, size):
            client.writer.write(piece)
            await client.writer.drain()
            await asyncio.sleep(0)
        client.writer.write_eof()
        answers = [await client.line() for _ in range(4)]
        assert await client.has_ended()
    assert [(answer["id"], answer["type"]) for answer in answers] == [
        (1, "pong"),
        (2, "held"),
        (3, "done"),
        (4, "pong"),
    ]


async def test_a_malformed_line_does_not_end_the_connection(path: Path) -> None:
    async with serving(path), greeted(path) as client:
        client.writer.write(b"\xff\x00nonsense\n")
        client.writer.write(b'{"id": 5, "request": "nothing"}\n')
        first, second = await client.line(), await client.line()
        assert (first["type"], first["id"], first["code"]) == ("error", None, "bad-request")
        assert (second["type"], second["id"], second["code"]) == ("error", 5, "bad-request")
        assert (await client.ask("ping"))["type"] == "pong"


@pytest.mark.parametrize("size", [7, 100_000])
async def test_a_line_that_is_too_long_is_skipped(path: Path, size: int) -> None:
    async with serving(path, line=100), greeted(path) as client:
        fits = b'{"id": 1, "request": "ping"}'.ljust(100)
        for piece in pieces(b"x" * 50_000 + b"\n" + fits + b"\n" + fits + b" \n", size):
            client.writer.write(piece)
            await client.writer.drain()
        first, second, third = [await client.line() for _ in range(3)]
        assert (first["type"], first["code"]) == ("error", "line-too-long")
        assert "50,000" in first["found"]
        assert second == {"type": "pong", "id": 1}
        assert third["code"] == "line-too-long"


async def test_one_client_too_many(path: Path) -> None:
    async with serving(path, clients=2) as (_, server):
        async with greeted(path) as first, greeted(path) as second:
            async with connected(path) as third:
                answer = await third.line()
                assert (answer["type"], answer["code"]) == ("error", "too-many-clients")
                assert await third.has_ended()
            assert (await first.ask("ping"))["type"] == "pong"
            assert (await second.ask("ping"))["type"] == "pong"
        await turn_until(lambda: not server.connections)
        async with greeted(path) as again:
            assert (await again.ask("ping"))["type"] == "pong"


async def test_events(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as one, greeted(path) as other:
        relay.hold(1, 1, b"first")
        watching = await one.ask("watch")
        assert [message["name"] for message in watching["messages"]] == ["1.1"]
        await other.ask("watch")
        relay.hold(1, 2, b"second")
        relay.hold(2, 1, b"third", peer=Peer.CLIENT)
        for client in (one, other):
            events = [await client.line(), await client.line()]
            assert [event["type"] for event in events] == ["waiting", "waiting"]
            assert [event["message"]["name"] for event in events] == ["1.2", "2.1"]
            assert events[0]["message"]["text"] == "second"
        assert (await other.ask("drop", message="1.1"))["type"] == "done"
        gone = {"type": "gone", "name": "1.1", "session": 1, "how": "dropped", "by": "person"}
        assert await one.line() == gone
        assert await other.line() == gone
        assert (await one.ask("edit", message="1.2", text="new"))["type"] == "done"
        relay.let_go(2, 1, "release", "rule")
        for client in (one, other):
            events = [await client.line(), await client.line()]
            assert [(event["name"], event["how"], event["by"]) for event in events] == [
                ("1.2", "edited", "person"),
                ("2.1", "released", "time"),
            ]


async def test_a_session_that_ends_takes_its_messages_with_it(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.open = [a_session(1), a_session(2)]
        relay.hold(1, 1, b"first")
        relay.hold(2, 1, b"second")
        await client.ask("watch")
        relay.waiting.clear()
        del relay.open[0]
        no = Counts(bytes=0, messages=0, frames=0)
        relay.breakpoints.tell(
            SessionEndRecord(
                session=1,
                time=1.0,
                dialect="hixie-76",
                outcome="open",
                verdict=None,
                client=no,
                server=no,
                findings=[],
            )
        )
        events = [await client.line(), await client.line()]
    assert [(event["name"], event["how"], event["by"]) for event in events] == [
        ("1.1", "session-ended", "relay"),
        ("2.1", "released", "relay"),
    ]


async def test_other_changes_are_no_events(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        view = relay.hold(1, 1, b"first")
        await client.ask("watch")
        relay.change(1, view._replace(message=2), "drop", "rule")
        relay.change(2, view, "drop", "rule")
        relay.change(1, view, "edit", "rule")
        assert (await client.ask("ping"))["type"] == "pong"
        assert client.events == []
        relay.let_go(1, 1, "drop", "person")
        assert (await client.line())["how"] == "dropped"


async def test_records(path: Path) -> None:
    frames = TextFrames(0, b"\x00one\xff\x00two\xff", 2)
    async with serving(path) as (relay, _), greeted(path) as one, greeted(path) as other:
        await one.ask("watch", records=True)
        await other.ask("watch")
        relay.breakpoints.tell(NoticeRecord(session=0, time=0.0, level="info", text="hello"))
        relay.breakpoints.tell(Messages(1, 0.5, "client", 1, frames))
        relay.breakpoints.tell(request("/demo?token=secret", "Cookie: a=b\r\n"))
        events = [await one.line() for _ in range(4)]
        # Whoever asks again decides again.
        await one.ask("watch")
        relay.breakpoints.tell(NoticeRecord(session=0, time=0.0, level="info", text="more"))
        assert (await one.ask("ping"))["type"] == "pong"
        assert (await other.ask("ping"))["type"] == "pong"
        assert one.events == other.events == []
    assert [event["type"] for event in events] == ["record"] * 4
    records = [event["record"] for event in events]
    assert records[0] == {
        "type": "notice",
        "session": 0,
        "time": 0.0,
        "level": "info",
        "text": "hello",
    }
    assert [(record["number"], record["text"]) for record in records[1:3]] == [
        (1, "one"),
        (2, "two"),
    ]
    assert "secret" not in str(records[3])
    assert "a=b" not in str(records[3])


def request(target: str, extra: str = "") -> RequestRecord:
    head = f"GET {target} HTTP/1.1\r\nHost: a\r\n{extra}\r\n"
    return RequestRecord(session=4, time=0.0, dialect="hixie-76", target=target, head=head)


async def test_sessions(path: Path) -> None:
    async with serving(path) as (relay, _), greeted(path) as client:
        session = a_session(4)
        session.dialect = "hixie-76"
        session.traffic[Peer.CLIENT].messages = 3
        session.traffic[Peer.SERVER].bytes = 5
        relay.open = [session]
        relay.breakpoints.tell(request("/demo?token=secret"))
        relay.hold(4, 1, b"hello")
        answer = await client.ask("sessions")
    (told,) = answer["sessions"]
    assert told == {
        "session": 4,
        "dialect": "hixie-76",
        "path": "/demo?token=[redacted]",
        "age": 0.0,
        "client_messages": 3,
        "client_bytes": 0,
        "server_messages": 0,
        "server_bytes": 5,
        "waiting": 1,
    }


async def test_who_does_not_read_events_is_dropped(path: Path) -> None:
    async with serving(path, waiting=100_000) as (relay, _), greeted(path) as good:
        async with greeted(path) as slow:
            await slow.ask("watch", records=True)
            await good.ask("watch")
            reading = cast("asyncio.ReadTransport", slow.writer.transport)
            reading.pause_reading()
            text = "x" * 10_000
            told = 0
            while relay.breakpoints._record_watchers:
                record = MessageRecord(
                    session=1, time=0.0, direction="client", number=1, offset=0, size=1, text=text
                )
                relay.breakpoints.tell(record)
                told += 1
                assert told < 1000
                # What the kernel takes is not ours to bound.
                await asyncio.sleep(0)
            reading.resume_reading()
            lines = [json.loads(line) for line in (await slow.reader.read()).splitlines()]
            assert [line["type"] for line in lines[:-1]] == ["record"] * (told - 1)
            assert (lines[-1]["type"], lines[-1]["code"]) == ("error", "too-slow")
        relay.hold(1, 1, b"hello")
        assert (await good.line())["type"] == "waiting"


async def test_one_event_may_be_larger_than_what_may_wait(path: Path) -> None:
    async with serving(path, waiting=1000) as (relay, _), greeted(path) as client:
        await client.ask("watch", records=True)
        relay.breakpoints.tell(NoticeRecord(session=0, time=0, level="info", text="x" * 1_000_000))
        assert len((await client.line())["record"]["text"]) == 1_000_000
        assert (await client.ask("ping"))["type"] == "pong"


async def test_who_does_not_read_answers_is_not_read(path: Path) -> None:
    async with serving(path) as (relay, server), greeted(path) as client:
        relay.hold(1, 1, b"x" * 3000)
        many = 20_000
        reading = cast("asyncio.ReadTransport", client.writer.transport)
        reading.pause_reading()
        client.send(*({"id": number, "request": "held"} for number in range(many)))
        await turn_until(lambda: any(one._is_behind for one in server.connections))
        (connection,) = server.connections
        # A few answers, not all that were asked for.
        assert connection.transport.get_write_buffer_size() < 1_000_000
        async with greeted(path) as other:
            assert (await other.ask("ping"))["type"] == "pong"
        reading.resume_reading()
        answers = [(await client.line())["id"] for _ in range(many)]
        assert answers == list(range(many))


async def test_the_end_of_a_client_that_is_behind(path: Path) -> None:
    async with serving(path) as (relay, server), greeted(path) as client:
        relay.hold(1, 1, b"x" * 3000)
        reading = cast("asyncio.ReadTransport", client.writer.transport)
        reading.pause_reading()
        client.send(*({"id": number, "request": "held"} for number in range(1000)))
        client.writer.write_eof()
        await turn_until(lambda: any(one._is_behind for one in server.connections))
        reading.resume_reading()
        answers = [(await client.line())["id"] for _ in range(1000)]
        assert answers == list(range(1000))
        assert await client.has_ended()


async def test_a_watcher_that_goes_leaves_nothing(path: Path) -> None:
    async with serving(path) as (relay, server):
        async with greeted(path) as client:
            await client.ask("watch", records=True)
        await turn_until(lambda: not server.connections)
        assert relay.breakpoints._watchers == []
        assert relay.breakpoints._record_watchers == []


async def test_the_end_of_the_relay_ends_the_connections(path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serving(path):
            client = await stack.enter_async_context(greeted(path))
            await client.ask("watch")
        assert await client.has_ended()


async def test_a_client_that_reads_nothing_does_not_delay_the_end(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        async with serving(path) as (relay, server):
            relay.hold(1, 1, b"x" * 10_000_000)
            client.connect(str(path))
            client.sendall(b'{"id": 1, "request": "show", "message": "1.1"}\n')
            await turn_until(lambda: any(one._is_behind for one in server.connections))
        assert not server.connections


async def test_a_large_edit(path: Path) -> None:
    content = bytes(range(255)) * 40_000
    async with serving(path) as (relay, _), greeted(path) as client:
        relay.hold(1, 1, b"hello")
        payload = base64.b64encode(content).decode()
        assert (await client.ask("edit", message="1.1", payload=payload))["type"] == "done"
    assert relay.decided == [("1.1", content, False)]
