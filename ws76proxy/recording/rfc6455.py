"""The messages of an RFC 6455 session, from the bytes that a lossless session tells of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Literal

import msgspec
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate

from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    MessageRecord,
    NoticeRecord,
    Peer,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
)
from ws76proxy.wire import Dialect
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE
from ws76proxy.wire.head import HeadReader, ResponseHead

__all__ = ["Rfc6455Reader"]

_NOT_DECODED = "rfc6455-client"
_NO_CODE = 1005
_CONTROL = 0x08
# What is decompressed at once: however well it was compressed, that is a thousand times as much.
_PIECE = 16 << 10
_KEPT_OF_OVERSIZED = 1024
# Before the answer has come it is not known how the client's bytes are to be read.
_MAX_EARLY = 1 << 20


class Rfc6455Reader:
    """Takes a session's records one by one, and gives them back with the frames decoded.

    A session passes on what is not hixie as bytes and tells them so. Here the `bytes` records
    behind an RFC 6455 handshake become `response`, `message`, `frame` and `closing`; the finding
    that they are not decoded is left out; everything else stays as it is. Messages above
    `max_message` bytes are told as a frame that is not whole.
    """

    def __init__(self, max_message: int = DEFAULT_MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._head: HeadReader[ResponseHead] | None = None
        self._head_offset: int | None = None
        self._early: list[BytesRecord] = []
        self._early_size = 0
        self._outcome: Literal["open", "refused", "failed"] | None = None
        self._directions: dict[Peer, _Direction] = {}

    def read(self, record: AnyRecord) -> Iterator[AnyRecord]:
        """The records that take the place of this one."""
        if self._outcome is None:
            if isinstance(record, RequestRecord) and record.dialect == Dialect.RFC_6455:
                self._outcome = "failed"
                self._head = HeadReader(ResponseHead)
            yield record
        elif isinstance(record, BytesRecord):
            yield from self._bytes(record)
        elif isinstance(record, SessionEndRecord):
            yield from self._end(record)
        elif not (isinstance(record, FindingRecord) and record.code == _NOT_DECODED):
            yield record

    def _bytes(self, record: BytesRecord) -> Iterator[AnyRecord]:
        direction = self._directions.get(record.direction)
        if direction is not None:
            yield from direction.receive(record, base64.b64decode(record.raw))
        elif self._head is None:
            yield record
        elif record.direction == "client":
            self._early.append(record)
            self._early_size += record.size
            if self._early_size > _MAX_EARLY:
                yield from self._not_open(record.time)
        else:
            yield from self._answer(self._head, record)

    def _answer(self, reader: HeadReader[ResponseHead], record: BytesRecord) -> Iterator[AnyRecord]:
        if self._head_offset is None:
            self._head_offset = record.offset
        head = reader.feed(base64.b64decode(record.raw))
        if reader.refusal is not None:
            yield _bytes_record(record, self._head_offset, reader.buffered)
            yield from self._not_open(record.time)
        if head is None:
            return
        yield ResponseRecord(
            session=record.session,
            time=record.time,
            status=head.status,
            reason=head.reason.decode("latin-1"),
            head=head.raw.decode("latin-1"),
            offset=self._head_offset,
        )
        behind, excess = self._head_offset + len(head.raw), reader.excess
        if head.status != 101:
            self._outcome = "refused"
            yield from self._not_open(record.time)
            if excess:
                yield _bytes_record(record, behind, excess)
            return
        self._outcome = "open"
        self._head = None
        self._directions = {
            "client": _Direction("client", _extensions(head), self._max_message),
            "server": _Direction("server", _extensions(head), self._max_message),
        }
        for one in self._take_early(record.time):
            yield from self._bytes(one)
        if excess:
            yield from self._bytes(_bytes_record(record, behind, excess))

    def _not_open(self, time: float) -> Iterator[AnyRecord]:
        """No frames will follow: what comes is told as it is."""
        self._head = None
        yield from self._take_early(time)

    def _take_early(self, time: float) -> list[BytesRecord]:
        """What the client sent before the answer, told now."""
        early, self._early = self._early, []
        return [msgspec.structs.replace(one, time=time) for one in early]

    def _end(self, record: SessionEndRecord) -> Iterator[AnyRecord]:
        if self._head is not None:
            if self._head.buffered:
                yield _bytes_record(record, self._head_offset or 0, self._head.buffered, of="head")
            yield from self._not_open(record.time)
        client, server = record.client, record.server
        for peer, direction in self._directions.items():
            yield from direction.end(record)
            counted = msgspec.structs.replace(
                client if peer == "client" else server,
                messages=direction.messages,
                frames=direction.frames,
            )
            client, server = (counted, server) if peer == "client" else (client, counted)
        yield msgspec.structs.replace(
            record,
            outcome=self._outcome or record.outcome,
            client=client,
            server=server,
            findings=[code for code in record.findings if code != _NOT_DECODED],
        )


class _Direction:
    """What one peer says, once the connection is open.

    Where a frame ends is read here, so that offsets and raw bytes can be told; what is in it is
    wsproto's. Control frames have a connection of their own: wsproto takes one between the frames
    of a compressed message for the end of the compression.
    """

    def __init__(self, peer: Peer, extensions: list[Extension], max_message: int) -> None:
        self.messages = 0
        self.frames = 0
        self._peer: Peer = peer
        # The one who receives what this peer sends.
        role = ConnectionType.SERVER if peer == "client" else ConnectionType.CLIENT
        self._data = Connection(role, extensions)
        self._control = Connection(role)
        self._max_message = max_message
        self._buffer = bytearray()
        self._offset: int | None = None
        self._left = 0
        self._lost = False
        # The message that is on its way.
        self._begin = 0
        self._wire = b""
        self._wire_size = 0
        self._parts: list[str | bytes | bytearray] = []
        self._size = 0

    def receive(self, record: BytesRecord, data: bytes) -> Iterator[AnyRecord]:
        if self._lost:
            yield record
            return
        if self._offset is None:
            self._offset = record.offset
        self._buffer += data
        while self._buffer and not self._lost:
            if self._left:
                piece = self._take(min(self._left, _PIECE))
                self._left -= len(piece)
                yield from self._feed(record, piece)
                continue
            size = _header_size(self._buffer)
            if len(self._buffer) < size:
                return
            length = _payload_length(self._buffer)
            if self._buffer[0] & _CONTROL:
                # wsproto will say what is wrong with a longer one.
                if length <= 125 and len(self._buffer) < size + length:
                    return
                yield from self._control_frame(record, self._take(size + min(length, 125)))
                continue
            if self._buffer[0] & 0x0F:
                self._begin = self._offset
                self._wire, self._wire_size = b"", 0
            self._left = length
            yield from self._feed(record, self._take(size))

    def end(self, record: AnyRecord) -> Iterator[AnyRecord]:
        """What never became a whole frame."""
        if self._buffer:
            unread = bytes(self._buffer)
            yield _bytes_record(record, self._offset or 0, unread, peer=self._peer)

    def _take(self, size: int) -> bytes:
        assert self._offset is not None  # noqa: S101 - there is something to take
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._offset += len(taken)
        return taken

    def _feed(self, record: BytesRecord, piece: bytes) -> Iterator[AnyRecord]:
        """The header of a data frame, or a piece of its payload."""
        if len(self._wire) < _KEPT_OF_OVERSIZED:
            self._wire += piece[: _KEPT_OF_OVERSIZED - len(self._wire)]
        self._wire_size += len(piece)
        for event in _events(self._data, piece):
            if isinstance(event, CloseConnection):
                yield from self._fail(record, piece, event)
                return
            if isinstance(event, TextMessage | BytesMessage):
                self._size += len(event.data)
                if self._size <= self._max_message:
                    self._parts.append(event.data)
                else:
                    self._parts.clear()
                if event.message_finished:
                    yield self._message(record, binary=isinstance(event, BytesMessage))
                    self._parts, self._size = [], 0

    def _message(self, record: BytesRecord, *, binary: bool) -> AnyRecord:
        if self._size > self._max_message:
            self.frames += 1
            return FrameRecord(
                session=record.session,
                time=record.time,
                direction=self._peer,
                frame_type=self._wire[0],
                offset=self._begin,
                size=self._wire_size,
                raw=base64.b64encode(self._wire).decode(),
                whole=False,
            )
        self.messages += 1
        text, payload = "", b""
        if binary:
            payload = b"".join(part for part in self._parts if not isinstance(part, str))
        else:
            text = "".join(part for part in self._parts if isinstance(part, str))
        return MessageRecord(
            session=record.session,
            time=record.time,
            direction=self._peer,
            number=self.messages,
            offset=self._begin,
            size=len(payload) if binary else len(text.encode()),
            text=text,
            payload=base64.b64encode(payload).decode() if binary else None,
            binary=binary,
        )

    def _control_frame(self, record: BytesRecord, raw: bytes) -> Iterator[AnyRecord]:
        assert self._offset is not None  # noqa: S101 - it has just been taken
        offset = self._offset - len(raw)
        event = next(iter(_events(self._control, raw)), None)
        if isinstance(event, CloseConnection):
            if self._control.state is not ConnectionState.REMOTE_CLOSING:
                yield from self._fail(record, raw, event)
                return
            self.frames += 1
            code = "" if event.code == _NO_CODE else f"{int(event.code)} {event.reason or ''}"
            yield ClosingRecord(
                session=record.session,
                time=record.time,
                by=self._peer,
                how="closing-handshake",
                detail=code.rstrip(),
            )
            # Nothing may follow.
            yield from self._give_up(record, b"")
            return
        self.frames += 1
        yield FrameRecord(
            session=record.session,
            time=record.time,
            direction=self._peer,
            frame_type=raw[0],
            offset=offset,
            size=len(raw),
            raw=base64.b64encode(raw).decode(),
        )

    def _fail(
        self, record: BytesRecord, piece: bytes, event: CloseConnection
    ) -> Iterator[AnyRecord]:
        assert self._offset is not None  # noqa: S101 - the piece has been taken
        text = (
            f"the {self._peer}'s bytes from offset {self._offset - len(piece)} on cannot be read as"
            f" RFC 6455: {event.reason}"
        )
        yield NoticeRecord(session=record.session, time=record.time, level="error", text=text)
        yield from self._give_up(record, piece)

    def _give_up(self, record: BytesRecord, piece: bytes) -> Iterator[AnyRecord]:
        """Tell what is left, and what comes, as it is."""
        assert self._offset is not None  # noqa: S101 - something has been read
        self._lost = True
        unread = piece + bytes(self._buffer)
        self._buffer.clear()
        if unread:
            yield _bytes_record(record, self._offset - len(piece), unread)


def _header_size(data: bytearray) -> int:
    """How long this frame's header is, as far as its first two bytes tell."""
    if len(data) < 2:
        return 2
    extended = {126: 2, 127: 8}.get(data[1] & 0x7F, 0)
    return 2 + extended + (4 if data[1] & 0x80 else 0)


def _payload_length(data: bytearray) -> int:
    length = data[1] & 0x7F
    if length == 126:
        return int.from_bytes(data[2:4], "big")
    return int.from_bytes(data[2:10], "big") if length == 127 else length


def _events(connection: Connection, data: bytes) -> Iterator[object]:
    """What wsproto makes of these bytes: a `CloseConnection`, too, where it cannot read them."""
    try:
        connection.receive_data(data)
        yield from connection.events()
    # It asserts what it takes for granted of extensions, and a peer may break that.
    except (AssertionError, ValueError) as error:
        yield CloseConnection(code=1002, reason=str(error) or "inconsistent compression")


def _extensions(head: ResponseHead) -> list[Extension]:
    """What both agreed on: permessage-deflate, as far as its parameters can be understood."""
    for field in head.get_all(b"sec-websocket-extensions"):
        for text in field.value.decode("latin-1").split(","):
            if text.partition(";")[0].strip() == PerMessageDeflate.name:
                deflate = PerMessageDeflate()
                try:
                    deflate.finalize(text)
                except (ValueError, IndexError):
                    continue
                return [deflate]
    return []


def _bytes_record(
    record: AnyRecord,
    offset: int,
    data: bytes,
    *,
    peer: Peer | None = None,
    of: Literal["head", "rest"] = "rest",
) -> BytesRecord:
    if peer is None:
        peer = record.direction if isinstance(record, BytesRecord) else "server"
    return BytesRecord(
        session=record.session,
        time=record.time,
        direction=peer,
        offset=offset,
        size=len(data),
        raw=base64.b64encode(data).decode(),
        of=of,
    )
