"""One leg's connection as a conversation: what the peer sends, what is told, what we answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import (
    AbsurdLength,
    Close,
    ClosingHandshake,
    Connection,
    DigestBytes,
    DiscardedFrame,
    EndOfStream,
    Event,
    HeadRefused,
    InvalidText,
    Key3Bytes,
    Message,
    OversizedFrame,
    Ping,
    Pong,
    ProtocolFault,
    Request,
    Response,
    TextFrames,
    TextMessages,
    UnreadBytes,
)

from .chunks import assert_offsets_are_exact, cut_at, normalised, one_by_one, raw_of

Cut = Callable[[bytes], list[bytes]]
CUTS: dict[str, Cut] = {
    "whole": lambda data: [data],
    "byte by byte": one_by_one,
    "in thirds": lambda data: cut_at(data, [3333, 6666]),
}
Leg = TypeVar("Leg", bound=Connection[Any])


def part(raw: bytes, whole: bytes | None) -> str:
    """How much of a key3 or digest this is."""
    if whole is None:
        return "part of "
    return "" if whole == raw else "rest of "


def in_words(event: Event) -> str:
    """An event as a line of a conversation."""
    match event:
        case Request(_, head):
            return f"request {head.target.decode('latin-1')}"
        case Response(_, head):
            return f"response {head.status}"
        case HeadRefused(_, why):
            return f"refused: {why}"
        case Key3Bytes(raw, whole):
            return f"{part(raw, whole)}key3 {raw!r}"
        case DigestBytes(raw, whole):
            return f"{part(raw, whole)}digest {raw!r}"
        case TextFrames() | TextMessages():
            return f"text {event.texts[0]!r}"
        case InvalidText():
            return f"invalid text {event.text!r}"
        case DiscardedFrame():
            return f"discarded {event.frame_type:02x} {event.payload!r}"
        case ClosingHandshake():
            return "close"
        case OversizedFrame():
            return f"oversized {event.frame_type:02x}, {event.size} bytes"
        case Message():
            kind = "compressed " if event.compressed else ""
            kind += "binary" if event.binary else "text"
            content = event.payload if event.binary else event.text
            return f"{kind} {content!r} in {event.frames} frames"
        case Ping(_, _, payload):
            return f"ping {payload!r}"
        case Pong(_, _, payload):
            return f"pong {payload!r}"
        case Close(_, _, code, reason):
            return f"close {code} {reason}".rstrip()
        case ProtocolFault(_, _, code, why):
            return f"fault {code}: {why}"
        case UnreadBytes(_, raw):
            return f"unread {raw!r}"
        case AbsurdLength():
            return "absurd length"
        case EndOfStream(_, raw, missing):
            unfinished = f" in {raw!r}" if raw else ""
            return f"end{unfinished}" + (f", {missing} missing" if missing else "")


class Talk(Generic[Leg]):
    """A conversation with one leg, the peer's bytes cut in one way.

    Whatever is told must also be where it says, and at the end (`over`) no byte may be missing.
    """

    def __init__(self, leg: Leg, cut: Cut, offset: int = 0) -> None:
        self.leg = leg
        self._cut = cut
        self._offset = offset
        self._heard = b""
        self._events: list[Event] = []
        self._all: list[Event] = []

    def peer(self, data: bytes, *told: str) -> None:
        """The peer sends bytes; then exactly this is told."""
        self._heard += data
        for chunk in self._cut(data):
            self.leg.receive_data(chunk)
            self._events += self.leg.events()
        self.told(*told)

    def peer_ends(self, *told: str) -> None:
        """The peer sends no more; then exactly this is told."""
        self.leg.receive_eof()
        self.told(*told)

    def told(self, *expected: str) -> None:
        """What has been received since the last time is this."""
        events = normalised([*self._events, *self.leg.events()])
        self._events = []
        assert [in_words(event) for event in events] == list(expected)
        assert_offsets_are_exact(events, self._heard, self._offset)
        self._all += events

    def we_send(self, expected: bytes) -> None:
        """We have these bytes to send, once."""
        assert self.leg.data_to_send() == expected
        assert self.leg.data_to_send() == b""

    def we_may_not(self, why: str, deed: Callable[[], object]) -> None:
        """Our own side is told off, and nothing is sent."""
        with pytest.raises(LocalProtocolError, match=why):
            deed()
        assert self.leg.data_to_send() == b""

    def over(self) -> None:
        """Nothing more is told, and every byte has been."""
        self.told()
        assert raw_of(self._all) == self._heard
