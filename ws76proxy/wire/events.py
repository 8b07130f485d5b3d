"""What a leg of a connection says: frozen values, each with the bytes that it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = [
    "AbsurdLength",
    "Close",
    "ClosingHandshake",
    "DigestBytes",
    "DiscardedFrame",
    "EndOfStream",
    "Event",
    "FrameEvent",
    "HeadRefused",
    "InvalidText",
    "Key3Bytes",
    "Message",
    "MessageEvent",
    "OversizedFrame",
    "Ping",
    "Pong",
    "ProtocolFault",
    "Request",
    "Response",
    "TextFrames",
    "TextMessages",
    "UnreadBytes",
]


class Request(msgspec.Struct, frozen=True):
    """The client's head is whole. ``raw``: its bytes."""

    raw: bytes
    head: RequestHead


class Response(msgspec.Struct, frozen=True):
    """The server's head is whole. ``raw``: its bytes."""

    raw: bytes
    head: ResponseHead


class Key3Bytes(msgspec.Struct, frozen=True):
    """Some of the 8 bytes after the client's head, as they came; ``key3`` once all are there."""

    raw: bytes
    key3: bytes | None


class DigestBytes(msgspec.Struct, frozen=True):
    """Some of the 16 bytes after the server's head, as they came; ``digest`` once all are there."""

    raw: bytes
    digest: bytes | None


class HeadRefused(msgspec.Struct, frozen=True):
    """A head passed a limit; ``why`` says which. ``raw``: what had come."""

    raw: bytes
    why: str


class TextFrames:
    """One or more whole text frames (type 0x00), one behind the other, all of them valid UTF-8.

    ``offset`` counts from the stream's first byte; ``count`` is how many there are. Joining and
    decoding wait until somebody asks: many only count. `raw` is the bytes, or the pieces of one
    frame that came in many.
    """

    __slots__ = ("_decoded", "_raw", "count", "offset")

    def __init__(
        self, offset: int, raw: bytes | Sequence[bytes], count: int, decoded: str | None = None
    ) -> None:
        """`decoded`, where that has been done already: the only message, or with several all
        frames as text, without each 0xFF."""
        self.offset = offset
        self.count = count
        self._raw = raw
        self._decoded = decoded

    @property
    def raw(self) -> bytes:
        """The frames' bytes."""
        if not isinstance(self._raw, bytes):
            self._raw = b"".join(self._raw)
        return self._raw

    def beginning(self, size: int) -> bytes:
        """The first `size` bytes of the frames; pieces behind them stay apart."""
        if isinstance(self._raw, bytes):
            return self._raw[:size]
        pieces = []
        for piece in self._raw:
            pieces.append(piece[:size])
            size -= len(piece)
            if size <= 0:
                break
        return b"".join(pieces)

    @property
    def payloads(self) -> list[bytes]:
        """Their UTF-8, in order: 0xFF stands in none."""
        raw = self._raw
        inside = raw[1:-1] if type(raw) is bytes else self.raw[1:-1]
        return [inside] if self.count == 1 else inside.split(b"\xff\x00")

    @property
    def texts(self) -> list[str]:
        """The messages, in order."""
        if self.count == 1:
            if self._decoded is None:
                self._decoded = str(memoryview(self.raw)[1:-1], "utf-8")
            return [self._decoded]
        if self._decoded is None:
            self._decoded = self.raw.replace(b"\xff", b"").decode()
        texts = self._decoded.split("\0")[1:]
        if len(texts) == self.count:
            return texts
        # U+0000 within a message: then it is no mark of a beginning.
        return [payload.decode() for payload in self.payloads]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TextFrames):
            return NotImplemented
        mine, theirs = (self.offset, self.count), (other.offset, other.count)
        return mine == theirs and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((self.offset, self.count))

    def __repr__(self) -> str:
        return f"TextFrames(offset={self.offset}, raw={self.raw!r}, count={self.count})"


class InvalidText(msgspec.Struct, frozen=True):
    """One text frame whose payload is not UTF-8.

    ``text`` has U+FFFD for each bad sequence, as the draft wants (4.2); the first bad sequence is
    ``payload[start:end]``.
    """

    offset: int
    raw: bytes
    text: str
    start: int
    end: int

    @property
    def count(self) -> int:
        """How many messages there are, as elsewhere: one."""
        return 1

    @property
    def payload(self) -> bytes:
        """The bytes between the type byte and 0xFF."""
        return self.raw[1:-1]


class DiscardedFrame(msgspec.Struct, frozen=True):
    """A frame that a receiver reads and throws away: types 0x01 to 0x7F, or any with a length."""

    offset: int
    raw: bytes
    frame_type: int
    payload: bytes
    minimal_length: bool = True


class ClosingHandshake(msgspec.Struct, frozen=True):
    """``FF 00`` (6)."""

    offset: int
    raw: bytes = b"\xff\x00"


class OversizedFrame(msgspec.Struct, frozen=True):
    """A frame above the limit: passed over, not kept. ``size``: all its bytes, framing included.

    ``raw`` holds its first bytes only.
    """

    offset: int
    raw: bytes
    frame_type: int
    size: int


class AbsurdLength(msgspec.Struct, frozen=True):
    """A length that no stream can hold (above 2^63-1): from here on nothing can be decoded."""

    offset: int
    raw: bytes


class EndOfStream(msgspec.Struct, frozen=True):
    """The peer will send no more.

    ``raw`` is what had come of a head, key3, digest or frame that never became whole (of a frame
    above the limit: its first bytes only), or the bytes still held in ``trailing_data``;
    ``offset`` is where it begins. ``missing``: how many bytes it lacks, 0 where nobody can know.
    """

    offset: int
    raw: bytes = b""
    missing: int = 0


# What only RFC 6455 says


class TextMessages:
    """One or more whole text messages of RFC 6455, each in one uncompressed frame, all valid UTF-8.

    ``offset`` counts from the stream's first byte. ``raw``: the frames as they came, masked where
    the peer masks. ``payloads``: their UTF-8, unmasked, in order.
    """

    __slots__ = ("offset", "payloads", "raw")

    def __init__(self, offset: int, raw: bytes, payloads: Sequence[bytes]) -> None:
        self.offset = offset
        self.raw = raw
        self.payloads = payloads

    @property
    def count(self) -> int:
        """How many messages there are."""
        return len(self.payloads)

    @property
    def offsets(self) -> Iterator[int]:
        """Where each message's frame begins in its stream."""
        offset = self.offset
        header = 6 if self.raw[1] & 0x80 else 2
        for payload in self.payloads:
            yield offset
            size = len(payload)
            offset += size + header
            if size > 125:
                offset += 2 if size < 65_536 else 8

    @property
    def texts(self) -> list[str]:
        """The messages, in order."""
        return [payload.decode() for payload in self.payloads]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TextMessages):
            return NotImplemented
        mine, theirs = (self.offset, self.raw), (other.offset, other.raw)
        return mine == theirs and list(self.payloads) == list(other.payloads)

    def __hash__(self) -> int:
        return hash((self.offset, self.raw))

    def __repr__(self) -> str:
        return f"TextMessages(offset={self.offset}, raw={self.raw!r}, payloads={self.payloads!r})"


class Message(msgspec.Struct, frozen=True):
    """One whole message of RFC 6455: binary, or text that is valid UTF-8.

    It came in ``frames`` frames, compressed or not; ``payload`` is put together and decompressed.
    ``raw``: its frames as they came, without what control frames stood between them.
    """

    offset: int
    raw: bytes
    payload: bytes
    binary: bool
    frames: int = 1
    compressed: bool = False

    @property
    def text(self) -> str:
        """The payload of a text message, decoded."""
        return self.payload.decode()


class Ping(msgspec.Struct, frozen=True):
    """A ping; the connection has queued the pong. ``raw``: the frame as it came."""

    offset: int
    raw: bytes
    payload: bytes


class Pong(msgspec.Struct, frozen=True):
    """A pong, asked for or not. ``raw``: the frame as it came."""

    offset: int
    raw: bytes
    payload: bytes


class Close(msgspec.Struct, frozen=True):
    """A Close frame: ``code`` is None where it has none. ``raw``: the frame as it came."""

    offset: int
    raw: bytes
    code: int | None
    reason: str


class ProtocolFault(msgspec.Struct, frozen=True):
    """The peer broke RFC 6455; nothing is decoded any more.

    ``why`` is one clause; ``code`` is the close code that the RFC wants for it: 1002 (framing),
    1007 (not UTF-8) or 1009 (above the limit). ``offset`` is where the frame at fault begins, and
    ``raw`` what came of it, its first bytes only.
    """

    offset: int
    raw: bytes
    code: int
    why: str


class UnreadBytes(msgspec.Struct, frozen=True):
    """Bytes that are not looked at: behind a Close frame, or from a fault on."""

    offset: int
    raw: bytes


FrameEvent = (
    TextFrames | InvalidText | DiscardedFrame | ClosingHandshake | OversizedFrame | AbsurdLength
)
MessageEvent = TextMessages | Message | Ping | Pong | Close | ProtocolFault | UnreadBytes
Event = (
    Request
    | Response
    | Key3Bytes
    | DigestBytes
    | HeadRefused
    | FrameEvent
    | MessageEvent
    | EndOfStream
)
