"""Captures by tcpdump and dumpcap of real sessions, read back: as the relay between saw them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from ws76proxy.demo import EchoServer, converse
from ws76proxy.recording import read_sessions, rebuild

from . import browser
from .capturing import capturing
from .cases import BROWSER, ECHO_SERVERS, MIB, RESOURCE, TEXTS
from .peer import Server
from .relay import Record, of_type, relaying

PROGRAMS = pytest.mark.parametrize(
    "program",
    [pytest.param(name, marks=pytest.mark.peer(name)) for name in ("tcpdump", "dumpcap")],
)
# What both a relay between the two, and whoever listens to the wire, must say alike.
_ALIKE = ("request", "response", "challenge", "message", "frame", "closing")


def without_time(records: list[Record]) -> list[Record]:
    return [
        {key: value for key, value in record.items() if key not in ("time", "session")}
        for kind in _ALIKE
        for record in of_type(records, kind)
        if record.get("how") in (None, "closing-handshake")
    ]


def session_in(content: bytes, path: Path) -> tuple[list[Record], Any]:
    """The one session of a capture: its records as they are written, and both streams."""
    path.write_bytes(content)
    (session,) = read_sessions([path], pytest.fail)
    return msgspec.to_builtins(session.records), rebuild(session.records)


@PROGRAMS
def test_the_demo(program: str, tmp_path: Path) -> None:
    async def talk() -> tuple[list[str], bytes]:
        async with EchoServer() as server:
            # The port is known only now; to wait for the capture here stops nobody else.
            with capturing(program, server.port) as capture:
                answers = await converse("127.0.0.1", server.port, TEXTS)
                await asyncio.to_thread(capture.wait_for_end)
            return answers, capture.content

    answers, content = asyncio.run(talk())
    assert answers == list(TEXTS)
    records, streams = session_in(content, tmp_path / "capture")
    frames = b"".join(b"\0" + text.encode() + b"\xff" for text in TEXTS) + b"\xff\0"
    (request,), (response,) = of_type(records, "request"), of_type(records, "response")
    (challenge,) = of_type(records, "challenge")
    assert challenge["verdict"] == "verified"
    head = request["head"].encode("latin-1")
    assert streams.gaps == []
    assert streams.client == head + bytes.fromhex(challenge["key3"]) + frames
    head = response["head"].encode("latin-1")
    assert streams.server == head + bytes.fromhex(challenge["expected"]) + frames
    assert [message["text"] for message in of_type(records, "message")] == [
        text for text in TEXTS for _ in range(2)
    ]
    (end,) = of_type(records, "session-end")
    assert end["client"]["bytes"] == len(streams.client)
    assert end["server"]["bytes"] == len(streams.server)


@PROGRAMS
@BROWSER
@ECHO_SERVERS
@pytest.mark.parametrize("size", [None, MIB])
def test_a_browser(
    program: str, server: Server, pages: str, size: int | None, tmp_path: Path
) -> None:
    """The browser talks through a relay that changes nothing; both legs are the same."""
    with relaying(server.url, "--host", "keep") as relay:
        port = urlsplit(relay.url).port
        assert port is not None
        with capturing(program, port) as capture:
            texts = () if size else TEXTS
            visit = browser.visit(pages, f"{relay.url}{RESOURCE}", messages=texts, size=size)
            relayed = relay.finish()
            capture.wait_for_end()
    assert visit.complaints == []
    records, streams = session_in(capture.content, tmp_path / "capture")
    assert without_time(records) == without_time(relayed)
    assert len(of_type(records, "message")) == (2 if size else 2 * len(TEXTS))
    (end,), (expected,) = of_type(records, "session-end"), of_type(relayed, "session-end")
    for key in ("dialect", "outcome", "verdict", "client", "server"):
        assert end[key] == expected[key]
    assert streams.gaps == []
    assert len(streams.client) == expected["client"]["bytes"]
    assert len(streams.server) == expected["server"]["bytes"]
