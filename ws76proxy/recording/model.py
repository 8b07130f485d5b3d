"""A recorded session: its records in order, and the bytes of both peers rebuilt from them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

from ws76proxy import __version__
from ws76proxy.record import (
    RECORDING_FORMAT,
    SCHEMA_VERSION,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    ClosingRecord,
    FrameRecord,
    MessageRecord,
    Peer,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.challenges import read_hexadecimal
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.frames import CLOSING_HANDSHAKE

__all__ = ["Entry", "RecordedSession", "Streams", "message_payload", "new_header", "rebuild"]

One = TypeVar("One")


def new_header(
    *,
    run: str,
    started: str,
    vantage: Literal["relay", "mitmproxy", "capture", "har"],
    dialects: Sequence[Dialect],
    redacted: bool = False,
    listener: str | None = None,
    upstream: str | None = None,
    source: str | None = None,
    continues: str | None = None,
) -> RecordingRecord:
    """The first line of a recording that this version writes, or makes of another format."""
    return RecordingRecord(
        session=0,
        time=0.0,
        format=RECORDING_FORMAT,
        version=SCHEMA_VERSION,
        tool=f"ws76proxy {__version__}",
        run=run,
        started=started,
        vantage=vantage,
        dialects=[dialect.value for dialect in dialects],
        redacted=redacted,
        listener=listener,
        upstream=upstream,
        source=source,
        continues=continues,
    )


class Entry(NamedTuple):
    """A record, and the line of the file that it stands in; 0 where the file has no lines."""

    record: AnyRecord
    line: int = 0


@dataclass(slots=True)
class RecordedSession:
    """Everything that a recording holds of one session, in order.

    `source` names the file (the first, where the session goes on in others). `recording` is the
    file's header, None where the file's format has none. `lines[n]` is where `records[n]` stands.
    """

    source: str
    recording: RecordingRecord | None
    records: list[AnyRecord] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The session's number in its recording."""
        return self.records[0].session if self.records else 0

    @property
    def start(self) -> SessionStartRecord | None:
        """When it began, and between whom."""
        return self._first(SessionStartRecord)

    @property
    def request(self) -> RequestRecord | None:
        """The client's head, where it asked for a WebSocket."""
        return self._first(RequestRecord)

    @property
    def response(self) -> ResponseRecord | None:
        """The server's head."""
        return self._first(ResponseRecord)

    @property
    def end(self) -> SessionEndRecord | None:
        """How it ended; None where the recording breaks off."""
        return self._first(SessionEndRecord)

    @property
    def dialect(self) -> str:
        """What the client spoke; empty where nothing was asked."""
        request = self.request
        return "" if request is None else request.dialect

    def challenge(self, asked_by: str) -> ChallengeRecord | None:
        """The challenge that the "client" or the "relay" asked."""
        for record in self.records:
            if isinstance(record, ChallengeRecord) and record.asked_by == asked_by:
                return record
        return None

    def where(self, index: int) -> str:
        """The place of `records[index]`, for a message to a person."""
        line = self.lines[index] if index < len(self.lines) else 0
        return f"{self.source}, line {line}" if line else f"{self.source}, record {index + 1}"

    def _first(self, kind: type[One]) -> One | None:
        return next((record for record in self.records if isinstance(record, kind)), None)


@dataclass(slots=True)
class Streams:
    """What each peer sent, as far as the records hold it.

    `gaps` says, for a person, which bytes are not there; `client` and `server` are whole where it
    is empty. Plain HTTP before a handshake is not recorded: `client_begin` and `server_begin` are
    the offsets of the first byte that is.
    """

    client: bytes
    server: bytes
    client_begin: int = 0
    server_begin: int = 0
    gaps: list[str] = field(default_factory=list)


def message_payload(record: MessageRecord) -> bytes:
    """A message's payload, as it was sent."""
    if record.payload is not None:
        return base64.b64decode(record.payload)
    return record.text.encode()


def rebuild(records: Iterable[AnyRecord]) -> Streams:
    """The bytes that both peers sent, put together from a session's records.

    Messages of RFC 6455 are not put back into frames: their masks, fragments and compression are
    not recorded.
    """
    streams: dict[Peer, _Stream] = {"client": _Stream("client"), "server": _Stream("server")}
    for record in records:
        if isinstance(record, RequestRecord):
            streams["client"].head(record)
            streams["client"].is_modern = record.dialect == Dialect.RFC_6455
            spoken = record.server_dialect or record.dialect
            streams["server"].is_modern = spoken == Dialect.RFC_6455
        elif isinstance(record, ResponseRecord):
            streams["server"].head(record)
        elif isinstance(record, ChallengeRecord):
            if record.asked_by == "client":
                streams["client"].tail(read_hexadecimal(record.key3))
            if record.answered_by == "server":
                streams["server"].tail(read_hexadecimal(record.received))
        elif isinstance(record, MessageRecord):
            streams[record.direction].message(record)
        elif isinstance(record, FrameRecord):
            streams[record.direction].frame(record)
        elif isinstance(record, BytesRecord):
            streams[record.direction].bytes(record)
        elif isinstance(record, ClosingRecord):
            streams["server" if record.by == "server" else "client"].closing(record)
    client, server = streams["client"], streams["server"]
    gaps = client.finish() + server.finish()
    return Streams(bytes(client.data), bytes(server.data), client.begin, server.begin, gaps)


class _Stream:
    """One peer's bytes, in the order of their offsets."""

    def __init__(self, peer: str) -> None:
        self._peer = peer
        self._stretches: dict[int, bytes] = {}
        self._after_head: int | None = None
        self._gaps: list[str] = []
        self._unframed = 0
        self.is_modern = False
        """Whether its frames are those of RFC 6455."""
        self.begin = 0
        self.data = bytearray()

    def put(self, offset: int, data: bytes) -> None:
        if len(data) > len(self._stretches.get(offset, b"")):
            self._stretches[offset] = data

    def head(self, record: RequestRecord | ResponseRecord) -> None:
        raw = record.head.encode("latin-1")
        if record.redacted:
            self._gaps.append(f"the {self._peer}'s head has been redacted")
        self.put(record.offset, raw)
        self._after_head = None if record.redacted else record.offset + len(raw)

    def tail(self, data: bytes) -> None:
        if self._after_head is not None:
            self.put(self._after_head, data)

    def message(self, record: MessageRecord) -> None:
        if self.is_modern:
            self._unframed += 1
        else:
            self.put(record.offset, b"\x00" + message_payload(record) + b"\xff")

    def frame(self, record: FrameRecord) -> None:
        self.put(record.offset, base64.b64decode(record.raw))
        if not record.whole:
            self._gaps.append(
                f"the {self._peer}'s frame at offset {record.offset} was above the limit of what is"
                f" kept: {record.size} bytes"
            )

    def bytes(self, record: BytesRecord) -> None:
        self.put(record.offset, base64.b64decode(record.raw))
        if record.redacted:
            self._gaps.append(f"the {self._peer}'s head has been redacted")

    def closing(self, record: ClosingRecord) -> None:
        if record.offset is not None:
            self.put(record.offset, CLOSING_HANDSHAKE)

    def finish(self) -> list[str]:
        """Join what there is; return what is missing between."""
        if self._unframed:
            messages = "1 message" if self._unframed == 1 else f"{self._unframed} messages"
            self._gaps.append(
                f"{messages} of the {self._peer} came in frames of RFC 6455, whose masks, cuts and"
                " compression are not recorded"
            )
        stretches = sorted(self._stretches.items())
        if stretches:
            self.begin = stretches[0][0]
        for offset, data in stretches:
            known = self.begin + len(self.data)
            if offset > known:
                self._gaps.append(
                    f"{offset - known} bytes of the {self._peer} at offset {known} are not recorded"
                )
                # Kept at their places: what follows is found by its offset.
                self.data += bytes(offset - known)
                known = offset
            self.data += data[known - offset :]
        return self._gaps
