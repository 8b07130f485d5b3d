"""The phase after the handshake: bytes are passed on at once, then read for whoever listens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from ws76proxy.diagnosis import FrameChecks
from ws76proxy.record import Messages
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.phase import Phase
from ws76proxy.session.telling import (
    tell_end_of_stream,
    tell_frame,
    tell_unanswered_close,
    tell_unfinished,
    tell_unread,
)
from ws76proxy.wire.connection import Connection
from ws76proxy.wire.events import (
    AbsurdLength,
    ClosingHandshake,
    EndOfStream,
    FrameEvent,
    InvalidText,
    TextFrames,
)
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, FrameDecoder

if TYPE_CHECKING:
    from ws76proxy.session.core import Session, Traffic

__all__ = ["Conversation"]


class _Direction:
    """What one peer says: who reads it, who counts it, who looks for faults."""

    __slots__ = (
        "checks",
        "closed",
        "connection",
        "decoder",
        "fast",
        "peer",
        "traffic",
        "unread_from",
    )

    def __init__(
        self, peer: Peer, connection: Connection[Any], traffic: Traffic, checks: FrameChecks
    ) -> None:
        self.peer = peer
        self.connection = connection
        self.decoder: FrameDecoder | None = None
        self.fast: FrameDecoder | None = None
        """The decoder, while nobody needs to look into plain text."""
        self.traffic = traffic
        self.checks = checks
        self.closed = False
        self.unread_from: int | None = None

    @property
    def at_rest(self) -> bool:
        """Whether no frame is on its way, as far as that can be told."""
        decoder = self.decoder
        return decoder is None or decoder.at_frame_boundary or decoder.lost or self.traffic.ended

    def unless_seen(self, data: bytes) -> FrameDecoder | None:
        """The decoder for a chunk that nobody needs to look into, if it is plain text; else None.

        The chunk has been counted.
        """
        decoder, begin = self.decoder, self.traffic.bytes - len(data)
        if decoder is None or self.checks.must_see(data, begin):
            return None
        if decoder.at_frame_boundary and self.checks.rests_from(begin):
            self.fast = decoder
        return decoder


class Conversation(Phase):
    """Passes frames on as they come and tells what they were.

    Who owns the connections may write a chunk to the other peer first and then call `look`, which
    costs less than `receive_data` and comes to the same.
    """

    def __init__(self, session: Session, client: Connection[Any], server: Connection[Any]) -> None:
        super().__init__(session)
        self._directions = {
            peer: _Direction(
                peer,
                connection,
                session.traffic[peer],
                FrameChecks(peer.stream, connection.dialect, begin=connection.frames_offset),
            )
            for peer, connection in ((Peer.CLIENT, client), (Peer.SERVER, server))
        }
        self._messages = session.options.messages

    @property
    def at_rest(self) -> bool:
        return all(one.at_rest for one in self._directions.values())

    def begin(self) -> Iterator[Command]:
        """Read what came with the handshake; it has been passed on already."""
        for direction in self._directions.values():
            held = direction.connection.trailing_data
            direction.connection.open()
            direction.decoder = direction.connection.decoder
            # An open connection has nothing but frames to tell.
            events = cast("list[FrameEvent]", direction.connection.events())
            yield from self._tell(direction, events)
            yield from tell_unread(self.session, direction, held)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        yield Send(peer.other, data)
        direction = self._directions[peer]
        yield from self._tell(direction, direction.connection.receive_frames(data))
        yield from tell_unread(self.session, direction, data)

    def look(self, peer: Peer, data: bytes) -> Messages | Iterable[Command]:
        """Read a chunk that has been passed on already; what is to be told about it.

        Of the usual chunk that is no more than `Messages`.
        """
        direction = self._directions[peer]
        traffic = direction.traffic
        traffic.bytes += len(data)
        decoder = direction.fast or direction.unless_seen(data)
        if decoder is not None:
            if not self._messages:
                # Nobody listens to messages: the usual chunk is only verified and counted.
                count = decoder.skim(data)
                if count:
                    traffic.messages += count
                    return ()
            else:
                event = decoder.burst(data)
                if event is not None:
                    told = self._told(direction, event)
                    traffic.messages += event.count
                    return told
        frames = direction.connection.receive_frames(data)
        decoder = direction.decoder
        if decoder is not None and decoder.lost:
            return chain(self._tell(direction, frames), tell_unread(self.session, direction, data))
        if not frames and (decoder is None or decoder.awaited is None):
            return ()
        return self._tell(direction, frames)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        direction = self._directions[peer]
        direction.connection.receive_eof()
        ends = cast("list[EndOfStream]", direction.connection.events())
        yield from self._tell(direction, ends)
        yield from super().receive_eof(peer, reset)
        if direction.connection.closing_handshake and not direction.closed:
            other_closed = self._directions[peer.other].closed
            yield from tell_end_of_stream(self.session, peer, reset, other_closed=other_closed)

    def timed_out(self, seconds: float) -> Iterator[Command]:
        yield from super().timed_out(seconds)
        for direction in self._directions.values():
            if direction.decoder is None or direction.traffic.ended:
                continue
            end, checks = direction.decoder.end(), direction.checks
            other_closed = self._directions[direction.peer.other].closed
            if end.raw or other_closed:
                # What was begun and never ended is what somebody may have waited for.
                yield from self.session.tell_findings(checks.look(end))
            if other_closed and not direction.closed:
                yield from tell_unanswered_close(self.session, direction.peer, seconds)

    def ending(self) -> Iterator[Command]:
        for direction in self._directions.values():
            if direction.decoder is not None and not direction.traffic.ended:
                yield from tell_unfinished(self.session, direction, direction.decoder.end())

    def shut_down(self) -> Iterator[Command]:
        for direction in self._directions.values():
            connection = direction.connection
            may_close = connection.closing_handshake and not direction.closed
            if may_close and connection.at_frame_boundary and not direction.traffic.ended:
                yield Send(direction.peer.other, CLOSING_HANDSHAKE)

    def _tell(
        self, direction: _Direction, events: Iterable[FrameEvent | EndOfStream]
    ) -> Iterator[Command]:
        for event in events:
            if type(event) is TextFrames:
                traffic = direction.traffic
                if self._messages:
                    yield Tell(self._told(direction, event))
                traffic.messages += event.count
            else:
                yield from self._tell_odd(direction, event)
            diagnoses = direction.checks.look(event)
            if diagnoses:
                yield from self.session.tell_findings(diagnoses)
        direction.fast = None if direction.checks.is_attentive else direction.decoder
        if direction.decoder is not None and direction.decoder.awaited is not None:
            begun = direction.checks.look_at_begun(direction.decoder)
            yield from self.session.tell_findings(begun)

    def _tell_odd(
        self, direction: _Direction, event: FrameEvent | EndOfStream
    ) -> Iterator[Command]:
        session, traffic = self.session, direction.traffic
        if isinstance(event, InvalidText):
            if self._messages:
                yield Tell(self._told(direction, event))
            traffic.messages += 1
        elif isinstance(event, ClosingHandshake):
            direction.closed = True
            traffic.frames += 1
            other = self._directions[direction.peer.other]
            other.checks.other_closed()
            other.fast = None
            peer = direction.peer.label
            yield from session.tell_closing(peer, "closing-handshake", "", event.offset)
        elif isinstance(event, EndOfStream):
            yield from tell_unfinished(self.session, direction, event)
        else:
            if isinstance(event, AbsurdLength):
                direction.unread_from = event.offset + len(event.raw)
            traffic.frames += 1
            if self._messages:
                yield from tell_frame(session, direction.peer, event)

    def _told(self, direction: _Direction, event: TextFrames | InvalidText) -> Messages:
        return Messages(
            self.session.number,
            self.session.age(),
            direction.peer.label,
            direction.traffic.messages + 1,
            event,
        )
