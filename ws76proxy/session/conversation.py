"""The phase after the handshake: bytes are passed on at once, then read for whoever listens."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from ws76proxy.diagnosis import FrameChecks, found
from ws76proxy.record import FrameRecord, Messages
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.phase import Phase
from ws76proxy.wire.connection import Connection
from ws76proxy.wire.events import (
    ClosingHandshake,
    EndOfStream,
    FrameEvent,
    InvalidText,
    OversizedFrame,
    TextFrames,
)
from ws76proxy.wire.frames import CLOSING_HANDSHAKE

if TYPE_CHECKING:
    from ws76proxy.session.core import Session, Traffic

__all__ = ["Conversation"]


class _Direction:
    """What one peer says: who reads it, who counts it, who looks for faults."""

    __slots__ = ("checks", "closed", "connection", "peer", "traffic")

    def __init__(
        self, peer: Peer, connection: Connection[Any], traffic: Traffic, checks: FrameChecks
    ) -> None:
        self.peer = peer
        self.connection = connection
        self.traffic = traffic
        self.checks = checks
        self.closed = False


class Conversation(Phase):
    """Passes frames on as they come and tells what they were."""

    def __init__(self, session: Session, client: Connection[Any], server: Connection[Any]) -> None:
        super().__init__(session)
        self._directions = {
            peer: _Direction(
                peer,
                connection,
                session.traffic[peer],
                FrameChecks(peer.stream, connection.dialect),
            )
            for peer, connection in ((Peer.CLIENT, client), (Peer.SERVER, server))
        }
        self._messages = session.options.messages

    def begin(self) -> Iterator[Command]:
        """Read what came with the handshake; it has been passed on already."""
        for direction in self._directions.values():
            direction.connection.open()
            yield from self._look(direction)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        yield Send(peer.other, data)
        direction = self._directions[peer]
        direction.connection.receive_data(data)
        yield from self._look(direction)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        direction = self._directions[peer]
        direction.connection.receive_eof()
        yield from self._look(direction)
        yield from super().receive_eof(peer, reset)
        other = self._directions[peer.other]
        if direction.connection.closing_handshake and not direction.closed:
            if other.closed:
                code = "close-unanswered"
                detail = f"the {peer.label} ended its stream instead of answering FF 00"
                yield from self.session.tell_findings([found(code, detail, stream=peer.stream)])
            elif reset is None:
                code = "closed-without-handshake"
                detail = f"the {peer.label} ended its stream without FF 00"
                yield from self.session.tell_findings([found(code, detail, stream=peer.stream)])

    def shut_down(self) -> Iterator[Command]:
        for direction in self._directions.values():
            connection = direction.connection
            may_close = connection.closing_handshake and not direction.closed
            if may_close and connection.at_frame_boundary and not direction.traffic.ended:
                yield Send(direction.peer.other, CLOSING_HANDSHAKE)

    def _look(self, direction: _Direction) -> Iterator[Command]:
        # An open connection has nothing but frames, and their end, to tell.
        events = cast("list[FrameEvent | EndOfStream]", direction.connection.events())
        for event in events:
            if type(event) is TextFrames:
                traffic = direction.traffic
                if self._messages:
                    yield Tell(self._told(direction, event))
                traffic.messages += event.count
            else:
                yield from self._look_at_odd(direction, event)
            diagnoses = direction.checks.look(event)
            if diagnoses:
                yield from self.session.tell_findings(diagnoses)

    def _look_at_odd(
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
            yield from session.tell_closing(direction.peer.label, "closing-handshake", "")
        elif not isinstance(event, EndOfStream):
            traffic.frames += 1
            if self._messages:
                yield Tell(self._frame(direction, event))

    def _told(self, direction: _Direction, event: TextFrames | InvalidText) -> Messages:
        return Messages(
            self.session.number,
            self.session.now(),
            direction.peer.label,
            direction.traffic.messages + 1,
            event,
        )

    def _frame(self, direction: _Direction, event: FrameEvent) -> FrameRecord:
        return FrameRecord(
            session=self.session.number,
            time=self.session.now(),
            direction=direction.peer.label,
            frame_type=event.raw[0],
            offset=event.offset,
            size=event.size if isinstance(event, OversizedFrame) else len(event.raw),
            raw=base64.b64encode(event.raw).decode(),
            whole=not isinstance(event, OversizedFrame),
        )
