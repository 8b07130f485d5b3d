"""One side of a bridged conversation: who hears it, who says it to the other one, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, cast

from ws76proxy.bridge import Carrier, Ended, Farewell
from ws76proxy.diagnosis import Diagnosis, FrameChecks
from ws76proxy.session.bridging.legs import Leg
from ws76proxy.session.commands import Peer
from ws76proxy.wire import rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import EndOfStream, Event, FrameEvent, TextFrames, TextMessages
from ws76proxy.wire.frames import FrameDecoder

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Side"]


_Shorthand = tuple[Callable[[bytes], bytes | None], Callable[[bytes], bytes]]


class Side:
    """What one peer says, and what it has been told.

    `connection` hears the peer and says to it what the other side says; `carrier` says to the other
    side what this one says. `ended`: how it has ended; `told`: that it has been told of an end, and
    `was_closed`: by a closing handshake. `heard`: when something last came from it, or it was last
    asked for a sign of life, in session time.
    """

    def __init__(self, session: Session, peer: Peer, connection: Leg, carrier: Carrier) -> None:
        self.peer = peer
        self.connection = connection
        self.carrier = carrier
        self.traffic = session.traffic[peer]
        self.dialect: Dialect = connection.dialect
        self.modern = connection if isinstance(connection, rfc6455.EitherConnection) else None
        self.checks: FrameChecks | None = None
        if self.modern is None:
            self.checks = FrameChecks(peer.stream, self.dialect, begin=connection.frames_offset)
        self.decoder: FrameDecoder | None = None
        self.shorthand: _Shorthand | None = None
        """What takes a chunk that is one short text message, and gives its UTF-8, or None; and what
        makes of that what the other side gets."""
        self.ended: Ended | None = None
        self.told = False
        self.was_closed = False
        self.heard = session.age()
        self.unread_from: int | None = None

    def opens(self) -> None:
        """Its connection is open."""
        self.decoder = self.connection.decoder

    def takes_shorthand(self) -> None:
        """Of its messages, nobody wants more than that the other side gets them."""
        messages = None if self.modern is None else self.modern.messages
        hears = self._hears_frame if messages is None else messages.short
        says = self.carrier.shorthand()
        self.shorthand = None if says is None else (hears, says)

    def _hears_frame(self, data: bytes) -> bytes | None:
        checks, decoder = self.checks, self.decoder
        if checks is None or decoder is None or checks.is_attentive:
            return None
        return decoder.short(data)

    def burst(self, data: bytes) -> TextFrames | TextMessages | Sequence[Event]:
        """What a chunk, which has been counted, says; where that is nothing but text, at once."""
        modern = self.modern
        if modern is not None:
            events = modern.receive_messages(data)
            if len(events) == 1 and type(events[0]) is TextMessages:
                return events[0]
            return events
        checks, decoder = self.checks, self.decoder
        if checks is None or decoder is None:
            return ()
        begin = self.traffic.bytes - len(data)
        if not checks.is_attentive or not checks.must_see(data, begin):
            frames = decoder.burst(data)
            if frames is not None:
                if checks.is_attentive:
                    checks.rests_from(begin)
                return frames
        return self.connection.receive_frames(data)

    def look(self, event: Event) -> Sequence[Diagnosis]:
        """What is wrong with a frame of hixie, or with the end of its stream."""
        if self.checks is None:
            return ()
        return self.checks.look(cast("FrameEvent | EndOfStream", event))

    def look_at_begun(self) -> Sequence[Diagnosis]:
        """The same for a frame of hixie that has only begun."""
        if self.checks is None or self.decoder is None or self.decoder.awaited is None:
            return ()
        return self.checks.look_at_begun(self.decoder)

    @property
    def is_lost(self) -> bool:
        """Whether its frames cannot be made out any more."""
        return self.unread_from is not None

    @property
    def is_answering(self) -> bool:
        """Whether it speaks RFC 6455 and must answer a ping."""
        return self.modern is not None and self.ended is None and not self.told

    def asked_after(self, interval: float) -> float:
        """When it is to be asked for a sign of life."""
        return self.heard + interval if interval and self.is_answering else inf

    def says_farewell(self, farewell: Farewell) -> bytes:
        """Tell it how the session ends; the bytes for it, none where there is no such handshake."""
        self.told = True
        if self.connection.sent_close:
            return b""
        if not farewell.handshake:
            # Behind the end of our stream nothing can be said either.
            self.connection.sent_close = True
            return b""
        self.was_closed = True
        if self.modern is not None:
            self.modern.send_close(farewell.code, farewell.reason)
        else:
            self.connection.send_close()
        if self.checks is not None:
            self.checks.other_closed()
        return self.connection.data_to_send()
