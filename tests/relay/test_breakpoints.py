"""Messages that a rule pauses: listed, decided about over the control socket, or out of time."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import signal
import stat
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.control.speaking import Client, connected, greeted
from ws76proxy.cli import main
from ws76proxy.control.breakpoints import Breakpoints
from ws76proxy.control.server import ControlServer
from ws76proxy.control.sockets import private_socket
from ws76proxy.record import SCHEMA_VERSION, ChangeRecord

from .ends import Server, conversing, serving
from .handshakes import CLOSING, frame
from .harness import Running, relaying
from .pausing import asking, rule_file
from .process import running


@contextlib.asynccontextmanager
async def controlled(
    folder: Path, server: Server, *, pause: float = 300.0
) -> AsyncIterator[tuple[Running, Client]]:
    """A relay that pauses every message with a price, and a client of its control socket."""
    breakpoints, path = Breakpoints(), folder / "control"
    with private_socket(path) as listener:
        async with (
            ControlServer(listener, breakpoints) as control,
            # Before there is anybody who answers.
            connected(path) as client,
            relaying(
                server.port, editing=asking(folder, pause=pause), listeners=[breakpoints]
            ) as relay,
        ):
            breakpoints.relay = relay.relay
            await control.begin()
            assert (await client.line())["type"] == "greeting"
            assert (await client.ask("watch"))["messages"] == []
            yield relay, client


async def test_a_message_waits_and_all_else_goes_on(tmp_path: Path) -> None:
    async with (
        serving() as server,
        controlled(tmp_path, server) as (relay, control),
        conversing(relay, server) as (client, upstream),
        conversing(relay, server) as (other_client, other_upstream),
    ):
        await upstream.send(frame(b"before") + frame(b"price 1") + frame(b"behind"))
        event = await control.line()
        assert event["type"] == "waiting"
        message = event["message"]
        left = message.pop("left")
        assert 290 < left <= 300
        assert message == {
            "name": "1.1",
            "session": 1,
            "direction": "server",
            "number": 2,
            "rule": "ask about prices",
            "size": 7,
            "text": "price 1",
            "payload": None,
            "whole": True,
        }
        # What came before it, what the other side says, and other sessions.
        assert await client.receive(8) == frame(b"before")
        await client.send(frame(b"a word"))
        assert await upstream.receive(8) == frame(b"a word")
        await other_upstream.send(frame(b"elsewhere"))
        assert await other_client.receive(11) == frame(b"elsewhere")
        (session, other) = (await control.ask("sessions"))["sessions"]
        assert (session["session"], session["waiting"], session["path"]) == (1, 1, "/demo")
        assert (session["server_messages"], session["client_messages"]) == (3, 1)
        assert (other["session"], other["waiting"], other["dialect"]) == (2, 0, "hixie-76")

        assert (await control.ask("release", message="1.1"))["type"] == "done"
        assert await client.receive(17) == frame(b"price 1") + frame(b"behind")
        gone = await control.line()
        assert (gone["name"], gone["how"], gone["by"]) == ("1.1", "released", "person")


async def test_edited_and_dropped(tmp_path: Path) -> None:
    async with (
        serving() as server,
        controlled(tmp_path, server) as (relay, control),
        conversing(relay, server) as (client, upstream),
    ):
        await client.send(frame(b"price 1") + frame(b"price 2") + frame(b"behind"))
        names = [(await control.line())["message"]["name"] for _ in range(2)]
        assert names == ["1.1", "1.2"]
        # A decision about the second waits for the first, as its bytes do.
        assert (await control.ask("edit", message="1.2", text="prix 2"))["type"] == "done"
        assert (await control.ask("drop", message="1.1"))["type"] == "done"
        assert await upstream.receive(16) == frame(b"prix 2") + frame(b"behind")
        gone = [await control.line() for _ in range(2)]
        assert {(event["name"], event["how"]) for event in gone} == {
            ("1.1", "dropped"),
            ("1.2", "edited"),
        }
        assert (await control.ask("release", message="1.1"))["code"] == "no-such-message"
    told = [record for record in relay.recorder.all(ChangeRecord) if record.by == "person"]
    assert [(record.deed, record.before, record.after) for record in told] == [
        ("edit", "price 2", "prix 2"),
        ("drop", None, None),
    ]


async def test_what_cannot_be_framed_goes_on_waiting(tmp_path: Path) -> None:
    async with (
        serving() as server,
        controlled(tmp_path, server) as (relay, control),
        conversing(relay, server) as (client, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        assert (await control.line())["type"] == "waiting"
        answer = await control.ask("edit", message="1.1", payload="/w==")
        assert answer["code"] == "cannot-be-framed"
        (message,) = (await control.ask("held"))["messages"]
        assert message["text"] == "price 1"
        # Not UTF-8, and none of the draft's business: it goes out to the byte.
        assert (await control.ask("edit", message="1.1", payload="gIE="))["type"] == "done"
        assert await client.receive(4) == b"\x00\x80\x81\xff"


async def test_nobody_decides_in_time(tmp_path: Path) -> None:
    async with (
        serving() as server,
        controlled(tmp_path, server, pause=0.05) as (relay, control),
        conversing(relay, server) as (client, upstream),
    ):
        await upstream.send(frame(b"price 1"))
        assert (await control.line())["type"] == "waiting"
        assert await client.receive(9) == frame(b"price 1")
        gone = await control.line()
        assert (gone["name"], gone["how"], gone["by"]) == ("1.1", "released", "time")
        assert (await control.ask("drop", message="1.1"))["code"] == "no-such-message"


async def test_the_session_ends_meanwhile(tmp_path: Path) -> None:
    async with serving() as server, controlled(tmp_path, server) as (relay, control):
        async with conversing(relay, server) as (client, upstream):
            await upstream.send(frame(b"price 1"))
            assert (await control.line())["type"] == "waiting"
            client.reset()
            gone = await control.line()
            assert (gone["name"], gone["how"], gone["by"]) == ("1.1", "session-ended", "relay")
        assert (await control.ask("held"))["messages"] == []


async def test_the_relay_stops_while_messages_wait(loop_name: str, tmp_path: Path) -> None:
    path = tmp_path / "control"
    rules = "--rules", str(rule_file(tmp_path))
    async with (
        serving() as server,
        running(loop_name, server.port, "--json", *rules, "--control", str(path)) as relay,
        conversing(relay, server) as (client, upstream),
        greeted(path) as control,
    ):
        await control.ask("watch")
        await upstream.send(frame(b"price 1"))
        assert (await control.line())["type"] == "waiting"
        told = await relay.stop()
        # Nobody can be asked any more: it goes on as it is.
        assert await client.rest() == frame(b"price 1") + CLOSING
        assert await upstream.rest() == CLOSING
        gone = await control.line()
        assert (gone["name"], gone["how"], gone["by"]) == ("1.1", "session-ended", "relay")
        assert await control.has_ended()
    assert told[-1]["type"] == "session-end"
    assert not is_there(path)


def is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


class Ended:
    """What `ws76proxy held` said."""

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status = status
        self.output = output
        self.errors = errors.decode()

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.output.splitlines()]


async def held(path: Path, *arguments: str, given: bytes = b"", **environment: str) -> Ended:
    """Run `ws76proxy held`, in a thread: a process for each would take its time."""
    given_file, output, errors = (
        io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", write_through=True)
        for data in (given, b"", b"")
    )

    def run() -> int:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(sys, "stdin", given_file)
            for name, value in {"WS76PROXY_CONTROL": str(path), **environment}.items():
                patch.setenv(name, value)
            return main(["held", *arguments])

    status = await asyncio.to_thread(run)
    return Ended(status, *(file.buffer.getvalue() for file in (output, errors)))


@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_from_another_terminal(tmp_path: Path) -> None:
    path = tmp_path / "control"
    rules = "--rules", str(rule_file(tmp_path))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/price/prix/ "$1"\n')
    editor.chmod(0o755)
    async with (
        serving() as server,
        running("asyncio", server.port, "--quiet", *rules, "--control", str(path)) as relay,
        conversing(relay, server) as (client, upstream),
        greeted(path) as control,
    ):
        await control.ask("watch")
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600

        watching = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "ws76proxy", "held", "watch", "--json", "--records"],
            *["--control", str(path)],
            stdin=DEVNULL,
            stdout=PIPE,
        )
        assert watching.stdout is not None
        assert json.loads(await watching.stdout.readline())["type"] == "watching"

        await upstream.send(b"".join([frame(b"price %d" % number) for number in range(1, 7)]))
        for _ in range(6):
            assert (await control.line())["type"] == "waiting"
        listed = await held(path, "list", "--json")
        assert [message["name"] for message in listed.records] == [f"1.{n}" for n in range(1, 7)]
        read = (await held(path, "list")).output.decode()
        assert "1.6" in read
        assert "price 6" in read
        assert (await held(path, "show", "1.2")).output == b"price 2"
        (session,) = (await held(path, "sessions", "--json")).records
        assert session["waiting"] == 6
        assert "/demo" in (await held(path, "sessions")).output.decode()

        done = [
            await held(path, "release", "1.1"),
            await held(path, "drop", "1.2"),
            await held(path, "edit", "1.3", "--text", "é"),
            await held(path, "edit", "1.4", "--file", "-", given=b"\x80\n"),
            await held(path, "edit", "1.5", VISUAL="", EDITOR=str(editor)),
        ]
        assert [(one.status, one.output, one.errors) for one in done] == [(0, b"", "")] * 5
        gone = await held(path, "release", "1.6", "1.2")
        assert gone.status == 1
        assert "1.2, which does not wait" in gone.errors
        expected = [b"price 1", "é".encode(), b"\x80\n", b"prix 5", b"price 6"]
        whole = b"".join(map(frame, expected))
        assert await client.receive(len(whole)) == whole

        await upstream.send(frame(b"price 7") + frame(b"price 8") + frame(b"last"))
        while (await control.line()).get("message", {}).get("name") != "1.8":
            pass
        unframed = await held(path, "edit", "1.7", "--file", "-", given=b"\xff")
        assert unframed.status == 1
        assert "0xFF" in unframed.errors
        failing = await held(path, "edit", "1.7", VISUAL="", EDITOR="false")
        assert failing.status == 1
        assert "1.7 waits as before" in failing.errors
        unchanged = await held(path, "edit", "1.7", VISUAL="", EDITOR="true")
        assert unchanged.status == 1
        assert "unchanged" in unchanged.errors
        assert (await held(path, "drop", "--all")).status == 0
        assert (await held(path, "drop", "--all")).status == 0
        assert await client.receive(6) == frame(b"last")

        second = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "ws76proxy", "relay", "ws://127.0.0.1:9"],
            *["--listen", "127.0.0.1:0", "--control", str(path)],
            stdin=DEVNULL,
            stderr=PIPE,
        )
        _, errors = await second.communicate()
        assert second.returncode == 2
        assert "already" in errors.decode()

        relay.send_signal(signal.SIGTERM)
        assert await relay.ended() == 0
        told = [json.loads(line) for line in (await watching.stdout.read()).splitlines()]
        assert await watching.wait() == 0
    events = [event for event in told if event["type"] != "record"]
    assert len([event for event in events if event["type"] == "waiting"]) == 8
    assert len([event for event in events if event["type"] == "gone"]) == 8
    records = [event["record"] for event in told if event["type"] == "record"]
    assert records[-1]["type"] == "session-end"
    assert {"message", "change"} <= {record["type"] for record in records}
    nobody = await held(path, "list")
    assert nobody.status == 1
    assert "no relay" in nobody.errors


@pytest.mark.parametrize("loop_name", ["asyncio"])
async def test_a_relay_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "control"
    greeting: dict[str, Any] = {
        "type": "greeting",
        "protocol": 2,
        "tool": "ws76proxy 9",
        "records": SCHEMA_VERSION,
        "longest_line": 1,
        "most_waiting": 1,
    }

    async def greet(line: bytes) -> Ended:
        def arrive(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(line)
            writer.close()

        async with await asyncio.start_unix_server(arrive, path):
            ended = await held(path, "list")
        path.unlink(missing_ok=True)
        return ended

    newer = await greet(json.dumps(greeting).encode() + b"\n")
    assert newer.status == 1
    assert "found version 2" in newer.errors
    stranger = await greet(b"220 ready\r\n")
    assert stranger.status == 1
    assert "expected the control socket of a relay" in stranger.errors
    silent = await greet(b"")
    assert silent.status == 1
    assert "ended the connection" in silent.errors
