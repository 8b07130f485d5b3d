"""Reads HAR: WebSocket entries of any age, ordinary requests, and sessions of ours."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ws76proxy.endpoint import Endpoint
from ws76proxy.errors import RecordingError
from ws76proxy.recording.carried import Carried, Extra, Headers, message_of, put_together
from ws76proxy.recording.foreign import Exchange, Payload, header_of, retell
from ws76proxy.recording.model import Entry
from ws76proxy.session import Peer
from ws76proxy.wire import RequestHead, ResponseHead
from ws76proxy.wire.challenge import DIGEST_SIZE

if TYPE_CHECKING:
    from ws76proxy.record import MessageRecord
    from ws76proxy.recording.reader import Complain, Progress

__all__ = ["MAX_FILE", "read", "recognises"]

MAX_FILE = 512 << 20
"""The largest file that is read, in bytes: JSON has to be held as a whole."""

_BOM = b"\xef\xbb\xbf"
_LOG = re.compile(rb'"log"\s*:\s*\{')
_ENTRIES = re.compile(r'"entries"\s*:\s*\[\s*')
_BETWEEN = re.compile(r"\s*,?\s*")
_FAULTS = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)


class _Field(msgspec.Struct):
    name: str
    value: str


class _Request(msgspec.Struct):
    method: str
    url: str
    httpVersion: str = ""  # noqa: N815 - as HAR spells it
    headers: list[_Field] = []
    headersSize: float | None = None  # noqa: N815
    bodySize: float | None = None  # noqa: N815


class _Content(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct):
    status: float = 0
    statusText: str | None = None  # noqa: N815
    httpVersion: str = ""  # noqa: N815
    headers: list[_Field] = []
    content: _Content = msgspec.field(default_factory=_Content)
    headersSize: float | None = None  # noqa: N815
    bodySize: float | None = None  # noqa: N815


class _Message(msgspec.Struct):
    type: str
    time: float = 0.0
    opcode: float = 1
    data: str = ""
    ours: Any = msgspec.field(name="_ws76", default=None)


class _Entry(msgspec.Struct):
    startedDateTime: str  # noqa: N815
    request: _Request
    response: _Response = msgspec.field(default_factory=_Response)
    time: float | None = None
    timings: dict[str, Any] = {}
    messages: list[_Message] | None = msgspec.field(name="_webSocketMessages", default=None)
    ours: Any = msgspec.field(name="_ws76", default=None)


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]
    ours: Any = msgspec.field(name="_ws76", default=None)


class _Har(msgspec.Struct):
    log: _Log


def recognises(start: bytes) -> bool:
    """Whether a file that begins so is HAR."""
    text = start.removeprefix(_BOM).lstrip()
    return text.startswith(b"{") and _LOG.search(text) is not None


def read(path: Path, complain: Complain, progress: Progress = lambda _: None) -> Iterator[Entry]:
    """The records of a file; see `Format.read`. The whole file is in memory meanwhile."""
    size = path.stat().st_size
    if size > MAX_FILE:
        raise RecordingError(f"{path}: expected HAR of at most {MAX_FILE:,} bytes, found {size:,}")
    data = path.read_bytes().removeprefix(_BOM)
    entries, without_entry = _entries(path, data, complain)
    reading = _Reading(path, complain)
    done = 0
    for number, raw in enumerate(entries, 1):
        done += len(raw) if isinstance(raw, msgspec.Raw) else 0
        progress(min(done, size))
        yield from reading.entry(number, raw)
    for carried in without_entry:
        yield from reading.carried(carried, [])
    progress(size)
    if not reading.found:
        raise RecordingError(f"{path}: expected entries of HAR that can be read, found none")


def _entries(path: Path, data: bytes, complain: Complain) -> tuple[Iterable[Any], list[Carried]]:
    """The entries, each still to be decoded, and the sessions that have none."""
    try:
        log = msgspec.json.decode(data, type=_Har).log
    except _FAULTS as error:
        complain(f"{path}: expected HAR, found {error}; the entries before that are read")
        return _salvaged(path, data), []
    try:
        sessions = (log.ours or {}).get("sessions", [])
        return log.entries, msgspec.convert(sessions, list[Carried])
    except (AttributeError, *_FAULTS) as error:
        complain(f"{path}: expected our sessions in log._ws76, found {error}")
        return log.entries, []


def _salvaged(path: Path, data: bytes) -> Iterator[Any]:
    """Of what is not JSON as a whole: the entries up to the one that is not."""
    text = data.decode("utf-8", "replace")
    begin = _ENTRIES.search(text)
    if begin is None:
        raise RecordingError(f"{path}: expected HAR, found no list of entries")
    decoder = json.JSONDecoder()
    position = begin.end()
    while True:
        try:
            entry, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield entry
        between = _BETWEEN.match(text, position)
        position = between.end() if between else position


class _Reading:
    """What is read of one file."""

    def __init__(self, path: Path, complain: Complain) -> None:
        self._path = path
        self._complain = complain
        self._headers = Headers()
        self._number = 0
        self.found = False

    def entry(self, number: int, raw: Any) -> Iterator[Entry]:
        """The records of the entry of that number, counted from 1."""
        try:
            if isinstance(raw, msgspec.Raw):
                one = msgspec.json.decode(raw, type=_Entry)
            else:
                one = msgspec.convert(raw, _Entry)
            ours = one.ours
            if isinstance(ours, dict) and "part_of" in ours:
                # The session that it is a part of has its record.
                return
            if ours is not None:
                yield from self._ours(number, one)
                return
            exchange = _exchange(one)
        except _FAULTS as error:
            self._fault(number, error)
            return
        yield from self._header("har", exchange.started)
        self._number += 1
        self.found = True
        for record in retell(exchange, self._number):
            yield Entry(record)

    def carried(self, carried: Carried, messages: list[MessageRecord]) -> Iterator[Entry]:
        """A session of ours."""
        if carried.recording is not None:
            yield from self._headers.before(carried.recording)
        self.found = True
        for record in put_together(carried, messages):
            yield Entry(record)

    def _ours(self, number: int, entry: _Entry) -> Iterator[Entry]:
        carried = msgspec.convert(entry.ours, Carried)
        messages = [_our_message(carried.session, one) for one in entry.messages or []]
        expected = sum(count for count in carried.order[1::2])
        if len(messages) != expected:
            self._fault(number, f"{len(messages)} of the {expected} messages that were recorded")
        yield from self.carried(carried, messages)

    def _header(self, vantage: Any, started: float) -> Iterator[Entry]:
        if not self._number:
            self._own_header = header_of(self._path, vantage, started)
        yield from self._headers.before(self._own_header)

    def _fault(self, number: int, what: object) -> None:
        self._complain(f"{self._path}, entry {number}: expected an entry of HAR, found {what}")


def _our_message(session: int, message: _Message) -> MessageRecord:
    extra = msgspec.convert(message.ours, Extra)
    payload = _bytes_of(message)
    return message_of(session, "client" if message.type == "send" else "server", payload, extra)


def _exchange(entry: _Entry) -> Exchange:
    """A browser's entry, or mitmproxy's. Raises ValueError for one that makes no sense."""
    request, response = entry.request, entry.response
    url = urlsplit(request.url)
    secure = url.scheme.lower() in ("wss", "https")
    where = Endpoint(secure, url.hostname or "", url.port or (443 if secure else 80))
    started = _seconds(entry.startedDateTime)
    spent = [value for value in entry.timings.values() if isinstance(value, int | float)]
    answered = started + sum(max(value, 0) for value in spent) / 1000
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    start_line = f"{request.method} {target} {request.httpVersion or 'HTTP/1.1'}"
    messages = entry.messages or []
    payloads = [_payload(one) for one in messages if one.type in ("send", "receive")]
    if payloads:
        answered = min(answered, payloads[0].time)
    status = int(response.status)
    digest = _digest(response) if status == 101 else None
    return Exchange(
        started=started,
        client="unknown",
        listener=where,
        upstream=where,
        request=RequestHead(_head(start_line, request.headers)),
        response=_response(response) if status > 0 else None,
        answered=answered,
        ended=max([started + (entry.time or 0) / 1000, *(one.time for one in messages)]),
        digest=digest,
        payloads=payloads,
        error="; ".join(one.data for one in messages if one.type == "error")[:1000],
        sizes=(_size(request), _size(response)),
    )


def _response(response: _Response) -> ResponseHead:
    version = response.httpVersion or "HTTP/1.1"
    start_line = f"{version} {int(response.status):03} {response.statusText or ''}"
    return ResponseHead(_head(start_line, response.headers))


def _head(start_line: str, fields: list[_Field]) -> bytes:
    """A head as it may have been: HAR keeps neither spaces nor line ends."""
    lines = [start_line]
    # HTTP/2 has its start line in fields that begin with a colon.
    lines += [f"{one.name}: {one.value}" for one in fields if not one.name.startswith(":")]
    encoded = [_one_line(line) for line in lines]
    return b"\r\n".join([*encoded, b"", b""])


def _one_line(text: str) -> bytes:
    """Browsers tell field values as Latin-1, others as UTF-8."""
    text = text.replace("\r", " ").replace("\n", " ")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _digest(response: _Response) -> bytes | None:
    """The 16 bytes behind a hixie-76 head: mitmproxy writes them as the answer's content."""
    text = response.content.text or ""
    data = base64.b64decode(text) if response.content.encoding == "base64" else _one_line(text)
    return data if len(data) == DIGEST_SIZE else None


def _payload(message: _Message) -> Payload:
    peer = Peer.CLIENT if message.type == "send" else Peer.SERVER
    return Payload(message.time, peer, int(message.opcode), _bytes_of(message))


def _bytes_of(message: _Message) -> bytes:
    if message.opcode == 1:
        return message.data.encode("utf-8", "replace")
    return base64.b64decode(message.data)


def _size(part: _Request | _Response) -> int:
    sizes = (part.headersSize, part.bodySize)
    return sum(int(size) for size in sizes if size is not None and size > 0)


def _seconds(text: str) -> float:
    time = datetime.fromisoformat(text)
    # In UTC, where a time at the edge of the calendar may not exist.
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
