"""Breakpoints: messages that wait for a person, and what becomes of them."""

from __future__ import annotations

import pytest

from ws76proxy.errors import LocalProtocolError

from .playbook import opened
from .rulebook import message

PAUSE = message('action = "pause"', when='text = "stop"', name="p")


def test_pause_and_release() -> None:
    play = opened(rules=PAUSE, edits={"asks": True})
    play.client(b"\x00a\xff\x00stop\xff\x00b\xff", b"\x05f\xff")
    play.server(b"\x00other way\xff")
    play.to_server(b"\x00a\xff")
    play.to_client(b"\x00other way\xff")
    assert play.held == [(1, "client", 2, b"stop", "p")]
    play.answers(1)
    play.to_server(b"\x00stop\xff\x00b\xff\x05f\xff")
    assert play.held == []
    assert play.changes == [
        "rule 'p': pause, client #2 (waits as 1.1)",
        "person: release, client #2",
    ]
    assert play.session.answer_held(1, None, drop=False) is None


def test_pause_and_edit() -> None:
    play = opened(rules=PAUSE, edits={"asks": True})
    play.client(b"\x00stop\xff\x00b\xff")
    play.answers(1, "grüße".encode())
    play.to_server("\0grüße".encode() + b"\xff\x00b\xff")
    assert play.changes[-1] == "person: edit, client #1 'stop' -> 'grüße'"


def test_pause_and_drop() -> None:
    play = opened(rules=PAUSE, edits={"asks": True})
    play.client(b"\x00stop\xff\x00b\xff")
    play.answers(1, drop=True)
    play.to_server(b"\x00b\xff")
    assert play.changes[-1] == "person: drop, client #1"


def test_pause_in_both_directions_and_any_order() -> None:
    play = opened(rules=PAUSE, edits={"asks": True})
    play.client(b"\x00stop 1\xff\x00stop 2\xff")
    play.server(b"\x00stop 3\xff")
    assert [one[:3] for one in play.held] == [(1, "client", 1), (2, "client", 2), (3, "server", 1)]
    play.answers(2)
    play.to_server()
    play.answers(3)
    play.to_client(b"\x00stop 3\xff")
    play.answers(1)
    play.to_server(b"\x00stop 1\xff\x00stop 2\xff")


def test_pause_is_over_when_nobody_decides() -> None:
    play = opened(rules=PAUSE, edits={"asks": True, "pause": 20.0})
    play.client(b"\x00stop\xff")
    play.wakes(19.9)
    play.to_server()
    play.wakes(0.1)
    play.to_server(b"\x00stop\xff")
    assert play.held == []
    assert play.changes[-1] == "rule 'p': release, client #1 (it has waited as long as it may)"


def test_pause_with_nobody_to_ask_is_said_once() -> None:
    play = opened(rules=PAUSE)
    play.client(b"\x00stop\xff\x00stop\xff")
    play.to_server(b"\x00stop\xff\x00stop\xff")
    assert len(play.notices) == 1
    assert "there is nobody to ask" in play.notices[0]


def test_what_a_person_wants_must_fit_into_a_frame() -> None:
    play = opened(rules=PAUSE, edits={"asks": True})
    play.client(b"\x00stop\xff")
    with pytest.raises(LocalProtocolError):
        play.session.answer_held(1, b"a\xffb", drop=False)
    assert play.held == [(1, "client", 1, b"stop", "p")]
    play.to_server()


def test_a_person_edits_all_copies() -> None:
    rules = message('action = "duplicate"', 'action = "pause"')
    play = opened(rules=rules, edits={"asks": True})
    play.client(b"\x00a\xff")
    play.answers(1, b"b")
    play.to_server(b"\x00b\xff\x00b\xff")
