"""A frame decoder that is slow but obvious: the draft's steps (4.2, 5.3), a byte at a time."""

from __future__ import annotations

from ws76proxy.wire import (
    AbsurdLength,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    Event,
    InvalidText,
    OversizedFrame,
    TextFrames,
)

KEPT = 64
MAX_LENGTH = 2**63 - 1


def decode(data: bytes, max_message: int, closing_handshake: bool, offset: int = 0) -> list[Event]:
    """All events of a stream, one a frame, its end included."""
    events: list[Event] = []
    frame = bytearray()
    begin = offset
    step = "type"
    length = 0
    payload = bytearray()
    for position, byte in enumerate(data, start=offset):
        if step == "type":
            frame, payload, begin, length = bytearray([byte]), bytearray(), position, 0
            step = "length" if byte & 0x80 else "text"
            continue
        frame.append(byte)
        if step == "text":
            if byte != 0xFF:
                payload.append(byte)
                continue
        elif step == "length":
            length = length * 128 + (byte & 0x7F)
            if length > MAX_LENGTH:
                kept = bytes(frame[: min(KEPT, max_message)])
                events.append(AbsurdLength(begin, kept))
                # Nothing behind this can be told apart.
                return [*events, EndOfStream(offset + len(data))]
            if byte & 0x80:
                continue
            if length:
                step = "payload"
                continue
        else:
            payload.append(byte)
            if len(payload) < length:
                continue
        events.append(whole(bytes(frame), bytes(payload), begin, max_message, closing_handshake))
        step = "type"
    if step == "type":
        return [*events, EndOfStream(offset + len(data))]
    missing = length - len(payload) if step == "payload" else 0
    return [*events, EndOfStream(begin, bytes(frame[:max_message]), missing)]


def whole(
    frame: bytes, payload: bytes, begin: int, max_message: int, closing_handshake: bool
) -> Event:
    """What a whole frame is."""
    frame_type = frame[0]
    if len(frame) > max_message:
        kept = frame[: min(KEPT, max_message)]
        return OversizedFrame(begin, kept, frame_type, len(frame))
    if frame_type == 0x00:
        try:
            return TextFrames(begin, frame, 1, payload.decode("utf-8"))
        except UnicodeDecodeError as error:
            text = payload.decode("utf-8", "replace")
            return InvalidText(begin, frame, text, error.start, error.end)
    if frame_type == 0xFF and not payload and closing_handshake:
        return ClosingHandshake(begin, frame)
    if frame_type < 0x80:
        return DiscardedFrame(begin, frame, frame_type, payload)
    # More than one byte, and the first of them adds nothing: the length could have been shorter.
    minimal = frame[1] != 0x80
    return DiscardedFrame(begin, frame, frame_type, payload, minimal)
