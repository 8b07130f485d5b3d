"""The phase between a hixie client's request and its passing on: rules and scripts look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ws76proxy.rules.decisions import Closing, HeadChange, RequestDecision, ResponseDecision
from ws76proxy.session.adjust import Adjustment, adjust_request
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Await, Command, Peer
from ws76proxy.session.edits import SessionEdits
from ws76proxy.session.handshaking import Handshaking
from ws76proxy.session.lane import Entry
from ws76proxy.session.queues import Queues
from ws76proxy.session.telling import tell_adjustments, tell_request
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Asked", "Asking", "by_rule", "tell_notes"]


@dataclass(slots=True)
class Asked:
    """A request as it is to go on, what was changed of it, how it is to leave, and what follows."""

    went: RequestHead
    queues: Queues
    changes: list[Adjustment] = field(default_factory=list)
    key3_bytes: int | None = None
    closing: Closing | None = None


def by_rule(change: HeadChange) -> Adjustment:
    """A rule's change of a head, as it is told."""
    return Adjustment(change.what, change.before, change.after, "rule", f"rule {change.rule!r}")


def tell_notes(
    changes: Changes, peer: Peer, decision: RequestDecision | ResponseDecision
) -> Iterator[Command]:
    """Tell what rules did to a head's way, and how they marked the session."""
    for rule, deed, _before, _after, detail in decision.notes:
        yield changes.told("rule", rule, deed, peer=peer, detail=detail)


NextOpening = Callable[[Asked, bytes], Iterator[Command]]
"""Enters the opening handshake of such a request, with what the client has sent behind its head."""


class Asking(Handshaking):
    """Has the request decided; what comes meanwhile waits."""

    def __init__(
        self,
        session: Session,
        edits: SessionEdits,
        dialect: Dialect,
        head: RequestHead,
        offset: int,
        since: float | None,
        next_opening: NextOpening,
    ) -> None:
        super().__init__(session, dialect, head, offset, since)
        self._edits = edits
        self._next_opening = next_opening
        self._behind = b""
        self._ticket = 0
        self._changes = Changes(session)
        self._queues = Queues(session, self._changes)
        self._asked = Asked(head, self._queues)
        self._decision: RequestDecision | None = None
        self._is_answered = False
        self._is_told = False
        self._has_ended = False
        """The client will say no more, and that has not been told."""

    @property
    def may_answer(self) -> bool:
        """Nothing has been said to the client."""
        return not self._is_answered

    def begin(self, excess: bytes) -> Iterator[Command]:
        """The client's head is whole, and `excess` came behind it."""
        self._behind = excess
        edits, asked, session = self._edits, self._asked, self.session
        edits.begin(self._dialect, self._came)
        asked.went, asked.changes = adjust_request(self._came, session.options)
        decision = self._decision = edits.decide_request(asked.went)
        if decision is not None:
            asked.went = decision.head
            asked.key3_bytes = decision.key3_bytes
            asked.changes += [by_rule(change) for change in decision.changes]
        awaitable = edits.script_request(asked.went)
        if awaitable is None:
            yield from self._decided()
            return
        self._ticket = session.ticket()
        if session.is_connected:
            # Whatever a server says now belongs behind this request.
            yield from self._pause(Peer.SERVER)
        yield Await(awaitable, self._ticket)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT:
            self._behind += data
            if len(self._behind) > self.session.options.head_limits.size:
                yield from self._pause(peer)

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        if ticket == self._ticket:
            self._ticket = 0
            if error is not None:
                yield self._changes.notice(f"the request goes on without the script: {error}")
            yield from self._decided()

    @property
    def due(self) -> float:
        return self._queues.due

    def wake(self) -> Iterator[Command]:
        yield from self._edits.do_deeds(self._queues.outgoing)
        yield from self._queues.leave()

    def is_holding(self, peer: Peer) -> bool:
        # Whoever has asked waits for the answer that is made here.
        is_answering = self._is_answered and not self._queues.lanes[Peer.CLIENT].is_empty
        return peer is Peer.CLIENT and (is_answering or bool(self._ticket))

    def lost(self, peer: Peer) -> None:
        self._queues.lost(peer)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        if self._ticket and peer is Peer.CLIENT and peer not in self.session.lost:
            # It may still listen.
            self._has_ended = True
            return
        yield from super().receive_eof(peer, reset)
        if self._ticket and peer is Peer.CLIENT:
            # Nobody will hear what the script decides.
            self._ticket = 0
            yield from self._tell()

    def shut_down(self) -> Iterator[Command]:
        yield from self._tell()
        yield from self._queues.flush()

    def ending(self) -> Iterator[Command]:
        yield from self._queues.ending()

    def timed_out(self, seconds: float) -> Iterator[Command]:
        if not self._is_answered:
            text = f"A script did not decide within {seconds:g} s.\n"
            yield from self.session.answer(504, "Gateway Timeout", text)
        yield from self._tell()
        detail = f"the opening handshake was not done within {seconds:g} s"
        yield from self.session.tell_closing("relay", "timeout", detail)

    def _decided(self) -> Iterator[Command]:
        asked, decision, queues = self._asked, self._decision, self._queues
        went, changes, answer = self._edits.script_request_done(asked.went)
        asked.went = went
        asked.changes += changes
        session = self.session
        if decision is not None:
            queues.delay(Peer.SERVER, decision.delay, decision.split)
        if answer is None and decision is not None and decision.answer is not None:
            answer = decision.answer
        if answer is not None:
            self._is_answered = True
            session.outcome = "refused"
            due = session.age() + (decision.delay if decision is not None else 0.0)
            entry = Entry(answer.data, due, then=lambda: self._after_answer(decision))
            queues.lanes[Peer.CLIENT].close(entry)
            yield from self._tell()
            text = f"answered {answer.status} for the server by {answer.rule}"
            yield self._changes.notice(text, "info")
            if self._has_ended:
                yield from super().receive_eof(Peer.CLIENT)
            yield from self._edits.do_deeds(queues.outgoing)
            yield from queues.leave()
            return
        yield from self._tell_notes()
        asked.closing = None if decision is None else decision.closing
        yield from self._resume()
        yield from self._next_opening(asked, self._behind)
        yield from self._edits.do_deeds(queues.outgoing)
        yield from queues.leave()
        if self._has_ended:
            yield from session.phase.receive_eof(Peer.CLIENT)

    def _after_answer(self, decision: RequestDecision | None) -> Iterator[Command]:
        closing = None if decision is None else decision.closing
        if closing is not None and closing.how == "reset":
            yield from self._queues.close(closing)
            yield from self._queues.leave()
        yield from self.session.end()

    def _tell_notes(self) -> Iterator[Command]:
        if self._decision is not None:
            yield from tell_notes(self._changes, Peer.CLIENT, self._decision)

    def _tell(self) -> Iterator[Command]:
        session, asked = self.session, self._asked
        if self._is_told:
            return
        self._is_told = True
        yield from tell_request(session, self._dialect, self._came, asked.went, self._came_at)
        yield from tell_adjustments(session, "server", asked.changes)
        yield from self._tell_notes()
        yield from self._check_request()
