"""Hixie frames, decoded a chunk at a time where a burst is plain and frame by frame where not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire.events import (
    AbsurdLength,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    FrameEvent,
    InvalidText,
    OversizedFrame,
    TextFrames,
)
from ws76proxy.wire.pieces import Pieces
from ws76proxy.wire.utf8 import is_utf8

__all__ = [
    "CLOSING_HANDSHAKE",
    "DEFAULT_MAX_MESSAGE",
    "FrameDecoder",
    "encode_discarded",
    "encode_length",
    "encode_text",
    "frame_text",
    "frame_texts",
]

CLOSING_HANDSHAKE = b"\xff\x00"
DEFAULT_MAX_MESSAGE = 64 * 1024 * 1024
_SHORT = 1024
"""The longest frame that `short` takes."""
_MAX_LENGTH = 2**63 - 1
_KEPT_OF_OVERSIZED = 64
_LARGE = 16_384


def encode_text(text: str | bytes) -> bytes:
    """One text frame (4.2): 0x00, the text as UTF-8 (or the bytes given), 0xFF.

    Raises LocalProtocolError when the bytes contain 0xFF, or the text a lone surrogate.
    """
    try:
        payload = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"not encodable as UTF-8: {error}") from error
    position = payload.find(b"\xff")
    if position >= 0:
        raise LocalProtocolError(
            f"byte 0xFF at offset {position}: it would end the text frame there"
        )
    return b"\x00" + payload + b"\xff"


def frame_text(payload: bytes) -> bytes:
    """One text message as a frame; that it is UTF-8 is for the caller to know."""
    return b"".join((b"\x00", payload, b"\xff"))


def frame_texts(payloads: Sequence[bytes]) -> bytes:
    """Text frames in a row (4.2) of one or more payloads; that none contains 0xFF is for the caller
    to know."""
    if len(payloads) == 1:
        return frame_text(payloads[0])
    return b"\x00" + b"\xff\x00".join(payloads) + b"\xff"


def encode_length(length: int, leading: int = 0) -> bytes:
    """A length in base 128, big-endian, after `leading` bytes 0x80 that add nothing (4.2).

    Raises LocalProtocolError for a negative length.
    """
    if length < 0 or leading < 0:
        raise LocalProtocolError("a length cannot be negative")
    groups = [length & 0x7F]
    while length := length >> 7:
        groups.append(0x80 | (length & 0x7F))
    return b"\x80" * leading + bytes(reversed(groups))


def encode_discarded(frame_type: int, payload: bytes) -> bytes:
    """A frame that every receiver throws away: types 0x01..0x7F end in 0xFF, 0x80..0xFF have a
    length. ``FF 00`` is `CLOSING_HANDSHAKE`, not this.

    Raises LocalProtocolError for type 0x00, an empty frame of type 0xFF, or a 0xFF in a payload
    that ends at 0xFF.
    """
    if frame_type & 0x80:
        if frame_type == 0xFF and not payload:
            raise LocalProtocolError("FF 00 is the closing handshake")
        return bytes([frame_type]) + encode_length(len(payload)) + payload
    if not frame_type:
        raise LocalProtocolError("type 0x00 is text")
    return bytes([frame_type]) + encode_text(payload)[1:]


@dataclass(slots=True)
class _Frame:
    """A frame on its way in: its bytes so far, up to the limit, and how many there were."""

    offset: int
    frame_type: int
    kept: Pieces = field(default_factory=Pieces)
    size: int = 0
    length: int = 0
    length_size: int = 0
    missing: int | None = None
    """How many payload bytes are to come; None while the length itself is incomplete."""


class FrameDecoder:
    """Bytes of one direction, in chunks of any size, to frame events.

    A frame that spreads over many chunks is decoded once; only new bytes are looked at. A frame
    above `max_message` bytes (framing included) is passed over and reported with its size.
    `offset` is where the first byte stands in its stream. With `closing_handshake` false (hixie-75)
    ``FF 00`` is a discarded frame like any other with a length.
    """

    def __init__(
        self,
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        offset: int = 0,
        closing_handshake: bool = True,
    ) -> None:
        self._max = max_message
        self._closing_handshake = closing_handshake
        self._frame: _Frame | None = None
        self.offset = offset
        self.lost = False

    @property
    def at_frame_boundary(self) -> bool:
        """Whether a frame of our own could be put between what came and what will come."""
        return self._frame is None and not self.lost

    @property
    def awaited(self) -> tuple[int, int] | None:
        """Offset and type of a frame with a length of which only a part has come; otherwise None.

        Such a frame, unlike text, says how long one has to wait for its end.
        """
        frame = self._frame
        if frame is None or frame.frame_type < 0x80:
            return None
        return frame.offset, frame.frame_type

    def end(self) -> EndOfStream:
        """What the end of the stream leaves behind: `raw` is the unfinished frame so far."""
        frame = self._frame
        if frame is None:
            return EndOfStream(self.offset)
        return EndOfStream(frame.offset, frame.kept.joined(), frame.missing or 0)

    def feed(self, data: bytes) -> list[FrameEvent]:
        """Take the next bytes; return what is whole now."""
        # The usual chunk: nothing but whole, valid text frames.
        frames = self.burst(data)
        return [frames] if frames is not None else list(self._careful(data))

    def burst(self, data: bytes) -> TextFrames | None:
        """Take a chunk that is nothing but whole, valid text frames.

        Any other chunk is not taken, and None returned: `feed` it.
        """
        if self._frame is not None or self.lost:
            return None
        frames = self._burst(data)
        if frames is not None:
            self.offset += len(data)
        return frames

    def short(self, data: bytes) -> bytes | None:
        """Take a chunk that is one whole, valid text frame, and a short one: its UTF-8.

        Any other chunk is not taken, and None returned: `feed` it.
        """
        size = len(data)
        if not 2 <= size <= _SHORT or data[0] or data.find(b"\xff") != size - 1:
            return None
        if self._frame is not None or self.lost or size > self._max:
            return None
        text = data[1:-1]
        if not text.isascii() and not is_utf8(text):
            return None
        self.offset += size
        return text

    def skim(self, data: bytes) -> int:
        """Take a chunk that is nothing but whole, valid text frames, and return how many.

        Any other chunk is not taken, and 0 returned: `feed` it. For who only counts messages.
        """
        if self._frame is not None or self.lost:
            return 0
        count, text = self._plain(data)
        if not count or not is_utf8(text):
            return 0
        self.offset += len(data)
        return count

    def _burst(self, data: bytes) -> TextFrames | None:
        """Whole, valid text frames and nothing else, or None: then the careful path decides."""
        count, text = self._plain(data)
        if not count:
            return None
        if text.isascii():
            return TextFrames(self.offset, data, count)
        try:
            return TextFrames(self.offset, data, count, text.decode())
        except UnicodeDecodeError:
            return None

    def _plain(self, data: bytes) -> tuple[int, bytes]:
        """How many text frames `data` is, and their bytes without each 0xFF; 0 where it is anything
        else. Whether the text is UTF-8 is not looked at.

        With 00 in front, FF behind, and each other FF followed by 00, every frame is a text frame.
        """
        size = len(data)
        if size < 2 or data[0] or data[-1] != 0xFF or size > self._max:
            return 0, b""
        if data.find(b"\xff") == size - 1:
            return 1, data[1:-1]
        text = data.replace(b"\xff", b"")
        count = size - len(text)
        return (count, text) if data.count(b"\xff\x00") == count - 1 else (0, b"")

    def _careful(self, data: bytes) -> Iterator[FrameEvent]:
        position = 0
        if self._frame is not None:
            position, event = self._continue(self._frame, data, 0)
            if event is not None:
                yield event
        if self._frame is None and not self.lost:
            burst_end = data.rfind(b"\xff", position) + 1
            # The whole chunk has been tried already.
            is_part = position < burst_end and (position > 0 or burst_end < len(data))
            frames = self._burst(data[position:burst_end]) if is_part else None
            if frames is not None:
                self.offset += burst_end - position
                position = burst_end
                yield frames
        while position < len(data) and not self.lost:
            self._frame = _Frame(self.offset, data[position])
            position, event = self._continue(self._frame, data, position)
            if event is not None:
                yield event
        self.offset += len(data) - position

    def _continue(self, frame: _Frame, data: bytes, position: int) -> tuple[int, FrameEvent | None]:
        """Add to a frame from `position` on; return where it stopped, and the frame if whole."""
        begin = end = position
        if frame.frame_type < 0x80:
            found = data.find(b"\xff", position)
            whole = found >= 0
            end = found if whole else len(data)
            position = end + whole
        else:
            position = self._read_length(frame, data, position)
            whole = False
            if frame.missing is not None:
                step = min(frame.missing, len(data) - position)
                position += step
                frame.missing -= step
                whole = not frame.missing
            end = position
        if frame.size < self._max:
            frame.kept.add(data[begin : min(end, begin + self._max - frame.size)])
        frame.size += position - begin
        self.offset += position - begin
        if frame.length > _MAX_LENGTH:
            self.lost, self._frame = True, None
            return position, AbsurdLength(frame.offset, frame.kept.joined()[:_KEPT_OF_OVERSIZED])
        if not whole:
            return position, None
        self._frame = None
        return position, self._event(frame)

    @staticmethod
    def _read_length(frame: _Frame, data: bytes, position: int) -> int:
        """Read the type byte and as much of the length as there is; set `missing` at its end."""
        if not frame.size and not frame.length_size:
            position += 1
        while frame.missing is None and position < len(data):
            byte = data[position]
            position += 1
            frame.length_size += 1
            frame.length = frame.length << 7 | byte & 0x7F
            if frame.length > _MAX_LENGTH:
                break
            if byte < 0x80:
                frame.missing = frame.length
        return position

    def _event(self, frame: _Frame) -> FrameEvent:
        if frame.size > self._max:
            head = frame.kept.joined()[:_KEPT_OF_OVERSIZED]
            return OversizedFrame(frame.offset, head, frame.frame_type, frame.size)
        if frame.frame_type == 0 and frame.kept.is_ascii:
            return TextFrames(frame.offset, frame.kept.all(b"\xff"), 1)
        raw = b"".join(frame.kept.all(b"\xff" if frame.frame_type < 0x80 else b""))
        if frame.frame_type == 0:
            if len(raw) > _LARGE and is_utf8(memoryview(raw)[1:-1]):
                # To make a string of it, too, costs more than all the rest; not all want it.
                return TextFrames(frame.offset, raw, 1)
            try:
                text = str(memoryview(raw)[1:-1], "utf-8")
            except UnicodeDecodeError as error:
                text = raw[1:-1].decode(errors="replace")
                return InvalidText(frame.offset, raw, text, error.start, error.end)
            return TextFrames(frame.offset, raw, 1, text)
        if frame.frame_type < 0x80:
            return DiscardedFrame(frame.offset, raw, frame.frame_type, raw[1:-1])
        if frame.frame_type == 0xFF and not frame.length and self._closing_handshake:
            return ClosingHandshake(frame.offset, raw)
        payload = raw[1 + frame.length_size :]
        minimal = frame.length_size == len(encode_length(frame.length))
        return DiscardedFrame(frame.offset, raw, frame.frame_type, payload, minimal)
