"""What only recordings have, on the console: headers, pieces, undecoded bytes, RFC 6455."""

from __future__ import annotations

import base64

import pytest

from ws76proxy.console import Level
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    MessageRecord,
    RecordingRecord,
    SegmentRecord,
)

from . import sample_records as sample
from .screen import Screen

HEADER = RecordingRecord(
    session=0,
    time=0.0,
    format=1,
    version=1,
    tool="ws76proxy 0.0",
    run="a1",
    started="2026-03-14T15:09:26.000+01:00",
    vantage="relay",
    dialects=["hixie-76"],
    redacted=True,
    source="\x1b[2J.har",
    continues="before.ws76.jsonl",
)
SEGMENT = SegmentRecord(session=3, time=0.001, direction="client", offset=12, size=345)
BYTES = BytesRecord(
    session=3,
    time=0.5,
    direction="server",
    offset=900,
    size=5,
    raw=base64.b64encode(b"\x81\x03abc").decode(),
)
BINARY = MessageRecord(
    session=3,
    time=0.5,
    direction="server",
    number=1,
    offset=900,
    size=300,
    text="",
    payload=base64.b64encode(b"\xfe\xed" * 150).decode(),
    binary=True,
)


def shown(record: AnyRecord, level: Level = "normal", **options: bool) -> str:
    return Screen(level=level, **options).tell([record])  # type: ignore[arg-type]


def test_header() -> None:
    text = shown(HEADER)
    for part in ("ws76proxy 0.0", "2026-03-14 15:09:26", "before.ws76.jsonl", "\\x1b[2J.har"):
        assert part in text
    assert "\x1b" not in text
    assert shown(HEADER, "quiet") == ""


@pytest.mark.parametrize("record", [SEGMENT, BYTES])
def test_raw_bytes_are_shown_when_asked_for(record: AnyRecord) -> None:
    assert shown(record) == shown(record, "quiet") == ""
    assert str(getattr(record, "size", None)) in shown(record, "verbose")


def test_undecoded_bytes() -> None:
    text = shown(BYTES, "verbose")
    assert text.count("81 03 61 62 63") == 2
    assert "..abc" in text


def test_binary_message() -> None:
    (line,) = shown(BINARY).splitlines()
    assert "300  fe ed fe ed" in line
    assert len(line) <= 100
    assert "44 more bytes" in shown(BINARY, "verbose")
    assert shown(BINARY, "quiet") == ""


def test_sizes_stand_under_each_other() -> None:
    screen = Screen(level="verbose")
    rows = screen.tell([sample.frame(3), BINARY, SEGMENT, BYTES]).splitlines()
    sizes = [row.index(f"{size}  ") + len(size) for row in rows for size in _sizes(row)]
    assert len(sizes) == 4
    assert len(set(sizes)) == 1


def _sizes(row: str) -> list[str]:
    words = row.split()
    return [words[5]] if words[0] == "#3" else []


def closing(detail: str = "") -> ClosingRecord:
    return ClosingRecord(session=11, time=4.0, by="client", how="closing-handshake", detail=detail)


@pytest.mark.parametrize(
    ("session", "detail", "expected", "unwanted"),
    [
        (sample.old_session(11), "", "FF 00", "1001"),
        (sample.foreign_session(11), "1001 going away", "1001 going away", "FF 00"),
        (sample.foreign_session(11), "", "closing handshake", "FF 00"),
    ],
)
@pytest.mark.parametrize("open_first", [True, False])
def test_closing_handshakes(
    session: list[sample.Told], detail: str, expected: str, unwanted: str, open_first: bool
) -> None:
    screen = Screen()
    screen.tell(session[:2])
    if open_first:
        screen.console.flush(11)
    screen.tell([closing(detail)])
    screen.console.finish()
    assert expected in screen.text
    assert unwanted not in screen.text


def test_handshakes_that_are_still_gathered_can_be_shown() -> None:
    screen = Screen()
    screen.tell([*sample.handshake(3)[:2], *sample.handshake(4)[:2]])
    assert screen.text == ""
    screen.console.flush_all()
    assert screen.text.index("#3") < screen.text.index("#4")
    before = screen.text
    screen.tell([sample.messages(3, 1.0, "client", "hello")])
    screen.console.finish()
    assert screen.text.count("\n") == before.count("\n") + 1
