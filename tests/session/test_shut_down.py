"""The relay stops, at each moment of a session; and nothing comes after any end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ws76proxy.session import Peer

from .examples import KEY3, answer, answer_75, plain, request, request_75
from .playbook import Play, opened

REQUEST, ANSWER = request(), answer()


def test_ff_00_goes_to_both_at_a_frame_boundary() -> None:
    play = opened()
    play.shuts_down()
    play.to_client(b"\xff\x00")
    play.to_server(b"\xff\x00")
    play.told("relay: shutdown", "session-end open")
    play.over("open")


@pytest.mark.parametrize("said", [b"\x00half", b"\x80", b"\x80\x05ab", b"\xff", b"\xff\x00"])
def test_no_ff_00_into_a_frame_or_after_another(said: bytes) -> None:
    play = opened()
    play.client(said)
    play.sent("server")
    play.shuts_down()
    play.to_server()
    play.to_client(b"\xff\x00")


def test_no_ff_00_to_whom_an_end_was_announced() -> None:
    play = opened()
    play.client_ends()
    play.shuts_down()
    play.to_server()
    play.to_client(b"\xff\x00")


def test_no_ff_00_in_hixie_75() -> None:
    play = Play(host="keep")
    play.client(request_75())
    play.server(answer_75())
    play.settle()
    play.shuts_down()
    play.told("relay: shutdown", "session-end open")
    play.over("open")


Deed = Callable[[Play], None]
PHASES: dict[str, tuple[str, Deed]] = {
    "before a byte": ("nothing", lambda play: None),
    "in the head": ("nothing", lambda play: play.client(REQUEST[:30])),
    "before key3": ("failed", lambda play: play.client(REQUEST)),
    "before the answer": ("failed", lambda play: play.client(REQUEST + KEY3 + b"\x00x\xff")),
    "http": ("http", lambda play: play.client(plain("GET / HTTP/1.1"))),
    "in a body": ("http", lambda play: play.client(plain("POST / HTTP/1.1", "Content-Length: 9"))),
    "as bytes": ("passed-on", lambda play: play.client(b"\x00\x01")),
}


@pytest.mark.parametrize("connects", [True, False])
@pytest.mark.parametrize("phase", PHASES)
def test_shut_down_in_each_phase(phase: str, connects: bool) -> None:
    outcome, deed = PHASES[phase]
    play = Play(connects=connects)
    deed(play)
    play.sent("server")
    play.shuts_down()
    play.over(outcome, *dict.fromkeys(play.codes))


@pytest.mark.parametrize("phase", PHASES)
def test_nothing_comes_after_the_end(phase: str) -> None:
    play = Play(connects=False)
    PHASES[phase][1](play)
    play.shuts_down()
    told = len(play.records)
    for peer in Peer:
        play.lost(peer)
        play.lost(peer, None)
    play.client(b"\x00more\xff", REQUEST)
    play.server(b"\x00more\xff", ANSWER)
    play.client_ends()
    play.server_ends()
    play.connect_fails()
    play.times_out()
    play.shuts_down()
    play.refuses("too-many-connections", "the limit is 1")
    play.nothing_from(play.session.connected())
    play.to_client()
    play.to_server()
    assert len(play.records) == told
