"""Scripts and messages: what they see and do, at once or later, right or wrong."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ws76proxy.scripting import Close, Message, Request, Response
from ws76proxy.session import Peer

from .examples import DIGEST, KEY3, answer, answer_75, request, request_75
from .playbook import Play, opened
from .rulebook import message
from .thinking import Case, Gate, later, script, words

ASK, ANSWER = request() + KEY3, answer() + DIGEST


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def case(request: pytest.FixtureRequest) -> Case:
    """A script that returns at once, and one that has to be awaited."""
    return Case(is_async=request.param)


# Messages


def test_message(case: Case) -> None:
    def on_message(said: Message) -> None:
        if said.text == "drop":
            said.drop()
        else:
            said.text = f"{said.side} {said.number}: {said.text.upper()}"

    play = opened(scripts=case.script(on_message=on_message))
    play.client(b"\x00a\xff\x00drop\xff\x00" + "ü".encode() + b"\xff\x05f\xff")
    play.server(b"\x00b\xff")
    if case.is_async:
        play.to_server()
    case.goes_on(play)
    sent = b"".join(play.sent("server"))
    assert sent == b"\x00client 1: A\xff" + "\0client 3: Ü".encode() + b"\xff\x05f\xff"
    play.to_client(b"\x00server 1: B\xff")
    assert sorted(play.changes) == [
        "script 'edit.py': drop, client #2",
        "script 'edit.py': edit, client #1 'a' -> 'client 1: A'",
        "script 'edit.py': edit, client #3 'ü' -> 'client 3: Ü'",
        "script 'edit.py': edit, server #1 'b' -> 'server 1: B'",
    ]


def test_scripts_come_behind_rules(case: Case) -> None:
    seen = []
    rules = message('action = "replace", text = "a", with = "b"')
    rules += message('action = "drop"', when='text = "no"', name="d")
    rules += message('action = "duplicate"', when="number = 3", name="t")
    play = opened(rules=rules, scripts=case.script(on_message=lambda said: seen.append(said.text)))
    play.client(b"\x00a\xff\x00no\xff\x00c\xff")
    case.goes_on(play)
    assert seen == ["b", "c"]
    assert b"".join(play.sent("server")) == b"\x00b\xff\x00c\xff\x00c\xff"


def test_several_scripts_in_order() -> None:
    gate = Gate()

    def first(said: Message) -> None:
        said.text += "1"
        if said.text == "x1":
            said.drop()

    def second(said: Message) -> None:
        said.text += "2"

    scripts = [
        script("one.py", on_message=first),
        script("two.py", on_message=later(second, gate)),
        script("three.py", on_message=lambda said: setattr(said, "text", said.text + "3")),
    ]
    play = opened(scripts=scripts)
    play.client(b"\x00a\xff\x00x\xff\x00b\xff")
    gate.is_open = True
    play.scripts_go_on()
    assert b"".join(play.sent("server")) == b"\x00a123\xff\x00b123\xff"
    assert play.changes[:3] == [
        "script 'one.py': edit, client #1 'a' -> 'a1'",
        "script 'two.py': edit, client #1 'a1' -> 'a12'",
        "script 'three.py': edit, client #1 'a12' -> 'a123'",
    ]
    assert play.changes[3] == "script 'one.py': drop, client #2"


def test_messages_wait_behind_one_that_is_thought_about_and_the_other_side_does_not() -> None:
    gate = Gate()

    async def on_message(said: Message) -> None:
        if said.text == "slow":
            await gate

    play = opened(scripts=[script(on_message=on_message)])
    play.client(b"\x00slow\xff\x00quick\xff", b"\x05f\xff", b"\x00quick\xff")
    play.server(b"\x00other\xff")
    play.scripts_go_on()
    play.to_server()
    play.to_client(b"\x00other\xff")
    gate.is_open = True
    play.scripts_go_on()
    assert b"".join(play.sent("server")) == b"\x00slow\xff\x00quick\xff\x05f\xff\x00quick\xff"


def test_a_message_goes_on_without_a_script_that_is_given_up() -> None:
    play = opened(scripts=[script(on_message=later(lambda _: None, Gate()))])
    play.client(b"\x00a\xff")
    play.scripts_fail(RuntimeError("no loop"))
    play.to_server(b"\x00a\xff")
    assert play.notices == ["message 1 of the client goes on without the script: no loop"]


def test_what_a_rule_hides_no_script_and_no_person_brings_to_light(case: Case) -> None:
    def on_message(said: Message) -> None:
        said.text += "!"

    rules = message('action = "hide", regex = "[0-9]+"') + message('action = "pause"', name="p")
    play = opened(rules=rules, scripts=case.script(on_message=on_message), edits={"asks": True})
    play.client(b"\x00pin 1234\xff")
    case.goes_on(play)
    play.answers(1, b"pin 12345")
    play.to_server(b"\x00pin 12345\xff")
    assert not [one for one in play.records[5:] if "1234" in repr(one)]
    assert "script 'edit.py': edit, client #1 (hidden)" in play.changes
    assert "person: edit, client #1 (hidden)" in play.changes


# Exceptions


def test_an_exception_lets_the_message_through_and_is_told(case: Case) -> None:
    def on_message(said: Message) -> None:
        said.text = "half done"
        raise ValueError("oh no")

    play = opened(scripts=case.script(on_message=on_message))
    play.client(b"\x00a\xff\x00b\xff")
    case.goes_on(play)
    assert b"".join(play.sent("server")) == b"\x00a\xff\x00b\xff"
    assert len(play.notices) == 2
    assert "on_message: ValueError: oh no" in play.notices[0]
    assert play.changes == []


def test_what_a_script_returns_is_a_fault() -> None:
    play = opened(scripts=[script(on_message=lambda _: "text")])
    play.client(b"\x00a\xff")
    play.to_server(b"\x00a\xff")
    assert "expected it to return nothing" in play.notices[0]


@pytest.mark.parametrize("function", ["on_request", "on_response", "on_message"])
def test_on_error_close(case: Case, function: str) -> None:
    def fails(_subject: object) -> None:
        raise ValueError("oh no")

    play = Play(host="keep", scripts=case.script(**{function: fails}), on_error="close")
    play.client(ASK)
    case.goes_on(play)
    play.server(ANSWER)
    case.goes_on(play)
    play.client(b"\x00a\xff")
    case.goes_on(play)
    assert "oh no" in play.notices[0]
    end = b"\xff\x00" if function != "on_request" else b""
    assert b"".join(play.sent("client")) == (ANSWER if end else b"") + end
    assert b"".join(play.sent("server")) == ASK + end
    play.client_ends()
    play.server_ends()
    assert play.session.ended


@pytest.mark.parametrize("function", ["on_request", "on_response"])
def test_exceptions_about_heads(case: Case, function: str) -> None:
    def fails(subject: Request | Response) -> None:
        subject.headers["X"] = "half done"
        raise ValueError("oh no")

    play = Play(host="keep", scripts=case.script(**{function: fails}))
    play.client(ASK)
    case.goes_on(play)
    play.server(ANSWER)
    case.goes_on(play)
    play.to_server(ASK)
    play.to_client(ANSWER)
    assert f"{function}: ValueError: oh no" in play.notices[0]


# Deeds


def test_deeds_come_before_the_message_they_are_about(case: Case) -> None:
    def on_message(said: Message) -> None:
        if said.text == "x":
            said.session.inject("server", "before")
            said.session.inject_raw("client", b"\x05raw\xff")
            said.session.mark("seen")

    play = opened(scripts=case.script(on_message=on_message))
    play.client(b"\x00a\xff\x00x\xff\x00b\xff")
    case.goes_on(play)
    sent = b"".join(play.sent("server"))
    assert sent == b"\x00a\xff\x00before\xff\x00x\xff\x00b\xff"
    play.to_client(b"\x05raw\xff")
    assert play.changes == [
        "script 'edit.py': inject, client None -> 'before'",
        "script 'edit.py': inject, server None -> '\\x05raw\N{REPLACEMENT CHARACTER}' (raw bytes)",
        "script 'edit.py': mark, client (seen)",
    ]


@pytest.mark.parametrize("how", ["closing-handshake", "fin", "reset"])
def test_close(case: Case, how: str) -> None:
    def on_message(said: Message) -> None:
        if said.text == "x":
            said.session.close(how)  # type: ignore[arg-type]

    play = opened(scripts=case.script(on_message=on_message))
    play.client(b"\x00a\xff\x00x\xff")
    case.goes_on(play)
    end = b"\xff\x00" if how == "closing-handshake" else b""
    assert b"".join(play.sent("server")) == b"\x00a\xff" + end
    assert b"".join(play.sent("client")) == end
    ends = [
        one for one in play.deeds if one.startswith({"fin": "end", "reset": "reset"}.get(how, "-"))
    ]
    assert len(ends) == (0 if end else 2)
    play.client_ends()
    play.server_ends()
    assert play.session.ended


def test_what_is_done_while_nobody_looks() -> None:
    kept = []
    play = opened(scripts=[script(on_message=lambda said: kept.append(said.session))])
    play.client(b"\x00a\xff")
    kept[0].inject("client", "one")
    kept[0].inject("server", "two")
    play.sent("server")
    play.to_client()
    play.is_called()
    play.to_client(b"\x00one\xff")
    play.to_server(b"\x00two\xff")
    kept[0].close("fin", "client")
    play.is_called()
    assert play.deeds[-1] == "end to client"


def test_what_is_done_during_the_handshake_is_not_forgotten() -> None:
    kept = []
    play = Play(host="keep", scripts=[script(on_request=lambda asked: kept.append(asked.session))])
    play.client(ASK)
    play.sent("server")
    kept[0].inject("server", "too early")
    play.is_called()
    assert "has no place for it" in play.notices[0]
    play.server(ANSWER)
    kept[0].inject("server", "in time")
    play.is_called()
    play.to_server(b"\x00in time\xff")


def test_on_close(case: Case) -> None:
    seen = []
    play = opened(scripts=case.script(on_close=lambda close: seen.append((close.by, close.how))))
    play.client(b"\xff\x00")
    play.server(b"\xff\x00")
    play.client_ends()
    play.server_ends()
    assert play.session.ended
    if case.is_async:
        assert seen == []
        assert "await, and go on" in play.deeds
    case.goes_on(play)
    assert seen == [("server", "end-of-stream")]


def test_nothing_can_be_done_in_a_session_that_is_over() -> None:
    kept: list[Any] = []

    def on_close(close: Close) -> None:
        kept.append(close.session)
        close.session.inject("client", "x")

    play = opened(scripts=[script(on_close=on_close)])
    play.shuts_down()
    assert kept[0].is_over
    assert "on_close: SessionOver" in play.notices[0]
    play.nothing_from(play.session.wake())


# Many messages at once


def edits(said: Message) -> None:
    """Something of everything, by what is said."""
    number = said.number % 7
    if number == 1:
        said.text += "!"
    elif number == 2:
        said.drop()
    elif number == 3:
        said.session.inject("client" if said.from_client else "server", f"about {said.number}")
    elif number == 4:
        raise ValueError(said.text)
    elif number == 5:
        said.content = said.content[::-1]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(list(Peer)), st.lists(st.binary(max_size=4), max_size=9))),
    st.integers(1, 3),
)
def test_a_burst_comes_to_the_same_as_each_message_alone(
    said: list[tuple[Peer, list[bytes]]], scripts: int
) -> None:
    def played() -> tuple[bytes, bytes, list[str]]:
        made = [script(f"{number}.py", on_message=edits) for number in range(scripts)]
        play = opened(scripts=made)
        for peer, payloads in said:
            data = b"".join(b"\x00%b\xff" % one.replace(b"\xff", b"f") for one in payloads)
            if data:
                (play.client if peer is Peer.CLIENT else play.server)(data)
        play.ask_no_more()
        told = sorted(words(play))
        return b"".join(play.sent("server")), b"".join(play.sent("client")), told

    in_bursts = played()
    with patch("ws76proxy.session.deciding.Deciding._is_for_scripts_alone", lambda *_: False):
        alone = played()
    assert in_bursts == alone


def test_scripts_in_hixie_75(case: Case) -> None:
    play = Play(
        host="keep",
        scripts=case.script(
            on_response=lambda said: said.headers.set("X", "y"),
            on_message=lambda said: setattr(said, "text", "b"),
        ),
    )
    play.client(request_75())
    play.server(answer_75() + b"\x00a\xff")
    case.goes_on(play)
    case.goes_on(play)
    sent = b"".join(play.sent("client"))
    assert sent == answer_75()[:-2] + b"X: y\r\n\r\n\x00b\xff"
