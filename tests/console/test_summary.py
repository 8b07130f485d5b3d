"""Sessions in a table: a line each, of the terminal's width, or as long as need be."""

from __future__ import annotations

import io

import pytest
import rich.console
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.console import SessionSummary, SummaryTable
from ws76proxy.console.text import cells
from ws76proxy.record import AnyRecord, Messages, SessionStartRecord

from . import sample_records as sample
from .screen import without_colour


def table(width: int = 100, *, terminal: bool = False, encoding: str = "utf-8") -> SummaryTable:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = rich.console.Console(
        file=file, width=width, force_terminal=terminal, legacy_windows=False, _environ={}
    )
    return SummaryTable(console)


def summary(session: list[sample.Told]) -> SessionSummary:
    number = max(record.session for record in session)
    made = SessionSummary(number)
    for record in session:
        records: list[AnyRecord] = [*record.records()] if isinstance(record, Messages) else [record]
        for one in records:
            made.add(one)
    return made


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (sample.good_session(), ["3", "127.0.0.1:51234", "hixie-76", "verified", "/chat?room=1"]),
        (sample.wrong_session(), ["4", "wrong", "digest-wrong", "origin-with-path"]),
        (sample.old_session(), ["6", "hixie-75", "open"]),
        (sample.refused_session(), ["7", "refused", "status-426"]),
        (sample.hanging_session(), ["8", "failed", "key3-missing"]),
        (sample.cut_session(), ["9", "missing", "digest-short"]),
        (sample.web_session(), ["10", "http"]),
        (sample.silent_session(), ["12", "nothing"]),
        (sample.wrong_session()[:-1], ["wrong", "digest-wrong"]),
        (sample.good_session()[:-1], ["verified", "  2 ", "  4 "]),
        (sample.refused_session()[:3], ["(no end)"]),
    ],
)
def test_lines(session: list[sample.Told], expected: list[str]) -> None:
    line = table().line(summary(session))
    assert line.count("\n") == 1
    for part in expected:
        assert part in line


def test_errors_come_first() -> None:
    line = table().line(summary(sample.wrong_session()))
    assert line.index("digest-wrong") < line.index("origin-with-path")


@pytest.mark.parametrize("width", [40, 80, 109, 110, 120, 200])
def test_lines_fit_a_terminal(width: int) -> None:
    made = table(width, terminal=True)
    lines = [made.head(), *(made.line(summary(session)) for session in sample.all_sessions()[1:])]
    for line in lines:
        text = without_colour(line).rstrip("\n")
        assert cells(text) <= max(width, 80)
        assert "\x1b" not in text


def test_columns_stand_under_each_other() -> None:
    made = table(120, terminal=True)
    head, *lines = (
        without_colour(line)
        for line in [made.head(), *(made.line(summary(s)) for s in sample.all_sessions()[1:-1])]
    )
    for word, title in (("2026-03-14", "began"), ("hixie-7", "dialect"), ("/chat", "path")):
        places = {line.index(word) for line in lines if word in line}
        assert places == {head.index(title)}


def test_nothing_is_cut_where_no_terminal_is() -> None:
    path = "/" + "x" * 300
    session: list[sample.Told] = [sample.start(1), sample.http(1, path)]
    assert path in table(80).line(summary(session))
    assert path not in table(80, terminal=True).line(summary(session))


@given(st.text(max_size=80), st.text(max_size=80), st.integers(1, 10**9))
def test_nobody_commands_the_terminal(started: str, client: str, number: int) -> None:
    record = SessionStartRecord(
        session=number,
        time=0.0,
        version=1,
        started=started,
        client=client,
        listener="",
        upstream="",
    )
    for terminal in (True, False):
        line = without_colour(table(terminal=terminal).line(summary([record])))
        assert line.rstrip("\n").isprintable()


def test_ascii() -> None:
    assert table(encoding="ascii", terminal=True).head().isascii()
