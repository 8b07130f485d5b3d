"""Hixie-76 as conversations with either side, the bytes of the peer cut in several ways."""

from __future__ import annotations

import random

import pytest

from ws76proxy.wire import HeadLimits, Reading, RequestHead, ResponseHead, hixie76

from .examples import DIGEST, KEY3, LOCATION, REQUEST, RESPONSE, client, server
from .transcript import CUTS, Cut, Talk

# Hixie-76, the server's side


def test_server_conversation(cut: Cut) -> None:
    talk = server(cut)
    talk.peer(b"\x00hello\xff\x00w\xc3\xb6rld\xff", "text 'hello'", "text 'wörld'")
    talk.leg.send_text("hi")
    talk.leg.send_raw(b"\x81\x01x")
    talk.we_send(b"\x00hi\xff\x81\x01x")
    talk.peer(b"\xff\x00", "close")
    assert talk.leg.received_close
    talk.leg.send_close()
    talk.leg.send_close()
    talk.we_send(b"\xff\x00")
    talk.peer_ends("end")
    talk.over()


def test_the_published_challenge_is_answered(cut: Cut) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST, "request /demo")
    assert (talk.leg.challenge, talk.leg.tail_missing) == (None, 8)
    talk.peer(KEY3, f"key3 {KEY3!r}")
    assert talk.leg.tail_missing == 0
    assert talk.leg.challenge is not None
    assert talk.leg.challenge.answer == DIGEST


@pytest.mark.parametrize("key3", [b"\r\n\0\r\n\r\n\0", b"\n\n\n\n\n\n\n\n", b"\xff\0" * 4])
def test_key3_of_line_ends_and_nul(cut: Cut, key3: bytes) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST + key3 + b"\x00early\xff", "request /demo", f"key3 {key3!r}")
    assert talk.leg.trailing_data == b"\x00early\xff"
    assert not talk.leg.at_frame_boundary
    talk.leg.accept(location=LOCATION)
    talk.told("text 'early'")
    assert talk.leg.trailing_data == b""
    assert talk.leg.at_frame_boundary


def test_key3_in_a_later_segment(cut: Cut) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST, "request /demo")
    talk.we_may_not("no whole opening handshake", lambda: talk.leg.accept(location=LOCATION))
    talk.peer(KEY3[:3], f"part of key3 {KEY3[:3]!r}")
    assert talk.leg.tail_missing == 5
    talk.peer(KEY3[3:], f"rest of key3 {KEY3[3:]!r}")
    assert talk.leg.challenge is not None
    assert talk.leg.challenge.key3 == KEY3
    talk.leg.accept(location=LOCATION, protocol=b"sample")
    talk.we_send(RESPONSE + DIGEST)
    talk.over()


def test_fields_of_our_answer() -> None:
    talk = Talk(hixie76.ServerConnection(), CUTS["whole"])
    talk.peer(REQUEST + KEY3, "request /demo", f"key3 {KEY3!r}")
    talk.leg.accept(location=LOCATION, origin=b"null", extra=[("Set-Cookie", b"a=\xff")])
    head = ResponseHead(talk.leg.data_to_send().removesuffix(DIGEST))
    assert head.value(b"sec-websocket-origin") == b"null"
    assert head.value(b"sec-websocket-location") == LOCATION.encode()
    assert head.value(b"sec-websocket-protocol") is None
    assert head.fields[-1].raw == b"Set-Cookie: a=\xff\r\n"


@pytest.mark.parametrize(
    "request_head",
    [
        REQUEST.replace(b"4 @1  46546xW%0l 1 5", b"12345"),
        REQUEST.replace(b"12998 5 Y3 1  .P00", b"no digits"),
        REQUEST.replace(b"Sec-WebSocket-Key2", b"Sec-WebSocket-Key3"),
    ],
)
def test_keys_without_an_answer_are_not_accepted(cut: Cut, request_head: bytes) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(request_head + KEY3, "request /demo", f"key3 {KEY3!r}")
    talk.we_may_not("have no answer", lambda: talk.leg.accept(location=LOCATION))
    talk.leg.reject(400, "Bad Request", "keys without an answer\n")
    assert talk.leg.data_to_send().startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_rejection(cut: Cut) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST, "request /demo")
    talk.leg.reject(403, "Forbidden", "wö\n")
    talk.we_send(
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\nw\xc3\xb6\n"
    )
    talk.peer(KEY3 + b"\x00text\xff")
    talk.we_may_not("no whole opening handshake", lambda: talk.leg.accept(location=LOCATION))
    talk.we_may_not("not done", lambda: talk.leg.send_text("hi"))
    talk.peer_ends("end")
    talk.peer_ends()


def test_a_rejection_after_the_end_changes_nothing_read(cut: Cut) -> None:
    talk = Talk(hixie76.ServerConnection(), cut)
    talk.peer(REQUEST, "request /demo")
    talk.peer_ends("end, 8 missing")
    talk.leg.reject(400, "Bad Request")
    talk.peer_ends()
    assert talk.leg.reading is Reading.ENDED


def test_head_limits(cut: Cut) -> None:
    for limits, why in (
        (HeadLimits(size=100), "the head is larger than 100 bytes"),
        (HeadLimits(fields=6), "the head has more than 6 fields"),
    ):
        talk = Talk(hixie76.ServerConnection(head_limits=limits), cut)
        talk.peer(REQUEST + KEY3, f"refused: {why}")
        assert talk.leg.reading is Reading.REFUSED
        assert talk.leg.head is None
        talk.peer(b"more")
        talk.peer_ends("end")
        talk.leg.reject(431, "Request Header Fields Too Large")
        assert talk.leg.data_to_send()


def test_a_refused_head_keeps_what_came() -> None:
    leg = hixie76.ServerConnection(head_limits=HeadLimits(size=100))
    leg.receive_data(REQUEST)
    (event,) = leg.events()
    assert event.raw == REQUEST


# Hixie-76, the client's side


def test_client_conversation(cut: Cut) -> None:
    talk = Talk(hixie76.ClientConnection(), cut)
    challenge = talk.leg.connect(
        resource="/demo",
        host="example.com",
        origin="http://example.com",
        protocol="sample",
        random_below=random.Random(76).randrange,
        extra=[("Cookie", "a=b")],
    )
    assert talk.leg.challenge == challenge
    asked = RequestHead(talk.leg.data_to_send().removesuffix(challenge.key3))
    assert hixie76.challenge_of(asked, challenge.key3) == challenge
    assert (asked.target, asked.value(b"host")) == (b"/demo", b"example.com")
    assert asked.value(b"cookie") == b"a=b"
    answer = challenge.answer
    assert answer is not None
    talk.peer(RESPONSE, "response 101")
    talk.we_may_not("not done", lambda: talk.leg.send_text("hi"))
    talk.peer(answer, f"digest {answer!r}")
    assert talk.leg.digest == answer
    talk.we_may_not("not done", lambda: talk.leg.send_text("hi"))
    talk.leg.open()
    talk.leg.send_text(b"hi")
    talk.we_send(b"\x00hi\xff")
    talk.leg.send_close()
    talk.we_send(b"\xff\x00")
    talk.peer(b"\x00last\xff\xff\x00", "text 'last'", "close")
    talk.peer_ends("end")
    talk.over()


def test_digest_one_byte_at_a_time(cut: Cut) -> None:
    talk = Talk(hixie76.ClientConnection(), cut)
    talk.peer(RESPONSE, "response 101")
    for number, byte in enumerate(DIGEST, start=1):
        piece = bytes([byte])
        if number < 16:
            talk.peer(piece, f"part of digest {piece!r}")
            assert talk.leg.tail_missing == 16 - number
            assert talk.leg.digest is None
        else:
            talk.peer(piece, f"rest of digest {piece!r}")
    assert talk.leg.digest == DIGEST
    talk.over()


def test_digest_and_frames_in_one_segment(cut: Cut) -> None:
    talk = Talk(hixie76.ClientConnection(), cut)
    frames = b"\x00one\xff\x00two\xff\x00thr"
    talk.peer(RESPONSE + DIGEST + frames, "response 101", f"digest {DIGEST!r}")
    assert talk.leg.trailing_data == frames
    talk.leg.open()
    talk.told("text 'one'", "text 'two'")
    talk.peer(b"ee\xff", "text 'three'")
    talk.over()


def test_the_answer_may_come_before_we_have_asked_all(cut: Cut) -> None:
    """A server's head may overtake our key3: each side reads for itself."""
    asking, answering = hixie76.ClientConnection(), hixie76.ServerConnection()
    answering.receive_data(REQUEST)
    talk = Talk(asking, cut)
    talk.peer(RESPONSE, "response 101")
    answering.receive_data(KEY3)
    answering.accept(location=LOCATION, protocol=b"sample")
    talk.peer(answering.data_to_send().removeprefix(RESPONSE), f"digest {DIGEST!r}")


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found", b"407 x", b"426 x", b"x", b"1010 x"])
def test_no_digest_behind_other_answers(cut: Cut, status: bytes) -> None:
    talk = Talk(hixie76.ClientConnection(), cut)
    head, body = b"HTTP/1.1 " + status + b"\r\nA: b\r\n\r\n", b"sixteen bytes or more"
    number = int(status[:3]) if status[3:4] == b" " else None
    talk.peer(head + body, f"response {number}")
    assert talk.leg.tail_missing == 0
    assert talk.leg.digest is None
    assert talk.leg.trailing_data == body
    talk.we_may_not("not done", lambda: talk.leg.send_text("hi"))
    talk.peer_ends(f"end in {body!r}")
    talk.over()


def test_a_server_that_ends_its_side_first_still_gets_our_close(cut: Cut) -> None:
    talk = client(cut)
    talk.peer(b"\xff\x00", "close")
    talk.peer_ends("end")
    talk.leg.send_close()
    talk.we_send(b"\xff\x00")
