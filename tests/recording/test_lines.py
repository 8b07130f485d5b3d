"""Our own files, read: whole, in pieces, torn, edited, from other versions, and plain garbage."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_record import RECORDS
from tests.wire.chunks import cut_at, cuts, one_by_one
from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, MessageRecord, NoticeRecord, RecordingRecord
from ws76proxy.recording import Entry, format_of, lines, read_entries
from ws76proxy.recording.lines import LineReader, recognises, write

from .told import header, start

# What other languages take for the end of a line.
ODD_TEXTS = ["", "\0", "\u2028\u2029\x85\x0b\x0c\x1c", "\r", "\r\n", "\n", "\U0001f600", '"\\{}']


def read_all(
    data: bytes, places: Sequence[int] = (), max_line: int = 10_000
) -> tuple[list[Entry], list[str]]:
    """What a reader makes of these bytes, cut there, and what it complains about."""
    complaints: list[str] = []
    reader = LineReader("x", complaints.append, max_line=max_line)
    entries = [entry for piece in cut_at(data, places) for entry in reader.feed(piece)]
    return entries + reader.end(), complaints


def written(records: list[AnyRecord]) -> bytes:
    file = io.BytesIO()
    write(records, file)
    return file.getvalue()


def notice(text: str) -> NoticeRecord:
    return NoticeRecord(session=0, time=0.0, level="info", text=text)


FIRST, SECOND = notice("first"), notice("second")
LINE, OTHER = written([FIRST]), written([SECOND])

message_records = st.builds(
    MessageRecord,
    session=st.integers(0, 2**53),
    time=st.floats(0, 1e9),
    direction=st.sampled_from(["client", "server"]),
    number=st.integers(1, 2**53),
    offset=st.integers(0, 2**53),
    size=st.integers(0, 2**31),
    text=st.text() | st.sampled_from(ODD_TEXTS),
    payload=st.none() | st.just("AP8="),
)
some_records = st.lists(st.sampled_from(RECORDS) | message_records, max_size=20)


@given(some_records, cuts)
def test_what_is_written_comes_back_however_it_is_cut(
    records: list[AnyRecord], places: list[int]
) -> None:
    data = written(records)
    entries, complaints = read_all(data, places, max_line=1 << 20)
    assert [entry.record for entry in entries] == records
    assert [entry.line for entry in entries] == list(range(1, len(records) + 1))
    assert complaints == []


def test_byte_by_byte() -> None:
    data = written(RECORDS)
    complaints: list[str] = []
    reader = LineReader("x", complaints.append)
    entries = [entry for byte in one_by_one(data) for entry in reader.feed(byte)] + reader.end()
    assert [entry.record for entry in entries] == RECORDS
    assert complaints == []


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_a_text_never_ends_a_line(text: str) -> None:
    data = written([notice(text)])
    assert data.count(b"\n") == 1
    assert read_all(data) == ([Entry(notice(text), 1)], [])


pieces_of_files = st.lists(
    st.sampled_from(
        [
            LINE,
            OTHER,
            LINE.rstrip(b"\n"),
            LINE.replace(b"\n", b"\r\n"),
            LINE[:20],
            b"\n",
            b" \t\r\n",
            b"garbage\n",
            b"\x00\xff\xfe\n",
            b'{"type":"from-the-future","x":[1,2]}\n',
            b'{"type":"notice"}\n',
            b"{" * 50 + b"\n",
            b"x" * 200 + b"\n",
        ]
    ),
    max_size=12,
)


@settings(max_examples=500)
@given(pieces_of_files, cuts)
def test_a_cut_changes_nothing(pieces: list[bytes], places: list[int]) -> None:
    data = b"".join(pieces)
    assert read_all(data, places, max_line=150) == read_all(data, max_line=150)


@settings(max_examples=500)
@given(pieces_of_files)
def test_a_bad_line_costs_one_line(pieces: list[bytes]) -> None:
    data = b"\n".join(pieces)
    expected, faults = [], 0
    for number, line in enumerate(data.split(b"\n"), 1):
        stripped = line.strip()
        if stripped in (LINE.strip(), OTHER.strip()):
            expected.append(Entry(FIRST if stripped == LINE.strip() else SECOND, number))
        elif stripped and b"from-the-future" not in stripped:
            faults += 1
    entries, complaints = read_all(data, max_line=150)
    assert entries == expected
    assert len(complaints) == faults


@given(st.integers(1, len(LINE) - 2))
def test_a_torn_last_line_is_reported_and_skipped(size: int) -> None:
    entries, complaints = read_all(LINE + OTHER[:size])
    assert entries == [Entry(FIRST, 1)]
    (complaint,) = complaints
    assert "line 2" in complaint


def test_a_last_line_that_only_lacks_its_end_is_read() -> None:
    assert read_all(LINE + OTHER.rstrip(b"\n")) == ([Entry(FIRST, 1), Entry(SECOND, 2)], [])


def test_an_unknown_type_is_passed_over_in_silence() -> None:
    later = b'{"type":"rule","session":1,"anything":{"at":["all"]}}\n'
    assert read_all(LINE + later + OTHER) == ([Entry(FIRST, 1), Entry(SECOND, 3)], [])


def test_an_unknown_key_is_passed_over_in_silence() -> None:
    later = {**json.loads(LINE), "new": {"deep": [None]}}
    assert read_all(json.dumps(later).encode() + b"\n") == ([Entry(FIRST, 1)], [])


@pytest.mark.parametrize(
    "wrong",
    [
        b"{}",
        b"[]",
        b"null",
        b'"type"',
        b'{"type":5}',
        b'{"type":"notice","session":"1","time":0,"level":"info","text":""}',
        b'{"type":"notice","session":1,"time":0,"level":"info","text":"\\ud800"}',
        b'{"type":"notice","session":1,"time":0,"level":"info","text":"\xff"}',
        b'{"type":"notice","session":1e400,"time":0,"level":"info","text":""}',
        b'{"type":"notice","session":0,"time":0,"level":"info","text":"","x":' + b"[" * 100_000,
        LINE.strip() + LINE.strip(),
        b"\x1f\x8b\x08\x00" + bytes(range(256)).replace(b"\n", b""),
    ],
    ids=lambda line: repr(line[:40]),
)
def test_a_line_that_is_no_record_is_reported(wrong: bytes) -> None:
    entries, complaints = read_all(LINE + wrong + b"\n" + OTHER, max_line=200_000)
    assert entries == [Entry(FIRST, 1), Entry(SECOND, 3)]
    (complaint,) = complaints
    assert complaint.startswith("x, line 2: expected ")
    assert len(complaint) < 400


def test_an_enormous_line_is_not_kept() -> None:
    complaints: list[str] = []
    reader = LineReader("x", complaints.append, max_line=1000)
    for _ in range(1000):
        assert reader.feed(b"x" * 999) == []
    assert sum(map(len, reader._pieces)) <= 1000
    assert reader.feed(b"\n" + LINE) == [Entry(FIRST, 2)]
    (complaint,) = complaints
    assert "line 1" in complaint
    assert "999,000" in complaint


def test_an_enormous_line_at_the_end() -> None:
    entries, complaints = read_all(LINE + b"x" * 5000, [1000, 2000, 3000], max_line=1000)
    assert entries == [Entry(FIRST, 1)]
    assert len(complaints) == 1


def test_a_line_of_just_the_limit_is_read() -> None:
    size = len(LINE) - 1
    assert read_all(LINE, max_line=size) == ([Entry(FIRST, 1)], [])
    assert read_all(LINE, max_line=size - 1)[0] == []


def test_other_versions_are_read_and_complained_about_where_they_stand() -> None:
    later = msgspec.structs.replace(start(1), version=99)
    data = written([header(format=99), FIRST, header(), start(2), later, SECOND])
    entries, complaints = read_all(data)
    assert len(entries) == 6
    first, second = complaints
    assert "line 1:" in first
    assert "format 99" in first
    assert "line 5:" in second
    assert "version 99" in second


@pytest.mark.parametrize(
    ("begin", "ours"),
    [
        (written([header()]), True),
        (LINE, True),
        (LINE[:-10] + b"\n" + OTHER, True),
        (b"\xff\xfe garbage\n\n" + LINE, True),
        (b'{ "type" : "notice", "x": 1}', True),
        (b'{"level":"info","session":0,"text":"","time":0,"type":"notice"}\n', True),
        (b'{"log": {"version": "1.2", "entries": []}}', False),
        (
            b'{"log":{"_webSocketMessages":[\n{"type":"send","time":1,"opcode":1,"data":"x"}\n',
            False,
        ),
        (b"root:x:0:0:root:/root:/bin/sh\n", False),
        (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", False),
        (b"", False),
    ],
)
def test_recognising(begin: bytes, ours: bool) -> None:
    assert recognises(begin) is ours


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(written([header(), *RECORDS]) + b"torn")
    complaints: list[str] = []
    progress: list[int] = []
    assert format_of(path) is lines
    entries = list(lines.read(path, complaints.append, progress.append))
    assert [entry.record for entry in entries] == [header(), *RECORDS]
    assert isinstance(entries[0].record, RecordingRecord)
    assert progress[-1] == path.stat().st_size
    (complaint,) = complaints
    assert complaint.startswith(f"{path}, line {len(RECORDS) + 2}: ")


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"nothing of ours\n", b"\x00" * 100, b"\xff\xfe{\x00"]
)
def test_a_file_without_a_record_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ws76.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="expected"):
        list(read_entries(path, pytest.fail))


def test_a_file_whose_only_record_is_torn_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ws76.jsonl"
    path.write_bytes(LINE[:-5])
    complaints: list[str] = []
    with pytest.raises(RecordingError, match="found none"):
        list(read_entries(path, complaints.append))
    assert len(complaints) == 1


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="missing"):
        list(read_entries(tmp_path / "missing", pytest.fail))
