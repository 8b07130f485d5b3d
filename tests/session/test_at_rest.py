"""Whether the end of a session would cut anything, where rules, scripts or persons have a say."""

from __future__ import annotations

import pytest

from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, RFC, Bridged
from .examples import DIGEST, KEY3, answer, request
from .playbook import Play, opened
from .rulebook import message, request_rule, response_rule
from .thinking import Case

ASK, ANSWER = request() + KEY3, answer() + DIGEST
NOTHING = message('action = "drop"', when='text = "nobody says this"')
SLOW = message('action = "delay", seconds = 5', when='text = "slow"')
PAUSED = message('action = "pause"', when='text = "stop"')
SWAPPED = message('action = "swap"', when='text = "behind"')


def at_rest(play: Play) -> bool:
    """Whether an end would cut nothing by now."""
    return play.session.at_rest


def test_half_a_frame() -> None:
    play = opened(rules=NOTHING)
    assert at_rest(play)
    for half, rest in ((b"\x00a", b"b\xff"), (b"\x05a", b"b\xff"), (b"\x80", b"\x01a")):
        for say in (play.client, play.server):
            say(half)
            assert not at_rest(play)
            say(rest)
            assert at_rest(play)


def test_what_can_never_be_whole() -> None:
    play = opened(rules=NOTHING)
    play.client(b"\x80" + b"\xff" * 10)
    play.client(b"no frame")
    assert at_rest(play)


def test_half_a_frame_of_one_who_has_ended() -> None:
    play = opened(rules=NOTHING)
    play.client(b"\x00half")
    play.client_ends()
    assert at_rest(play)


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_message_that_waits_for_time(who: str) -> None:
    play = opened(rules=SLOW)
    (play.client if who == "client" else play.server)(b"\x00slow\xff")
    assert not at_rest(play)
    play.wakes(5)
    assert at_rest(play)


def test_a_message_that_waits_for_a_person() -> None:
    play = opened(rules=PAUSED, edits={"asks": True})
    play.client(b"\x00stop\xff")
    assert not at_rest(play)
    play.answers(1)
    assert at_rest(play)


def test_a_message_that_waits_for_another_one() -> None:
    play = opened(rules=SWAPPED)
    play.client(b"\x00behind\xff")
    assert not at_rest(play)
    play.client(b"\x00before\xff")
    assert at_rest(play)


def test_a_message_that_a_script_thinks_about() -> None:
    case = Case(is_async=True)
    play = opened(scripts=case.script(on_message=lambda said: None))
    play.client(b"\x00a\xff")
    assert not at_rest(play)
    case.goes_on(play)
    assert at_rest(play)


@pytest.mark.parametrize(("client", "server"), [(H76, RFC), (RFC, H75), (RFC, RFC)])
def test_the_same_between_dialects(client: Dialect, server: Dialect) -> None:
    case = Case(is_async=True)
    scripts = case.script(on_message=lambda said: None)
    play = Bridged(client, server, rules=SLOW, scripts=scripts).open()
    assert at_rest(play)
    play.says("client", "slow")
    assert not at_rest(play)
    case.goes_on(play)
    assert not at_rest(play)
    play.wakes(5)
    assert play.heard("server") == ["slow"]
    assert at_rest(play)


def test_a_request_that_a_script_thinks_about() -> None:
    case = Case(is_async=True)
    play = Play(host="keep", scripts=case.script(on_request=lambda asked: None))
    play.client(ASK)
    assert not at_rest(play)
    case.goes_on(play)
    assert not at_rest(play)
    play.server(ANSWER)
    assert at_rest(play)


def test_an_answer_of_our_own_that_waits() -> None:
    do = ('action = "delay", seconds = 2', 'action = "answer", status = 503')
    play = Play(host="keep", rules=request_rule(*do))
    play.client(ASK)
    assert not at_rest(play)


def test_a_refusal_that_waits() -> None:
    play = Play(host="keep", rules=response_rule('action = "delay", seconds = 2'))
    play.client(ASK)
    play.server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    assert not at_rest(play)
    play.wakes(2)
    assert at_rest(play)
