"""Rules and scripts on real sockets: in time, reloaded under load, and never frozen."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from ws76proxy.demo import EchoServer, converse
from ws76proxy.editing import RuleFiles, load_script, scripts_of
from ws76proxy.record import ChangeRecord, ClosingRecord, NoticeRecord
from ws76proxy.rules import parse_rewrite, read_rules
from ws76proxy.session import Editing

from .ends import opened, serving
from .handshakes import ANSWER, CLOSING, DIGEST, KEY3, frame, request
from .harness import relaying


def by_rules(text: str) -> Editing:
    class Book:
        current = read_rules(text, "rules.toml", read_file=lambda _name: b"")

    return Editing(rules=Book(), asks=True)


def by_script(folder: Path, text: str, **options: float) -> Editing:
    path = folder / "script.py"
    path.write_text(text)
    return Editing(scripts=scripts_of([load_script(path)], **options))  # type: ignore[arg-type]


async def test_a_delay_and_a_throttle_take_their_time() -> None:
    editing = by_rules("""
[[message]]
name = "late"
when = { from = "client" }
do = [{ action = "delay", seconds = 0.2 }]
[[message]]
name = "slow"
when = { from = "server" }
do = [{ action = "throttle", bytes-per-second = 1000 }]
""")
    async with EchoServer() as server, relaying(server.port, editing=editing) as relay:
        begin = time.monotonic()
        texts = ["x" * 200, "y" * 200]
        assert await converse(relay.host, relay.port, texts) == texts
        # Each waits 0.2 s, and each echo of 202 bytes takes 0.2 s but for its last piece.
        assert time.monotonic() - begin >= 0.7


async def test_a_reset_is_one(tmp_path: Path) -> None:
    editing = by_rules("""
[[message]]
name = "gone"
when = { text = "go" }
do = [{ action = "close", how = "reset", to = "client" }]
""")
    async with serving() as server, relaying(server.port, editing=editing) as relay:
        async with relay.client() as client:
            await opened(client, server)
            await client.send(frame(b"go"))
            with pytest.raises(ConnectionResetError):
                await client.receive(1)
        await relay.recorder.ended()
        closings = [one for one in relay.recorder.records if isinstance(one, ClosingRecord)]
        assert ("relay", "reset") in [(one.by, one.how) for one in closings]


async def test_reload_under_load_a_thousand_times_loses_and_tears_nothing(tmp_path: Path) -> None:
    path, faults = tmp_path / "rules.toml", list[str]()

    def write(text: str) -> None:
        (tmp_path / "new").write_text(
            '[[message]]\nname = "one"\nwhen = { from = "client" }\n'
            f'do = [{{ action = "replace", text = "?", with = "{text}" }}]\n'
            '[[message]]\nname = "two"\nwhen = { from = "client" }\n'
            f'do = [{{ action = "replace", text = "!", with = "{text}" }}]\n'
        )
        (tmp_path / "new").replace(path)

    def tell(text: str, *, is_fault: bool) -> None:
        if is_fault:
            faults.append(text)

    write("0")
    files = RuleFiles([path])
    async with (
        EchoServer() as server,
        relaying(server.port, editing=Editing(rules=files), session={"messages": False}) as relay,
        relay.client() as client,
    ):
        await client.open()
        for turn in range(1000):
            write(str(turn))
            files.look(tell)
            said = b"".join(frame(b"%d ? !" % number) for number in range(3))
            # In pieces, so that a frame is on its way when the rules change.
            await client.send(said[:7])
            got = asyncio.create_task(
                client.receive(3 * (len(b"\x000  \xff") + 2 * len(f"{turn}")))
            )
            if turn % 7 == 0:
                # In the midst of a message.
                write(str(turn))
                files.look(tell)
            await client.send(said[7:])
            expected = b"".join(frame(b"%d %d %d" % (number, turn, turn)) for number in range(3))
            assert await got == expected
        await client.send(CLOSING)
    assert faults == []


async def test_no_expression_can_freeze_the_relay() -> None:
    """With backtracking this one would take longer than the universe has."""

    class Book:
        current = parse_rewrite("/client/^(a+)+(b|a+)*$/found")

    async with (
        EchoServer() as server,
        relaying(server.port, editing=Editing(rules=Book())) as relay,
    ):
        text = "a" * 100_000 + "!"
        async with asyncio.timeout(20):
            assert await converse(relay.host, relay.port, [text, "aaa"]) == [text, "found"]


async def test_replacing_at_too_many_places_is_given_up() -> None:
    """Each search is linear, but this one reads to the end of the text at each of its letters."""

    class Book:
        current = parse_rewrite("/client/(?s)a.*b|a/found")

    async with (
        EchoServer() as server,
        relaying(server.port, editing=Editing(rules=Book())) as relay,
    ):
        text = "a" * 2_000_000
        async with asyncio.timeout(20):
            assert await converse(relay.host, relay.port, [text, "aaa"]) == [text, "found" * 3]
        changes = [one for one in relay.recorder.records if isinstance(one, ChangeRecord)]
        assert [one.number for one in changes if one.detail.startswith("given up")] == [1]


async def test_an_asynchronous_script_holds_its_own_direction_only(tmp_path: Path) -> None:
    editing = by_script(
        tmp_path,
        "import asyncio\n"
        "heard = asyncio.Event()\n"
        "async def on_message(message):\n"
        "    if message.text == 'wait':\n"
        "        await heard.wait()\n"
        "        message.text = 'waited'\n"
        "    elif message.text == 'go':\n"
        "        heard.set()\n",
    )
    async with serving() as server, relaying(server.port, editing=editing) as relay:
        async with relay.client() as client:
            upstream = await opened(client, server)
            await client.send(frame(b"wait") + frame(b"behind"))
            await upstream.send(frame(b"go"))
            assert await client.receive(4) == frame(b"go")
            expected = frame(b"waited") + frame(b"behind")
            assert await upstream.receive(len(expected)) == expected
        await upstream.close()
        await relay.recorder.ended()


async def test_a_script_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    editing = by_script(
        tmp_path,
        "import asyncio\nasync def on_message(message):\n    await asyncio.sleep(60)\n",
        seconds=0.05,
    )
    async with EchoServer() as server, relaying(server.port, editing=editing) as relay:
        assert await converse(relay.host, relay.port, ["hello"]) == ["hello"]
        notices = [one for one in relay.recorder.records if isinstance(one, NoticeRecord)]
        assert any("script.py:3" in one.text for one in notices)


async def test_a_task_of_a_script_says_something_by_itself(tmp_path: Path) -> None:
    editing = by_script(
        tmp_path,
        "import asyncio\n"
        "tasks = set()\n"
        "async def later(session):\n"
        "    await asyncio.sleep(0.01)\n"
        "    session.inject('client', 'by itself')\n"
        "def on_message(message):\n"
        "    message.drop()\n"
        "    tasks.add(asyncio.get_running_loop().create_task(later(message.session)))\n",
    )
    async with EchoServer() as server, relaying(server.port, editing=editing) as relay:
        async with relay.client() as client:
            await client.open()
            await client.send(frame(b"dropped"))
            assert await client.receive(11) == frame(b"by itself")
        await relay.recorder.ended()
        deeds = [one.deed for one in relay.recorder.records if isinstance(one, ChangeRecord)]
        assert deeds == ["drop", "inject"]


async def test_a_request_that_a_rule_answers_never_reaches_the_server() -> None:
    editing = by_rules("""
[[request]]
name = "not here"
do = [{ action = "answer", status = 403, body = "no" }]
""")
    async with serving() as server, relaying(server.port, editing=editing) as relay:
        async with relay.client() as client:
            await client.send(request() + KEY3)
            got = await client.rest()
        assert got.startswith(b"HTTP/1.1 403 ")
        assert got.endswith(b"\r\n\r\nno")
        end = await relay.recorder.ended()
        assert end.outcome == "refused"
        assert server.ends == []


async def test_pieces_of_an_answer_come_apart() -> None:
    editing = by_rules("""
[[response]]
name = "in pieces"
do = [{ action = "split", at = [12], pause = 0.1 }]
""")
    async with serving() as server, relaying(server.port, editing=editing) as relay:
        async with relay.client() as client:
            await client.send(request() + KEY3)
            upstream = await server.accept()
            await upstream.receive_head()
            await upstream.receive(len(KEY3))
            begin = time.monotonic()
            await upstream.send(ANSWER + DIGEST)
            assert await client.receive_some() == b"HTTP/1.1 101"
            rest = await client.receive_some()
            assert time.monotonic() - begin >= 0.09
            assert rest.endswith(DIGEST)
        # Or the relay would wait for it.
        await upstream.close()
        await relay.recorder.ended()
