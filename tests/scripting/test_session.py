"""What scripts ask of a session: in order, bounded, and when somebody looks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scripting.stage import REQUEST, Stage
from ws76proxy.errors import LocalProtocolError
from ws76proxy.rules import decisions
from ws76proxy.scripting import (
    Closing,
    Deeds,
    Injection,
    Mark,
    Message,
    ScriptLimits,
    Session,
    SessionOver,
    TooManyDeeds,
)


def session(deeds: Deeds) -> Session:
    return Session(1, "hixie-76", "192.0.2.1:5000", REQUEST, script="a.py", deeds=deeds)


def test_what_it_says_of_itself() -> None:
    one = session(Deeds())
    assert (one.number, one.dialect, one.client) == (1, "hixie-76", "192.0.2.1:5000")
    assert (one.path, one.query) == ("/chat", "room=1")
    assert one.request["host"] == "shop.example"
    assert one.state == {}
    assert not one.is_over


def test_deeds_are_taken_in_order() -> None:
    deeds = Deeds()
    one = session(deeds)
    one.inject("client", "hé")
    one.inject("server", b"\xc3(")
    one.inject_raw("client", bytearray(b"\x80\x00\xff"))  # type: ignore[arg-type]
    one.mark("here")
    one.close()
    one.close("reset", to="server")
    assert deeds.take() == [
        Injection("a.py", "client", "hé".encode(), is_raw=False),
        Injection("a.py", "server", b"\xc3(", is_raw=False),
        Injection("a.py", "client", b"\x80\x00\xff", is_raw=True),
        Mark("a.py", "here"),
        Closing("a.py", "closing-handshake", "both"),
        Closing("a.py", "reset", "server"),
    ]
    assert deeds.take() == []


def test_deeds_have_the_shape_of_what_rules_decide() -> None:
    assert list(Injection.__annotations__)[1:] == list(decisions.Injection.__annotations__)[1:]
    assert list(Closing.__annotations__)[1:] == list(decisions.Closing.__annotations__)[1:]


@pytest.mark.parametrize(
    ("error", "ask"),
    [
        (ValueError, lambda one: one.inject("clinet", "x")),
        (ValueError, lambda one: one.inject_raw("both", b"x")),
        (ValueError, lambda one: one.close("politely")),
        (ValueError, lambda one: one.close("fin", "nobody")),
        (LocalProtocolError, lambda one: one.inject("client", b"a\xff")),
        (LocalProtocolError, lambda one: one.inject("client", "\udc80")),
        (TypeError, lambda one: one.inject("client", 5)),
        (TypeError, lambda one: one.inject_raw("client", "text")),
        (TypeError, lambda one: one.mark(b"bytes")),
    ],
)
def test_what_cannot_be_done_is_refused(error: type[Exception], ask: Any) -> None:
    deeds = Deeds()
    with pytest.raises(error):
        ask(session(deeds))
    assert deeds.take() == []


def test_no_more_deeds_wait_than_may() -> None:
    deeds = Deeds(ScriptLimits(deeds=3))
    one = session(deeds)
    for _ in range(3):
        one.mark("x")
    with pytest.raises(TooManyDeeds, match="3 deeds"):
        one.close()
    assert len(deeds.take()) == 3
    one.close()


def test_no_more_bytes_wait_than_may() -> None:
    deeds = Deeds(ScriptLimits(size=10))
    one = session(deeds)
    one.inject("client", "123456")
    with pytest.raises(TooManyDeeds, match="10"):
        one.inject_raw("client", b"12345")
    one.inject("client", "1234")
    assert len(deeds.take()) == 2
    one.inject("client", "1234567890")


def test_the_usual_limits_hold() -> None:
    one = session(Deeds())
    with pytest.raises(TooManyDeeds):
        one.inject_raw("client", bytes(64 * 1024 * 1024 + 1))
    for _ in range(10_000):
        one.mark("")
    with pytest.raises(TooManyDeeds):
        one.mark("")


def test_after_the_end_nothing_can_be_done() -> None:
    deeds = Deeds()
    deeds.is_over = True
    with pytest.raises(SessionOver):
        session(deeds).inject("client", "x")


def test_the_owner_is_called_once_until_it_takes() -> None:
    stage = Stage(lambda _message: None)
    one = stage.scripts.session
    one.mark("1")
    one.mark("2")
    assert stage.wakes == 1
    assert len(stage.scripts.take_deeds()) == 2
    one.mark("3")
    assert stage.wakes == 2


def test_the_owner_is_not_called_while_it_calls() -> None:
    def on_message(message: Message) -> None:
        message.session.inject("client", "x")

    stage = Stage(on_message)
    stage.message(b"a")
    assert len(stage.scripts.take_deeds()) == 1
    stage.scripts.edit_burst("client", [b"a", b"b"], 1)
    assert len(stage.scripts.take_deeds()) == 1
    assert stage.wakes == 0


def test_state_is_each_script_s_own_and_each_session_s() -> None:
    def on_message(message: Message) -> None:
        state = message.session.state
        state["seen"] = state.get("seen", 0) + 1
        message.text += str(state["seen"])

    stage = Stage(on_message, on_message)
    assert stage.message(b"").text == "11"
    assert stage.message(b"").text == "22"
    assert Stage(on_message).message(b"").text == "1"
