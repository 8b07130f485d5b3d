"""Limits, odd frames, edits that cannot be framed, and rules that change, while something waits."""

from __future__ import annotations

import pytest

from ws76proxy.errors import LocalProtocolError
from ws76proxy.rules.decisions import Change, MessageDecision
from ws76proxy.scripting import Message, Script

from .playbook import Book, in_words, opened, opened_75
from .rulebook import message
from .thinking import Gate

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
