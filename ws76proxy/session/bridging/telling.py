"""What a side of a bridged conversation says, as records."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.record import MessageRecord, Messages
from ws76proxy.session.bridging.side import Side
from ws76proxy.session.commands import Command, Tell
from ws76proxy.session.telling import tell_frame, tell_unfinished
from ws76proxy.wire.events import (
    AbsurdLength,
    Close,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    Event,
    InvalidText,
    Message,
    OversizedFrame,
    Ping,
    Pong,
    TextFrames,
    TextMessages,
    UnreadBytes,
)

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["TextEvent", "tell_event", "tell_messages"]

TextEvent = TextFrames | TextMessages | InvalidText | Message
"""What holds whole messages; a `Message` may be binary."""


def tell_messages(session: Session, side: Side, event: TextEvent, first: int) -> Iterator[Command]:
    """Tell messages, the first of them with this number."""
    if not session.options.messages:
        return
    if isinstance(event, Message):
        yield Tell(_message(session, side, event, first))
    else:
        yield Tell(Messages(session.number, session.age(), side.peer.label, first, event))


def tell_event(session: Session, side: Side, event: Event) -> Iterator[Command]:
    """Tell, and count, anything that a side has said."""
    traffic, peer, wanted = side.traffic, side.peer, session.options.messages
    match event:
        case TextFrames() | TextMessages() | InvalidText() | Message():
            first = traffic.messages + 1
            traffic.messages += 1 if isinstance(event, Message) else event.count
            yield from tell_messages(session, side, event, first)
        case Close():
            traffic.frames += 1
            if wanted:
                yield from tell_frame(session, peer, event)
            detail = "" if event.code is None else f"{event.code} {event.reason}".rstrip()
            yield from session.tell_closing(peer.label, "closing-handshake", detail)
        case ClosingHandshake():
            traffic.frames += 1
            yield from session.tell_closing(peer.label, "closing-handshake", "", event.offset)
        case Ping() | Pong() | DiscardedFrame() | OversizedFrame() | AbsurdLength():
            if isinstance(event, AbsurdLength):
                side.unread_from = event.offset + len(event.raw)
            traffic.frames += 1
            if wanted:
                yield from tell_frame(session, peer, event)
        case UnreadBytes() | EndOfStream():
            yield from tell_unfinished(session, side, event)


def _message(session: Session, side: Side, event: Message, number: int) -> MessageRecord:
    payload = event.payload
    return MessageRecord(
        session=session.number,
        time=session.now(),
        direction=side.peer.label,
        number=number,
        offset=event.offset,
        size=len(payload),
        text="" if event.binary else event.text,
        payload=base64.b64encode(payload).decode() if event.binary else None,
        binary=event.binary,
    )
