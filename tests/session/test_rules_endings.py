"""Ends, time, limits and odd frames while something waits."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.scripting import Message, Script
from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, request
from .playbook import Play, opened
from .rulebook import message
from .thinking import Gate


class Waits:
    """A client's message that waits, in one of the ways there are, before another one."""

    def __init__(self, how: str) -> None:
        self.gate = Gate()
        self.how = how
        gate = self.gate

        async def on_message(message: Message) -> None:
            if message.text == "wait":
                await gate

        actions = {
            "delayed": 'action = "delay", seconds = 5',
            "held": 'action = "hold", until = { text = "go" }, at-most = 5',
            "paused": 'action = "pause"',
            "swapped": 'action = "swap"',
        }
        options: dict[str, Any] = {}
        if how == "thought about":
            options["scripts"] = [Script("s", "s.py", on_message=on_message)]
        else:
            options["rules"] = message(actions[how], when='text = "wait"')
        self.play = opened(edits={"asks": True, "pause": 5.0}, **options)
        behind = b"" if how == "swapped" else b"\x00next\xff\x00also\xff"
        self.rest = b"\x00wait\xff" + behind
        self.play.client(self.rest)
        self.play.to_server()

    def lets_go(self) -> None:
        """It need not wait any longer."""
        self.gate.is_open = True
        self.play.scripts_go_on()
        self.play.wakes(5)

    def left(self) -> bytes:
        """What the server got."""
        return b"".join(self.play.sent("server"))


HOWS = ["delayed", "held", "paused", "thought about", "swapped"]
waits = pytest.mark.parametrize("how", HOWS)


@waits
def test_the_one_who_said_it_ends(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.client_ends()
    if how != "swapped":
        # Its end is behind its messages.
        assert waits.left() == b""
        assert "end to server" not in play.deeds
        waits.lets_go()
    assert waits.left() == waits.rest
    assert play.deeds[-1] == "end to server"
    play.server(b"\x00goodbye\xff")
    play.scripts_go_on()
    play.to_client(b"\x00goodbye\xff")
    play.server_ends()
    play.over("open", "closed-without-handshake")
    assert not play.notices


@waits
@pytest.mark.parametrize("reason", [None, "Connection reset by peer"])
def test_the_one_who_said_it_is_gone(how: str, reason: str | None) -> None:
    waits = Waits(how)
    play = waits.play
    play.lost(Peer.CLIENT, reason)
    if how != "swapped":
        assert not play.session.ended
        # Nothing can be said to it; that is no fault.
        play.server(b"\x00are you there?\xff")
        waits.lets_go()
    assert waits.left() == waits.rest
    play.to_client()
    assert play.session.ended


@waits
def test_the_one_who_said_it_is_gone_and_the_other_ends(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.lost(Peer.CLIENT, None)
    play.server_ends()
    if how != "swapped":
        # It may still listen.
        assert not play.session.ended
        waits.lets_go()
    assert waits.left() == waits.rest
    assert play.session.ended


@waits
def test_the_one_it_is_for_ends(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.server_ends()
    assert play.deeds[-1] == "end to client"
    waits.lets_go()
    if how == "swapped":
        play.client(b"\x00next\xff")
        assert waits.left() == b"\x00next\xff\x00wait\xff"
    else:
        assert waits.left() == waits.rest
    play.client_ends()
    assert play.session.ended


@waits
@pytest.mark.parametrize("reason", [None, "Connection reset by peer"])
def test_the_one_it_is_for_is_gone(how: str, reason: str | None) -> None:
    waits = Waits(how)
    play = waits.play
    play.lost(Peer.SERVER, reason)
    assert waits.left() == b""
    assert play.session.ended
    count = "1 message was" if how == "swapped" else "3 messages were"
    assert f"{count} still held, and went nowhere" in play.notices


@waits
def test_the_time_is_over(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.times_out()
    assert waits.left() == b""
    count = "1 message was" if how == "swapped" else "3 messages were"
    assert f"{count} still held, and went nowhere" in play.notices
    play.over("open", "idle-timeout")


@waits
def test_shut_down_lets_everything_go(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.server(b"\x00half")
    play.shuts_down()
    assert waits.left() == waits.rest + b"\xff\x00"
    # As without rules: what has begun goes on, and no FF 00 into it.
    play.to_client(b"\x00half")
    assert play.notices == []
    play.over("open")


@waits
def test_ff_00_waits_behind_it(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.client(b"\xff\x00")
    play.client_ends()
    waits.lets_go()
    assert waits.left() == waits.rest + b"\xff\x00"
    play.server(b"\xff\x00")
    play.to_client(b"\xff\x00")
    play.server_ends()
    play.over("open")


@waits
def test_both_end(how: str) -> None:
    waits = Waits(how)
    play = waits.play
    play.client_ends()
    play.server_ends()
    waits.lets_go()
    assert waits.left() == waits.rest
    assert play.session.ended


def test_shut_down_while_messages_wait_behind_one_that_is_thought_about() -> None:
    gate = Gate()

    async def on_message(message: Message) -> None:
        if message.text == "a":
            await gate

    rules = message('action = "replace", text = "b", with = "B"')
    rules += message('action = "duplicate"', when='text = "a"', name="2")
    play = opened(rules=rules, scripts=[Script("s", "s.py", on_message=on_message)])
    play.client(b"\x00a\xff\x00b\xff\x00c\xff")
    play.shuts_down()
    # Rules have their say; for a script there is no time.
    assert b"".join(play.sent("server")) == b"\x00a\xff\x00a\xff\x00B\xff\x00c\xff\xff\x00"


def test_messages_that_pass_behind_a_delayed_one_are_counted_too() -> None:
    play = opened(rules=message('action = "delay", seconds = 9', when='text = "late"'))
    play.client(b"\x00late\xff", b"\x00a\xff\x00b\xff\x00c\xff")
    play.times_out()
    assert "4 messages were still held, and went nowhere" in play.notices


def test_nothing_is_injected_behind_an_end() -> None:
    inject = 'action = "inject", to = "client", text = "hello"'
    play = opened(rules=message(inject, when='from = "client"'))
    play.server_ends()
    play.client(b"\x00x\xff")
    play.to_server(b"\x00x\xff")
    play.to_client()
    assert play.notices == ["rule 'r': not injected: the stream to the client has no place for it"]


def test_a_client_that_ended_before_the_answer_gets_no_more_from_rules() -> None:
    inject = 'action = "inject", to = "server", text = "hello"'
    play = Play(host="keep", rules=message(inject, when='from = "server"'))
    play.client(request() + KEY3)
    play.client_ends()
    play.server(answer() + DIGEST)
    play.sent("server")
    play.server(b"\x00x\xff")
    play.to_server()
