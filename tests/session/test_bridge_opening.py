"""The opening handshake of a bridged session: asked anew, verified, answered, or refused."""

from __future__ import annotations

import pytest

from ws76proxy.bridge import DIALECTS
from ws76proxy.record import (
    AdjustmentRecord,
    ChallengeRecord,
    FindingRecord,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
)
from ws76proxy.session import Peer
from ws76proxy.wire import RequestHead, ResponseHead, rfc6455
from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, PAIRS, RFC, Bridged
from .examples import KEY3, plain, request, request_75
from .playbook import Play

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\nX-Why: because\r\n\r\nno! \xff"


def test_a_modern_client_and_an_old_server() -> None:
    play = Bridged(RFC, H76, protocols=("chat", "other"), extra=(("Cookie", "a=b"),))
    asking = play.asking
    key = rfc6455.request_facts(RequestHead(asking)).key
    play.client(asking)
    play.did("connect")
    asked = RequestHead(play._owner.sent[Peer.SERVER][0])
    assert asked.value(b"cookie") == b"a=b"
    assert asked.value(b"host") == b"server.test:9000"
    assert asked.value(b"sec-websocket-protocol") == b"chat"
    assert asked.value(b"sec-websocket-key") is None
    play.ask_no_more()
    play.server(play.accept("chat"))
    answer = ResponseHead(play.sent("client")[0])
    assert answer.value(b"sec-websocket-accept") == rfc6455.accept_key(key or b"")
    assert answer.value(b"sec-websocket-protocol") == b"chat"
    assert answer.value(b"sec-websocket-location") is None
    play.told(
        "response 101, changed",
        "bridge, to client: status line 'HTTP/1.1 101 WebSocket Protocol Handshake'"
        " -> 'HTTP/1.1 101 Switching Protocols'",
        *(
            f"bridge, to client: {one.what} {one.before!r} -> {one.after!r}"
            for one in play.records
            if isinstance(one, AdjustmentRecord)
            and one.toward == "client"
            and one.what != "status line"
        ),
        "relay's challenge, server's answer: verified",
    )
    play.handshaking_since(None)
    end = _end(play, "bridge-subprotocol-chosen")
    assert (end.dialect, end.server_dialect, end.verdict) == (RFC, H76, "verified")


def _end(play: Play, *codes: str) -> SessionEndRecord:
    play.shuts_down()
    play.settle()
    return play.over("open", *codes)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_what_is_told_of_both_dialects(client: Dialect, server: Dialect) -> None:
    play = Bridged(client, server)
    play.open()
    (asked,) = (one for one in play.records if isinstance(one, RequestRecord))
    (answer,) = (one for one in play.records if isinstance(one, ResponseRecord))
    assert asked.dialect == client
    assert asked.server_dialect == (None if server is client else server)
    assert asked.sent is not None
    assert answer.sent is not None
    assert answer.status == 101
    challenges = [
        (one.asked_by, one.answered_by, one.verdict)
        for one in play.records
        if isinstance(one, ChallengeRecord)
    ]
    expected = [("relay", "server", "verified")] if server is H76 else []
    expected += [("client", "relay", "verified")] if client is H76 else []
    assert challenges == expected
    assert all(
        one.cause in ("bridge", "proxy")
        for one in play.records
        if isinstance(one, AdjustmentRecord)
    )


@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("size", [1, 7])
def test_in_small_pieces(client: Dialect, server: Dialect, size: int) -> None:
    play = Bridged(client, server)
    asking = play.asking
    for begin in range(0, len(asking), size):
        play.client(asking[begin : begin + size])
    accepted = play.accept()
    for begin in range(0, len(accepted), size):
        assert play.sent("client") == []
        play.server(accepted[begin : begin + size])
    assert b"".join(play.sent("client")).startswith(b"HTTP/1.1 101 ")
    assert play.session.outcome == "open"


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_a_refusal_passes_unchanged(client: Dialect, server: Dialect) -> None:
    play = Bridged(client, server)
    play.client(play.asking)
    play.sent("server")
    play.server(REFUSAL[:-2])
    play.server(REFUSAL[-2:])
    assert b"".join(play.sent("client")) == REFUSAL
    play.server_ends()
    play.client_ends()
    play.over("refused", *(["answered-forbidden"] if server.is_hixie else []))


@pytest.mark.parametrize("client", DIALECTS)
def test_no_server(client: Dialect) -> None:
    play = Bridged(client, RFC, connects=False)
    play.client(play.asking)
    play.connect_fails()
    play.answered(502, "Connection refused")
    play.over("failed", "upstream-unreachable")


LEAVES = [
    # Where it has to be found out what a server speaks, one that says nothing is asked again.
    *((*pair, 0, "response-missing") for pair in PAIRS if pair[0] is not pair[1] or RFC in pair),
    *((*pair, 10, "response-incomplete") for pair in PAIRS),
    *((client, H76, -1, "digest-short") for client in DIALECTS),
]


@pytest.mark.parametrize(("client", "server", "cut", "code"), LEAVES)
def test_a_server_that_leaves(client: Dialect, server: Dialect, cut: int, code: str) -> None:
    play = Bridged(client, server)
    play.client(play.asking)
    accepted = play.accept()
    if cut:
        play.server(accepted[:cut])
    play.server_ends()
    play.answered(502, str(server))
    end = play.over("failed", code)
    assert end.verdict == ("missing" if cut == -1 else None)


@pytest.mark.parametrize("server", DIALECTS)
def test_a_server_that_says_nothing(server: Dialect) -> None:
    play = Bridged(RFC, server)
    play.client(play.asking)
    play.sent("server")
    play.times_out(30)
    play.answered(504, "30 s")
    play.over("failed", "response-missing")


def test_a_client_that_keeps_its_key3() -> None:
    play = Bridged(H76, RFC)
    play.client(play.asking[:-3])
    play.server(play.accept())
    assert play.sent("client") == []
    play.times_out(30)
    play.answered(408, "8 bytes")
    play.over("failed", "key3-short")


def test_frames_of_a_server_wait_for_key3() -> None:
    play = Bridged(H76, RFC)
    asking = play.asking
    play.client(asking[:-3])
    accepted = play.accept()
    connection = play.peers[Peer.SERVER]
    connection.send_text("hasty")
    play.ask_no_more()
    play.server(accepted + connection.data_to_send())
    play.did("pause server")
    play.client(asking[-3:])
    play.did("resume server")
    assert b"".join(play.sent("client")).endswith(b"\x00hasty\xff")


@pytest.mark.parametrize("client", DIALECTS)
def test_a_client_that_leaves(client: Dialect) -> None:
    play = Bridged(client, RFC)
    play.client(play.asking)
    play.sent("server")
    play.client_ends()
    assert not play.session.ended
    play.lost(Peer.CLIENT, None)
    play.over("failed")


@pytest.mark.parametrize("client", DIALECTS)
def test_a_client_that_only_stops_sending(client: Dialect) -> None:
    play = Bridged(client, RFC)
    play.client(play.asking)
    play.client_ends()
    play.server(play.accept())
    assert b"".join(play.sent("client")).startswith(b"HTTP/1.1 101 ")
    play.closes("server")
    play.settle()
    play.over("open", *(["closed-without-handshake"] if client is H76 else []))


def test_a_wrong_digest() -> None:
    play = Bridged(RFC, H76)
    play.client(play.asking)
    accepted = play.accept()
    play.server(accepted[:-16] + bytes(16))
    play.answered(502, "did not answer the challenge")
    end = play.over("failed", "digest-wrong", "digest-zeros")
    assert end.verdict == "wrong"
    assert [one.verdict for one in play.records if isinstance(one, ChallengeRecord)] == ["wrong"]


def test_a_wrong_digest_is_no_matter_where_it_is_to_be_repaired() -> None:
    play = Bridged(RFC, H76, repair=True)
    play.client(play.asking)
    play.server(play.accept()[:-16] + bytes(16))
    assert b"".join(play.sent("client")).startswith(b"HTTP/1.1 101 ")
    assert _end(play, "digest-wrong", "digest-zeros").verdict == "wrong"


def test_a_wrong_accept() -> None:
    play = Bridged(H76, RFC)
    play.client(play.asking)
    play.server(play.accept().replace(b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: x"))
    play.answered(502, "no client can accept")
    play.over("failed", "rfc6455-accept-wrong")


def test_words_of_another_dialect() -> None:
    play = Bridged(H75, RFC, asks=H76)
    play.client(play.asking)
    play.sent("server")
    play.server(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n")
    play.answered(502, "rfc6455")
    play.over("failed", "switch-without-upgrade", "response-of-rfc6455", "server-lacks-dialect")


def test_a_head_that_cannot_be_read() -> None:
    play = Bridged(H75, RFC)
    play.client(play.asking)
    play.sent("server")
    play.server(b"HTTP/1.1 101 x\r\n" + b"a" * 70_000)
    play.answered(502, "cannot be read")
    play.over("failed", "head-refused")


@pytest.mark.parametrize(
    ("asked", "status", "codes"),
    [
        (
            plain(
                "GET / HTTP/1.1",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 8",
            ),
            426,
            ["version-not-supported"],
        ),
        (
            plain("GET / HTTP/1.1", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
            400,
            ["rfc6455-request-faulty"],
        ),
        (
            request().replace(b"4 @1  46546xW%0l 1 5", b"nothing") + KEY3,
            400,
            ["challenge-unanswerable", "key-no-digits", "key-no-spaces"],
        ),
    ],
)
def test_a_request_that_nobody_can_answer(asked: bytes, status: int, codes: list[str]) -> None:
    play = Play(server_dialect=H75)
    play.client(asked)
    (raw,) = play.sent("client")
    answer = ResponseHead(raw)
    assert answer.status == status
    if status == 426:
        assert answer.value(b"sec-websocket-version") == b"13"
    play.did("close client")
    play.over("refused", *codes)


@pytest.mark.parametrize(
    ("wanted", "asked", "status"),
    [
        (H76, request_75(), 400),
        (RFC, request(), 400),
        (RFC, plain("GET / HTTP/1.1", "Upgrade: x", "Sec-WebSocket-Version: 7"), 426),
        (H75, plain("GET / HTTP/1.1", "Upgrade: x", "Sec-WebSocket-Version: 13"), 426),
    ],
)
@pytest.mark.parametrize("server", ["same", H76])
def test_another_dialect_than_clients_must_speak(
    wanted: Dialect, asked: bytes, status: int, server: str
) -> None:
    play = Play(client_dialect=wanted, server_dialect=server)
    play.client(b"\r\n" + asked)
    answer = ResponseHead(play.sent("client")[0])
    assert answer.status == status
    version = b"13" if status == 426 and wanted is RFC else None
    assert answer.value(b"sec-websocket-version") == version
    (finding,) = (one for one in play.records if isinstance(one, FindingRecord))
    assert (finding.code, finding.offset) == ("client-dialect-refused", 2)
    play.over("refused", "client-dialect-refused")


def test_the_dialect_that_clients_must_speak_and_plain_http() -> None:
    play = Play(client_dialect=RFC, server_dialect=RFC)
    play.client(plain("GET /page HTTP/1.1", "Host: proxy.test:8076"))
    assert play.sent("server")[0].startswith(b"GET /page")
    play.server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    play.settle()
    bridged = Bridged(RFC, RFC, client_dialect=RFC).open()
    bridged.says("client", "hello")
    assert bridged.heard("server") == ["hello"]


def test_a_handshake_behind_a_page_on_the_same_connection() -> None:
    play = Bridged(RFC, H76)
    page = plain("GET /page HTTP/1.1", "Host: proxy.test:8076")
    play.client(page)
    assert play.sent("server") == [page]
    play.server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    play.sent("client")
    play.open()
    play.says("server", "hello")
    assert play.heard("client") == ["hello"]


def test_the_same_hixie_dialect_by_name_is_forwarded() -> None:
    play = Play(server_dialect=H76)
    play.client(request() + KEY3)
    (asked,) = play.sent("server")
    assert asked.endswith(KEY3)
    assert b"4 @1  46546xW%0l 1 5" in asked
