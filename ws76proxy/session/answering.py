"""What rules and scripts make of the server's answer, before the client gets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.rules.decisions import Closing
from ws76proxy.session.adjust import Adjustment
from ws76proxy.session.asking import by_rule, tell_notes
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Await, Command, Peer
from ws76proxy.session.edits import SessionEdits
from ws76proxy.session.outgoing import Outgoing
from ws76proxy.session.queues import Queues
from ws76proxy.wire.head import ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Answering"]


class Answering:
    """One answer's head, decided: `head` is what goes on, `changes` what that differs in.

    While `is_thinking`, a script has not come to its decision.
    """

    def __init__(self, session: Session, edits: SessionEdits, queues: Queues) -> None:
        self._session = session
        self._edits = edits
        self._queues = queues
        self._told = Changes(session)
        self.head: ResponseHead
        self.changes: list[Adjustment] = []
        self.has_begun = False
        self.is_thinking = False
        self._ticket = 0
        self._closing: Closing | None = None

    def begin(self, head: ResponseHead) -> Iterator[Command]:
        """The head has come, and has been made right for the client."""
        edits, self.head, self.has_begun = self._edits, head, True
        decision = edits.decide_response(head)
        if decision is not None:
            self.head = decision.head
            self.changes = [by_rule(change) for change in decision.changes]
            self._queues.delay(Peer.CLIENT, decision.delay, decision.split)
            self._closing = decision.closing
            yield from tell_notes(self._told, Peer.SERVER, decision)
        awaitable = edits.script_response(self.head)
        if awaitable is None:
            yield from self._done()
        else:
            self.is_thinking = True
            self._ticket = self._session.ticket()
            yield Await(awaitable, self._ticket)

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        """The script has come to its decision, or has been given up."""
        if ticket != self._ticket or not self.is_thinking:
            return
        self.is_thinking = False
        if error is not None:
            yield self._told.notice(f"the answer goes on without the script: {error}")
        yield from self._done()

    def give_up(self, why: str) -> Iterator[Command]:
        """Nobody waits for the script's decision any more."""
        yield from self.awaited(self._ticket, TimeoutError(why))

    def end(self, outgoing: Outgoing) -> Iterator[Command]:
        """The answer has gone on: whatever is to follow it does."""
        if self._closing is not None:
            closing, self._closing = self._closing, None
            yield from outgoing.close(closing, "rule")
        yield from self._edits.do_deeds(outgoing)
        yield from outgoing.leave()

    def _done(self) -> Iterator[Command]:
        self.head, changes = self._edits.script_response_done(self.head)
        self.changes += changes
        yield from self._edits.tell_faults()
