"""Raw captures as recordings: what tcpdump, dumpcap and Wireshark write, pcap and pcapng."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    NoticeRecord,
    RecordingRecord,
)
from ws76proxy.recording.capture.connection import CaptureLimits
from ws76proxy.recording.capture.connections import Connections
from ws76proxy.recording.capture.files import BrokenFileError, Frame, frames, recognises
from ws76proxy.recording.capture.packets import Unreadable, segment_in
from ws76proxy.recording.capture.watched import wall_clock
from ws76proxy.recording.model import Entry, new_header
from ws76proxy.wire import Dialect

__all__ = ["CaptureLimits", "read", "recognises"]

DEFAULT_LIMITS = CaptureLimits()
_NAMED_BY = 4096


def read(
    path: Path,
    complain: Callable[[str], None],
    progress: Callable[[int], None] = lambda _: None,
    limits: CaptureLimits = DEFAULT_LIMITS,
) -> Iterator[Entry]:
    """A header, and the records of every session in the capture, as a relay would have told them.

    Sessions interleave as they did on the wire, and are numbered in the order of their first
    requests. The client is who sent the SYN, or else the request. Connections of other protocols
    are passed over, which a notice at the end counts. Where the file is broken, `complain` says at
    which byte; what came before it has been read. `progress` is told how many bytes have been
    read. Raises RecordingError where the file cannot be opened, or nothing in it can be read.
    """
    try:
        with path.open("rb") as file:
            run = hashlib.sha256(file.read(_NAMED_BY)).hexdigest()[:16]
            file.seek(0)
            reading = _Reading(path, complain, limits)
            all_frames = reading.unbroken(frames(file, progress))
            first = next(all_frames, None)
            if first is None and reading.broken:
                raise RecordingError(f"{path}, {reading.broken}")
            yield Entry(_header(path, run, first))
            if first is not None:
                yield from reading.records(first, all_frames)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from None


class _Reading:
    """A file on its way to being read, and what must be said of it at the end."""

    def __init__(self, path: Path, complain: Callable[[str], None], limits: CaptureLimits) -> None:
        self.broken = ""
        self._path = path
        self._complain = complain
        self._connections = Connections(limits)
        self._unreadable: Counter[tuple[Unreadable, int]] = Counter()
        self._first_unreadable: dict[tuple[Unreadable, int], int] = {}

    def unbroken(self, source: Iterator[Frame]) -> Iterator[Frame]:
        """The frames before the place where the file is broken, if it is."""
        try:
            yield from source
        except BrokenFileError as error:
            self.broken = str(error)

    def records(self, first: Frame, rest: Iterator[Frame]) -> Iterator[Entry]:
        """Everything behind the header."""
        receive = self._connections.receive
        frame: Frame | None = first
        while frame is not None:
            segment = segment_in(frame.link_type, frame.data)
            if isinstance(segment, Unreadable):
                self._note(segment, frame)
            elif segment is not None:
                for record in receive(frame.time, segment):
                    yield Entry(record)
            frame = next(rest, None)
        for record in self._connections.finish():
            yield Entry(record)
        passed = self._connections.tally.passed
        if passed:
            counted = ", ".join(f"{number:,} {why.value}" for why, number in passed.items())
            text = f"connections passed over: {counted}"
            yield Entry(NoticeRecord(session=0, time=0.0, level="info", text=text))
        self._complain_of_all()

    def _note(self, why: Unreadable, frame: Frame) -> None:
        # Of link types each is named; the other reasons do not depend on them.
        key = (why, frame.link_type if why is Unreadable.LINK_TYPE else 0)
        self._unreadable[key] += 1
        self._first_unreadable.setdefault(key, frame.offset)

    def _complain_of_all(self) -> None:
        if self.broken:
            self._complain(f"{self._path}, {self.broken}; what stands before it has been read")
        for (why, link_type), number in self._unreadable.items():
            first = self._first_unreadable[why, link_type]
            which = f" ({link_type})" if why is Unreadable.LINK_TYPE else ""
            self._complain(
                f"{self._path}, byte {first}: expected frames that can be read, found {number:,}"
                f" {why.value}{which}; they were passed over"
            )
        incomplete = self._connections.tally.incomplete
        if incomplete:
            self._complain(
                f"{self._path}: expected every byte of each session, found {incomplete:,} with"
                " bytes that were not captured; a notice in each says where (tcpdump keeps whole"
                " packets with -s 0, and loses fewer with a larger -B)"
            )


def _header(path: Path, run: str, first: Frame | None) -> RecordingRecord:
    return new_header(
        run=run,
        started=wall_clock(0 if first is None else first.time),
        vantage="capture",
        dialects=[Dialect.HIXIE_76, Dialect.HIXIE_75, Dialect.RFC_6455],
        source=path.name,
    )
