"""Each action on requests and answers: what leaves, when, and what is told of it."""

from __future__ import annotations

import pytest

from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, answer_75, plain, request, request_75
from .playbook import Play, in_words
from .rulebook import message, request_rule, response_rule

ASK = request() + KEY3
ANSWER = answer() + DIGEST


def asked(*do: str, when: str = "", **options: object) -> Play:
    """What a client's request becomes by these actions."""
    play = Play(host="keep", rules=request_rule(*do, when=when), **options)  # type: ignore[arg-type]
    play.client(ASK)
    return play


def answered(*do: str, when: str = "", **options: object) -> Play:
    """What a server's answer becomes by these actions."""
    play = Play(host="keep", rules=response_rule(*do, when=when), **options)  # type: ignore[arg-type]
    play.client(ASK)
    play.sent("server")
    play.server(ANSWER)
    return play


# Requests


def test_set_of_a_request() -> None:
    play = asked('action = "set", path = "/other", origin = "http://x", subprotocol = "chat"')
    expected = ASK.replace(b"/chat", b"/other").replace(b"http://site.test", b"http://x")
    expected = expected.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
    play.to_server(expected)
    play.told(
        "hixie-76 request /chat?room=1, changed",
        "rule, to server: request line 'GET /chat?room=1 HTTP/1.1' -> 'GET /other?room=1 HTTP/1.1'",
        "rule, to server: Origin 'http://site.test' -> 'http://x'",
        "rule, to server: Sec-WebSocket-Protocol None -> 'chat'",
    )


def test_what_was_set_is_taken_back_in_the_answer() -> None:
    play = asked('action = "set", path = "/other", query = "", origin = "http://x"')
    play.settle()
    server = answer(origin="http://x", location="ws://proxy.test:8076/other")
    play.server(server + DIGEST)
    play.to_client(answer() + DIGEST)
    assert "server: origin-differs" not in [in_words(one) for one in play.records]


def test_host_that_a_rule_sets_is_taken_back_too() -> None:
    play = asked('action = "set", host = "shop.test"')
    play.settle()
    play.server(answer(host="shop.test") + DIGEST)
    play.to_client(ANSWER)
    assert play.codes == []


@pytest.mark.parametrize(
    ("do", "before", "after"),
    [
        ('action = "set-field", name = "Cookie", value = "a"', b"Cookie: b\r\n", b"Cookie: a\r\n"),
        ('action = "remove-field", name = "cookie"', b"Cookie: b\r\n", b""),
        ('action = "rename-field", name = "cookie", to = "X"', b"Cookie: b\r\n", b"X: b\r\n"),
    ],
)  # fmt: skip
def test_fields_of_a_request(do: str, before: bytes, after: bytes) -> None:
    play = Play(host="keep", rules=request_rule(do))
    asked = request(extra=["Cookie: b"]) + KEY3
    play.client(asked)
    play.to_server(asked.replace(before, after))


def test_answer_for_the_server() -> None:
    play = asked('action = "answer", status = 403, fields = { X = "y" }, body = "no"')
    play.to_server()
    play.to_client(
        b"HTTP/1.1 403 Forbidden\r\nX: y\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    )
    play.did("close client")
    play.told(
        "hixie-76 request /chat?room=1",
        "rule 'r': answer, client (403)",
        "answered 403 for the server by r",
        "session-end refused",
    )


@pytest.mark.parametrize("ends", [False, True])
def test_answer_later(ends: bool) -> None:
    play = asked('action = "delay", seconds = 2', 'action = "answer", status = 503')
    if ends:
        play.client_ends()
    play.wakes(1.9)
    play.to_client()
    play.wakes(0.1)
    assert play.sent("client")[0].startswith(b"HTTP/1.1 503")
    play.over("refused")


def test_answer_later_and_the_time_is_over() -> None:
    play = asked('action = "delay", seconds = 60', 'action = "answer", status = 503')
    play.times_out(30)
    play.to_client()
    told = [in_words(one) for one in play.records]
    assert told.count("hixie-76 request /chat?room=1") == 1
    assert any("to the client were still held, and went nowhere" in one for one in told)
    play.over("refused")


def test_answer_later_to_a_client_that_is_gone() -> None:
    play = asked('action = "delay", seconds = 60', 'action = "answer", status = 503')
    play.lost(Peer.CLIENT)
    play.over("refused", "connection-reset")


def test_answer_and_reset() -> None:
    play = asked('action = "close", how = "reset"', 'action = "answer", status = 503')
    assert play.sent("client")[0].startswith(b"HTTP/1.1 503")
    assert "reset client" in play.deeds
    assert play.session.ended


def test_delay_of_a_request() -> None:
    play = asked('action = "delay", seconds = 2')
    play.to_server()
    play.did()
    play.wakes(2)
    play.to_server(ASK)
    play.did("connect")
    play.server(ANSWER)
    play.to_client(ANSWER)
    play.client(b"\x00a\xff")
    play.to_server(b"\x00a\xff")


@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_split_of_a_request(pieces: int) -> None:
    head = len(request())
    do = f'action = "split", at = [4, {head}, {head + 3}, 9000], pause = 0.5'
    play = Play(host="keep", rules=request_rule(do))
    size = -(-len(ASK) // pieces)
    play.client(*(ASK[i : i + size] for i in range(0, len(ASK), size)))
    for begin, end in ((0, 4), (4, head), (head, head + 3), (head + 3, None)):
        play.to_server(ASK[begin:end])
        play.wakes(0.5)
    play.to_server()
    play.server(ANSWER)
    play.to_client(ANSWER)


def test_split_and_a_client_that_ends_before_key3_is_whole() -> None:
    play = Play(host="keep", rules=request_rule('action = "split", at = [4], pause = 1'))
    play.client(ASK[:-3])
    play.to_server()
    play.client_ends()
    play.wakes(1)
    play.to_server(ASK[:4], ASK[4:-3])
    assert play.deeds[-1] == "end to server"


def test_split_and_a_server_that_ends_before_its_digest() -> None:
    play = answered('action = "split", at = [4], pause = 1')
    play.settle()
    play = Play(host="keep", rules=response_rule('action = "split", at = [4], pause = 1'))
    play.client(ASK)
    play.server(answer())
    play.to_client()
    play.server_ends()
    play.wakes(1)
    play.to_client(answer()[:4], answer()[4:])
    assert play.deeds[-1] == "end to client"


@pytest.mark.parametrize("how", ["closing-handshake", "fin"])
@pytest.mark.parametrize("to", ["client", "server", "both"])
@pytest.mark.parametrize("connects", [True, False])
def test_close_behind_a_request(how: str, to: str, connects: bool) -> None:
    play = asked(f'action = "close", how = "{how}", to = "{to}"', connects=connects)
    if not connects:
        play.connects()
    play.to_server(ASK)
    peers = ("client", "server") if to == "both" else (to,)
    assert sorted(one for one in play.deeds if one.startswith("end")) == [
        f"end to {peer}" for peer in peers
    ]


@pytest.mark.parametrize("connects", [True, False])
def test_close_waits_for_key3(connects: bool) -> None:
    rules = request_rule('action = "close", how = "fin", to = "server"')
    play = Play(host="keep", rules=rules, connects=connects)
    play.client(ASK[:-8], ASK[-8:])
    if not connects:
        play.connects()
    assert b"".join(play.sent("server")) == ASK
    play.did("connect", "end to server")


@pytest.mark.parametrize("to", ["client", "server", "both"])
@pytest.mark.parametrize("connects", [True, False])
def test_reset_behind_a_request(to: str, connects: bool) -> None:
    play = asked(f'action = "close", how = "reset", to = "{to}"', connects=connects)
    if not connects and not play.session.ended:
        play.connects()
    deeds = play.deeds
    # Whom a client's reset ends is not asked any more.
    if to == "server":
        assert b"".join(play.sent("server")) == ASK
    assert [one for one in deeds if one.startswith("reset")][:1] == [
        "reset client" if to != "server" else "reset server"
    ]
    assert play.session.ended


def test_reset_behind_a_delayed_request() -> None:
    play = asked('action = "delay", seconds = 1', 'action = "close", how = "reset", to = "server"')
    play.to_server()
    play.wakes(1)
    play.to_server(ASK)
    assert "reset server" in play.deeds


def test_mark_of_a_request() -> None:
    play = asked('action = "mark", text = "look"')
    play.to_server(ASK)
    play.told("rule 'r': mark, client (look)", "hixie-76 request /chat?room=1")


# Answers


def test_set_of_an_answer() -> None:
    play = answered(
        'action = "set", location = "wss://a/", origin = "http://b", subprotocol = "c",'
        ' status-line = "HTTP/1.1 101 Hello"'
    )
    play.to_client(
        plain(
            "HTTP/1.1 101 Hello",
            "Upgrade: WebSocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Location: wss://a/",
            "Sec-WebSocket-Origin: http://b",
            "Sec-WebSocket-Protocol: c",
        )
        + DIGEST
    )
    assert "rule, to client: Sec-WebSocket-Origin 'http://site.test' -> 'http://b'" in [
        in_words(one) for one in play.records
    ]


def test_set_of_an_answer_in_hixie_75() -> None:
    rules = response_rule('action = "set", location = "wss://a/"')
    play = Play(host="keep", rules=rules)
    play.client(request_75())
    play.settle()
    play.server(answer_75() + b"\x00hi\xff")
    location = b"ws://proxy.test:8076/chat?room=1"
    sent = b"".join(play.sent("client"))
    assert sent == answer_75().replace(location, b"wss://a/") + b"\x00hi\xff"


@pytest.mark.parametrize(
    ("do", "before", "after"),
    [
        ('action = "set-field", name = "X", value = "1"', b"X: 2\r\n", b"X: 1\r\n"),
        ('action = "remove-field", name = "x"', b"X: 2\r\n", b""),
        ('action = "rename-field", name = "x", to = "Y"', b"X: 2\r\n", b"Y: 2\r\n"),
    ],
)
def test_fields_of_an_answer(do: str, before: bytes, after: bytes) -> None:
    play = Play(host="keep", rules=response_rule(do))
    play.client(ASK)
    said = answer(extra=["X: 2"]) + DIGEST
    play.server(said)
    play.to_client(said.replace(before, after))


def test_corrupted_digest() -> None:
    play = answered('action = "corrupt-digest", bug = "digest-little-endian"')
    (sent,) = play.sent("client")
    assert sent.startswith(answer())
    assert sent != ANSWER
    words = [in_words(one) for one in play.records]
    assert "rule 'r': corrupt-digest, server (digest-little-endian)" in words
    assert f"rule, to client: digest {DIGEST.hex()!r} -> {sent[-16:].hex()!r}" in words
    assert play.codes == []


@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_delay_and_split_of_an_answer(pieces: int) -> None:
    do = ('action = "delay", seconds = 1', 'action = "split", at = [5, 20], pause = 0.25')
    play = Play(host="keep", rules=response_rule(*do))
    play.client(ASK)
    said = ANSWER + b"\x00early\xff"
    size = -(-len(said) // pieces)
    play.server(*(said[i : i + size] for i in range(0, len(said), size)))
    play.client(b"\x00the other way\xff")
    assert play.sent("server")[-1] == b"\x00the other way\xff"
    play.to_client()
    play.wakes(1)
    play.to_client(ANSWER[:5])
    play.wakes(0.25)
    play.to_client(ANSWER[5:20])
    play.wakes(0.25)
    assert b"".join(play.sent("client")) == ANSWER[20:] + b"\x00early\xff"


@pytest.mark.parametrize("how", ["closing-handshake", "fin", "reset"])
@pytest.mark.parametrize("to", ["client", "server", "both"])
def test_close_behind_an_answer(how: str, to: str) -> None:
    play = answered(f'action = "close", how = "{how}", to = "{to}"')
    peers = ("client", "server") if to == "both" else (to,)
    end = b"\xff\x00" if how == "closing-handshake" else b""
    play.to_client(*[ANSWER, end][: 2 if end and to != "server" else 1])
    assert b"".join(play.sent("server")) == (end if to != "client" else b"")
    word = {"closing-handshake": "nothing", "fin": "end to", "reset": "reset"}[how]
    deeds = [one for one in play.deeds if one.startswith(word)]
    assert deeds == [f"{word} {peer}" for peer in peers if word != "nothing"]


def test_a_refusal_is_edited_and_delayed_with_all_that_follows() -> None:
    rules = response_rule(
        'action = "set-field", name = "X", value = "1"',
        'action = "delay", seconds = 1',
        when="status = 403",
    )
    play = Play(host="keep", rules=rules)
    play.client(ASK)
    play.server(plain("HTTP/1.1 403 No", "Content-Length: 4") + b"ab", b"cd")
    play.to_client()
    play.server_ends()
    play.client_ends()
    play.wakes(0.9)
    assert not play.session.ended
    play.wakes(0.1)
    said = plain("HTTP/1.1 403 No", "Content-Length: 4", "X: 1") + b"abcd"
    assert b"".join(play.sent("client")) == said
    assert play.session.ended


def test_a_long_refusal_that_waits_is_not_read_without_limit() -> None:
    rules = response_rule('action = "delay", seconds = 100')
    play = Play(host="keep", rules=rules, edits={"max_held": 1000})
    play.client(ASK)
    play.server(plain("HTTP/1.1 403 No"), b"a" * 1000)
    assert play.paused == {"server"}
    play.wakes(100)
    assert play.paused == set()


def test_shut_down_lets_go_of_a_handshake() -> None:
    play = asked('action = "delay", seconds = 100', connects=False)
    play.shuts_down()
    assert play.session.ended
    play = Play(host="keep", rules=response_rule('action = "delay", seconds = 100'))
    play.client(ASK)
    play.server(ANSWER)
    play.sent("server")
    play.shuts_down()
    assert b"".join(play.sent("client")) == ANSWER + b"\xff\x00"


# What a client says before the answer


@pytest.mark.parametrize("ends", [False, True])
def test_early_messages_are_decided_and_come_once(ends: bool) -> None:
    rules = message('action = "replace", text = "early", with = "first"')
    play = Play(host="keep", rules=rules)
    play.client(ASK + b"\x00early\xff")
    play.to_server(ASK)
    if ends:
        play.client_ends()
    assert "end to server" not in play.deeds
    play.server(ANSWER)
    play.to_server(b"\x00first\xff")
    play.to_client(ANSWER)
    if ends:
        play.did("resume client", "end to server")
        play.server_ends()
        assert play.session.ended


def test_early_messages_go_to_a_server_that_refuses_as_they_came() -> None:
    play = Play(host="keep", rules=message('action = "drop"'))
    play.client(ASK + b"\x00early\xff")
    play.client_ends()
    play.sent("server")
    play.server(plain("HTTP/1.1 403 No"))
    play.to_server(b"\x00early\xff")
    play.to_client(plain("HTTP/1.1 403 No"))
    assert "end to server" in play.deeds


def test_who_is_not_to_be_read_is_not_read_behind_early_messages() -> None:
    play = Play(host="keep", rules=message('action = "stop-reading", from = "client"'))
    play.client(ASK + b"\x00early\xff")
    play.server(ANSWER)
    assert play.paused == {"client"}
