"""Ends, time, limits and odd frames while something waits."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.errors import LocalProtocolError
from ws76proxy.rules.decisions import Change, MessageDecision
from ws76proxy.scripting import Message, Script
from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, request
from .playbook import Book, Play, in_words, opened, opened_75
from .rulebook import message


class Gate:
    """What a script waits for."""

    def __init__(self) -> None:
        self.is_open = False

    def __await__(self) -> Any:
        while not self.is_open:
            yield


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


# Throttled


def test_a_huge_message_trickles_and_what_is_behind_it_waits() -> None:
    rules = message('action = "throttle", bytes-per-second = 100000', when='text = "slow"')
    play = opened(rules=rules)
    huge = b"\x00slow" + b"a" * 400_000 + b"\xff"
    play.client(huge + b"\x00behind\xff")
    play.client_ends()
    play.wakes(3.9)
    sent = play.sent("server")
    assert 380_000 <= len(b"".join(sent)) < 400_000
    assert max(map(len, sent)) <= 5000
    play.wakes(0.3)
    rest = b"".join(play.sent("server"))
    assert b"".join(sent) + rest == huge + b"\x00behind\xff"
    assert play.deeds[-1] == "end to server"


def test_a_throttle_that_is_cut_off_says_what_is_left() -> None:
    play = opened(rules=message('action = "throttle", bytes-per-second = 10'))
    play.client(b"\x00" + b"a" * 100 + b"\xff", b"\x00b\xff")
    play.wakes(1)
    play.times_out()
    assert "2 messages were still held, and went nowhere" in play.notices


# Limits


def test_who_says_more_than_may_wait_is_not_read() -> None:
    rules = message('action = "delay", seconds = 5')
    play = opened(rules=rules, edits={"max_held": 100})
    play.client(b"\x00" + b"a" * 90 + b"\xff")
    assert play.paused == set()
    play.client(b"\x00" + b"b" * 10 + b"\xff")
    assert play.paused == {"client"}
    # The other direction has a limit of its own.
    play.server(b"\x00c\xff")
    assert play.paused == {"client"}
    play.wakes(5)
    assert play.paused == set()


def test_behind_a_script_too() -> None:
    gate = Gate()

    async def on_message(_message: Message) -> None:
        await gate

    scripts = [Script("s", "s.py", on_message=on_message)]
    play = opened(scripts=scripts, edits={"max_held": 100})
    for _ in range(15):
        play.client(b"\x00123456789\xff")
    assert play.paused == {"client"}
    gate.is_open = True
    for _ in range(20):
        play.scripts_go_on()
    assert b"".join(play.sent("server")) == b"\x00123456789\xff" * 15
    assert play.paused == set()


def test_a_swapped_message_that_fills_the_queue_does_not_wait_for_ever() -> None:
    play = opened(rules=message('action = "swap"'), edits={"max_held": 10})
    play.client(b"\x00" + b"a" * 20 + b"\xff")
    play.to_server(b"\x00" + b"a" * 20 + b"\xff")
    assert play.paused == set()


def test_stalled_and_full_are_two_reasons() -> None:
    rules = message(
        'action = "stop-reading", from = "client", seconds = 2', 'action = "delay", seconds = 5'
    )
    play = opened(rules=rules, edits={"max_held": 3})
    play.client(b"\x00abc\xff")
    play.wakes(4)
    assert play.paused == {"client"}
    play.wakes(1)
    play.did("pause client", "resume client")


# Odd frames


def test_nothing_is_injected_into_a_frame_that_is_too_long_to_hold() -> None:
    inject = 'action = "inject", to = "server", text = "in"'
    play = opened(rules=message(inject, when='from = "server"'), max_message=10)
    play.client(b"\x00" + b"a" * 20)
    play.to_server(b"\x00" + b"a" * 20)
    play.server(b"\x00x\xff")
    play.to_server()
    assert "has no place for it" in play.notices[0]
    play.client(b"aa\xff")
    play.server(b"\x00y\xff")
    play.to_server(b"aa\xff", b"\x00in\xff")


def test_a_frame_that_is_too_long_to_hold_waits_behind_a_delayed_one() -> None:
    rules = message('action = "delay", seconds = 1', when='text = "late"')
    play = opened(rules=rules, max_message=10)
    play.client(b"\x00late\xff\x00" + b"a" * 20, b"a\xff\x00b\xff")
    play.to_server()
    play.wakes(1)
    assert b"".join(play.sent("server")) == b"\x00late\xff\x00" + b"a" * 21 + b"\xff\x00b\xff"


def test_no_end_into_such_a_frame() -> None:
    close = 'action = "close", how = "closing-handshake", to = "server"'
    play = opened(rules=message(close, when='from = "server"'), max_message=10)
    play.client(b"\x00" + b"a" * 20)
    play.server(b"\x00x\xff")
    play.to_server(b"\x00" + b"a" * 20)
    play.did("end to server")
    play.client(b"aa\xff")
    play.to_server()


def test_behind_a_length_that_cannot_be_understood_nothing_is_decided() -> None:
    play = opened(rules=message('action = "drop"', when='text = "x"'), lossless=True)
    absurd = b"\x80" + b"\xff" * 12
    play.client(b"\x00x\xff" + absurd + b"\x00x\xff", b"\x00x\xff")
    assert b"".join(play.sent("server")) == absurd + b"\x00x\xff\x00x\xff"
    play.client_ends()
    play.did("end to server")


def test_invalid_text_keeps_its_bytes_and_may_be_edited() -> None:
    play = opened(rules=message('action = "truncate", bytes = 4', when="size = 5"))
    play.client(b"\x00\xc3(ok\xff", b"\x00\xc3(long\xff\x00\xc3\x28abc\xff")
    play.to_server(b"\x00\xc3(ok\xff", b"\x00\xc3(long\xff\x00\xc3(ab\xff")


def test_messages_hixie_75_with_ff_00_in_them() -> None:
    play = opened_75(rules=message('action = "delay", seconds = 1', when='text = "a"'))
    play.client(b"\x00a\xff\xff\x00b\xff")
    play.wakes(1)
    assert b"".join(play.sent("server")) == b"\x00a\xff\xff\x00b\xff"


# What cannot be framed


@pytest.mark.parametrize("content", [b"a\xffb", b"\xff"])
def test_an_edit_that_cannot_be_framed_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = opened(rules=message('action = "drop"', when='text = "x"'))
    rules = play.session.edits
    assert rules is not None
    decision = MessageDecision(content, [Change("r", "replace", b"x", content)])
    monkeypatch.setattr(rules, "decide", lambda *_: decision)
    play.client(b"\x00x\xff")
    play.to_server(b"\x00x\xff")
    assert play.codes == ["edit-not-framable"]
    assert "message 1 of the client goes on unchanged" in play.notices[0]


def test_a_script_s_edit_that_cannot_be_framed_is_a_finding_too() -> None:
    def on_message(message: Message) -> None:
        message.content = b"a\xff"

    play = opened(scripts=[Script("s", "s.py", on_message=on_message)])
    play.client(b"\x00x\xff")
    play.to_server(b"\x00x\xff")
    assert play.codes == ["edit-not-framable"]
    assert "s" in play.notices[0]


def test_nor_is_what_a_person_wants_to_say() -> None:
    play = opened(rules=message('action = "pause"'), edits={"asks": True})
    play.client(b"\x00x\xff")
    with pytest.raises(LocalProtocolError):
        play.session.answer_held(1, b"\xff", drop=False)
    play.answers(1, b"y")
    play.to_server(b"\x00y\xff")


# Other rules between two bursts


def test_rules_that_change_between_any_two_bursts_lose_nothing() -> None:
    texts = [
        "",
        message('action = "replace", text = "a", with = "b"'),
        message('action = "delay", seconds = 1', when="every = 3"),
        message('action = "hide", regex = "a"'),
        message('action = "swap"', when="every = 4"),
    ]
    book = Book("")
    play = opened(rules=book)
    said: list[bytes] = []
    for turn in range(100):
        book.rewrite(texts[turn % len(texts)])
        frames = [b"\x00%d a\xff" % (turn * 3 + number) for number in range(3)]
        said += frames
        data = b"".join(frames)
        play.client(data[:7], data[7:])
        play.wakes(0.4)
    play.client_ends()
    play.wakes(5)
    got = b"".join(play.sent("server")).replace(b" b", b" a").split(b"\xff")[:-1]
    assert sorted(got) == sorted(one[:-1] for one in said)
    told = [in_words(one) for one in play.records]
    assert len([one for one in told if one.startswith("client says")]) == 300
