"""RFC 6455 frames to messages: bursts of plain text at once, everything else by `websockets`.

The framing is the library's: what a frame's bits mean, masking, compression, close codes. Ours is
where a frame ends, so that each event has its offset and its bytes, how fragments are put
together, and a short cut for what nearly all traffic is: unfragmented, uncompressed text. There
the library takes 3.5 microseconds a frame and the short cut 0.4 (`_burst`), unmasked by the
library's own C function.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Generator

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.frames import Close as CloseFrame
from websockets.frames import CloseCode, Frame, Opcode

from ws76proxy.wire.events import (
    Close,
    EndOfStream,
    Message,
    MessageEvent,
    Ping,
    Pong,
    ProtocolFault,
    TextMessages,
    UnreadBytes,
)
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE
from ws76proxy.wire.pieces import Pieces
from ws76proxy.wire.rfc6455.masking import apply_mask
from ws76proxy.wire.utf8 import is_utf8

__all__ = ["MessageDecoder"]

_TEXT = 0x81
"""The first byte of a text message that is one uncompressed frame."""
_FIN, _RSV1, _RSV2, _RSV3, _OPCODE = 0x80, 0x40, 0x20, 0x10, 0x0F
_CONTROL = 0x08
_MASKED, _LENGTH = 0x80, 0x7F
_DATA = (Opcode.TEXT, Opcode.BINARY)
_KEPT_OF_FAULT = 64
_FRAMING_ROOM = 65_536
_MOST_OF_HEADER = 14


class _PeerError(Exception):
    """What the peer did wrong."""

    def __init__(self, code: CloseCode, why: str) -> None:
        super().__init__(why)
        self.code = int(code)
        self.why = why


class _Unfinished:
    """A message of which not all frames have come."""

    __slots__ = ("compressed", "frames", "offset", "opcode", "parts", "raw", "size", "utf8")

    def __init__(self, offset: int, opcode: Opcode, compressed: bool) -> None:
        self.offset = offset
        self.opcode = opcode
        self.compressed = compressed
        self.frames = 0
        self.size = 0
        self.raw = bytearray()
        self.parts = bytearray()
        self.utf8 = codecs.getincrementaldecoder("utf-8")()


class MessageDecoder:
    """Bytes of one direction, in chunks of any size, to messages and control frames.

    `masked`: whether the peer must mask, as clients must. Payloads above `max_message` bytes are a
    fault (1009), and so are the frames of one message above twice that, framing included.
    `offset` is where the first byte stands in its stream. `deflate`: what both have agreed on.
    Behind a fault or a Close frame nothing is decoded: it is told as `UnreadBytes`.
    """

    def __init__(
        self,
        *,
        masked: bool,
        max_message: int = DEFAULT_MAX_MESSAGE,
        offset: int = 0,
        deflate: Extension | None = None,
    ) -> None:
        self._masked = masked
        self._max = max_message
        self._extensions = [] if deflate is None else [deflate]
        self.offset = offset
        self._frame = Pieces()
        self._wanted = 2
        self._message: _Unfinished | None = None
        self._unread = False

    @property
    def at_frame_boundary(self) -> bool:
        """Whether a message of our own could be put between what came and what will come."""
        return not self._frame.size and self._message is None and not self._unread

    def end(self) -> EndOfStream:
        """What the end of the stream leaves behind: `raw` is the unfinished message so far."""
        frame = self._frame.joined()
        missing = self._wanted - len(frame) if frame else 0
        if self._message is None:
            return EndOfStream(self.offset - len(frame), frame, missing)
        return EndOfStream(self._message.offset, bytes(self._message.raw) + frame, missing)

    def short(self, data: bytes) -> bytes | None:
        """Take a chunk that is one short, plain text message and nothing else: its UTF-8.

        Any other chunk is not taken, and None returned: `feed` it.
        """
        header, masked = (6, _MASKED) if self._masked else (2, 0)
        size = len(data) - header
        if not 0 <= size < 126 or data[0] != _TEXT or data[1] != size | masked:
            return None
        if self._frame.size or self._message is not None or self._unread or size > self._max:
            return None
        payload = apply_mask(data[6:], data[2:6]) if masked else data[2:]
        if not payload.isascii() and not is_utf8(payload):
            return None
        self.offset += len(data)
        return payload

    def feed(self, data: bytes) -> list[MessageEvent]:
        """Take the next bytes; return what is whole now."""
        events: list[MessageEvent] = []
        position, size = 0, len(data)
        # Where a burst was no valid text: its frames are looked at one by one.
        careful_until = 0
        while position < size and not self._unread:
            if not self._frame.size and self._message is None and position >= careful_until:
                burst, end = self._burst(data, position)
                if burst is not None:
                    events.append(burst)
                    self.offset += end - position
                    position = end
                    continue
                careful_until = end
            position = self._take(data, position, events)
        if position < size:
            events.append(UnreadBytes(self.offset, data[position:]))
            self.offset += size - position
        return events

    def _burst(self, data: bytes, begin: int) -> tuple[TextMessages | None, int]:
        """Whole, plain text frames from `begin` on, and where they end.

        Without the former where there are none, or where their text is no UTF-8.
        """
        payloads: list[bytes] = []
        add = payloads.append
        size, position, most = len(data), begin, self._max
        mask, header = (_MASKED, 6) if self._masked else (0, 2)
        while position + header <= size and data[position] == _TEXT:
            length = data[position + 1] ^ mask
            start = position + header
            if length > 125:
                # Longer lengths, and frames that are masked where they must not be.
                if length != 126 or position + 4 > size:
                    break
                length = data[position + 2] << 8 | data[position + 3]
                start += 2
                if length < 126:
                    break
            end = start + length
            if end > size or length > most:
                break
            if mask:
                add(apply_mask(data[start:end], data[start - 4 : start]))
            else:
                add(data[start:end])
            position = end
        # A line feed is part of no longer character: it keeps each message on its own.
        if not payloads or not is_utf8(b"\n".join(payloads)):
            return None, position
        raw = data if position - begin == size else data[begin:position]
        return TextMessages(self.offset, raw, payloads), position

    def _take(self, data: bytes, position: int, events: list[MessageEvent]) -> int:
        """Add to the frame that is on its way, at most to its end; return where it stopped."""
        frame, has_header = self._frame, self._wanted > _MOST_OF_HEADER
        try:
            while position < len(data):
                end = min(position + self._wanted - frame.size, len(data))
                frame.add(data[position:end])
                self.offset += end - position
                position = end
                if frame.size == self._wanted:
                    if not has_header:
                        self._wanted = self._look_ahead(frame.joined())
                        has_header = self._wanted > _MOST_OF_HEADER
                    if frame.size == self._wanted:
                        event = self._whole(frame.joined())
                        if event is not None:
                            events.append(event)
                        break
            else:
                return position
        except _PeerError as fault:
            self._fail(fault, events)
        self._frame = Pieces()
        self._wanted = 2
        return position

    def _look_ahead(self, frame: bytes) -> int:
        """How long the frame is, or as far as its first two bytes tell, its header."""
        first, second = frame[0], frame[1]
        if len(frame) == 2:
            self._check(first, second)
        extended = {126: 2, 127: 8}.get(second & _LENGTH, 0)
        header = 2 + extended + (4 if self._masked else 0)
        if len(frame) < header:
            return header
        length = second & _LENGTH
        if extended:
            length = int.from_bytes(frame[2 : 2 + extended], "big")
            if length < (126 if extended == 2 else 65_536):
                raise _PeerError(
                    CloseCode.PROTOCOL_ERROR,
                    f"a length of {length} in {extended} bytes: fewer would do (5.2)",
                )
        # What a compressed frame becomes is known when it is there.
        so_far = 0 if self._message is None or self._extensions else self._message.size
        if length + so_far > self._max and not first & _CONTROL:
            raise self._too_big(length + so_far)
        return header + length

    def _check(self, first: int, second: int) -> None:
        """Judge a frame by its first two bytes, so that nobody waits for the rest of a bad one."""
        try:
            opcode = Opcode(first & _OPCODE)
        except ValueError:
            why = f"opcode {first & _OPCODE} is not defined (5.2)"
            raise _PeerError(CloseCode.PROTOCOL_ERROR, why) from None
        compressible = bool(self._extensions) and opcode in _DATA
        header = Frame(
            opcode,
            # Of a control frame, its length is judged too.
            bytes(second & _LENGTH) if first & _CONTROL else b"",
            fin=bool(first & _FIN),
            rsv1=bool(first & _RSV1) and not compressible,
            rsv2=bool(first & _RSV2),
            rsv3=bool(first & _RSV3),
        )
        try:
            header.check()
        except ProtocolError as error:
            raise _PeerError(CloseCode.PROTOCOL_ERROR, str(error)) from error
        why = ""
        if bool(second & _MASKED) != self._masked:
            why = "a frame of a client is not masked (5.1)"
            if not self._masked:
                why = "a frame of a server is masked (5.1)"
        elif opcode is Opcode.CONT and self._message is None:
            why = "a continuation frame, and nothing to continue (5.4)"
        elif opcode in _DATA and self._message is not None:
            why = "a new message before the last fragment of another (5.4)"
        if why:
            raise _PeerError(CloseCode.PROTOCOL_ERROR, why)

    def _whole(self, raw: bytes) -> MessageEvent | None:
        offset = self.offset - len(raw)
        if raw[0] == _TEXT:
            return self._plain_text(offset, raw)
        opcode = raw[0] & _OPCODE
        if opcode & _CONTROL:
            # Judged by its first two bytes; never compressed, and its length has one byte.
            payload = apply_mask(raw[6:], raw[2:6]) if self._masked else raw[2:]
            if opcode == Opcode.PING:
                return Ping(offset, raw, payload)
            if opcode == Opcode.PONG:
                return Pong(offset, raw, payload)
            return self._close(offset, raw, payload)
        frame = self._parse(raw)
        return self._fragment(offset, raw, frame.opcode, bytes(frame.data), bool(raw[0] & _RSV1))

    def _plain_text(self, offset: int, raw: bytes) -> TextMessages:
        """A long one that came in pieces, usually."""
        view = memoryview(raw)
        begin = 2 + {126: 2, 127: 8}.get(raw[1] & _LENGTH, 0)
        if self._masked:
            payload = apply_mask(view[begin + 4 :], raw[begin : begin + 4])
        else:
            payload = raw[begin:]
        if not is_utf8(payload):
            try:
                payload.decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(error.start) from error
        return TextMessages(offset, raw, [payload])

    def _parse(self, raw: bytes) -> Frame:
        room = self._max if self._message is None else self._max - self._message.size
        reading = Frame.parse(
            _exact_reader(raw),
            mask=self._masked,
            # To the library, zero is no limit.
            max_size=max(room, 125),
            extensions=self._extensions,
        )
        try:
            next(reading)
        except StopIteration as done:
            frame: Frame = done.value
            return frame
        except ProtocolError as error:
            raise _PeerError(CloseCode.PROTOCOL_ERROR, str(error)) from error
        except PayloadTooBig as error:
            raise self._too_big() from error
        raise AssertionError("a whole frame was not enough")

    def _close(self, offset: int, raw: bytes, payload: bytes) -> Close:
        try:
            close = CloseFrame.parse(payload)
        except ProtocolError as error:
            raise _PeerError(CloseCode.PROTOCOL_ERROR, str(error)) from error
        except UnicodeDecodeError as error:
            raise _not_utf8(error.start, "the reason for closing") from error
        self._unread = True
        code = None if close.code == CloseCode.NO_STATUS_RCVD else int(close.code)
        return Close(offset, raw, code, close.reason)

    def _fragment(
        self, offset: int, raw: bytes, opcode: Opcode, payload: bytes, compressed: bool
    ) -> Message | None:
        message = self._message
        if message is None:
            message = self._message = _Unfinished(offset, opcode, compressed)
        is_last = bool(raw[0] & _FIN)
        message.size += len(payload)
        if message.size > self._max:
            raise self._too_big(message.size)
        if len(message.raw) + len(raw) > 2 * self._max + _FRAMING_ROOM:
            raise _PeerError(CloseCode.MESSAGE_TOO_BIG, "a message in too many fragments")
        if message.opcode is Opcode.TEXT:
            try:
                message.utf8.decode(payload, is_last)
            except UnicodeDecodeError as error:
                held = len(error.object) - len(payload)
                at = message.size - len(payload) - held + error.start
                raise _not_utf8(at) from error
        message.frames += 1
        if message.frames > 1 or not is_last:
            message.raw += raw
            message.parts += payload
        if not is_last:
            return None
        self._message = None
        several = message.frames > 1
        return Message(
            message.offset,
            bytes(message.raw) if several else raw,
            bytes(message.parts) if several else payload,
            message.opcode is Opcode.BINARY,
            message.frames,
            message.compressed,
        )

    def _too_big(self, size: int | None = None) -> _PeerError:
        found = "more" if size is None else f"{size}"
        why = f"a message may have {self._max} bytes; this one has {found}"
        return _PeerError(CloseCode.MESSAGE_TOO_BIG, why)

    def _fail(self, fault: _PeerError, events: list[MessageEvent]) -> None:
        """Tell the fault, and what was kept of the message and of the frame."""
        self._unread = True
        frame = self._frame.joined()
        begin = self.offset - len(frame)
        events.append(ProtocolFault(begin, frame[:_KEPT_OF_FAULT], fault.code, fault.why))
        message, self._message = self._message, None
        if message is not None and message.raw:
            events.append(UnreadBytes(message.offset, bytes(message.raw)))
        events.append(UnreadBytes(begin, frame))


def _exact_reader(raw: bytes) -> Callable[[int], Generator[None, None, bytes]]:
    """The library reads from this: a frame that is there already."""
    position = 0

    def read_exact(size: int) -> Generator[None, None, bytes]:
        nonlocal position
        position += size
        yield from ()
        return raw[position - size : position]

    return read_exact


def _not_utf8(position: int, what: str = "a text message") -> _PeerError:
    return _PeerError(CloseCode.INVALID_DATA, f"{what} is not UTF-8 at its byte {position} (8.1)")
