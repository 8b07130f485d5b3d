"""A server whose dialect has to be found out, and is remembered for a while."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.record import NoticeRecord, RequestRecord, ResponseRecord
from ws76proxy.session import DialectMemory, Peer
from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, RFC, Bridged
from .examples import KEY3, request

REFUSALS = [
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno!",
    b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 x\r\nNothing: of it\r\n\r\n",
]
ORDER = {H76: [H76, RFC, H75], H75: [H75, RFC, H76], RFC: [RFC, H76, H75]}


def found_out(client: Dialect, server: Dialect, **changes: Any) -> Bridged:
    """A session whose server has been asked in all dialects up to its own, and has accepted."""
    play = Bridged(client, server, asks="auto", **changes)
    asked = play.asking
    play.client(asked)
    for number, dialect in enumerate(ORDER[client]):
        if dialect is server:
            break
        play.sent("server")
        play.server(REFUSALS[number])
        assert play.sent("client") == []
    return play


@pytest.mark.parametrize("client", list(ORDER))
@pytest.mark.parametrize("server", list(ORDER))
def test_one_dialect_behind_the_other(client: Dialect, server: Dialect) -> None:
    play = found_out(client, server)
    tried = ORDER[client][: ORDER[client].index(server) + 1]
    assert [
        one.server_dialect or one.dialect for one in play.records if isinstance(one, RequestRecord)
    ] == tried
    play.did("connect", *["connect anew"] * (len(tried) - 1))
    play.server(play.accept())
    heard = play.peers[Peer.CLIENT]
    heard.receive_data(b"".join(play.sent("client")))
    heard.events()
    heard.open()
    play.says("client", "found")
    assert play.heard("server") == ["found"]
    assert play.codes == ["server-lacks-dialect"] * (len(tried) - 1)
    play.closes("client")
    play.closes("server")
    play.settle()
    end = play.over("open", *dict.fromkeys(play.codes))
    assert end.server_dialect == (None if client is server else server)


@pytest.mark.parametrize("reset", [False, True])
def test_a_server_that_leaves_without_a_byte(reset: bool) -> None:
    play = Bridged(H76, RFC, asks="auto")
    play.client(play.asking)
    play.sent("server")
    if reset:
        play.lost(Peer.SERVER)
    else:
        play.server_ends()
    assert not play.session.ended
    play.did("connect", "connect anew")
    play.server(play.accept())
    assert b"".join(play.sent("client")).startswith(b"HTTP/1.1 101 ")
    # Whoever ends now has ended.
    play.server_ends()
    play.client_ends()
    play.settle()
    assert play.session.ended


def test_a_refusal_about_something_else_stands() -> None:
    play = Bridged(H76, RFC, asks="auto")
    play.client(play.asking)
    play.sent("server")
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    play.server(refusal)
    play.to_client(refusal)
    play.did("connect")
    assert play.session.outcome == "refused"


def test_the_last_refusal_passes() -> None:
    play = Bridged(H76, RFC, asks="auto")
    play.client(play.asking)
    for refusal in REFUSALS[:3]:
        play.sent("server")
        play.server(refusal)
    play.to_client(REFUSALS[2])
    play.did("connect", "connect anew", "connect anew")


def test_a_connection_that_cannot_be_made_anew() -> None:
    play = Bridged(H76, RFC, asks="auto", connects=False)
    play.client(play.asking)
    play.connects()
    play.sent("server")
    play.server(REFUSALS[0])
    play.connect_fails()
    play.answered(502, "Connection refused")
    play.over("failed", "server-lacks-dialect", "upstream-unreachable")


def test_it_is_remembered_for_a_while() -> None:
    clock = [0.0]
    memory = DialectMemory(lambda: clock[0], 300)
    first = found_out(H76, RFC, dialects=memory)
    first.server(first.accept())
    notices = [one.text for one in first.records if isinstance(one, NoticeRecord)]
    assert len(notices) == 1
    assert "rfc6455" in notices[0]
    assert "300 s" in notices[0]

    second = Bridged(H76, RFC, asks="auto", dialects=memory)
    second.client(second.asking)
    assert [one.server_dialect for one in second.records if isinstance(one, RequestRecord)] == [RFC]
    second.server(second.accept())
    assert not [one for one in second.records if isinstance(one, NoticeRecord)]

    clock[0] = 300.0
    third = Bridged(H76, RFC, asks="auto", dialects=memory)
    third.client(third.asking)
    assert [one.server_dialect for one in third.records if isinstance(one, RequestRecord)] == [None]


def test_a_memory_that_fails_is_forgotten_and_the_search_begins_again() -> None:
    memory = DialectMemory(lambda: 0.0)
    memory.remember("ws://server.test:9000", H75)
    play = Bridged(H76, RFC, asks="auto", dialects=memory)
    play.client(play.asking)
    play.sent("server")
    play.server(REFUSALS[0])
    assert memory.recall("ws://server.test:9000") is None
    play.sent("server")
    play.server(REFUSALS[0])
    play.server(play.accept())
    asked = [one.server_dialect for one in play.records if isinstance(one, RequestRecord)]
    assert asked == [H75, None, RFC]
    assert memory.recall("ws://server.test:9000") is RFC


def test_a_server_of_the_client_s_own_dialect_is_forwarded_to() -> None:
    memory = DialectMemory(lambda: 0.0)
    memory.remember("ws://server.test:9000", H76)
    play = Bridged(H76, H76, asks="auto", dialects=memory)
    play.client(request() + KEY3)
    (asked,) = play.sent("server")
    assert asked.endswith(KEY3)
    # It speaks it no more: the next session looks again.
    play.server(REFUSALS[0])
    play.to_client(REFUSALS[0])
    assert memory.recall("ws://server.test:9000") is None


def test_the_bytes_of_both_attempts_are_in_a_lossless_record() -> None:
    play = found_out(H76, RFC, lossless=True)
    play.server(play.accept())
    responses = [one for one in play.records if isinstance(one, ResponseRecord)]
    assert [one.status for one in responses] == [400, 101]
    assert responses[1].offset == len(REFUSALS[0])
