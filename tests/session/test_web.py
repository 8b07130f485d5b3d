"""Ordinary HTTP through the same port: untouched, a line each, and an upgrade may follow."""

from __future__ import annotations

import pytest

from ws76proxy.record import FindingRecord
from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, plain, request
from .playbook import Play, in_words

PAGE = plain("GET /page HTTP/1.1", "host:proxy.test:8076", "Origin: http://proxy.test:8076")
OK = plain("HTTP/1.1 200 OK", "Content-Type: text/html", "Content-Length: 5") + b"hello"
POST = plain("POST /form HTTP/1.1", "Content-Length: 5")


def test_a_page_passes_untouched() -> None:
    play = Play()
    play.client(PAGE[:10], PAGE[10:])
    play.did("connect")
    play.to_server(PAGE)
    play.server(OK[:20], OK[20:])
    play.to_client(OK[:20], OK[20:])
    play.told("GET /page 200")
    play.client_ends()
    play.server_ends()
    play.did("end to server", "close client", "close server")
    play.told("session-end http")
    assert play.over("http").dialect == "http"


def test_the_line_of_an_exchange() -> None:
    play = Play()
    play.client(PAGE)
    play.server(OK)
    record = play.records[-1]
    assert getattr(record, "content_type", None) == "text/html"
    assert getattr(record, "reason", None) == "OK"


def test_several_requests_and_then_an_upgrade() -> None:
    play = Play()
    for _ in range(3):
        play.client(PAGE)
        play.to_server(PAGE)
        play.server(OK)
        play.to_client(OK)
        play.told("GET /page 200")
    before = 3 * len(PAGE)
    play.client(request() + KEY3)
    play.to_server(request("server.test:9000") + KEY3)
    play.server(answer("server.test:9000") + DIGEST + b"\x00hi\xff")
    play.to_client(answer() + DIGEST + b"\x00hi\xff")
    play.client(b"\x00ho\xff")
    play.to_server(b"\x00ho\xff")
    message = play.records[-1]
    assert getattr(message, "offset", None) == before + len(request()) + 8
    message = play.records[-2]
    assert getattr(message, "offset", None) == 3 * len(OK) + len(answer("server.test:9000")) + 16
    play.client_ends()
    play.server_ends()
    assert play.over("open", "closed-without-handshake").dialect == "hixie-76"


@pytest.mark.parametrize("cut", [0, 10, len(POST), len(POST) + 2])
def test_a_counted_body_and_the_upgrade_behind_it(cut: int) -> None:
    play = Play(host="keep")
    said = POST + b"12345"
    play.client(said[:cut], said[cut:]) if cut else play.client(said)
    assert b"".join(play.sent("server")) == said
    play.server(plain("HTTP/1.1 204 No Content"))
    play.client(request() + KEY3)
    play.to_server(request() + KEY3)
    assert play.session.dialect == "hixie-76"


def test_a_body_that_is_not_counted_ends_the_looking() -> None:
    play = Play()
    chunked = plain("POST / HTTP/1.1", "Transfer-Encoding: chunked")
    for data in (chunked + b"5\r\nhello\r\n0\r\n\r\n", request() + KEY3, PAGE):
        play.client(data)
        assert b"".join(play.sent("server")) == data
    play.server(OK)
    play.told("POST / 200")


@pytest.mark.parametrize("length", ["-1", "12x", "9" * 30, ""])
def test_an_odd_content_length_ends_the_looking(length: str) -> None:
    play = Play()
    head = plain("POST / HTTP/1.1", f"Content-Length: {length}")
    play.client(head, request())
    play.to_server(head, request())


def test_head_is_answered_without_a_body() -> None:
    play = Play()
    play.client(plain("HEAD / HTTP/1.1"))
    play.server(plain("HTTP/1.1 200 OK", "Content-Length: 1000"))
    play.client(PAGE)
    play.server(OK)
    play.told("HEAD / 200", "GET /page 200")


def test_continue_and_then_the_answer() -> None:
    play = Play()
    head = plain("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 5")
    go_on = plain("HTTP/1.1 100 Continue")
    play.client(head)
    play.server(go_on)
    play.to_client(go_on)
    play.client(b"12345")
    play.to_server(head, b"12345")
    play.server(go_on + plain("HTTP/1.1 103 Early Hints") + OK)
    play.to_client(go_on + plain("HTTP/1.1 103 Early Hints") + OK)
    play.told("POST / 200")


def test_another_upgrade_passes_as_bytes() -> None:
    play = Play()
    head = plain("GET / HTTP/1.1", "Upgrade: h2c", "Connection: Upgrade")
    play.client(head)
    play.server(plain("HTTP/1.1 101 Switching Protocols") + b"\0\0")
    play.told("GET / 101")
    play.client(request())
    play.to_server(head, request())
    play.server_ends()
    play.client_ends()
    play.sent("client")
    play.over("passed-on")


def test_an_unasked_101_loses_nothing() -> None:
    play = Play()
    play.client(PAGE, PAGE[:20])
    play.server(plain("HTTP/1.1 101 Surprise"))
    play.client(PAGE[20:])
    play.to_server(PAGE, PAGE)


def test_an_upgrade_behind_an_unanswered_request_passes_as_bytes() -> None:
    play = Play(host="keep")
    play.client(PAGE + request() + KEY3)
    assert b"".join(play.sent("server")) == PAGE + request() + KEY3
    play.told("hixie-76 request /chat?room=1", "client: pipelined-upgrade", "GET /page None")
    play.server(OK + answer() + DIGEST)
    play.to_client(OK + answer() + DIGEST)
    play.server_ends()
    play.client_ends()
    play.over("passed-on", "pipelined-upgrade")


def test_many_pipelined_requests_in_one_chunk() -> None:
    many = plain("GET / HTTP/1.1") * 5000
    play = Play()
    play.client(many)
    assert b"".join(play.sent("server")) == many
    play.server(OK)
    play.client_ends()
    play.server_ends()
    assert len(play.records) == 5002


def test_an_answer_that_is_no_http_passes() -> None:
    play = Play()
    play.client(PAGE)
    play.server(b"\0" * 70_000, b"more")
    play.to_client(b"\0" * 70_000, b"more")
    play.server_ends()
    play.told("GET /page None")


@pytest.mark.parametrize("end", ["server_ends", "shuts_down", "times_out", "connect_fails"])
def test_a_request_that_is_never_answered_is_told_all_the_same(end: str) -> None:
    play = Play(connects=end != "connect_fails")
    play.client(PAGE)
    getattr(play, end)()
    assert "GET /page None" in map(in_words, play.records)


@pytest.mark.parametrize("peer", list(Peer))
def test_a_request_that_a_reset_leaves_unanswered(peer: Peer) -> None:
    play = Play()
    play.client(PAGE)
    play.lost(peer)
    assert "GET /page None" in map(in_words, play.records)


def test_an_unwelcome_request_later_on_the_connection() -> None:
    play = Play(allow_hosts=("proxy.test:*",))
    play.client(PAGE)
    play.server(OK)
    play.to_client(OK)
    play.client(plain("GET / HTTP/1.1", "Host: evil.test"))
    play.answered(403)
    play.to_server(PAGE)
    play.over("refused", "host-refused")


def test_the_beginning_of_a_request_at_the_end() -> None:
    play = Play()
    play.client(PAGE)
    play.server(OK)
    play.client(b"GET /second HTT")
    play.client_ends()
    play.to_server(PAGE, b"GET /second HTT")
    play.server(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    play.to_client(OK, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    play.server_ends()
    play.over("http", "request-incomplete")


def test_a_switch_in_answer_to_a_page() -> None:
    play = Play()
    play.client(PAGE)
    play.server(OK)
    play.client(PAGE)
    switched = plain("HTTP/1.1 101 Switching Protocols", "Upgrade: x")
    play.server(switched[:20], switched[20:] + b"\x00hi\xff")
    (found,) = [one for one in play.records if isinstance(one, FindingRecord)]
    assert (found.code, found.side, found.offset) == ("switch-unasked", "server", len(OK))


def test_a_switch_that_was_asked_for_is_none_of_ours() -> None:
    play = Play()
    play.client(plain("GET / HTTP/1.1", "Upgrade: h2c"))
    play.server(plain("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c"))
    assert play.codes == []
