"""Files of a recording: whose they are, what they are called, how they follow each other."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, RecordingRecord
from ws76proxy.recording import read_sessions
from ws76proxy.recording.store import FullError, RecordingOptions, Store

from .told import end, files_in, header, lines, read, start, texts_of, types, whole

BEGAN = datetime(2010, 6, 1, 12, 0, 0, tzinfo=UTC)
HEADER_SIZE = len(lines(header()))


class Clocks:
    """Both clocks, moved together by a test."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.wall = BEGAN

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


Make = Callable[..., Store]


@pytest.fixture
def make(clocks: Clocks) -> Iterator[Make]:
    """Makes stores whose files are closed at the end."""
    stores: list[Store] = []

    def making(path: Path, *, run: str = "run", **options: Any) -> Store:
        store = Store(
            RecordingOptions(path=path, **options),
            lambda continues: lines(header(continues, run=run)),
            clock=lambda: clocks.seconds,
            now=lambda: clocks.wall,
        )
        stores.append(store)
        store.prepare()
        return store

    yield making
    for store in stores:
        store.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def session_lines(number: int, *texts: str) -> bytes:
    records: list[AnyRecord] = []
    for record in whole(number, list(texts)):
        records += [record] if isinstance(record, AnyRecord) else record.records()
    return lines(*records)


def open_files_in(folder: Path) -> list[str]:
    """Which files below a folder this process holds open."""
    held = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = link.readlink()
        except FileNotFoundError:
            continue
        if str(target).startswith(str(folder)):
            held.append(str(target))
    return held


# A folder


def test_a_folder_of_files_that_only_we_can_read(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    old = os.umask(0)
    try:
        store = make(folder)
        store.append(1, lines(start(1)), BEGAN)
    finally:
        os.umask(old)
    (path,) = files_in(folder)
    assert mode(folder) == 0o700
    assert mode(path) == 0o600
    assert read(path) == [header(run="run"), start(1)]


def test_names_sort_by_the_time_when_sessions_began(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    begins = {
        # In the order of time, told in that of the numbers.
        2: BEGAN - timedelta(days=4000),
        5: BEGAN - timedelta(milliseconds=1),
        1: BEGAN,
        4: BEGAN.astimezone(tz=None) + timedelta(milliseconds=1),
        3: BEGAN + timedelta(days=4000),
    }
    for number in sorted(begins):
        store.append(number, lines(start(number)), begins[number])
    sessions = [record.session for path in files_in(tmp_path) for record in read(path)[1:]]
    assert sessions == list(begins)


def test_two_runs_in_one_folder_never_share_a_file(make: Make, tmp_path: Path) -> None:
    for run in ("first", "second", "third"):
        make(tmp_path, run=run).append(1, session_lines(1, run), BEGAN)
    files = files_in(tmp_path)
    assert [texts_of(read(path)) for path in files] == [["first"], ["second"], ["third"]]
    sessions = list(read_sessions([tmp_path], pytest.fail))
    assert [texts_of(session.records) for session in sessions] == [["first"], ["second"], ["third"]]


def test_few_files_are_open_at_once(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path, open_files=3)
    for turn in range(3):
        for number in range(1, 11):
            store.append(number, session_lines(number, f"turn {turn}"), BEGAN)
            assert len(open_files_in(tmp_path)) <= 3
    for path in files_in(tmp_path):
        assert texts_of(read(path)) == ["turn 0", "turn 1", "turn 2"]
        assert types(read(path)).count("recording") == 1
    for number in range(1, 11):
        store.finish(number)
    assert open_files_in(tmp_path) == []


def test_nothing_is_finished_twice(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path)
    store.finish(7)
    store.append(7, lines(start(7)), BEGAN)
    store.finish(7)
    # Whoever gets the same descriptor now must not lose it to us.
    with (tmp_path / "other").open("wb"):
        store.finish(7)
        store.close()
        assert open_files_in(tmp_path) == [str(tmp_path / "other")]


@pytest.mark.parametrize("open_files", [1, 100])
def test_a_file_that_is_removed_is_not_made_anew(
    make: Make, tmp_path: Path, open_files: int
) -> None:
    store = make(tmp_path, open_files=open_files)
    store.append(1, lines(start(1)), BEGAN)
    (path,) = files_in(tmp_path)
    store.append(2, lines(start(2)), BEGAN)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        store.append(1, lines(end(1)), BEGAN)
    assert not path.exists()


# One file


def test_a_file_that_only_we_can_read(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    old = os.umask(0)
    try:
        store = make(path)
    finally:
        os.umask(old)
    assert mode(path) == 0o600
    store.append(None, lines(start(1)), BEGAN)
    assert read(path) == [header(run="run"), start(1)]


@pytest.mark.parametrize("torn", [False, True])
def test_an_earlier_recording_is_added_to(make: Make, tmp_path: Path, torn: bool) -> None:
    path = tmp_path / "all.ws76.jsonl"
    make(path, run="before").append(None, session_lines(1, "before"), BEGAN)
    if torn:
        with path.open("ab") as file:
            file.write(b'{"type":"message","sess')
    make(path, run="after").append(None, session_lines(1, "after"), BEGAN)
    complaints: list[str] = []
    sessions = list(read_sessions([path], complaints.append))
    assert [texts_of(session.records) for session in sessions] == [["before"], ["after"]]
    assert [session.recording and session.recording.run for session in sessions] == [
        "before",
        "after",
    ]
    assert len(complaints) == torn


def test_a_file_of_any_name_that_is_a_recording_is_added_to(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(session_lines(1, "before"))
    make(path).append(None, session_lines(2, "after"), BEGAN)
    assert texts_of(read(path)) == ["before", "after"]


def test_an_empty_file_is_used(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    make(path)
    assert read(path) == [header(run="run")]


@pytest.mark.parametrize("content", [b"a diary\n", b'{"log": {}}', b"\x00" * 5000, b"\n"])
def test_another_kind_of_file_is_left_as_it_is(make: Make, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "all.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="another kind of file"):
        make(path)
    assert path.read_bytes() == content
    assert open_files_in(tmp_path) == []


def test_a_symbolic_link_is_refused(make: Make, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "all.jsonl"
    target.write_bytes(session_lines(1, "before"))
    link.symlink_to(target)
    with pytest.raises(RecordingError, match="symbolic link"):
        make(link)
    assert target.read_bytes() == session_lines(1, "before")


def test_what_is_no_file_is_refused_at_once(make: Make, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.jsonl"
    os.mkfifo(fifo)
    name = tmp_path / "socket.jsonl"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(name))
        for path in (fifo, name, Path("/dev/null")):
            with pytest.raises(RecordingError, match=str(path)):
                make(path)


@pytest.mark.parametrize("name", ["missing/x", "missing/x.jsonl", "file/x", "file/x.jsonl"])
def test_a_place_that_is_not_there(make: Make, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match=name):
        make(tmp_path / name)
    assert files_in(tmp_path) == [tmp_path / "file"]


# Rotation


def of_the_file(path: Path) -> RecordingRecord:
    record = read(path)[0]
    assert isinstance(record, RecordingRecord)
    return record


def test_one_file_rotates_by_size(make: Make, tmp_path: Path, clocks: Clocks) -> None:
    path = tmp_path / "all.ws76.jsonl"
    store = make(path, rotate_size=2000)
    for number in range(1, 41):
        clocks.advance(0.25)
        store.append(None, session_lines(number, f"{number}"), clocks.wall)
    files = files_in(tmp_path)
    assert len(files) > 5
    assert files[-1] == path
    assert all(one.stat().st_size < 2000 + len(session_lines(40, "40")) for one in files)
    assert [text for one in files for text in texts_of(read(one))] == [
        str(number) for number in range(1, 41)
    ]
    before = [None, *[one.name for one in files[:-1]]]
    assert [of_the_file(one).continues for one in files] == before


def test_files_rotate_by_age(make: Make, tmp_path: Path, clocks: Clocks) -> None:
    store = make(tmp_path, rotate_age=60)
    store.append(1, lines(start(1)), BEGAN)
    clocks.advance(59)
    store.append(1, lines(*[r for r in whole(1, []) if isinstance(r, AnyRecord)][1:2]), BEGAN)
    assert len(files_in(tmp_path)) == 1
    clocks.advance(1)
    store.append(1, lines(end(1)), BEGAN)
    first, second = files_in(tmp_path)
    assert types(read(first)) == ["recording", "session-start", "request"]
    assert types(read(second)) == ["recording", "session-end"]
    assert of_the_file(second).continues == first.name
    (session,) = read_sessions([tmp_path], pytest.fail)
    assert types(session.records) == ["session-start", "request", "session-end"]
    assert session.source == str(first)


def test_the_age_of_a_file_is_that_of_its_records(
    make: Make, tmp_path: Path, clocks: Clocks
) -> None:
    path = tmp_path / "all.jsonl"
    store = make(path, rotate_age=60)
    clocks.advance(1000)
    store.append(None, lines(start(1)), clocks.wall)
    clocks.advance(59)
    store.append(None, lines(end(1)), clocks.wall)
    assert files_in(tmp_path) == [path]


@pytest.mark.parametrize("folder", [True, False])
def test_rotation_within_a_moment_and_against_the_clock(
    make: Make, tmp_path: Path, clocks: Clocks, folder: bool
) -> None:
    """The wall clock stands still, then goes back: no file is lost and the order stays."""
    store = make(tmp_path if folder else tmp_path / "all.jsonl", rotate_size=1)
    key = 1 if folder else None
    expected = []
    for number in range(30):
        if number == 15:
            clocks.wall -= timedelta(hours=1)
        expected.append(f"{number}")
        texts = session_lines(1, f"{number}").split(b"\n")[2]
        store.append(key, texts + b"\n", BEGAN)
    files = files_in(tmp_path)
    assert len(files) == 30
    assert [text for one in files for text in texts_of(read(one))] == expected
    before = [None, *[one.name for one in files[:-1]]]
    assert [of_the_file(one).continues for one in files] == before


def test_a_header_alone_is_no_reason_to_rotate(make: Make, tmp_path: Path, clocks: Clocks) -> None:
    path = tmp_path / "all.jsonl"
    store = make(path, rotate_size=1)
    clocks.advance(1)
    store.append(None, lines(start(1)), clocks.wall)
    assert files_in(tmp_path) == [path]
    store.append(None, lines(end(1)), clocks.wall)
    assert len(files_in(tmp_path)) == 2


# The limit for all files


def append_until_full(store: Store, numbers: Iterator[int], *, finish: bool = True) -> None:
    for number in numbers:
        store.append(number, session_lines(number, "x"), BEGAN)
        if finish:
            store.finish(number)


def test_all_files_together_have_a_limit(make: Make, tmp_path: Path) -> None:
    limit = 4 * len(session_lines(1, "x"))
    store = make(tmp_path, total_limit=limit)
    fill = iter(range(1, 10))
    with pytest.raises(FullError, match="together"):
        append_until_full(store, fill)
    assert next(fill) in (2, 3, 4, 5)
    assert sum(path.stat().st_size for path in files_in(tmp_path)) <= limit + HEADER_SIZE


def test_the_oldest_finished_files_are_removed(make: Make, tmp_path: Path) -> None:
    stranger = tmp_path / "0-of-another-run.ws76.jsonl"
    stranger.write_bytes(session_lines(1, "kept"))
    limit = 5 * (HEADER_SIZE + len(session_lines(10, "10")))
    store = make(tmp_path, total_limit=limit, when_full="remove-oldest")
    # The oldest of all, and never finished.
    store.append(1, lines(start(1)), BEGAN)
    for number in range(2, 30):
        store.append(number, session_lines(number, f"{number}"), BEGAN + timedelta(seconds=number))
        store.finish(number)
        ours = [path for path in files_in(tmp_path) if path != stranger]
        assert sum(path.stat().st_size for path in ours) <= limit + HEADER_SIZE
    first, *others = [path for path in files_in(tmp_path) if path != stranger]
    assert types(read(first)) == ["recording", "session-start"]
    newest = [texts_of(read(path)) for path in others]
    assert newest == [[str(number)] for number in range(30 - len(others), 30)]
    assert len(others) >= 3
    assert stranger.read_bytes() == session_lines(1, "kept")
    store.append(1, lines(end(1)), BEGAN)


def test_where_nothing_may_be_removed_it_is_full(make: Make, tmp_path: Path) -> None:
    store = make(tmp_path, total_limit=2000, when_full="remove-oldest")
    with pytest.raises(FullError):
        append_until_full(store, repeat(1), finish=False)
    assert len(files_in(tmp_path)) == 1


def test_what_other_runs_have_recorded_is_never_removed(
    make: Make, tmp_path: Path, clocks: Clocks
) -> None:
    path = tmp_path / "all.jsonl"
    make(path, run="before").append(None, session_lines(1, "before"), BEGAN)
    store = make(path, total_limit=3000, when_full="remove-oldest", rotate_size=1000)
    for number in range(1, 30):
        clocks.advance(1)
        store.append(None, session_lines(number, f"{number}"), clocks.wall)
    files = files_in(tmp_path)
    assert texts_of(read(files[0]))[0] == "before"
    assert texts_of(read(path))[-1] == "29"
    assert sum(one.stat().st_size for one in files[1:]) <= 3000 + HEADER_SIZE


def test_a_file_that_somebody_removed_makes_room_as_well(make: Make, tmp_path: Path) -> None:
    size = HEADER_SIZE + len(session_lines(1, "x"))
    store = make(tmp_path, total_limit=3 * size, when_full="remove-oldest")
    for number in range(1, 9):
        store.append(number, session_lines(number, "x"), BEGAN)
        store.finish(number)
        for path in files_in(tmp_path):
            path.unlink()
