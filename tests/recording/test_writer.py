"""What the recorder writes of what it is told: files, limits, secrets, its last words."""

from __future__ import annotations

from pathlib import Path

import pytest

from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, Messages, NoticeRecord, RecordingRecord, RequestRecord
from ws76proxy.recording import read_sessions
from ws76proxy.recording.writer import Recorder, RecordingOptions

from .told import (
    closing,
    codes_of,
    end,
    files_in,
    messages,
    page,
    raw_bytes,
    read,
    recording,
    request,
    segment,
    start,
    texts_of,
    types,
    whole,
)

WHOLE = ["session-start", "request", "message", "message", "closing", "session-end"]


@pytest.fixture(params=["folder", "all.jsonl"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder for one file a session, or one file."""
    return tmp_path / str(request.param)


def sessions_at(place: Path) -> dict[int, list[AnyRecord]]:
    """The sessions of a recording in which nothing is wrong."""
    read_back = read_sessions([place], pytest.fail)
    return {session.number: session.records for session in read_back}


# What is written


def test_sessions_come_back(place: Path) -> None:
    with recording(place) as one:
        for number in (1, 2, 3):
            one.tell(*whole(number, [f"{number}", "é\u2028\0"]))
    sessions = sessions_at(place)
    assert list(sessions) == [1, 2, 3]
    for number, records in sessions.items():
        assert types(records) == WHOLE
        assert texts_of(records) == [f"{number}", "é\u2028\0"]
    assert one.recorder.broken is None


def test_sessions_that_are_told_in_turns(place: Path) -> None:
    with recording(place) as one:
        one.tell(start(1), start(2), request(2), request(1))
        for turn in range(1, 101):
            for number in (1, 2):
                one.tell(messages(number, [f"{number} says {turn}"], turn))
        one.tell(end(2), end(1))
    sessions = sessions_at(place)
    for number in (1, 2):
        expected = [f"{number} says {turn}" for turn in range(1, 101)]
        assert texts_of(sessions[number]) == expected


def test_each_file_begins_with_a_header(place: Path) -> None:
    recorder = Recorder(
        RecordingOptions(path=place),
        vantage="relay",
        listener="ws://127.0.0.1:8076",
        upstream="ws://server.test:80",
    )
    recorder.start(lambda: None)
    for number in (1, 2):
        for record in whole(number, ["x"]):
            recorder.tell(record)
    recorder.stop()
    files = files_in(place) if place.is_dir() else [place]
    runs = set()
    for path in files:
        head = read(path)[0]
        assert isinstance(head, RecordingRecord)
        assert (head.vantage, head.redacted) == ("relay", True)
        assert (head.listener, head.upstream) == ("ws://127.0.0.1:8076", "ws://server.test:80")
        runs.add(head.run)
    assert len(runs) == 1


@pytest.mark.parametrize("keeps", [False, True])
def test_secrets(place: Path, keeps: bool) -> None:
    with recording(place, secrets=keeps) as one:
        one.tell(start(1), request(1, "/?token=secret"), messages(1, ["?token=secret"]), end(1))
    files = files_in(place) if place.is_dir() else [place]
    content = b"".join(path.read_bytes() for path in files)
    # Messages are never changed.
    assert content.count(b"secret") == (4 if keeps else 1)
    (records,) = sessions_at(place).values()
    head = records[1]
    assert isinstance(head, RequestRecord)
    assert head.redacted is not keeps


@pytest.mark.parametrize(
    "dull",
    [
        [start(1), end(1, "nothing")],
        [start(1), page(1), closing(1), end(1, "http")],
        [start(1), segment(1), segment(1), page(1), end(1, "http")],
        [start(1), *[page(1)] * 500, end(1, "http")],
        [start(1), *[segment(1)] * 500, end(1, "nothing")],
    ],
    ids=["nothing", "page", "in pieces", "many pages", "many pieces"],
)
def test_ordinary_http_gets_no_file(tmp_path: Path, dull: list[AnyRecord]) -> None:
    with recording(tmp_path) as one:
        one.tell(*dull)
        one.tell(*whole(2, ["x"]))
    (path,) = files_in(tmp_path)
    assert {record.session for record in read(path)} == {0, 2}
    assert not one.recorder._sessions


@pytest.mark.parametrize(
    "record",
    [request(1), raw_bytes(1, "AAAA"), NoticeRecord(session=1, time=0, level="error", text="x")],
    ids=lambda record: type(record).__name__,
)
def test_what_is_worth_a_file(tmp_path: Path, record: AnyRecord) -> None:
    told: list[AnyRecord] = [start(1), page(1, "/before"), segment(1), record, end(1, "nothing")]
    with recording(tmp_path) as one:
        one.tell(*told)
    (path,) = files_in(tmp_path)
    assert types(read(path)[1:]) == types(told)


def test_of_many_pages_before_a_handshake_the_last_are_kept(tmp_path: Path) -> None:
    pages = [page(1, f"/{number}") for number in range(100)]
    with recording(tmp_path) as one:
        one.tell(start(1))
        for one_page in pages:
            one.tell(segment(1), one_page)
            one.settle()
        one.tell(segment(1), request(1), end(1))
    (path,) = files_in(tmp_path)
    _, begin, *kept = read(path)
    assert begin == start(1)
    shown = [record for record in kept if record in pages]
    assert shown == pages[-len(shown) :]
    assert 1 < len(shown) < 50
    assert types(kept)[-3:] == ["segment", "request", "session-end"]


def test_pages_that_never_end_take_no_memory(tmp_path: Path) -> None:
    with recording(tmp_path) as one:
        one.tell(start(1))
        for _ in range(100):
            one.tell(*[page(1)] * 100)
            one.settle()
            assert len(one.recorder._sessions[1]._held) < 50


def test_nothing_is_remembered_of_sessions_that_have_ended(place: Path) -> None:
    with recording(place) as one:
        for number in range(1, 200):
            one.tell(*whole(number, ["x"]))
        one.tell(*whole(200, ["x"])[:-1])
        one.settle()
        assert set(one.recorder._sessions) == {200}
        assert set(one.recorder._store._files) in ({200}, {None})
        one.tell(end(200))
    assert len(sessions_at(place)) == 200


def test_what_comes_behind_the_end(place: Path) -> None:
    late = NoticeRecord(session=1, time=0.5, level="error", text="late")
    with recording(place) as one:
        one.tell(*whole(1, ["x"]))
        one.settle()
        one.tell(late, *whole(2, ["y"]))
    files = files_in(place) if place.is_dir() else [place]
    told = [record for path in files for record in read(path)]
    assert told.count(late) == 1
    assert not one.recorder._sessions
    assert not one.recorder._store._files


def test_what_concerns_no_session(place: Path) -> None:
    notice = NoticeRecord(session=0, time=0.0, level="info", text="about the relay")
    with recording(place) as one:
        one.tell(notice, *whole(1, ["x"]), notice)
    assert list(sessions_at(place)) == [1]
    if not place.is_dir():
        assert read(place).count(notice) == 2
    else:
        assert len(files_in(place)) == 1


# Limits


def test_the_limit_for_a_session(place: Path) -> None:
    with recording(place, session_limit=10_000) as one:
        one.tell(*whole(2, ["before"])[:-1])
        one.tell(start(1), request(1))
        for number in range(1, 501):
            one.tell(messages(1, [f"{number}".zfill(100)], number))
            one.settle()
        one.tell(messages(2, ["after"], 2), end(2), closing(1), end(1))
        complaint = one.complaint()
    assert (complaint.code, complaint.session) == ("recording-limit", 1)
    sessions = sessions_at(place)
    records = sessions[1]
    assert types(records)[:2] == ["session-start", "request"]
    assert types(records)[-3:] == ["finding", "closing", "session-end"]
    assert codes_of(records) == ["recording-limit"]
    kept = texts_of(records)
    assert 10 < len(kept) < 100
    assert kept == [f"{number}".zfill(100) for number in range(1, len(kept) + 1)]
    assert [record.time for record in records] == sorted(record.time for record in records)
    assert texts_of(sessions[2]) == ["before", "after"]
    assert codes_of(sessions[2]) == []


def test_a_session_above_its_limit_at_once_keeps_its_handshake(place: Path) -> None:
    with recording(place, session_limit=100) as one:
        one.tell(*whole(1, ["x" * 1000]))
    (records,) = sessions_at(place).values()
    expected = ["session-start", "request", "finding", "closing", "session-end"]
    assert types(records) == expected


def test_a_session_that_has_nothing_but_heads_is_not_cut(place: Path) -> None:
    with recording(place, session_limit=100) as one:
        for record in (start(1), request(1), closing(1), end(1)):
            one.tell(record)
            one.settle()
        assert one.recorder.complaints() == []
    (records,) = sessions_at(place).values()
    assert types(records) == ["session-start", "request", "closing", "session-end"]


def test_the_limit_is_kept_within_one_read(place: Path) -> None:
    with recording(place, session_limit=10_000) as one:
        one.tell(start(1), request(1), messages(1, [f"{n}" for n in range(1000)]), end(1))
    (records,) = sessions_at(place).values()
    kept = texts_of(records)
    assert kept == [f"{n}" for n in range(len(kept))]
    assert 10 < len(kept) < 120
    assert types(records)[-2:] == ["finding", "session-end"]


def test_the_limit_for_a_session_counts_all_of_its_files(tmp_path: Path) -> None:
    with recording(tmp_path, session_limit=600_000, rotate_size=50_000) as one:
        one.tell(start(1), request(1))
        for number in range(1, 21):
            one.tell(messages(1, ["x" * 100_000], number))
            one.settle()
        one.tell(end(1))
    assert len(files_in(tmp_path)) >= 3
    (records,) = sessions_at(tmp_path).values()
    assert len(texts_of(records)) == 5
    assert codes_of(records) == ["recording-limit"]


def test_the_limit_for_all_files_stops_recording(place: Path) -> None:
    with recording(place, total_limit=20_000) as one:
        for number in range(1, 100):
            one.tell(*whole(number, ["x" * 1000]))
        complaint = one.complaint()
        assert (complaint.code, complaint.session) == ("recording-stopped", 0)
        assert "20,000" in complaint.detail
        assert complaint.detail.count(str(place)) == 1
        assert not one.is_full()
        one.settle()
        one.tell(*whole(100, ["x"]))
        assert not one.recorder._waiting
    sessions = sessions_at(place)
    assert list(sessions) == list(range(1, len(sessions) + 1))
    assert one.recorder.complaints() == []


def test_rotation_of_a_session_in_a_folder(tmp_path: Path) -> None:
    with recording(tmp_path, rotate_size=100_000) as one:
        one.tell(start(1), request(1))
        for number in range(1, 31):
            one.tell(messages(1, [f"{number}".zfill(50_000)], number))
            one.settle()
        one.tell(end(1))
    assert len(files_in(tmp_path)) > 5
    (records,) = sessions_at(tmp_path).values()
    assert [int(text[-9:]) for text in texts_of(records)] == list(range(1, 31))


def test_more_sessions_than_open_files(tmp_path: Path) -> None:
    numbers = range(1, 51)
    with recording(tmp_path, open_files=4) as one:
        one.tell(*[record for number in numbers for record in (start(number), request(number))])
        for turn in range(1, 6):
            for number in numbers:
                one.tell(messages(number, [f"{turn}"], turn))
            one.settle()
        one.tell(*[end(number) for number in numbers])
    sessions = sessions_at(tmp_path)
    assert sorted(sessions) == list(numbers)
    assert all(texts_of(records) == list("12345") for records in sessions.values())


# Beginning and end


def test_stopping_writes_what_waits(place: Path) -> None:
    with recording(place, gather=3600) as one:
        one.tell(*whole(1, ["x"]))
    assert types(sessions_at(place)[1])[-1] == "session-end"


def test_stopping_what_was_never_started(place: Path) -> None:
    recorder = Recorder(RecordingOptions(path=place), vantage="relay")
    for record in whole(1, ["x"]):
        recorder.tell(record)
    recorder.stop()
    recorder.stop()
    assert texts_of(sessions_at(place)[1]) == ["x"]
    assert not recorder._store._open


def test_much_that_waits_is_written_soon(place: Path) -> None:
    with recording(place, gather=3600) as one:
        one.tell(start(1), request(1), messages(1, ["x" * 1_000_000]))
        one.settle()


def test_a_fault_of_ours_stops_the_recording_and_is_told(place: Path) -> None:
    with recording(place) as one:
        one.tell(*whole(1, ["x"]))
        one.settle()
        # What no line can hold.
        one.tell(start(2), request(2), page(2, "\ud800"))
        complaint = one.complaint()
        assert complaint.code == "recording-stopped"
        assert "fault" in complaint.detail
        assert "UnicodeEncodeError" in complaint.detail
        assert one.recorder.broken
    assert texts_of(sessions_at(place)[1]) == ["x"]


def test_a_path_that_is_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "r\udcff"
    with recording(folder, total_limit=3000, rotate_size=1000) as one:
        for number in range(1, 10):
            one.tell(start(1), request(1), messages(1, ["x" * 100], number))
            one.settle()
        complaint = one.complaint()
    assert "recording-stopped" in complaint.code
    assert complaint.detail.encode().isascii()
    assert texts_of(read(files_in(folder)[0]))


@pytest.mark.parametrize("name", ["missing/folder", "missing/all.jsonl"])
def test_a_place_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordingError, match=name):
        Recorder(RecordingOptions(path=tmp_path / name), vantage="relay")


def test_a_message_of_each_kind(place: Path) -> None:
    """Runs of messages are encoded in a way of their own: it must give the same lines."""
    runs = [
        messages(1, ["one"], 1),
        messages(1, ["two", "", "three"], 2),
        messages(1, ["é", "\U0001f600", ""], 5),
        messages(1, ["a\0b", "\u2028"], 8),
    ]
    with recording(place) as one:
        one.tell(start(1), *runs, end(1))
    (records,) = sessions_at(place).values()
    assert records[1:-1] == [record for run in runs for record in Messages.records(run)]
