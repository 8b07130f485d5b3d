"""Recorded sessions for the tests of formats: generated ones, and what they are read as again."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from tests.session.playbook import Play, opened
from tests.session.test_transparency import Run
from ws76proxy.record import AnyRecord, RecordingRecord, RequestRecord
from ws76proxy.recording import Entry, RecordedSession, read_entries
from ws76proxy.recording.sources import Source, tell_entries

__all__ = [
    "HEADER",
    "conversation",
    "generated",
    "is_websocket",
    "read_back",
    "recorded",
    "write_har_file",
]

HEADER = RecordingRecord(
    session=0,
    time=0.0,
    format=1,
    version=1,
    tool="ws76proxy test",
    run="a-run",
    started="2010-06-01T12:00:00.000000+00:00",
    vantage="relay",
    dialects=["hixie-76", "hixie-75"],
    redacted=False,
)


def generated(seed: int, number: int = 1, **options: Any) -> RecordedSession:
    """Any connection, as a recording holds it, at times that are not round."""
    random = Random(seed)
    time = 0.0
    records: list[AnyRecord] = []
    for record in Run(seed, host="keep", lossless=True, **options).owner.records:
        if records:
            time = round(time + random.choice([0.0, 0.0, random.random()]), 6)
        records.append(msgspec.structs.replace(record, session=number, time=time))
    return recorded(records)


def recorded(records: list[AnyRecord], header: RecordingRecord | None = HEADER) -> RecordedSession:
    """Records as a session of a recording."""
    return RecordedSession("test.ws76.jsonl", header, records)


def conversation() -> Play:
    """A session that has a message each way, one of them not UTF-8, a frame, and both FF 00."""
    play = opened(lossless=True)
    play.time_passes(0.25)
    play.client(b"\x00" + "grüße".encode() + b"\xff", b"\x05odd\xff\x00\xc3(\xff")
    play.time_passes(0.5)
    play.server(b"\x00hello\xff\xff\x00")
    play.client(b"\xff\x00")
    play.client_ends()
    play.server_ends()
    return play


def read_back(path: Path, *complaints: str) -> list[RecordedSession]:
    """The sessions of a file, in the order in which they begin; with exactly these complaints."""
    said: list[str] = []
    sessions: dict[tuple[str, int], RecordedSession] = {}
    entries: list[Entry] = list(read_entries(path, said.append))
    for source, record, _line in tell_entries(Source(path), entries):
        if record.session:
            key = (source.run, record.session)
            empty = RecordedSession(str(path), source.header)
            sessions.setdefault(key, empty).records.append(record)
    assert len(said) == len(complaints), said
    for text, expected in zip(said, complaints, strict=True):
        assert expected in text
        assert str(path) in text
    return list(sessions.values())


def is_websocket(session: RecordedSession) -> bool:
    """Whether something asked for a WebSocket."""
    return any(isinstance(one, RequestRecord) for one in session.records)


def write_har_file(path: Path, *entries: dict[str, Any], **log: Any) -> Path:
    """A HAR of these entries."""
    text = json.dumps({"log": {"version": "1.2", **log, "entries": list(entries)}}, indent=2)
    path.write_text(text, encoding="utf-8")
    return path
