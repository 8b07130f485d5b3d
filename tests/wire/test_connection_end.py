"""How connections end, what our own side may not do, hixie-75, and both sides with each other."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.wire import (
    Connection,
    Event,
    HeadLimits,
    Reading,
    RequestHead,
    TextFrames,
    hixie75,
    hixie76,
)

from .chunks import assert_offsets_are_exact, cut_at, cuts, every_way, normalised
from .examples import (
    DIGEST,
    KEY3,
    LOCATION,
    REQUEST,
    REQUEST_75,
    RESPONSE,
    RESPONSE_75,
    client,
    server,
)
from .transcript import Cut, Talk

# The end of the stream, at each place


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", ["end"]),
        (b"GET /de", ["end in b'GET /de'"]),
        (REQUEST, ["request /demo", "end, 8 missing"]),
        (
            REQUEST + KEY3[:5],
            ["request /demo", "part of key3 b'^n:ds'", "end in b'^n:ds', 3 missing"],
        ),
        (REQUEST + KEY3, ["request /demo", f"key3 {KEY3!r}", "end"]),
        (REQUEST + KEY3 + b"\x00e", ["request /demo", f"key3 {KEY3!r}", "end in b'\\x00e'"]),
    ],
)
def test_end_during_the_handshake(cut: Cut, sent: bytes, told: list[str]) -> None:
    talk = Talk(hixie76.ServerConnection(offset=1000), cut, offset=1000)
    talk.peer(sent, *told[:-1])
    talk.peer_ends(told[-1])
    talk.peer_ends()
    talk.peer(b"\x00after the end\xff")
    assert talk.leg.reading is Reading.ENDED
    talk.leg.open()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", "end"),
        (b"\x00te", r"end in b'\x00te'"),
        (b"\x80\x81", r"end in b'\x80\x81'"),
        (b"\x80\x05abc", r"end in b'\x80\x05abc', 2 missing"),
    ],
)
def test_end_among_frames(cut: Cut, sent: bytes, told: str) -> None:
    for talk in (server(cut), client(cut)):
        talk.peer(b"\x00hi\xff", "text 'hi'")
        talk.peer(sent)
        assert talk.leg.at_frame_boundary is (not sent)
        talk.peer_ends(told)
        assert not talk.leg.at_frame_boundary
        talk.over()


# What our own side may not do


def test_out_of_turn(cut: Cut) -> None:
    accepting = Talk(hixie76.ServerConnection(), cut)
    accepting.we_may_not("not done", lambda: accepting.leg.send_text("hi"))
    accepting.we_may_not("not done", accepting.leg.send_close)
    accepting.we_may_not("head comes next", accepting.leg.open)
    accepting = server(cut)
    accepting.we_may_not("no whole opening", lambda: accepting.leg.accept(location=LOCATION))
    accepting.we_may_not("been accepted", lambda: accepting.leg.reject(400, "Bad Request"))
    accepting.we_may_not("frames comes next", accepting.leg.open)
    head = RequestHead(REQUEST)
    accepting.we_may_not("cannot take a head", lambda: accepting.leg.receive_head(head))


def test_what_cannot_be_sent(cut: Cut) -> None:
    for talk in (server(cut), client(cut)):
        leg = talk.leg
        talk.we_may_not("0xFF at offset 1", partial(leg.send_text, b"a\xffb"))
        talk.we_may_not("surrogates", partial(leg.send_text, "\ud800"))
        leg.send_close()
        talk.we_send(b"\xff\x00")
        talk.we_may_not("has been sent", partial(leg.send_text, "hi"))
        talk.we_may_not("has been sent", partial(leg.send_raw, b"\x81\x00"))


def test_a_head_that_was_read_elsewhere(cut: Cut) -> None:
    talk = Talk(hixie76.ServerConnection(offset=50), cut, offset=50 + len(REQUEST))
    talk.leg.receive_head(RequestHead(REQUEST))
    assert talk.leg.events()[0].raw == REQUEST
    talk.peer(KEY3, f"key3 {KEY3!r}")
    talk.leg.accept(location=LOCATION)
    talk.peer(b"\x00hi\xff", "text 'hi'")


# Hixie-75


def test_hixie75_server_conversation(cut: Cut) -> None:
    talk = Talk(hixie75.ServerConnection(), cut)
    talk.peer(REQUEST_75 + b"\x00early\xff", "request /demo")
    assert talk.leg.trailing_data == b"\x00early\xff"
    talk.leg.accept(location=LOCATION, protocol=b"sample")
    talk.we_send(RESPONSE_75)
    talk.told("text 'early'")
    talk.leg.send_text("hi")
    talk.we_send(b"\x00hi\xff")
    talk.peer(b"\xff\x00\x00hi\xff", "discarded ff b''", "text 'hi'")
    assert not talk.leg.received_close
    talk.leg.send_close()
    talk.we_send(b"")
    talk.we_may_not("has been sent", lambda: talk.leg.send_text("hi"))
    talk.peer_ends("end")
    talk.over()


def test_hixie75_client_conversation(cut: Cut) -> None:
    talk = Talk(hixie75.ClientConnection(), cut)
    talk.leg.connect(
        resource="/demo", host="example.com", origin="http://example.com", protocol="sample"
    )
    talk.we_send(REQUEST_75)
    talk.peer(RESPONSE_75 + b"\x00hello\xff", "response 101")
    assert talk.leg.tail_missing == 0
    talk.leg.open()
    talk.told("text 'hello'")
    talk.peer_ends("end")
    talk.over()


def test_hixie75_without_an_origin() -> None:
    leg = hixie75.ClientConnection()
    leg.connect(resource="/", host="a", extra=[("Cookie", "b=c")])
    asked = leg.data_to_send()
    assert b"\r\nOrigin: null\r\nCookie: b=c\r\n\r\n" in asked
    answering = hixie75.ServerConnection()
    answering.receive_data(b"GET / HTTP/1.1\r\n\r\n")
    answering.accept(location="ws://a/")
    assert b"WebSocket-Origin: null\r\n" in answering.data_to_send()


# Any bytes

LEGS = {
    "hixie-76 server": (hixie76.ServerConnection, REQUEST + KEY3),
    "hixie-76 client": (hixie76.ClientConnection, RESPONSE + DIGEST),
    "hixie-75 server": (hixie75.ServerConnection, REQUEST_75),
    "hixie-75 client": (hixie75.ClientConnection, RESPONSE_75),
}


@pytest.mark.parametrize(("kind", "handshake"), LEGS.values(), ids=list(LEGS))
@given(
    st.lists(st.sampled_from(b"\x00\xff\x80\x03\r\na:"), max_size=30).map(bytes), st.data(), cuts
)
def test_any_bytes_in_any_pieces(
    kind: type[Connection[Any]],
    handshake: bytes,
    noise: bytes,
    data: st.DataObject,
    places: list[int],
) -> None:
    """Noise behind a handshake or a part of one; frames read at once, or when all is in."""
    begin = handshake[: data.draw(st.sampled_from([0, 30, len(handshake) - 3, len(handshake)]))]
    stream = begin + noise
    told = []
    for chunks in every_way(stream, places):
        for at_once in (False, True):
            leg = kind(head_limits=HeadLimits(size=1000), max_message=20)  # type: ignore[call-arg]
            for chunk in chunks:
                leg.receive_data(chunk)
                if at_once and leg.reading is Reading.PAUSED:
                    leg.open()
            if leg.reading is Reading.PAUSED:
                leg.open()
            leg.receive_eof()
            told.append(normalised(leg.events()))
    assert_offsets_are_exact(told[0], stream)
    assert all(one == told[0] for one in told)


# Both sides, one talking to the other


def hand_over(source: Connection[Any], target: Connection[Any], places: list[int]) -> list[Event]:
    """Carry what one has to send to the other, cut anywhere; return what is told there."""
    for chunk in cut_at(source.data_to_send(), places):
        target.receive_data(chunk)
    events: list[Event] = target.events()
    return events


@given(st.randoms(use_true_random=False), st.lists(st.text(max_size=9)), cuts, st.booleans())
def test_what_one_side_says_the_other_hears(
    source: random.Random, messages: list[str], places: list[int], early: bool
) -> None:
    client, server = hixie76.ClientConnection(), hixie76.ServerConnection()
    challenge = client.connect(resource="/", host="a", random_below=source.randrange)
    hand_over(client, server, places)
    assert server.challenge == challenge
    server.accept(location="ws://a/")
    if not early:
        hand_over(server, client, places)
        client.open()
    for message in messages:
        server.send_text(message)
    server.send_close()
    events = hand_over(server, client, places)
    if early:
        client.open()
        events += client.events()
    assert client.digest == challenge.answer
    heard = [text for event in events if isinstance(event, TextFrames) for text in event.texts]
    assert heard == messages
    assert client.received_close
