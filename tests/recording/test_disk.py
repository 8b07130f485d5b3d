"""A disk that is full, gone, slow or stuck: recording stops or waits, and says so."""

from __future__ import annotations

import gc
import shutil
import tracemalloc
from pathlib import Path

import pytest

from ws76proxy.record import AnyRecord, FrameRecord, Messages
from ws76proxy.recording import read_sessions
from ws76proxy.wire.events import InvalidText

from .disks import SMALL, Disk, disk, small_disk
from .told import (
    Recording,
    end,
    files_in,
    messages,
    raw_bytes,
    read,
    recording,
    request,
    start,
    texts_of,
    whole,
)

__all__ = ["disk", "small_disk"]

MIB = 1 << 20


@pytest.fixture(params=["folder", "all.jsonl"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def paths_at(place: Path) -> list[Path]:
    return files_in(place) if place.is_dir() else [place]


def begin(one: Recording, session: int = 1) -> None:
    one.tell(start(session), request(session), messages(session, ["first"]))
    one.settle()


def goes_on(one: Recording) -> None:
    """Whatever is told to a recorder that has stopped costs nothing."""
    assert one.recorder.broken
    one.settle()
    one.tell(*whole(99, ["x" * MIB] * 20))
    assert not one.recorder._waiting
    assert not one.is_full()
    assert one.recorder.complaints() == []


def test_what_is_not_kept_is_counted(small_disk: Path) -> None:
    """Each message for itself, also one that is no UTF-8."""
    odd = InvalidText(0, b"\x00\xfe\xff", "\N{REPLACEMENT CHARACTER}", 0, 1)
    with recording(small_disk / "all.jsonl") as one:
        begin(one)
        assert one.recorder.dropped == 0
        for number in range(2, 100):
            one.tell(messages(1, [f"{number}".zfill(10_000)], number))
        one.complaint()
        one.settle()
        before = one.recorder.dropped
        assert 0 < before < 100
        one.tell(messages(1, ["a", "b", "c"], 100), Messages(1, 0.2, "client", 103, odd), end(1))
        assert one.recorder.dropped == before + 5


# Full


@pytest.mark.parametrize("name", ["folder", "all.jsonl"])
def test_a_disk_that_is_full(small_disk: Path, name: str) -> None:
    place = small_disk / name
    with recording(place) as one:
        begin(one)
        for number in range(2, 100):
            one.tell(messages(1, [f"{number}".zfill(10_000)], number))
        complaint = one.complaint()
        assert complaint.code == "recording-stopped"
        assert "No space left" in complaint.detail
        goes_on(one)
    (path,) = paths_at(place)
    kept = texts_of(read(path))
    assert kept[0] == "first"
    assert [int(text[-9:]) for text in kept[1:]] == list(range(2, len(kept) + 1))
    assert path.stat().st_size <= SMALL


@pytest.mark.parametrize("room", [0, 1, 100, 1500])
def test_of_what_was_written_whole_lines_stay(place: Path, disk: Disk, room: int) -> None:
    with recording(place) as one:
        begin(one)
        disk.room = room
        one.tell(messages(1, ["second" * 100] * 3, 2), end(1))
        assert one.complaint().code == "recording-stopped"
        goes_on(one)
    (path,) = paths_at(place)
    # `read` allows no torn line.
    assert texts_of(read(path)) == ["first", *["second" * 100] * (room // 725)]


def test_a_disk_that_takes_little_at_a_time_loses_nothing(place: Path, disk: Disk) -> None:
    with recording(place) as one:
        write = disk._write
        disk._write = lambda handle, data: write(handle, memoryview(data)[:7])
        one.tell(*whole(1, ["x" * 1000]))
    (session,) = read_sessions([place], pytest.fail)
    assert texts_of(session.records) == ["x" * 1000]


def test_a_disk_that_fails_when_a_file_is_closed(place: Path, disk: Disk) -> None:
    with recording(place, rotate_size=1) as one:
        begin(one)
        disk.close_fails = True
        one.tell(messages(1, ["second"], 2))
        assert "Input/output error" in one.complaint().detail
        goes_on(one)


def test_a_disk_that_fails_at_the_very_end(place: Path, disk: Disk) -> None:
    with recording(place) as one:
        begin(one)
        disk.close_fails = True
    assert one.complaint().code == "recording-stopped"


# Gone


@pytest.mark.parametrize("open_files", [1, 128])
def test_a_folder_that_is_removed(tmp_path: Path, open_files: int) -> None:
    folder = tmp_path / "sessions"
    with recording(folder, open_files=open_files) as one:
        begin(one, 1)
        begin(one, 2)
        shutil.rmtree(folder)
        one.tell(messages(1, ["second"], 2))
        complaint = one.complaint()
        assert complaint.code == "recording-stopped"
        assert str(folder) in complaint.detail
        goes_on(one)
    assert not folder.exists()


def test_a_folder_that_is_renamed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "sessions", tmp_path / "elsewhere"
    with recording(folder) as one:
        begin(one, 1)
        folder.rename(elsewhere)
        one.tell(*whole(2, ["x"]))
        assert one.complaint().code == "recording-stopped"
        goes_on(one)
    (path,) = files_in(elsewhere)
    assert texts_of(read(path)) == ["first"]


def test_a_file_that_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    with recording(path) as one:
        begin(one)
        path.unlink()
        one.tell(messages(1, ["second"], 2))
        assert "removed" in one.complaint().detail
        goes_on(one)
    assert not path.exists()


# Slow


def test_a_slow_disk_holds_sessions_and_loses_nothing(place: Path, disk: Disk) -> None:
    with recording(place, waiting=MIB) as one:
        begin(one)
        disk.stop()
        told = 1
        while not one.is_full():
            told += 1
            one.tell(messages(1, [f"{told}".zfill(10_000)], told))
        assert told < 300
        assert disk.waits.wait(60)
        one.drained.clear()
        assert one.is_full()
        disk.goes_on.set()
        assert one.drained.wait(60)
        one.tell(messages(1, ["0"], told + 1), end(1))
        one.settle()
        assert not one.is_full()
    (session,) = read_sessions([place], pytest.fail)
    assert [int(text[-9:]) for text in texts_of(session.records)[1:-1]] == list(range(2, told + 1))
    assert session.end is not None


@pytest.mark.parametrize(
    "record",
    [
        messages(1, ["x" * 100_000]),
        raw_bytes(1, "AAAA" * 25_000),
        FrameRecord(
            session=1,
            time=0.2,
            direction="client",
            frame_type=1,
            offset=0,
            size=75_000,
            raw="AAAA" * 25_000,
        ),
        request(1, "/" + "x" * 100_000),
    ],
    ids=lambda record: type(record).__name__,
)
def test_all_that_is_large_counts_while_it_waits(
    tmp_path: Path, disk: Disk, record: AnyRecord | Messages
) -> None:
    with recording(tmp_path, waiting=MIB) as one:
        begin(one)
        disk.stop()
        for _ in range(15):
            one.tell(record)
        assert one.is_full()
        disk.goes_on.set()


def test_sessions_are_called_whenever_they_have_been_held(tmp_path: Path, disk: Disk) -> None:
    """Full, and written to the end, between two looks of the thread: it must still call."""
    with recording(tmp_path, waiting=10_000) as one:
        begin(one)
        for number in range(2, 200):
            disk.stop()
            one.drained.clear()
            one.tell(messages(1, ["a"], 2 * number))
            assert disk.waits.wait(60)
            one.tell(messages(1, ["x" * 20_000], 2 * number + 1))
            assert one.is_full()
            disk.goes_on.set()
            assert one.drained.wait(60)


def test_a_stuck_disk_does_not_hold_sessions_for_ever(place: Path, disk: Disk) -> None:
    with recording(place, waiting=10_000, patience=0.05) as one:
        begin(one)
        disk.stop()
        one.tell(messages(1, ["x" * 20_000], 2))
        assert one.is_full()
        complaint = one.complaint()
        assert complaint.code == "recording-stopped"
        assert not one.is_full()
        disk.goes_on.set()
        goes_on(one)
    (path,) = paths_at(place)
    assert texts_of(read(path))[0] == "first"


def test_stopping_while_the_disk_is_stuck(place: Path, disk: Disk) -> None:
    with recording(place) as one:
        begin(one)
        disk.stop()
        one.tell(messages(1, ["second"], 2))
        assert disk.waits.wait(60)
        one.recorder.stop(0)
        assert one.recorder.broken is None
        one.recorder.stop(0.05)
        assert one.complaint().code == "recording-stopped"
        disk.goes_on.set()


# Memory


def test_memory_is_flat_in_a_session_of_many_messages(tmp_path: Path) -> None:
    batch, batches = 4096, 120
    told = messages(1, ["0123456789abcdef0123456789abcdef"] * batch)
    with recording(tmp_path, session_limit=0) as one:
        begin(one)
        peaks = []
        for number in range(batches):
            one.tell(Messages(1, 0.2, "client", 1 + number * batch, told.event))
            if number == 20:
                gc.collect()
                tracemalloc.start()
            if number > 20 and number % 23 == 0:
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
            one.settle()
        left = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        one.tell(end(1))
    # Every line takes 100 bytes and more: 39 MiB, if they were kept.
    assert max(peaks) < 16 * MIB
    assert left < MIB
    (path,) = files_in(tmp_path)
    assert path.read_bytes().count(b"\n") == 5 + batch * batches


def test_a_message_of_64_mib(place: Path) -> None:
    text = "0123456789abcdef" * (4 * MIB)
    with recording(place) as one:
        one.tell(start(1), request(1), messages(1, [text]))
        assert one.is_full()
        one.settle()
        assert not one.is_full()
        one.tell(messages(1, ["after"], 2), end(1))
    (session,) = read_sessions([place], pytest.fail)
    assert texts_of(session.records) == [text, "after"]
