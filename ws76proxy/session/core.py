"""The session itself: which phase a connection is in, and what all phases share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import inf

from ws76proxy.bridge import lacks_dialect
from ws76proxy.diagnosis import Diagnosis, HandshakeHistory, Severity, found
from ws76proxy.record import (
    SCHEMA_VERSION,
    ClosingRecord,
    Counts,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
    Verdict,
    finding_record,
)
from ws76proxy.session.arrival import Arrival
from ws76proxy.session.bridging import DialectMemory
from ws76proxy.session.bridging.conversation import BridgedConversation
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.session.commands import (
    NOBODY_WAITS,
    Close,
    Command,
    Connect,
    Peer,
    Reconnect,
    Reset,
    Send,
    SendEof,
    Tell,
)
from ws76proxy.session.conversation import Conversation
from ws76proxy.session.edits import ClosingHow, Editing, SessionEdits, Who
from ws76proxy.session.held import HeldConversation
from ws76proxy.session.options import SessionOptions
from ws76proxy.session.outgoing import HeldView
from ws76proxy.session.phase import Outcome, Phase, Unread
from ws76proxy.session.telling import tell_bytes
from ws76proxy.session.untold import Untold
from ws76proxy.wire.challenge import RandomBelow
from ws76proxy.wire.connection import plain_response
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import ResponseHead

__all__ = ["Session", "Traffic"]

_HOLDS = (HeldConversation, DecidedBridge)
"""The phases in which messages may wait for a person."""


class Traffic:
    """What one peer has sent."""

    __slots__ = ("bytes", "ended", "frames", "messages")

    def __init__(self) -> None:
        self.bytes = 0
        self.messages = 0
        self.frames = 0
        self.ended = False

    def counts(self) -> Counts:
        """The figures as they are told."""
        return Counts(bytes=self.bytes, messages=self.messages, frames=self.frames)


class Session:
    """One client's connection, and the connection to the server that is made for it.

    Feed it what happens (`receive_data`, `receive_eof`, `connection_lost`, `connected`,
    `connect_failed`, `timed_out`, `shut_down`) and carry out the commands, each before the next is
    taken: what must leave first comes first, what is told about it comes after. `clock` gives
    seconds and never jumps; `random_below` is asked only for a challenge of our own. `history` is
    what the sessions with one server share: with it a wrong digest is judged beside all others.
    `editing` is who may change what passes. `dialects` is what servers are known to speak.
    """

    def __init__(
        self,
        number: int,
        options: SessionOptions,
        *,
        client: str,
        started: str,
        clock: Callable[[], float],
        random_below: RandomBelow,
        history: HandshakeHistory | None = None,
        editing: Editing | None = None,
        dialects: DialectMemory | None = None,
    ) -> None:
        self.number = number
        self.options = options
        self.random_below = random_below
        self.history = history
        self.dialects = dialects
        self.traffic = {Peer.CLIENT: Traffic(), Peer.SERVER: Traffic()}
        self.dialect = ""
        self.server_dialect: str | None = None
        """What the server is asked in, where that is another."""
        self.outcome: Outcome = "nothing"
        self.verdict: Verdict | None = None
        self.wants_server = False
        self.is_connected = False
        self.ended = False
        self.is_closing = False
        """Whether one of the peers has ended though its connection has not."""
        self.lost = set[Peer]()
        """Whose connections are gone."""
        self._tickets = NOBODY_WAITS
        self._finished: set[Peer] = set()
        self._reset: set[Peer] = set()
        self.edits = None if editing is None else SessionEdits(self, editing, client)
        self._client = client
        self._started = started
        self._clock = clock
        self._begin = clock()
        self._for_server: list[bytes] = []
        self._codes: dict[str, None] = {}
        self._how_closed: tuple[Who, ClosingHow] = ("relay", "shutdown")
        self.untold = Untold() if options.lossless else None
        self.phase: Phase = Arrival(self)
        self.conversation: Conversation | None = None
        self.bridge: BridgedConversation | None = None

    # What happens to it

    def start(self) -> Iterator[Command]:
        """The client has connected."""
        yield Tell(
            SessionStartRecord(
                session=self.number,
                time=0.0,
                version=SCHEMA_VERSION,
                started=self._started,
                client=self._client,
                listener=str(self.options.listener),
                upstream=str(self.options.upstream),
            )
        )

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        """Bytes have come from a peer."""
        if self.ended:
            return iter(())
        traffic = self.traffic[peer]
        traffic.bytes += len(data)
        if self.untold is not None and self.phase.unread is not Unread.FRAMES:
            offset = traffic.bytes - len(data)
            commands = self._receive_losslessly(self.untold, peer, offset, data)
        else:
            commands = self.phase.receive_data(peer, data)
        return commands if self.edits is None else self._with_ends(commands)

    def _with_ends(self, commands: Iterable[Command]) -> Iterator[Command]:
        """Where things wait: behind what happens, whoever has ended, and of whom all has left by
        now, has ended for the other one too."""
        yield from commands
        for peer in Peer:
            if self.traffic[peer].ended:
                yield from self.pass_end(peer)

    def _receive_losslessly(
        self, untold: Untold, peer: Peer, offset: int, data: bytes
    ) -> Iterator[Command]:
        """The same, and tell the piece that came and what no other record will hold."""
        before = self.phase.unread
        if before is Unread.NOTHING_READ:
            yield from self.phase.receive_data(peer, data)
            yield from tell_bytes(self, peer, offset, data)
            return
        if before is Unread.HANDSHAKE or peer is Peer.CLIENT:
            untold.received(peer, offset, data)
        yield from self.phase.receive_data(peer, data)
        if self.ended:
            return
        after = self.phase.unread
        if Unread.HANDSHAKE in (before, after) or (after is Unread.REQUEST and untold.has(peer)):
            yield Tell(
                SegmentRecord(
                    session=self.number,
                    time=self.now(),
                    direction=peer.label,
                    offset=offset,
                    size=len(data),
                )
            )
        if after is Unread.NOTHING_READ:
            yield from self._tell_untold(untold)
        elif after in (Unread.FRAMES, Unread.HTTP):
            untold.clear()

    def _tell_untold(self, untold: Untold) -> Iterator[Command]:
        for peer, offset, data, of in untold.take():
            yield from tell_bytes(self, peer, offset, data, of)

    def receive_eof(self, peer: Peer) -> Iterator[Command]:
        """A peer will send no more; the other is told, and may go on."""
        traffic = self.traffic[peer]
        if traffic.ended or self.ended:
            return
        traffic.ended = True
        yield from self.phase.receive_eof(peer)
        yield from self.pass_end(peer)

    def pass_end(self, peer: Peer) -> Iterator[Command]:
        """Tell the other peer that this one has ended, once all that it said has left."""
        if self.ended or self.phase.is_holding(peer):
            return
        if self.lost:
            # What somebody has said who is gone still leaves.
            if not any(self.phase.is_holding(lost) for lost in self.lost):
                yield from self.end()
        elif self.traffic[peer.other].ended and not self.phase.is_holding(peer.other):
            yield from self.end()
        elif peer is Peer.SERVER or self.is_connected:
            yield from self.finish(peer.other)
        elif not self.wants_server:
            yield from self.end()

    def finish(self, peer: Peer) -> Iterator[Command]:
        """Tell a peer that no more will come, once; a server, when there is a connection."""
        if peer not in self._finished:
            self._finished.add(peer)
            if peer is Peer.CLIENT or self.is_connected:
                yield SendEof(peer)

    def reset(self, peer: Peer) -> Iterator[Command]:
        """Drop the connection to a peer, once; to a server, when there is one."""
        if peer not in self._reset:
            self._reset.add(peer)
            self._finished.add(peer)
            if peer is Peer.CLIENT or self.is_connected:
                yield Reset(peer)

    def is_reset(self, peer: Peer) -> bool:
        """Whether the connection to a peer is gone, or about to be."""
        return peer in self._reset or peer in self.lost

    def hears(self, peer: Peer) -> bool:
        """Whether something can still be said to a peer."""
        return peer not in self._finished and peer not in self.lost

    def connection_lost(self, peer: Peer, reason: str | None) -> Iterator[Command]:
        """The connection to a peer is gone; `reason` says why where it was not closed in order."""
        if self.ended:
            return
        traffic = self.traffic[peer]
        self.lost.add(peer)
        self.phase.lost(peer)
        if not traffic.ended:
            traffic.ended = True
            yield from self.phase.receive_eof(peer, reason)
        elif reason is not None:
            yield from self.tell_closing(peer.label, "reset", reason)
        if reason is not None:
            yield from self.tell_findings(
                [found("connection-reset", f"{peer.label}: {reason}", stream=peer.stream)]
            )
        if peer.other in self.lost or not self.phase.is_holding(peer):
            yield from self.end()

    def connected(self) -> Iterator[Command]:
        """The connection to the server is open."""
        if self.ended:
            return
        self.is_connected = True
        waiting, self._for_server = self._for_server, []
        if waiting:
            yield Send(Peer.SERVER, b"".join(waiting))
        if Peer.SERVER in self._reset:
            yield Reset(Peer.SERVER)
        elif Peer.SERVER in self._finished:
            yield SendEof(Peer.SERVER)
        elif self.traffic[Peer.CLIENT].ended and not self.phase.is_holding(Peer.CLIENT):
            yield from self.finish(Peer.SERVER)

    def connect_failed(self, reason: str, code: str = "upstream-unreachable") -> Iterator[Command]:
        """There is no connection to the server; the client is told why."""
        if self.ended:
            return
        self.outcome = "failed"
        detail = f"{self.options.upstream}: {reason}"
        if self.hears(Peer.CLIENT):
            yield Send(Peer.CLIENT, plain_response(502, "Bad Gateway", f"{detail}\n"))
        yield from self.tell_findings([found(code, detail)])
        yield from self.end()

    def timed_out(self, seconds: float) -> Iterator[Command]:
        """The handshake's time, or the idle time, is over."""
        if self.ended:
            return
        yield from self.phase.timed_out(seconds)
        yield from self.end()

    def refuse(self, code: str, detail: str) -> Iterator[Command]:
        """The owner of the connections will not serve this client: say which finding it is."""
        if self.ended:
            return
        self.outcome = "refused"
        yield from self.tell_findings([found(code, detail, stream=Peer.CLIENT.stream)])
        yield from self.end()

    def shut_down(self) -> Iterator[Command]:
        """The relay stops: close in order."""
        if self.ended:
            return
        yield from self.phase.shut_down()
        yield from self.tell_closing("relay", "shutdown", "")
        yield from self.end()

    @property
    def due(self) -> float:
        """When `wake` is wanted, in seconds since the session began; infinity: never."""
        return inf if self.ended else self.phase.due

    @property
    def holds_until(self) -> float:
        """When the next of what is held back on purpose may leave; infinity: there is none."""
        return inf if self.ended else self.phase.holds_until

    def wake(self) -> Iterator[Command]:
        """The time that `due` named has come."""
        return iter(()) if self.ended else self._with_ends(self.phase.wake())

    def awaited(self, ticket: int, error: BaseException | None = None) -> Iterator[Command]:
        """What `Await` asked for is done; `error` says why where it failed."""
        return iter(()) if self.ended else self._with_ends(self.phase.awaited(ticket, error))

    def held(self) -> list[HeldView]:
        """The messages that wait for a person, the oldest first."""
        phase = self.phase
        return phase.outgoing.held if isinstance(phase, _HOLDS) else []

    def answer_held(
        self, number: int, content: bytes | None, *, drop: bool
    ) -> Iterator[Command] | None:
        """A person has decided, see `Outgoing.answer`."""
        phase = self.phase
        if self.ended or not isinstance(phase, _HOLDS):
            return None
        answered = phase.answer(number, content, drop=drop)
        return None if answered is None else self._with_ends(answered)

    @property
    def handshaking_since(self) -> float | None:
        """When the handshake (or request head) that is still on its way began; None: there is
        none. In seconds since the session began."""
        return self.phase.handshaking_since

    @property
    def half_closed(self) -> bool:
        """Whether one of the peers has ended its side."""
        return self.is_closing or any(traffic.ended for traffic in self.traffic.values())

    @property
    def at_rest(self) -> bool:
        """Whether an end would cut nothing that is on its way."""
        return self.phase.at_rest

    # For the phases

    def ticket(self) -> int:
        """The name of something that is awaited: each only once in a session."""
        self._tickets += 1
        return self._tickets

    def enter(self, phase: Phase) -> None:
        """Hand what comes from now on to another phase."""
        self.phase = phase
        self.conversation = phase if isinstance(phase, Conversation) else None
        self.bridge = phase if type(phase) is BridgedConversation else None

    def now(self) -> float:
        """Seconds since the session began, to the microsecond."""
        return round(self._clock() - self._begin, 6)

    def age(self) -> float:
        """The same, as exact as the clock is."""
        return self._clock() - self._begin

    def to_server(self, data: bytes) -> Iterator[Command]:
        """Send to the server, connecting first where that has not been done."""
        if self.is_connected:
            yield Send(Peer.SERVER, data)
            return
        if data:
            self._for_server.append(data)
        if not self.wants_server:
            self.wants_server = True
            yield Connect()

    def reconnect(self) -> Iterator[Command]:
        """Begin anew with the server, on another connection."""
        self.is_connected = False
        self.traffic[Peer.SERVER].ended = False
        for peers in (self.lost, self._finished, self._reset):
            peers.discard(Peer.SERVER)
        yield Reconnect()

    def doubt_dialect(self, dialect: Dialect, answer: ResponseHead | None, size: int = 0) -> None:
        """A server that was believed to speak this has not opened the session: what shows that it
        speaks another one makes the next session look for it. As for `lacks_dialect`."""
        if self.options.server_dialect != "auto" or self.dialects is None:
            return
        if lacks_dialect(dialect, answer, size=size):
            self.dialects.forget(str(self.options.upstream))

    def answer(self, status: int, reason: str, text: str) -> Iterator[Command]:
        """Answer the client for the server, where nothing of the server's has been passed on."""
        may_answer = self.phase.may_answer and self.hears(Peer.CLIENT)
        if may_answer and not self.traffic[Peer.SERVER].ended:
            yield Send(Peer.CLIENT, plain_response(status, reason, text))

    def tell_findings(self, diagnoses: Iterable[Diagnosis]) -> Iterator[Command]:
        """Tell what was diagnosed."""
        for diagnosis in diagnoses:
            if diagnosis.finding.severity is not Severity.GOOD:
                self._codes[diagnosis.finding.code] = None
            elif not self.options.good_findings:
                continue
            yield Tell(finding_record(self.number, self.now(), diagnosis))

    def tell_closing(
        self,
        by: Who,
        how: ClosingHow,
        detail: str,
        offset: int | None = None,
    ) -> Iterator[Command]:
        """Tell a step of the end; `offset`: where FF 00 stands in that peer's stream."""
        self._how_closed = (by, how)
        record = ClosingRecord(
            session=self.number, time=self.now(), by=by, how=how, detail=detail, offset=offset
        )
        yield Tell(record)

    def end(self) -> Iterator[Command]:
        """Close both connections and sum up, once."""
        if self.ended:
            return
        self.ended = True
        self.conversation = self.bridge = None
        yield Close(Peer.CLIENT)
        if self.wants_server:
            yield Close(Peer.SERVER)
        yield from self.phase.ending()
        if self.edits is not None:
            yield from self.edits.close(*self._how_closed)
        if self.untold is not None:
            yield from self._tell_untold(self.untold)
        yield Tell(
            SessionEndRecord(
                session=self.number,
                time=self.now(),
                dialect=self.dialect,
                outcome=self.outcome,
                verdict=self.verdict,
                client=self.traffic[Peer.CLIENT].counts(),
                server=self.traffic[Peer.SERVER].counts(),
                findings=list(self._codes),
                server_dialect=self.server_dialect,
            )
        )
