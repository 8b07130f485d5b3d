"""The console as a sink: every record at every level, lines, memory, and what never gets out."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.console import Console, Level, handshake_text
from ws76proxy.console.text import cells, cut, neutral, wrap
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import (
    AdjustmentRecord,
    ClosingRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    RequestRecord,
    ResponseRecord,
    SessionStartRecord,
)

from . import sample_records as sample
from .screen import Screen, without_colour

LEVELS: tuple[Level, ...] = ("quiet", "normal", "verbose")
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
anything = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from("\x1b[2J\x07\x9b\x90\r\n\t\0 \u202e\u2066a7é日\U0001f600\ud800"), max_size=200
)
latin = st.text(st.characters(max_codepoint=0xFF), max_size=60)


def show_all(screen: Screen) -> str:
    for session in sample.all_sessions():
        screen.tell(session)
        screen.settle()
    return screen.text


# Every record, at every level, on everything


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
def test_every_record_is_accepted(level: Level, terminal: bool, encoding: str) -> None:
    text = show_all(Screen(level=level, terminal=terminal, encoding=encoding))
    assert text.endswith("\n")


@pytest.mark.parametrize("level", LEVELS)
def test_each_record_is_accepted_alone(level: Level) -> None:
    for session in sample.all_sessions():
        for record in session:
            screen = Screen(level=level)
            screen.tell([record])
            screen.settle()
            screen.console.finish()


@pytest.mark.parametrize("level", LEVELS)
def test_no_escape_sequence_when_piped(level: Level) -> None:
    assert not FORBIDDEN.search(show_all(Screen(level=level)))


@pytest.mark.parametrize("level", LEVELS)
def test_colour_is_all_that_a_terminal_gets(level: Level) -> None:
    text = show_all(Screen(level=level, terminal=True))
    assert "\x1b[" in text
    assert not FORBIDDEN.search(without_colour(text))
    last = text.splitlines()[-1]
    assert last.rfind("\x1b[0m") == last.rfind("\x1b[")


def test_no_color_is_respected() -> None:
    screen = Screen(terminal=True, environ={"NO_COLOR": "1", "TERM": "xterm-256color"})
    assert show_all(screen) == show_all(Screen())


def test_an_ascii_terminal_gets_ascii() -> None:
    text = show_all(Screen(encoding="ascii"))
    assert text.isascii()
    assert "->" in text


# Secrets


@pytest.mark.parametrize("level", LEVELS)
def test_secrets_are_absent_unless_asked_for(level: Level) -> None:
    text = show_all(Screen(level=level))
    assert sample.COOKIE not in text
    assert "very-secret" not in text


def test_secrets_are_there_when_asked_for() -> None:
    text = show_all(Screen(show_secrets=True))
    assert sample.COOKIE in text
    assert "very-secret" in text


# Nothing of a peer's commands the terminal


def hostile_session(text: str, head: str, level: Level) -> list[Any]:
    common: dict[str, Any] = {"session": 1, "time": 0.5}
    request = f"GET /{head} HTTP/1.1\r\nHost: {head}\r\nOrigin: {head}\r\n{head}\r\n"
    keys = f"Sec-WebSocket-Key1: {head}\r\nSec-WebSocket-Key2:{head}\r\n\r\n"
    return [
        SessionStartRecord(
            **common, version=1, started=text, client=text, listener=text, upstream=text
        ),
        RequestRecord(**common, dialect="hixie-76", target=head, head=request + keys, sent=head),
        ResponseRecord(
            **common,
            status=101,
            reason=head,
            head=f"HTTP/1.1 101 {head}\r\nSec-WebSocket-Origin: {head}\r\nLocation: {head}\r\n\r\n",
        ),
        AdjustmentRecord(
            **common, toward="server", what=head, before=head, after=None, cause="repair", why=text
        ),
        sample.finding(1, title=text, detail=text, evidence=head),
        sample.finding(1, "other-code", Severity.INFO, title=text, detail=text),
        ClosingRecord(**common, by="client", how="reset", detail=text),
        MessageRecord(**common, direction="client", number=1, offset=0, size=1, text=text),
        sample.messages(1, 1.0, "server", text.encode("utf-8", "replace").decode()),
        sample.finding(1, "late-code", title=text, detail=text, evidence=head),
        HttpRecord(**common, method=head, target=head, status=200, reason=head, content_type=head),
        NoticeRecord(**common, level="warning", text=text),
        NoticeRecord(**common, level="info", text=text),
        sample.end(1, dialect=text, findings=[text]),
    ]


@given(anything, latin, st.sampled_from(LEVELS), st.booleans())
def test_control_characters_are_neutralised(
    text: str, head: str, level: Level, terminal: bool
) -> None:
    screen = Screen(level=level, terminal=terminal)
    written = without_colour(screen.tell(hostile_session(text, head, level)))
    assert not FORBIDDEN.search(written)


@given(anything, latin)
def test_control_characters_are_neutralised_in_plain_text(text: str, head: str) -> None:
    records = hostile_session(text, head, "normal")[:7]
    assert not FORBIDDEN.search(handshake_text(records))


@given(anything, st.integers(1, 80))
def test_a_cut_text_fits_and_is_neutral(text: str, room: int) -> None:
    shown = cut(text, room, "…")
    assert cells(shown) <= max(room, 1)
    assert not FORBIDDEN.search(shown)
    if cells(neutral(text)) <= room and len(text) <= room:
        assert shown == neutral(text)


@given(anything, st.integers(16, 80))
def test_wrapped_text_fits_and_loses_nothing_but_spaces(text: str, room: int) -> None:
    lines = wrap(text, room)
    assert all(cells(line) <= room for line in lines)
    # A line of nothing but marks without a width of their own may be left out.
    if all(unicodedata.combining(character) == 0 for character in text):
        assert "".join(lines).replace(" ", "") == neutral(text).replace(" ", "")


def test_damaged_hexadecimal_and_base64_do_not_raise() -> None:
    record = sample.challenge(3)
    damaged = type(record)(
        session=3,
        time=0.0,
        asked_by="client",
        answered_by="server",
        key1=record.key1,
        key2=None,
        key3="zz",
        expected="xyz",
        received="q",
        verdict="wrong",
    )
    assert "WRONG" in handshake_text([damaged])
    frame = sample.frame(3)
    Screen(level="verbose").tell([type(frame)(**{**_fields(frame), "raw": "!"})])


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


# Lines


def test_a_message_line_names_session_time_direction_size_and_text() -> None:
    line = Screen().tell([sample.messages(3, 12.345, "client", "Grüße")])
    assert re.fullmatch(r"#3 +12\.345 +client → +text +7 +Grüße\n", line)


def test_messages_are_shortened_to_the_width() -> None:
    for width in (80, 120):
        line = Screen(width=width).tell([sample.messages(3, 1.0, "client", "x" * 10_000)])
        assert len(line.rstrip("\n")) == width
        assert line.endswith("…\n")
    line = Screen(text_width=300).tell([sample.messages(3, 1.0, "client", "x" * 300)])
    assert "x" * 300 in line


def test_the_size_of_a_bad_message_is_that_of_its_bytes() -> None:
    text = Screen(level="verbose").tell([sample.bad_message(3, 1.0)])
    assert re.search(r" 10  caf\ufffd \\x1b\[31m\n", text)
    assert "63 61 66 e9" in text
    assert "63 61 66 e9" not in Screen().tell([sample.bad_message(3, 1.0)])


def test_a_crowd_of_messages_is_cut_on_a_terminal_only() -> None:
    crowd = sample.messages(3, 1.0, "client", *["x"] * 5000)
    piped = Screen().tell([crowd])
    assert piped.count("\n") == 5000
    shown = Screen(terminal=True).tell([crowd])
    assert shown.count("\n") < 200
    assert "4,900" in shown
    assert Screen(terminal=True, level="verbose").tell([crowd]).count("\n") == 5000


def test_a_frame_shows_type_size_and_bytes() -> None:
    line = Screen().tell([sample.frame(3)])
    for part in ("#3", "server", "0x80", " 7 ", "80 05 01 02 03 61 62"):
        assert part in line


def test_the_end_sums_up() -> None:
    screen = Screen()
    text = screen.tell([sample.end(3, verdict="wrong", findings=["digest-wrong"])])
    for part in ("#3", "41.2 s", "hixie-76", "digest wrong", "1,204", "2,345", "digest-wrong"):
        assert part in text


def test_a_late_finding_is_explained_once_in_a_session() -> None:
    screen = Screen()
    screen.tell(sample.handshake(3))
    screen.settle(3)
    first = screen.tell([sample.finding(3, time=2.0)])
    second = screen.tell([sample.finding(3, time=3.0)])
    assert "Send MD5" in first
    assert "Send MD5" not in second
    assert "digest-wrong" in second
    assert all(text.startswith("#3 ") for text in (first, second))


def test_plain_http_is_one_line_an_exchange() -> None:
    screen = Screen()
    text = screen.tell([sample.start(4), sample.http(4), *sample.web_session(4)[-2:]])
    assert text.count("\n") == 1
    for part in ("#4", "GET /page.html", "200 OK", "text/html"):
        assert part in text


def test_a_tunnel_without_a_request_shows_its_ending() -> None:
    screen = Screen()
    found = sample.finding(5, "flash-policy-request", Severity.INFO, stream="client")
    text = screen.tell(
        [sample.start(5), found, sample.closing(5, 1.0), sample.end(5, outcome="passed-on")]
    )
    assert text.index("flash-policy-request") < text.index("end of stream") < text.index("1,204")


# Levels


def test_quiet_shows_faults_and_nothing_else() -> None:
    screen = Screen(level="quiet")
    lines = screen.tell(sample.wrong_session(4)).splitlines()
    assert [line.split()[0] for line in lines] == ["#4"] * 2
    assert "location-host-differs" in lines[0]
    assert "digest-wrong" in lines[1]
    assert screen.tell([*sample.handshake(3), sample.end(3)]) == ""
    assert screen.tell(sample.web_session()) == ""
    assert screen.tell([sample.notice("info")]) == ""
    assert screen.tell([sample.notice("error")]) != ""
    assert screen.console.sessions == 0


def test_quiet_says_when_a_session_failed() -> None:
    text = Screen(level="quiet").tell([sample.start(4), sample.end(4, outcome="failed")])
    assert text.count("\n") == 1
    assert "failed" in text


def test_verbose_shows_heads_as_they_came() -> None:
    screen = Screen(level="verbose")
    text = screen.tell([*sample.handshake(3), sample.end(3)])
    assert "Host: 127.0.0.1:8076\\r\\n" in text
    assert "Host: chat.example:9000\\r\\n" in text
    assert "Upgrade: WebSocket\\r\\n" not in show_all(Screen())


# Memory and time


def test_state_is_dropped_at_the_end() -> None:
    screen = Screen()
    for number in range(1, 200):
        screen.tell(sample.good_session(number))
        screen.tell(sample.web_session(number))
        screen.tell([sample.messages(number, 99.0, "client", "after the end")])
    assert screen.console.sessions == 0
    assert not screen.console._unsettled


def test_http_connections_keep_no_closings_without_end() -> None:
    screen = Screen()
    screen.tell([sample.start(1)])
    screen.tell(sample.closing(1) for _ in range(1000))
    assert screen.text == ""
    assert len(screen.console._sessions[1].closings) < 20


@pytest.mark.parametrize("text", ["a plain line of text, sixty characters or so", "日本語 " * 30])
def test_a_message_line_is_cheap(text: str) -> None:
    screen = Screen(terminal=True)
    record = sample.messages(1, 1.0, "client", text)
    best = min(_seconds(screen.console, record) for _ in range(5))
    assert best / 200 < 300e-6  # some 15 µs; the rest is for a busy machine


def _seconds(console: Console, record: sample.Told) -> float:
    begin = time.perf_counter()
    for _ in range(200):
        console.tell(record)
    return time.perf_counter() - begin
