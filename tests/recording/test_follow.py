"""Recordings that grow: torn lines, rotation of both kinds, folders; each look is one call."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.console import sample_records as sample
from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, RecordingRecord
from ws76proxy.recording.follow import Follower
from ws76proxy.recording.store import RecordingOptions, Store

from .recordings import as_lines, header, single, write

SESSION = [*single(sample.good_session(1))]


class Watch:
    """A follower, and all that it has complained about."""

    def __init__(self, path: Path) -> None:
        self.complaints: list[str] = []
        self._follower = Follower(path, self.complaints.append)

    def look(self) -> list[AnyRecord]:
        """The records that are new, headers left out."""
        new = [told.record for told in self._follower.poll()]
        return [record for record in new if not isinstance(record, RecordingRecord)]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_a_file_that_grows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:3])
    watch = Watch(path)
    assert watch.look() == SESSION[:3]
    assert watch.look() == []
    append(path, as_lines(SESSION[3:5]))
    assert watch.look() == SESSION[3:5]
    assert watch.complaints == []


def test_a_torn_line_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.ws76.jsonl"
    path.touch()
    watch = Watch(path)
    seen: list[AnyRecord] = []
    data = as_lines([header(), *SESSION])
    for begin in range(0, len(data), 97):
        append(path, data[begin : begin + 97])
        seen += watch.look()
    assert seen == SESSION
    assert watch.complaints == []


def test_a_bad_line_costs_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:1])
    watch = Watch(path)
    watch.look()
    append(path, b"{nonsense\n" + as_lines(SESSION[1:2]))
    assert watch.look() == SESSION[1:2]
    (complaint,) = watch.complaints
    assert f"{path}, line 3" in complaint


@pytest.mark.parametrize("name", ["a.ws76.jsonl", "a.jsonl"])
def test_a_file_that_is_renamed_for_another(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, SESSION[:2])
    watch = Watch(path)
    assert watch.look() == SESSION[:2]
    append(path, as_lines(SESSION[2:4]))
    old = path.rename(tmp_path / "a-20260314.ws76.jsonl")
    write(path, SESSION[4:6], continues=old.name)
    assert watch.look() == SESSION[2:6]
    append(path, as_lines(SESSION[6:]))
    assert watch.look() == SESSION[6:]
    assert watch.complaints == []


def test_several_rotations_between_two_looks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION[:2])
    watch = Watch(path)
    assert watch.look() == SESSION[:2]
    for number in range(2, 6):
        old = path.rename(tmp_path / f"a-{number}.ws76.jsonl")
        write(path, SESSION[number : number + 1], continues=old.name)
    assert watch.look() == SESSION[2:6]
    assert watch.look() == []


def test_a_session_that_goes_on_in_another_file(tmp_path: Path) -> None:
    first = write(tmp_path / "1.ws76.jsonl", SESSION[:2])
    watch = Watch(first)
    write(tmp_path / "0.ws76.jsonl", sample.old_session(7))
    write(tmp_path / "2.ws76.jsonl", SESSION[2:4], continues=first.name)
    write(tmp_path / "3.ws76.jsonl", SESSION[4:], continues="2.ws76.jsonl")
    write(tmp_path / "4.ws76.jsonl", sample.old_session(8), continues="0.ws76.jsonl")
    assert watch.look() == SESSION
    assert watch.look() == []


@pytest.mark.parametrize("folder", [True, False])
def test_what_the_recorder_writes(tmp_path: Path, folder: bool) -> None:
    path = tmp_path if folder else tmp_path / "a.jsonl"
    store = Store(
        RecordingOptions(path=path, rotate_size=1),
        lambda continues: msgspec.json.encode(header(continues=continues)) + b"\n",
        clock=lambda: 0.0,
    )
    store.prepare()
    watch = Watch(path)
    for record in SESSION:
        store.append(1 if folder else None, as_lines([record]), datetime.now(UTC))
        assert watch.look() == [record]
    store.close()
    assert len([*tmp_path.iterdir()]) > 2
    assert watch.complaints == []


def test_a_folder(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    assert watch.look() == []
    path = write(tmp_path / "1.ws76.jsonl", SESSION[:2])
    (tmp_path / "notes.txt").write_text("not for us\n")
    assert watch.look() == SESSION[:2]
    other = [*single(sample.old_session(2))]
    write(tmp_path / "2.ws76.jsonl", other, run="b2")
    append(path, as_lines(SESSION[2:]))
    assert watch.look() == [*SESSION[2:], *other]
    path.unlink()
    assert watch.look() == []
    assert watch.complaints == []


def test_a_file_that_is_gone_with_a_torn_line(tmp_path: Path) -> None:
    path = write(tmp_path / "1.ws76.jsonl", SESSION[:2])
    append(path, b'{"type":')
    watch = Watch(tmp_path)
    watch.look()
    path.unlink()
    assert watch.look() == []
    (complaint,) = watch.complaints
    assert "1.ws76.jsonl, line 4" in complaint


def test_a_file_that_is_written_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ws76.jsonl", SESSION)
    watch = Watch(path)
    watch.look()
    os.truncate(path, 0)
    append(path, as_lines([header(), *SESSION[:2]]))
    assert watch.look() == SESSION[:2]
    assert len(watch.complaints) == 1


@pytest.mark.parametrize("content", [None, b"\xd4\xc3\xb2\xa1" + bytes(40)])
def test_what_cannot_be_followed(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.pcap"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"a\.pcap"):
        Watch(path)


def test_no_file_stays_open(tmp_path: Path) -> None:
    for number in range(50):
        write(tmp_path / f"{number}.ws76.jsonl", SESSION[:2])
    watch = Watch(tmp_path)
    before = len([*Path("/proc/self/fd").iterdir()])
    assert len(watch.look()) == 100
    assert len([*Path("/proc/self/fd").iterdir()]) == before
