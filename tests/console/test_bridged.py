"""Sessions between two dialects in a terminal: both are named, and what a person need not see."""

from __future__ import annotations

import pytest

from tests.session.bridged import H76, PAIRS, RFC, Bridged
from ws76proxy.console import Level, handshake_text
from ws76proxy.record import AnyRecord, SessionStartRecord
from ws76proxy.session import Peer
from ws76proxy.wire.dialect import Dialect

from .screen import Screen


def told(client: Dialect, server: Dialect, level: Level = "normal") -> str:
    """A session as a person sees it, each record shown when it comes."""
    screen = Screen(level=level)
    play = Bridged(client, server, protocols=("chat",), bridge={"binary": "drop"})
    text = screen.tell(play.records)
    asked = play.asking
    play.client(asked)
    text += screen.tell(play.records[1:]) + screen.settle(1)
    # Nothing is shown of a handshake before it is decided.
    assert "GET /demo" not in text
    seen = len(play.records)
    play.server(play.accept("chat"))
    play.opened()
    for who in ("client", "server"):
        connection = play.peers[Peer(who)]
        if connection.dialect is RFC:
            connection.send_ping(b"are you there")
            connection.send_pong(b"unasked")
            play.sends(who, connection.data_to_send())
            play.says(who, b"\x00\xff")
        play.says(who, "hello")
    play.closes("client", 4001, "enough")
    play.heard("server")
    play.closes("server")
    play.settle()
    text += screen.tell(play.records[seen:])
    return text


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_both_dialects_are_named(client: Dialect, server: Dialect) -> None:
    text = told(client, server)
    both = client if client is server else f"{client} → {server}"
    assert f"#1   {both}  GET /demo HTTP/1.1\n" in text
    assert f" · {both}" in text
    assert "Status     101" in text
    assert "translated: " in text
    # Each field of a dialect is named once, and none is shown with both values.
    assert "(absent) ⇒" not in text
    assert text.count("digest verified") >= (H76 in (client, server))


def test_a_ping_is_shown_and_a_pong_is_not() -> None:
    text = told(RFC, H76)
    assert " ping " in text
    assert " pong " not in text
    assert "client →  close " not in text
    assert "closing handshake: 4001 enough" in text
    assert "closing handshake, FF 00" in text
    assert "binary" in text


def test_all_is_shown_to_who_wants_to_see_it() -> None:
    text = told(RFC, H76, "verbose")
    assert " ping " in text
    assert " pong " in text
    assert "client →  close " in text
    assert "Sec-WebSocket-Accept" in text
    assert "(absent)" in text


def test_a_subprotocol_that_was_chosen_is_seen() -> None:
    play = Bridged(RFC, H76, protocols=("a", "b"))
    play.open("a")
    text = handshake_text(records(play))
    assert "Protocol   a, b\n" in text
    assert "⇒ a\n" in text
    assert "bridge-subprotocol-chosen" in text


def records(play: Bridged) -> list[AnyRecord]:
    return [one for one in play.records if not isinstance(one, SessionStartRecord)]


def test_an_attempt_that_failed_has_a_block_of_its_own() -> None:
    screen = Screen()
    play = Bridged(H76, RFC, asks="auto")
    play.client(play.asking)
    play.sent("server")
    play.server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    play.server(play.accept())
    text = screen.tell(play.records) + screen.settle(1)
    assert text.count("GET /demo") == 2
    assert "#1   hixie-76  GET /demo" in text
    assert "Status     400 Bad Request" in text
    assert "server-lacks-dialect" in text
    assert "#1   hixie-76 → rfc6455  GET /demo" in text
