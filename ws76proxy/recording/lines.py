"""Our own format: a header, then each record as a line of JSON; read so that one bad line costs
one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, get_args

import msgspec

from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    RECORDING_FORMAT,
    SCHEMA_VERSION,
    AnyRecord,
    RecordingRecord,
    SessionStartRecord,
)
from ws76proxy.recording.model import Entry

if TYPE_CHECKING:
    from ws76proxy.recording.reader import Complain, Progress

__all__ = ["MAX_LINE", "LineReader", "read", "recognises", "write"]

MAX_LINE = 400 * 1024 * 1024
"""The longest line that is read, in bytes: a message at the relay's default limit, each byte of it
escaped as six."""

_BLOCK = 1 << 20
_BATCH = 4096
_decoder = msgspec.json.Decoder(AnyRecord)
_encoder = msgspec.json.Encoder()


class _Any(msgspec.Struct):
    type: str


_any_decoder = msgspec.json.Decoder(_Any)
_KNOWN = {kind.__struct_config__.tag for kind in get_args(AnyRecord)}
# The type is the first key, unless somebody has sorted them.
_LINE = re.compile(rb'(?m)^[ \t]*\{[^\n]*?"type"[ \t]*:[ \t]*"(?:%s)"' % "|".join(_KNOWN).encode())
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def recognises(start: bytes) -> bool:
    """Whether a file that begins so holds records as JSON Lines, with a header or without."""
    return _LINE.search(start) is not None


def read(path: Path, complain: Complain, progress: Progress = lambda _: None) -> Iterator[Entry]:
    """The records of a file; see `Format.read`. Raises RecordingError where there is not one."""
    reader = LineReader(str(path), complain)
    done = found = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                for entry in reader.feed(block):
                    found += 1
                    yield entry
                done += len(block)
                progress(done)
    except OSError as error:
        complain(f"{path}, line {reader.line + 1}: cannot be read further: {error.strerror}")
    for entry in reader.end():
        found += 1
        yield entry
    if not found:
        raise RecordingError(f"{path}: expected records, one JSON object a line, found none")


def write(records: Iterable[AnyRecord], file: IO[bytes]) -> None:
    """Write records, the header first among them, a line each."""
    remaining = iter(records)
    while batch := list(islice(remaining, _BATCH)):
        file.write(_encoder.encode_lines(batch))


class LineReader:
    """Bytes of a file, in blocks of any size, to records.

    A line that is no record is complained about and passed over, as is one above `max_line` bytes.
    Records of a type that is not known are passed over in silence: later releases have more.
    """

    def __init__(self, name: str, complain: Complain, *, max_line: int = MAX_LINE) -> None:
        self._name = name
        self._complain = complain
        self._max_line = max_line
        self._pieces: list[bytes] = []
        self._size = 0
        self.line = 0
        """How many lines have been read."""

    def feed(self, data: bytes) -> list[Entry]:
        """Take the next bytes; return the records that are whole now."""
        head, line_end, rest = data.rpartition(b"\n")
        if not line_end:
            self._keep(data)
            return []
        entries: list[Entry] = []
        if self._size:
            head, line_end, others = head.partition(b"\n")
            self._keep(head)
            entries += self._joined()
            head = others
        if line_end:
            entries += self._lines(head)
        self._keep(rest)
        return entries

    def end(self) -> list[Entry]:
        """The file has ended. What is behind the last line end is a line that was torn, unless it
        is a whole record: an editor may have taken the line end away."""
        size, line = self._size, b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        try:
            record: AnyRecord = _decoder.decode(line)
        except _UNREADABLE:
            if line.strip() or size > self._max_line:
                self._fault(f"expected a line end, found the end of the file after {size:,} bytes")
            return []
        return self._entries([record])

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._size += len(piece)
        if self._size <= self._max_line:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def _joined(self) -> list[Entry]:
        """The line that began in an earlier block is whole."""
        size, line = self._size, b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if size > self._max_line:
            self._too_long(size)
            return []
        return self._lines(line)

    def _lines(self, text: bytes) -> list[Entry]:
        lines = text.split(b"\n")
        # All at once, where nothing is wrong with any of them: between two braces a line end can
        # only be one between two records.
        if len(text) <= self._max_line and text.count(b"}\n{") == len(lines) - 1:
            try:
                records = _decoder.decode_lines(text)
            except _UNREADABLE:
                records = []
            if len(records) == len(lines):
                return self._entries(records)
        entries: list[Entry] = []
        for line in lines:
            if len(line) > self._max_line:
                self._too_long(len(line))
            elif (record := self._record(line)) is not None:
                entries += self._entries([record])
            else:
                self.line += 1
        return entries

    def _entries(self, records: list[AnyRecord]) -> list[Entry]:
        """The records of the next lines, one in each."""
        entries = [Entry(record, self.line + n) for n, record in enumerate(records, 1)]
        self.line += len(records)
        for entry in entries:
            self._look(entry)
        return entries

    def _record(self, line: bytes) -> AnyRecord | None:
        if not line.strip():
            return None
        try:
            record: AnyRecord = _decoder.decode(line)
            return record
        except _UNREADABLE as error:
            try:
                if _any_decoder.decode(line).type not in _KNOWN:
                    return None
            except _UNREADABLE:
                pass
            self._fault(f"expected a record, found {_shown(line)}: {error}")
            return None

    def _look(self, entry: Entry) -> None:
        """Whether what follows can be understood as a whole."""
        record = entry.record
        if isinstance(record, RecordingRecord) and record.format != RECORDING_FORMAT:
            what = f"a recording of format {RECORDING_FORMAT}, found format {record.format}"
        elif isinstance(record, SessionStartRecord) and record.version != SCHEMA_VERSION:
            what = f"records of version {SCHEMA_VERSION}, found version {record.version}"
        else:
            return
        self._complain(f"{self._name}, line {entry.line}: expected {what}; what is known is read")

    def _too_long(self, size: int) -> None:
        self._fault(f"expected at most {self._max_line:,} bytes in a line, found {size:,}")
        self.line += 1

    def _fault(self, text: str) -> None:
        self._complain(f"{self._name}, line {self.line + 1}: {text}")


def _shown(line: bytes) -> str:
    text = ascii(line[:40].decode("utf-8", "replace"))
    return text if len(line) <= 40 else f"{text} and {len(line) - 40:,} bytes more"
