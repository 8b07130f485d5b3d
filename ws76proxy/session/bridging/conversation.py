"""The conversation of two sides with a connection each: what one says is said to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, cast

from ws76proxy.bridge import Carrier, Ended, farewell
from ws76proxy.diagnosis import Diagnosis
from ws76proxy.record import Messages
from ws76proxy.session.bridging.legs import Leg
from ws76proxy.session.bridging.side import Side
from ws76proxy.session.bridging.telling import tell_event
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.phase import Phase
from ws76proxy.session.telling import tell_end_of_stream, tell_unanswered_close, tell_unread
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import Event, TextFrames, TextMessages

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["BridgedConversation"]


class BridgedConversation(Phase):
    """Says to each side, in its dialect, what the other one says.

    What cannot be said is told. Pings are answered here, and where the user wants it asked. When
    one side has ended, the other is told in its way; once both have, or the second has had its
    time, the first gets its answer, and the session is over.
    """

    def __init__(self, session: Session, client: Leg, server: Leg, *, base64: bool = False) -> None:
        """Both connections are open; `base64` as for `Carrier`."""
        super().__init__(session)
        binary = session.options.bridge.binary
        legs = {Peer.CLIENT: client, Peer.SERVER: server}
        self._sides = {
            peer: Side(
                session,
                peer,
                leg,
                Carrier(
                    legs[peer.other],
                    came=leg.dialect,
                    speaker=peer.label,
                    binary=binary,
                    base64=base64,
                ),
            )
            for peer, leg in legs.items()
        }
        self.first_end: Ended | None = None
        """How the side has ended that was the first to end."""
        self._messages = session.options.messages
        self._ping_interval = session.options.ping_interval

    # What happens

    def begin(self) -> Iterator[Command]:
        """Read what came with the handshake."""
        # Nobody wants to know of each message that it has come, or when.
        is_unwatched = not self._messages and not self._ping_interval
        for side in self._sides.values():
            side.opens()
            if is_unwatched:
                side.takes_shorthand()
        for side in self._sides.values():
            events = side.connection.events()
            if events and not self.session.ended:
                yield from self._heard(side, events)

    @property
    def at_rest(self) -> bool:
        return all(
            side.ended is not None or side.connection.at_frame_boundary
            for side in self._sides.values()
        )

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        side = self._sides[peer]
        if self._ping_interval:
            side.heard = self.session.age()
        return self._received(side, data)

    def _received(self, side: Side, data: bytes) -> Iterator[Command]:
        """A chunk, which has been counted."""
        if side.is_lost:
            yield from tell_unread(self.session, side, data)
            return
        heard = side.burst(data)
        if not isinstance(heard, TextFrames | TextMessages):
            yield from self._events(side, heard, data)
        elif side.ended is None:
            yield from self._texts(side, heard)
        else:
            yield from self._heard(side, [heard])

    def _events(self, side: Side, heard: Sequence[Event], data: bytes) -> Iterator[Command]:
        """What else a chunk says."""
        yield from self._heard(side, heard)
        yield from tell_unread(self.session, side, data)

    def short(self, peer: Peer, data: bytes) -> bytes | None:
        """The same for a chunk that is one short text message, of which nobody wants to know more:
        what is to be written to the other peer. Any other chunk is not taken: it is to `cross`."""
        side = self._sides[peer]
        shorthand = side.shorthand
        if shorthand is None or side.ended is not None or side.carrier.to.sent_close:
            return None
        hears, says = shorthand
        text = hears(data)
        if text is None:
            return None
        traffic = side.traffic
        traffic.bytes += len(data)
        traffic.messages += 1
        return says(text)

    def cross(self, peer: Peer, data: bytes) -> tuple[bytes, Messages | None] | Iterator[Command]:
        """The same, for who owns the connections and is in a hurry.

        Of the usual chunk, nothing but text, that is what is to be written to the other peer, and
        then told; of any other, commands to carry out.
        """
        side = self._sides[peer]
        side.traffic.bytes += len(data)
        if self._ping_interval:
            side.heard = self.session.age()
        if side.ended is not None:
            return self._received(side, data)
        heard = side.burst(data)
        if type(heard) is not TextMessages and type(heard) is not TextFrames:
            return self._events(side, cast("Sequence[Event]", heard), data)
        said = side.carrier.texts(heard)
        if said is None:
            return self._texts(side, heard)
        first = side.traffic.messages + 1
        side.traffic.messages += heard.count
        if not self._messages:
            return said, None
        session = self.session
        return said, Messages(session.number, session.age(), peer.label, first, heard)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        yield from super().receive_eof(peer, reset)
        yield from self.ended(peer, reset)

    def ended(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        """A peer will say no more; that has been told."""
        session, side = self.session, self._sides[peer]
        # Whoever was told of the end without FF 00 owes none.
        owes = side.was_closed or not side.told
        if side.dialect is Dialect.HIXIE_76 and owes and not side.connection.received_close:
            told = side.was_closed
            yield from tell_end_of_stream(session, peer, reset, other_closed=told)
        side.connection.receive_eof()
        events = side.connection.events()
        if reset is not None and side.ended is None:
            yield from self._tell(side, events)
            yield from self._lost(side, Ended(peer.label, side.dialect, "lost"))
        else:
            yield from self._heard(side, events)

    def is_holding(self, peer: Peer) -> bool:
        # Who is told of an end, and when, is said here.
        return peer not in self.session.lost

    @property
    def due(self) -> float:
        if not self._ping_interval:
            return inf
        return min(side.asked_after(self._ping_interval) for side in self._sides.values())

    @property
    def holds_until(self) -> float:
        return inf

    def wake(self) -> Iterator[Command]:
        now = self.session.age()
        for side in self._sides.values():
            if side.asked_after(self._ping_interval) <= now and side.modern is not None:
                side.heard = now
                side.modern.send_ping()
                yield from self._back(side)

    def timed_out(self, seconds: float) -> Iterator[Command]:
        yield from super().timed_out(seconds)
        for side in self._sides.values():
            if side.traffic.ended:
                continue
            if side.decoder is not None:
                end = side.decoder.end()
                if end.raw or side.told:
                    # What was begun and never ended is what somebody may have waited for.
                    yield from self.session.tell_findings(side.look(end))
            waited = side.was_closed and side.ended is None
            if waited and side.dialect is Dialect.HIXIE_76:
                yield from tell_unanswered_close(self.session, side.peer, seconds)
        yield from self._leave()

    def shut_down(self) -> Iterator[Command]:
        yield from self._leave()

    def ending(self) -> Iterator[Command]:
        for side in self._sides.values():
            if side.decoder is not None and not side.traffic.ended:
                yield from tell_event(self.session, side, side.decoder.end())

    # What a side says

    def _texts(self, side: Side, heard: TextFrames | TextMessages) -> Iterator[Command]:
        """Nothing but text, as nearly all traffic is."""
        diagnoses, _ = side.carrier.carry(heard)
        other = self._sides[side.peer.other]
        said = other.connection.data_to_send()
        if said and self.session.hears(other.peer):
            yield Send(other.peer, said)
        traffic = side.traffic
        first = traffic.messages + 1
        traffic.messages += heard.count
        if self._messages:
            session = self.session
            yield Tell(Messages(session.number, session.age(), side.peer.label, first, heard))
        if diagnoses:
            yield from self.session.tell_findings(diagnoses)

    def _heard(self, side: Side, events: Sequence[Event]) -> Iterator[Command]:
        """Say it to the other side, then tell what it was."""
        diagnoses: list[Sequence[Diagnosis]] = []
        ended: Ended | None = None
        for event in events:
            found: Sequence[Diagnosis] = ()
            if side.ended is None and ended is None:
                found, ended = side.carrier.carry(event)
            diagnoses.append(found)
        yield from self._back(side)
        yield from self._back(self._sides[side.peer.other])
        for event, found in zip(events, diagnoses, strict=True):
            yield from self._tell(side, [event])
            if found:
                yield from self.session.tell_findings(found)
        yield from self.session.tell_findings(side.look_at_begun())
        if ended is not None:
            yield from self._has_ended(side, ended)

    def _tell(self, side: Side, events: Sequence[Event]) -> Iterator[Command]:
        for event in events:
            yield from tell_event(self.session, side, event)
            yield from self.session.tell_findings(side.look(event))

    def _back(self, side: Side) -> Iterator[Command]:
        """What a side's own connection has to say leaves at once."""
        said = side.connection.data_to_send()
        if said and self.session.hears(side.peer):
            yield Send(side.peer, said)

    # How it ends

    def _has_ended(self, side: Side, ended: Ended) -> Iterator[Command]:
        """One side has ended: the other is told, or has ended before, and then it is over."""
        session, other = self.session, self._sides[side.peer.other]
        if side.ended is not None:
            return
        side.ended = ended
        self.first_end = self.first_end or ended
        session.is_closing = True
        if ended.how == "fault":
            # It waits for nobody: its connection is failed (RFC 6455, 7.1.7).
            yield from self._farewell(side, ended, itself=True)
        if other.ended is None:
            yield from self._farewell(other, ended)
        else:
            yield from self._leave()
            yield from session.end()

    def _lost(self, side: Side, ended: Ended) -> Iterator[Command]:
        """The connection to a side is gone."""
        yield from self._has_ended(side, ended)

    def _farewell(self, side: Side, ended: Ended, *, itself: bool = False) -> Iterator[Command]:
        """Tell a side, once, how the session ends."""
        session = self.session
        if side.told or not session.hears(side.peer):
            return
        told = farewell(ended, side.dialect, itself=itself)
        said = side.says_farewell(told)
        if said:
            yield Send(side.peer, said)
        if not said or (ended.how == "fault" and itself) or self._is_deaf_to_closing(side):
            yield from session.finish(side.peer)
        if told.diagnosis is not None:
            yield from session.tell_findings([told.diagnosis])

    @staticmethod
    def _is_deaf_to_closing(side: Side) -> bool:
        """Whether a side may take no notice of its closing handshake.

        QtWebKit neither answers FF 00 nor closes; like the server that it is meant for, we end the
        stream behind it. A client that knows better can answer still.
        """
        return side.peer is Peer.CLIENT and side.dialect is Dialect.HIXIE_76

    def _leave(self) -> Iterator[Command]:
        """The session is about to be closed: each side that has not been told of it is told now."""
        for side in self._sides.values():
            ended = side.ended or self._sides[side.peer.other].ended
            if ended is None:
                ended = Ended("relay", side.dialect, "relay")
            yield from self._farewell(side, ended, itself=ended is side.ended)
