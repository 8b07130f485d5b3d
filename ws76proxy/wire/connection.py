"""What all dialects share: one leg of a connection, bytes to events and back, no I/O.

What it says of frames is hixie's; RFC 6455 brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar, Generic, Protocol, TypeVar

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    ClosingHandshake,
    DigestBytes,
    EndOfStream,
    Event,
    FrameEvent,
    HeadRefused,
    Key3Bytes,
    Request,
    Response,
)
from ws76proxy.wire.frames import (
    CLOSING_HANDSHAKE,
    DEFAULT_MAX_MESSAGE,
    FrameDecoder,
    encode_text,
)
from ws76proxy.wire.head import (
    DEFAULT_HEAD_LIMITS,
    Head,
    HeadLimits,
    HeadReader,
    RequestHead,
    ResponseHead,
)

__all__ = ["ClientConnection", "Connection", "Reading", "ServerConnection"]

HeadType = TypeVar("HeadType", bound=Head)


class Reading(Enum):
    """What the next bytes from the peer are."""

    HEAD = "head"
    TAIL = "key3 or digest"
    PAUSED = "kept until open() is called"
    FRAMES = "frames"
    REFUSED = "not looked at any more"
    ENDED = "nothing"


class _Decoder(Protocol):
    """What reads what comes behind the handshake, in whatever framing."""

    @property
    def at_frame_boundary(self) -> bool: ...

    def end(self) -> EndOfStream: ...


class Connection(Generic[HeadType]):
    """One leg: what the peer sends becomes `events`, what we say becomes `data_to_send`.

    The peer's faults never raise; only our own do (LocalProtocolError). After the handshake the
    peer's further bytes are kept in `trailing_data` until `open` is called, so that whoever relays
    can hold early frames back; what is still held when the stream ends stays undecoded.
    """

    dialect: ClassVar[Dialect]
    closing_handshake: ClassVar[bool]

    def __init__(
        self,
        head_type: type[HeadType],
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        head_limits: HeadLimits = DEFAULT_HEAD_LIMITS,
        offset: int = 0,
    ) -> None:
        self._head_reader = HeadReader(head_type, head_limits)
        self._max_message = max_message
        self._tail = b""
        self._events: list[Event] = []
        self._outgoing: list[bytes] = []
        self._offset = offset
        self._decoder: _Decoder | None = None
        self.reading = Reading.HEAD
        self.head: HeadType | None = None
        self._held = bytearray()
        self._opened = False
        self.sent_close = False
        self.received_close = False

    # What comes in

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, cut anywhere; `events` tells what they were."""
        while data:
            if self._decoder is not None:
                self._events += self._decode(data)
                return
            if self.reading is Reading.HEAD:
                data = self._read_head(data)
            elif self.reading is Reading.TAIL:
                data = self._read_tail(data)
            else:
                if self.reading is Reading.PAUSED:
                    self._held += data
                return

    def receive_head(self, head: HeadType) -> None:
        """The same as receiving the head's bytes, for a caller who has read them already."""
        if self.reading is not Reading.HEAD:
            raise LocalProtocolError(f"cannot take a head: {self.reading.value} comes next")
        self.head = head
        self._offset += len(head.raw)
        self._events.append(self._head_event(head.raw, head))
        self._move(Reading.TAIL if self.tail_size() else Reading.PAUSED)

    def receive_eof(self) -> None:
        """The peer will send no more."""
        if self.reading is Reading.ENDED:
            return
        if self._decoder is not None:
            self._events.append(self._decoder.end())
        else:
            unread = self._unread()
            offset = self._offset - (len(unread) if self.reading is Reading.TAIL else 0)
            self._events.append(EndOfStream(offset, unread, self.tail_missing))
        self._decoder = None
        self._move(Reading.ENDED)

    def receive_frames(self, data: bytes) -> list[FrameEvent]:
        """The same as `receive_data` and `events` on an open connection, in one step."""
        decoder = self.decoder
        if decoder is None:
            raise LocalProtocolError(f"cannot read frames: {self.reading.value} comes next")
        frames = decoder.feed(data)
        for frame in frames:
            if type(frame) is ClosingHandshake:
                self.received_close = True
        return frames

    def events(self) -> list[Event]:
        """What has been received since the last call."""
        events, self._events = self._events, []
        return events

    def open(self) -> None:
        """Read everything from here on as frames, `trailing_data` first."""
        if self.reading is Reading.ENDED:
            return
        if self.reading is not Reading.PAUSED:
            raise LocalProtocolError(f"cannot read frames: {self.reading.value} comes next")
        self._decoder = self._new_decoder()
        self._opened = True
        self._move(Reading.FRAMES)
        held, self._held = bytes(self._held), bytearray()
        self.receive_data(held)

    @property
    def trailing_data(self) -> bytes:
        """What came behind the handshake and is kept until `open` is called."""
        return bytes(self._held)

    @property
    def frames_offset(self) -> int:
        """Where the frames begin in the peer's stream, once its handshake is whole."""
        return self._offset

    @property
    def tail_missing(self) -> int:
        """How many bytes of key3 or digest are still to come."""
        if self.reading is not Reading.TAIL:
            return 0
        return self.tail_size() - len(self._tail)

    @property
    def decoder(self) -> FrameDecoder | None:
        """What reads the peer's frames, on an open connection that speaks hixie."""
        return self._decoder if isinstance(self._decoder, FrameDecoder) else None

    @property
    def at_frame_boundary(self) -> bool:
        """Whether the peer's stream stands between two frames."""
        return self._decoder is not None and self._decoder.at_frame_boundary

    # What goes out

    def data_to_send(self) -> bytes:
        """The bytes to send since the last call."""
        data, self._outgoing = b"".join(self._outgoing), []
        return data

    def send_text(self, text: str | bytes) -> None:
        """Queue one text message (4.2).

        Raises LocalProtocolError before the handshake is done, after our closing handshake, or for
        bytes that cannot be framed.
        """
        self._must_be_open("send a message")
        self._outgoing.append(encode_text(text))

    def send_raw(self, frame: bytes) -> None:
        """Queue bytes as they are: for frames that no well-behaved peer would send."""
        self._must_be_open("send a frame")
        self._outgoing.append(frame)

    def send_close(self) -> None:
        """Start or answer the closing handshake (6); hixie-75 has none, and sends nothing."""
        if self.sent_close:
            return
        self._must_be_open("close")
        self.sent_close = True
        if self.closing_handshake:
            self._outgoing.append(CLOSING_HANDSHAKE)

    # For the dialects

    def tail_size(self) -> int:
        """How many bytes belong to the handshake after the head that has come."""
        raise NotImplementedError

    def _head_event(self, raw: bytes, head: HeadType) -> Event:
        raise NotImplementedError

    def _tail_event(self, raw: bytes, whole: bytes | None) -> Event:
        raise NotImplementedError

    def _may_send(self) -> bool:
        raise NotImplementedError

    def _new_decoder(self) -> _Decoder:
        return FrameDecoder(
            max_message=self._max_message,
            offset=self._offset,
            closing_handshake=self.closing_handshake,
        )

    def _decode(self, data: bytes) -> Sequence[Event]:
        return self.receive_frames(data)

    def _queue(self, data: bytes) -> None:
        self._outgoing.append(data)

    def _must_be_open(self, deed: str) -> None:
        if not self._may_send():
            raise LocalProtocolError(f"cannot {deed}: the opening handshake is not done")
        if self.sent_close:
            raise LocalProtocolError(f"cannot {deed}: the closing handshake has been sent")

    def _move(self, reading: Reading) -> None:
        self.reading = reading

    def _unread(self) -> bytes:
        """What has come of a head or tail that is not whole, or is held back."""
        if self.reading is Reading.HEAD:
            return self._head_reader.buffered
        if self.reading is Reading.TAIL:
            return self._tail
        return self.trailing_data if self.reading is Reading.PAUSED else b""

    def _read_head(self, data: bytes) -> bytes:
        reader = self._head_reader
        head = reader.feed(data)
        if reader.refusal is not None:
            self._events.append(HeadRefused(reader.buffered, reader.refusal))
            self._offset += len(reader.buffered)
            self._move(Reading.REFUSED)
            return b""
        if head is None:
            return b""
        self.receive_head(head)
        return reader.excess

    def _read_tail(self, data: bytes) -> bytes:
        missing = self.tail_missing
        piece, rest = data[:missing], data[missing:]
        self._tail += piece
        self._offset += len(piece)
        whole = self._tail if len(piece) == missing else None
        self._events.append(self._tail_event(piece, whole))
        if whole is not None:
            self._move(Reading.PAUSED)
        return rest


class ServerConnection(Connection[RequestHead]):
    """The leg towards a client: reads its request, says whether to accept, exchanges frames."""

    def __init__(
        self,
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        head_limits: HeadLimits = DEFAULT_HEAD_LIMITS,
        offset: int = 0,
    ) -> None:
        super().__init__(
            RequestHead, max_message=max_message, head_limits=head_limits, offset=offset
        )
        self.accepted = False

    def reject(self, status: int, reason: str, body: str = "") -> None:
        """Answer with an ordinary HTTP response instead of a handshake, and close after it."""
        if self.accepted:
            raise LocalProtocolError("cannot reject: the handshake has been accepted")
        self._queue(plain_response(status, reason, body))
        if self.reading is not Reading.ENDED:
            self._move(Reading.REFUSED)

    def accept_as(self, answer: bytes) -> None:
        """Answer with these bytes, right or wrong, and read frames from now on."""
        self._request()
        self._accept(answer)

    def _head_event(self, raw: bytes, head: RequestHead) -> Event:
        return Request(raw, head)

    def _tail_event(self, raw: bytes, whole: bytes | None) -> Event:
        return Key3Bytes(raw, whole)

    def _may_send(self) -> bool:
        return self.accepted

    def _request(self) -> RequestHead:
        if self.head is None or self.reading is not Reading.PAUSED or self.accepted:
            raise LocalProtocolError("cannot accept: no whole opening handshake has come")
        return self.head

    def _accept(self, data: bytes) -> None:
        self.accepted = True
        self._queue(data)
        self.open()


class ClientConnection(Connection[ResponseHead]):
    """The leg towards a server: asks for a WebSocket, reads the answer, exchanges frames."""

    def __init__(
        self,
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        head_limits: HeadLimits = DEFAULT_HEAD_LIMITS,
        offset: int = 0,
    ) -> None:
        super().__init__(
            ResponseHead, max_message=max_message, head_limits=head_limits, offset=offset
        )

    def _head_event(self, raw: bytes, head: ResponseHead) -> Event:
        return Response(raw, head)

    def _tail_event(self, raw: bytes, whole: bytes | None) -> Event:
        return DigestBytes(raw, whole)

    def _may_send(self) -> bool:
        # Not `reading`: a server may close its own direction and still wait for our FF 00.
        return self._opened


def plain_response(status: int, reason: str, body: str = "") -> bytes:
    """A whole HTTP/1.1 response that ends the connection, with a text body."""
    encoded = body.encode()
    head = Head.build(
        f"HTTP/1.1 {status} {reason}",
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(encoded))),
            ("Connection", "close"),
        ],
    )
    return head.raw + encoded
