"""What rules make of handshakes, through mitmproxy's own layers in memory."""

from __future__ import annotations

import asyncio
import gzip
from typing import Literal

import pytest

from tests.mitm.bridging import Bridged
from tests.mitm.memory import HEAD, KEY3, Memory
from ws76proxy.mitm.edits import response_of
from ws76proxy.mitm.settings import Settings
from ws76proxy.rules import read_rules
from ws76proxy.session import Editing
from ws76proxy.wire import Dialect

pytestmark = pytest.mark.usefixtures("patched")


class Book:
    """Rules that never change."""

    def __init__(self, text: str) -> None:
        self.current = read_rules(text, "rules.toml", read_file=lambda _name: b"")


CUT_OFF = """
[[message]]
name = "cut off"
do = [{ action = "close", how = "fin" }]
"""
CUT = """
[[request]]
name = "cut"
do = [{ action = "cut-key3", bytes = 3 }]
"""


def _key3(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("challenge", ["forward", "own"])
def test_a_key3_cut_by_a_rule(challenge: Literal["forward", "own"]) -> None:
    """It is the server's that is cut: the client's came whole, and nothing else is found."""

    async def play() -> Memory:
        settings = Settings(challenge=challenge)
        memory = Memory(settings, editing=Editing(rules=Book(CUT), asks=True))
        memory.from_client(HEAD + KEY3)
        memory.end(memory.server)
        return memory

    memory = asyncio.run(play())
    sent = _key3(memory.to_server)
    assert len(sent) == 3
    assert KEY3.startswith(sent) is (challenge == "forward")
    assert "key3-short" not in memory.told["findings"]


@pytest.mark.parametrize("client", [Dialect.RFC_6455, Dialect.HIXIE_75])
def test_a_key3_of_our_own_cut_by_a_rule(client: Dialect) -> None:
    async def play() -> Bridged:
        new = Dialect.HIXIE_76
        session = Bridged(client, new, editing=Editing(rules=Book(CUT), asks=True))
        session.ask()
        return session

    session = asyncio.run(play())
    assert len(_key3(session.memory.to_server)) == 3
    assert session.memory.to_client == b""


def test_a_client_of_hixie_76_whose_server_gets_no_key3() -> None:
    async def play() -> Bridged:
        session = Bridged(
            Dialect.HIXIE_76,
            Dialect.RFC_6455,
            editing=Editing(rules=Book(CUT), asks=True),
        )
        session.open()
        return session

    session = asyncio.run(play())
    assert session.memory.told["closing"] is None
    assert session.flow.websocket is not None
    assert "key3-short" not in session.findings


@pytest.mark.parametrize(
    ("client", "server"),
    [(Dialect.RFC_6455, Dialect.HIXIE_76), (Dialect.HIXIE_76, Dialect.RFC_6455)],
)
def test_an_end_by_a_rule_is_neither_peers(client: Dialect, server: Dialect) -> None:
    async def play() -> Bridged:
        session = Bridged(client, server, editing=Editing(rules=Book(CUT_OFF), asks=True))
        session.open()
        session.client.send_text("the last")
        session.pump()
        return session

    session = asyncio.run(play())
    assert session.is_over()
    assert session.ending == (1006, None, "the session was ended here")


def test_a_body_that_is_coded_already_stays_as_it_is() -> None:
    body = gzip.compress(b"closed")
    head = b"HTTP/1.1 503 Closed\r\nContent-Encoding: gzip\r\nX: \xe9\r\n\r\n"
    response = response_of(head + body)
    assert response.raw_content == body
    assert response.content == b"closed"
    assert response.headers.fields == ((b"Content-Encoding", b"gzip"), (b"X", b"\xe9"))
    assert (response.status_code, response.reason) == (503, "Closed")
