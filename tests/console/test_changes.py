"""What was done to messages, as it is shown: who, to which, before and after, within the width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.console.text import cells
from ws76proxy.record import ChangeRecord

from .screen import Screen

hostile = st.text(st.sampled_from("\x1b[2J\x07\x9b\r\n\t\0 \u202e7é日\U0001f600a"), max_size=120)


def changed(**fields: object) -> ChangeRecord:
    values: dict[str, object] = {
        "session": 1,
        "time": 0.4,
        "direction": "server",
        "number": 3,
        "by": "rule",
        "name": "a better price",
        "deed": "replace",
        **fields,
    }
    return ChangeRecord(**values)  # type: ignore[arg-type]


def test_who_did_what_before_and_after() -> None:
    record = changed(before='{"price": 10}', after='{"price": 9}')
    assert Screen().tell([record]).splitlines() == [
        '#1      0.400  ← server  rule "a better price": message 3: replace',
        '                         {"price": 10}',
        '                         ⇒ {"price": 9}',
    ]


def test_what_nobody_said_has_no_before() -> None:
    record = changed(number=0, by="script", name="s.py", deed="inject", after="hello")
    assert Screen().tell([record]).splitlines() == [
        '#1      0.400  ← server  script "s.py": said in its place',
        "                         hello",
    ]


@pytest.mark.parametrize("width", [45, 60, 100])
@given(name=hostile, detail=hostile, before=st.none() | hostile, after=st.none() | hostile)
def test_no_line_is_wider_and_nothing_reaches_the_terminal(
    width: int, name: str, detail: str, before: str | None, after: str | None
) -> None:
    record = changed(name=name, detail=detail, before=before, after=after)
    shown = Screen(width=width).tell([record])
    assert all(cells(line) <= width for line in shown.splitlines())
    assert not set(shown) & set("\x1b\x07\x9b\r\t\0\u202e")
    assert all(line.strip() for line in shown.splitlines())
