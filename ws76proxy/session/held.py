"""The conversation where messages may be changed: each is held until it has been decided."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from ws76proxy.diagnosis import FrameChecks
from ws76proxy.errors import LocalProtocolError
from ws76proxy.record import Messages
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Command, Peer, Tell
from ws76proxy.session.deciding import Deciding
from ws76proxy.session.lane import Lane
from ws76proxy.session.message import Decide, HeldMessage
from ws76proxy.session.outgoing import Outgoing
from ws76proxy.session.phase import Phase
from ws76proxy.session.telling import (
    tell_end_of_stream,
    tell_frame,
    tell_unanswered_close,
    tell_unfinished,
    tell_unread,
)
from ws76proxy.session.unsent import Unsent
from ws76proxy.wire.connection import Connection
from ws76proxy.wire.events import (
    AbsurdLength,
    ClosingHandshake,
    EndOfStream,
    FrameEvent,
    InvalidText,
    OversizedFrame,
    TextFrames,
)
from ws76proxy.wire.frames import CLOSING_HANDSHAKE, FrameDecoder, encode_text, frame_texts

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Decide", "HeldCommand", "HeldConversation", "HeldMessage"]

HeldCommand = Command | Decide


class _Stream:
    """What one peer says: who reads it, who counts it, who looks for faults, what is held."""

    def __init__(self, session: Session, peer: Peer, connection: Connection[Any]) -> None:
        self.peer = peer
        self.connection = connection
        self.traffic = session.traffic[peer]
        self.checks = FrameChecks(peer.stream, connection.dialect, begin=connection.frames_offset)
        self.unsent = Unsent()
        self.unread_from: int | None = None
        self.closed = False
        self.decoder: FrameDecoder | None = None

    @property
    def at_rest(self) -> bool:
        """Whether no frame is on its way, as far as that can be told."""
        decoder = self.decoder
        return decoder is None or decoder.at_frame_boundary or decoder.lost or self.traffic.ended

    def plain(self, data: bytes) -> TextFrames | None:
        """A chunk that is nothing but whole text frames in a stream without any oddity.

        The chunk has been counted.
        """
        begin = self.traffic.bytes - len(data)
        if self.decoder is None or self.unsent.size or self.unsent.is_passing:
            return None
        if self.checks.must_see(data, begin):
            return None
        burst = self.decoder.burst(data)
        if burst is not None:
            self.checks.rests_from(begin)
        return burst


class HeldConversation(Phase):
    """Passes each frame on when it is whole and, where it is a text message, decided.

    A message whose content was left alone leaves in its own bytes, whatever they are. A content
    that cannot be framed is refused with a finding, and the original goes on instead. All other
    frames pass as they came. What is longer than the session's `max_message` cannot be held: it
    passes unread, as does everything after a length that cannot be understood.

    Told is what came, when it came: messages before they are decided; behind a message, what was
    done to it. Who owns the connections is asked about each message where `asks_owner` is set.

    Both connections have read their handshake and nothing of what came behind has been passed on.
    `lanes` are the queues towards both peers, where something of the handshake may still wait.
    """

    def __init__(
        self,
        session: Session,
        client: Connection[Any],
        server: Connection[Any],
        *,
        asks_owner: bool = False,
        lanes: dict[Peer, Lane] | None = None,
    ) -> None:
        super().__init__(session)
        self._streams = {
            Peer.CLIENT: _Stream(session, Peer.CLIENT, client),
            Peer.SERVER: _Stream(session, Peer.SERVER, server),
        }
        self._changes = Changes(session)
        self._asks_owner = asks_owner
        self.outgoing = Outgoing(
            session,
            lanes or {peer: Lane(peer) for peer in Peer},
            self._changes,
            frame=self._frame,
            frames=lambda _to, contents: frame_texts(contents),
            closing=self._closing,
            may_insert=lambda to: not self._streams[to.other].unsent.is_passing,
        )
        self._deciding = Deciding(session, self.outgoing, self._changes, asks_owner=asks_owner)

    # How this conversation writes what it has to say itself

    def _frame(self, to: Peer, content: bytes | str) -> bytes:
        """A text message as the peer gets it; raises LocalProtocolError where that cannot be."""
        return encode_text(content)

    def _closing(self, to: Peer) -> bytes:
        """What begins the closing handshake with a peer; empty: its dialect has none, or the other
        peer has begun it."""
        stream = self._streams[to.other]
        may_close = stream.connection.closing_handshake and not stream.closed
        return CLOSING_HANDSHAKE if may_close else b""

    # What happens

    def begin(self) -> Iterator[HeldCommand]:
        """Read what came with the handshake."""
        if self.session.edits is not None:
            self.session.edits.opens()
        held = {}
        for stream in self._streams.values():
            held[stream.peer] = stream.connection.trailing_data
            stream.unsent.add(held[stream.peer])
            stream.connection.open()
            stream.decoder = stream.connection.decoder
        for stream in self._streams.values():
            yield from self._look(stream)
            yield from tell_unread(self.session, stream, held[stream.peer])
        for stream in self._streams.values():
            if stream.traffic.ended:
                # While the handshake was on its way; that has been told.
                stream.connection.receive_eof()
                yield from self._look(stream)
                yield from self._deciding.ended(stream.peer)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[HeldCommand]:  # type: ignore[override]
        stream = self._streams[peer]
        burst = stream.plain(data)
        if burst is not None:
            yield from self._hold(stream, burst)
            return
        stream.unsent.add(data)
        stream.connection.receive_data(data)
        yield from self._look(stream)
        yield from tell_unread(self.session, stream, data)

    def receive_eof(  # type: ignore[override]
        self, peer: Peer, reset: str | None = None
    ) -> Iterator[HeldCommand]:
        stream = self._streams[peer]
        stream.connection.receive_eof()
        yield from self._look(stream)
        yield from super().receive_eof(peer, reset)
        if stream.connection.closing_handshake and not stream.closed:
            other_closed = self._streams[peer.other].closed
            yield from tell_end_of_stream(self.session, peer, reset, other_closed=other_closed)
        yield from self._deciding.ended(peer)

    def lost(self, peer: Peer) -> None:
        self.outgoing.lost(peer)

    def is_holding(self, peer: Peer) -> bool:
        return self._deciding.is_holding(peer)

    @property
    def at_rest(self) -> bool:
        return all(one.at_rest for one in self._streams.values()) and not any(
            self._deciding.is_holding(peer) for peer in Peer
        )

    @property
    def due(self) -> float:
        return self.outgoing.due

    def wake(self) -> Iterator[Command]:
        yield from self._deciding.wake()

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        yield from cast("Iterator[Command]", self._deciding.awaited(ticket, error))

    def timed_out(self, seconds: float) -> Iterator[Command]:
        yield from super().timed_out(seconds)
        for stream in self._streams.values():
            if stream.decoder is None or stream.traffic.ended:
                continue
            end, other_closed = stream.decoder.end(), self._streams[stream.peer.other].closed
            if end.raw or other_closed:
                # What was begun and never ended is what somebody may have waited for.
                yield from self.session.tell_findings(stream.checks.look(end))
            if other_closed and not stream.closed and stream.connection.closing_handshake:
                yield from tell_unanswered_close(self.session, stream.peer, seconds)

    def ending(self) -> Iterator[Command]:
        for stream in self._streams.values():
            if stream.decoder is not None and not stream.traffic.ended:
                yield from tell_unfinished(self.session, stream, stream.decoder.end())
        yield from self._deciding.ending()

    def shut_down(self) -> Iterator[Command]:
        # The connections' owner is asked no more.
        yield from cast("Iterator[Command]", self._deciding.flush())
        for stream in self._streams.values():
            if stream.unsent.size:
                self.outgoing.put(stream.peer, stream.unsent.pass_on())
            if not stream.traffic.ended:
                self.outgoing.say_closing(stream.peer.other)
        yield from self.outgoing.leave()

    def inject(self, peer: Peer, content: bytes | str) -> Iterator[HeldCommand]:
        """Say something in a peer's name, by a person's wish.

        Refused with a notice where it cannot be framed, or where the stream has no place for it.
        """
        stream = self._streams[peer]
        try:
            frame = self._frame(peer.other, content)
        except LocalProtocolError as error:
            yield self._changes.notice(f"not injected: {error}")
            return
        if stream.unsent.is_passing:
            yield self._changes.notice(f"not injected: a frame of the {peer.label} is passing")
        elif stream.closed:
            yield self._changes.notice(f"not injected: the {peer.label} has sent FF 00")
        else:
            yield from self._deciding.message(HeldMessage(peer, frame, 0, injected=True))

    def release(self, peer: Peer) -> Iterator[Command]:
        """Let go of a frame of this peer that will not become whole: nobody waits for it."""
        rest = self._streams[peer].unsent.pass_on()
        if rest:
            yield from self._deciding.pass_on(peer, rest)

    @property
    def closed(self) -> frozenset[Peer]:
        """Who has sent the closing handshake."""
        return frozenset(peer for peer, stream in self._streams.items() if stream.closed)

    def answer(
        self, number: int, content: bytes | None = None, *, drop: bool = False
    ) -> Iterator[Command] | None:
        """A person has decided about a message that waits, see `Outgoing.answer`."""
        answered = self.outgoing.answer(number, content, drop=drop)
        return None if answered is None else chain(answered, self._deciding.go())

    # What was read

    def _look(self, stream: _Stream) -> Iterator[HeldCommand]:
        # An open connection has nothing but frames, and their end, to tell.
        events = cast("list[FrameEvent | EndOfStream]", stream.connection.events())
        for number, event in enumerate(events, 1):
            # What came in one piece leaves in one, if it can.
            self._deciding.gathers = number < len(events) and not self._asks_owner
            if isinstance(event, TextFrames | InvalidText):
                stream.unsent.take(len(event.raw))
                yield from self._hold(stream, event)
            else:
                yield from self._pass(stream, event)
            diagnoses = stream.checks.look(event)
            if diagnoses:
                yield from self.session.tell_findings(diagnoses)
        decoder = stream.connection.decoder
        if decoder is not None and decoder.awaited is not None:
            yield from self.session.tell_findings(stream.checks.look_at_begun(decoder))
        unsent = stream.unsent
        if unsent.size > self.session.options.max_message or (unsent.size and unsent.is_passing):
            yield from self._deciding.pass_on(stream.peer, unsent.pass_on())

    def _hold(self, stream: _Stream, event: TextFrames | InvalidText) -> Iterator[HeldCommand]:
        first = stream.traffic.messages + 1
        stream.traffic.messages += event.count
        told = self._tell_messages(stream.peer, first, event)
        yield from self._deciding.texts(stream.peer, event, first, told)

    def _tell_messages(
        self, peer: Peer, first: int, event: TextFrames | InvalidText
    ) -> Iterator[Command]:
        session = self.session
        if session.options.messages:
            yield Tell(Messages(session.number, session.now(), peer.label, first, event))

    def _pass(self, stream: _Stream, event: FrameEvent | EndOfStream) -> Iterator[Command]:
        session, peer, unsent = self.session, stream.peer, stream.unsent
        if isinstance(event, EndOfStream):
            rest = unsent.take_all()
            if rest:
                yield from self._deciding.pass_on(peer, rest)
            yield from tell_unfinished(self.session, stream, event)
            return
        size = event.size if isinstance(event, OversizedFrame) else len(event.raw)
        if isinstance(event, AbsurdLength):
            unsent.is_lost = True
            stream.unread_from = event.offset + len(event.raw)
            yield from self._deciding.pass_on(peer, unsent.take_all())
        elif isinstance(event, ClosingHandshake):
            yield from self._deciding.pass_closing(peer, unsent.take(size))
        else:
            yield from self._deciding.pass_on(peer, unsent.take(size))
        stream.traffic.frames += 1
        if isinstance(event, ClosingHandshake):
            stream.closed = True
            self._streams[peer.other].checks.other_closed()
            yield from session.tell_closing(peer.label, "closing-handshake", "", event.offset)
        elif session.options.messages:
            yield from tell_frame(session, peer, event)
