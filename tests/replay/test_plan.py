"""What is taken from a recording, and what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ws76proxy.errors import RecordingError, UsageError
from ws76proxy.recording import RecordedSession
from ws76proxy.replay import plan_of
from ws76proxy.wire import Dialect

from .tape import CHAT, http_only, recorded, request_head


def steps(session: RecordedSession, dialect: Dialect | None = None) -> list[str]:
    """The steps of a plan, in words."""
    return [
        f"{step.who} {step.what} {step.number}"
        + (f" {step.text}" if step.what == "message" else "")
        for step in plan_of(session, dialect).steps
    ]


def test_steps_in_order() -> None:
    assert steps(recorded(*CHAT)) == [
        "client message 1 one",
        "server message 1 ONE",
        "client message 2 two",
        "server message 2 TWO",
        "client closing 1",
        "server closing 1",
        "server end 1",
        "client end 1",
    ]


def test_where_a_step_stands() -> None:
    plan = plan_of(recorded(*CHAT))
    assert plan.where(plan.steps[0]) == "tape, line 5"


def test_another_dialect_has_other_endings() -> None:
    assert steps(recorded(*CHAT), Dialect.HIXIE_75)[4:] == ["client end 1", "server end 1"]
    lines = ("client: a", "client end", "server end")
    assert not plan_of(recorded(*lines, dialect="hixie-75"), Dialect.HIXIE_76).closing
    modern = recorded("client FF00", "server FF00", dialect="rfc6455")
    assert plan_of(modern, Dialect.HIXIE_76).closing


def test_rfc6455_is_played_in_a_dialect_that_is_asked_for() -> None:
    session = recorded("client: a", "server: b", dialect="rfc6455")
    with pytest.raises(UsageError, match="--dialect"):
        plan_of(session)
    assert steps(session, Dialect.HIXIE_76) == ["client message 1 a", "server message 1 b"]


def test_text_that_is_not_utf8_keeps_its_bytes() -> None:
    (step,) = plan_of(recorded("client: \udc80a")).steps
    assert step.raw == b"\0\x80a\xff"


def test_bytes_come_before_the_end_of_their_stream() -> None:
    session = recorded("client end", "server end", "client rest 0041")
    assert steps(session) == ["client rest 1", "client end 1", "server end 1"]


def test_a_refusal_keeps_its_body() -> None:
    plan = plan_of(recorded(response="HTTP/1.1 403 No\r\n\r\n", status=403, body=b"go away"))
    assert (plan.body, plan.steps) == (b"go away", ())


@pytest.mark.parametrize(
    ("session", "note"),
    [
        (recorded(*CHAT, whole=False), "breaks off"),
        (recorded(response=None), "no answer"),
        (recorded("client: a", "relay timeout"), "timeout"),
    ],
)
def test_what_is_missing_is_said(session: RecordedSession, note: str) -> None:
    assert any(note in text for text in plan_of(session).notes)


@pytest.mark.parametrize(
    ("session", "found"),
    [
        (http_only(), "found http"),
        (RecordedSession("tape", None), "found no request"),
        (recorded(dialect="hybi-04..12"), "not decoded"),
        (recorded(dialect="from the future"), "not decoded"),
    ],
)
def test_what_cannot_be_replayed(session: RecordedSession, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        plan_of(session)


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("client: a", {"payload": "%%%"}),
        ("client: a", {"payload": "Yf9i"}),
        ("client: a", {"text": "\ud800"}),
        ("client: a", {"binary": True}),
        ("client 05ff", {"raw": "x"}),
        ("client rest 00", {"raw": "=="}),
    ],
)
def test_edited_records(line: str, change: dict[str, Any]) -> None:
    session = recorded(line)
    session.records[3] = msgspec.structs.replace(session.records[3], **change)
    with pytest.raises(RecordingError, match="tape, line 5: "):
        plan_of(session)


def test_an_edited_head() -> None:
    with pytest.raises(RecordingError, match="Latin-1"):
        plan_of(recorded(request=request_head("/☃")))
