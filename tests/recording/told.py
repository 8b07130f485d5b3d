"""Sessions as a recorder is told them, and what its files hold afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ws76proxy.record import (
    RECORDING_FORMAT,
    SCHEMA_VERSION,
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    Counts,
    FindingRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    RecordingRecord,
    RequestRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording import read_entries
from ws76proxy.recording.writer import Recorder, RecordingOptions
from ws76proxy.wire import TextFrames, encode_text

RUN = "0123456789abcdef"
_COUNTS = Counts(bytes=0, messages=0, frames=0)


def header(continues: str | None = None, *, run: str = RUN, **changes: Any) -> RecordingRecord:
    """A file's first record."""
    fields: dict[str, Any] = {
        "format": RECORDING_FORMAT,
        "version": SCHEMA_VERSION,
        "tool": "test",
        "started": "2010-06-01T12:00:00+00:00",
        "vantage": "relay",
        "dialects": [],
        "redacted": True,
    }
    return RecordingRecord(
        session=0, time=0.0, run=run, continues=continues, **{**fields, **changes}
    )


def start(session: int, started: str = "2010-06-01T12:00:00+00:00") -> SessionStartRecord:
    return SessionStartRecord(
        session=session,
        time=0.0,
        version=SCHEMA_VERSION,
        started=started,
        client="192.0.2.1:51234",
        listener="ws://127.0.0.1:8076",
        upstream="ws://server.test:80",
    )


def request(session: int, target: str = "/") -> RequestRecord:
    head = f"GET {target} HTTP/1.1\r\nCookie: sid=secret\r\n\r\n"
    return RequestRecord(session=session, time=0.1, dialect="hixie-76", target=target, head=head)


def page(session: int, target: str = "/") -> HttpRecord:
    return HttpRecord(session=session, time=0.1, method="GET", target=target, status=200)


def segment(session: int) -> SegmentRecord:
    return SegmentRecord(session=session, time=0.1, direction="client", offset=0, size=1)


def messages(session: int, texts: list[str], first: int = 1, time: float = 0.2) -> Messages:
    """Text messages that came in one read."""
    raw = b"".join(map(encode_text, texts))
    return Messages(session, time, "client", first, TextFrames(0, raw, len(texts)))


def raw_bytes(session: int, data: str) -> BytesRecord:
    return BytesRecord(
        session=session, time=0.2, direction="client", offset=0, size=len(data), raw=data
    )


def closing(session: int) -> ClosingRecord:
    return ClosingRecord(session=session, time=0.3, by="client", how="end-of-stream")


def end(session: int, outcome: Any = "open") -> SessionEndRecord:
    return SessionEndRecord(
        session=session,
        time=0.4,
        dialect="hixie-76",
        outcome=outcome,
        verdict=None,
        client=_COUNTS,
        server=_COUNTS,
        findings=[],
    )


def whole(session: int, texts: list[str]) -> list[AnyRecord | Messages]:
    """A session from its beginning to its end."""
    return [
        start(session),
        request(session),
        messages(session, texts),
        closing(session),
        end(session),
    ]


def lines(*records: AnyRecord) -> bytes:
    return msgspec.json.Encoder().encode_lines(records)


def read(path: Path) -> list[AnyRecord]:
    """What a file holds, in which nothing may be wrong."""
    complaints: list[str] = []
    records = [entry.record for entry in read_entries(path, complaints.append)]
    assert complaints == []
    return records


def files_in(folder: Path) -> list[Path]:
    """All of a folder, as their names sort."""
    return sorted(folder.iterdir())


def types(records: Iterable[AnyRecord]) -> list[str]:
    """What kinds of records these are, as they are named in a file."""
    return [str(record.__struct_config__.tag) for record in records]


def texts_of(records: Iterable[AnyRecord]) -> list[str]:
    return [record.text for record in records if isinstance(record, MessageRecord)]


def codes_of(records: Iterable[AnyRecord]) -> list[str]:
    return [record.code for record in records if isinstance(record, FindingRecord)]


class Recording:
    """A recorder at work, and an event for each call of `drained`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.drained = threading.Event()

    def tell(self, *records: AnyRecord | Messages) -> None:
        for record in records:
            self.recorder.tell(record)

    def is_full(self) -> bool:
        """Whether sessions would have to wait now."""
        return self.recorder.is_full

    def settle(self) -> None:
        """Wait until all that has been told is in the files, or never will be."""
        recorder = self.recorder
        while recorder._told != recorder._written:
            self.drained.clear()
            # As when a session has to wait: `drained` is called after the next look.
            recorder._awaited = True
            recorder._hurry.set()
            recorder._something.set()
            assert self.drained.wait(60)

    def complaint(self) -> FindingRecord:
        """Wait for the one thing that it has to say."""
        while not (said := self.recorder.complaints()):
            assert self.drained.wait(60)
            self.drained.clear()
        (complaint,) = said
        assert isinstance(complaint, FindingRecord)
        return complaint


@contextlib.contextmanager
def recording(path: Path, **options: Any) -> Iterator[Recording]:
    """A recorder that writes there, and has written everything when the context is left."""
    recorder = Recorder(RecordingOptions(path=path, **{"gather": 0.0, **options}), vantage="relay")
    one = Recording(recorder)
    recorder.start(one.drained.set)
    try:
        yield one
    finally:
        recorder.stop(60)
        assert not recorder._thread.is_alive()
