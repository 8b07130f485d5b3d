"""The opening handshake where rules or scripts have a say: cut, delayed, asked or answered anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.session.adjust import Adjustment
from ws76proxy.session.answer import Answer
from ws76proxy.session.answering import Answering
from ws76proxy.session.asking import Asked
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.conversation import Conversation
from ws76proxy.session.edits import SessionEdits
from ws76proxy.session.held import HeldConversation
from ws76proxy.session.opening import Opening
from ws76proxy.session.phase import Outcome
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire.connection import Reading
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import Event, Response
from ws76proxy.wire.head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["EditedOpening"]


class EditedOpening(Opening):
    """The opening handshake of a request in which somebody has had a say: `asked` is what was made
    of it. All that leaves goes through queues, and the answer is decided before it does."""

    def __init__(
        self,
        session: Session,
        edits: SessionEdits,
        dialect: Dialect,
        head: RequestHead,
        offset: int,
        since: float | None,
        asked: Asked,
    ) -> None:
        super().__init__(session, dialect, head, offset, since)
        self._edits = edits
        self._queues = asked.queues
        self._wanted = asked
        self._closing = asked.closing
        self._answering = Answering(session, edits, asked.queues)
        self._unanswered: list[Event] = []
        """What the server has said from the head on that somebody thinks about."""

    # What happens

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        if peer is Peer.SERVER:
            # What is being thought about is all that will come.
            yield from self._stop_thinking("the server has ended")
            if self.session.phase is not self:
                yield from self.session.phase.receive_eof(peer, reset)
                return
        yield from super().receive_eof(peer, reset)

    def timed_out(self, seconds: float) -> Iterator[Command]:
        detail = f"the opening handshake was not done within {seconds:g} s"
        yield from self._stop_thinking(detail)
        if self.session.phase is self:
            yield from super().timed_out(seconds)
        else:
            yield from self.session.tell_closing("relay", "timeout", detail)

    def shut_down(self) -> Iterator[Command]:
        yield from self._stop_thinking("the relay stops")
        if self.session.phase is self:
            yield from self._queues.flush()
        else:
            yield from self.session.phase.shut_down()

    def ending(self) -> Iterator[Command]:
        yield from self._queues.ending()

    @property
    def due(self) -> float:
        return self._queues.due

    def wake(self) -> Iterator[Command]:
        yield from self._edits.do_deeds(self._queues.outgoing)
        yield from self._queues.leave()

    def is_holding(self, peer: Peer) -> bool:
        if peer is Peer.CLIENT and self._is_undecided:
            return True
        return self._queues.is_holding(peer)

    def lost(self, peer: Peer) -> None:
        self._queues.lost(peer)

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        yield from self._answering.awaited(ticket, error)
        if not self._answering.is_thinking and self._unanswered:
            yield from self._server_said([])

    def _stop_thinking(self, why: str) -> Iterator[Command]:
        if self._answering.is_thinking:
            yield from self._answering.give_up(why)
            yield from self._server_said([])

    # The answer

    def _server_said(self, events: list[Event]) -> Iterator[Command]:
        events, self._unanswered = self._unanswered + events, []
        for number, event in enumerate(events):
            if not isinstance(event, Response):
                continue
            if not self._answering.has_begun:
                yield from self._answering.begin(super()._adjusted_response(event.head)[0])
            if self._answering.is_thinking:
                # The head goes first, and all else behind it.
                self._unanswered = events[number:]
                yield from self._pause(Peer.SERVER)
                return
        if self._answering.is_thinking:
            self._unanswered = events
            return
        yield from super()._server_said(events)

    def _open_when_done(self, *answer: object, **told: object) -> Iterator[Command]:
        if not self._answering.is_thinking:
            yield from super()._open_when_done(*answer, **told)  # type: ignore[arg-type]

    def _answer_has_left(
        self, conversation: Conversation | HeldConversation | None
    ) -> Iterator[Command]:
        outgoing = self._queues.outgoing
        if isinstance(conversation, HeldConversation):
            outgoing = conversation.outgoing
        yield from self._answering.end(outgoing)

    # What is done otherwise

    def _adjusted_request(self) -> tuple[RequestHead, list[Adjustment]]:
        return self._wanted.went, self._wanted.changes

    def _adjusted_response(self, response: ResponseHead) -> tuple[ResponseHead, list[Adjustment]]:
        _, changes = super()._adjusted_response(response)
        return self._answering.head, changes + self._answering.changes

    def _digest_for_client(self, answer: Answer) -> tuple[bytes, list[Adjustment]]:
        digest, _ = super()._digest_for_client(answer)
        return self._edits.corrupted(self._challenge(), digest)

    @property
    def _holds_digest(self) -> bool:
        return super()._holds_digest or self._is_asked_anew or self._edits.corrupts_digest

    @property
    def _is_asked_anew(self) -> bool:
        if self._dialect is not Dialect.HIXIE_76:
            return False
        return self._wanted.key3_bytes is not None or bool(self._edited_keys)

    def _allowed_of_key3(self, piece: bytes, already: int | None = None) -> bytes:
        limit = self._wanted.key3_bytes
        if limit is None:
            return piece
        if already is None:
            already = 0 if self._own is not None else len(self._key3) - len(piece)
        return piece[: max(0, limit - already)]

    def _to_server(self, data: bytes) -> Iterator[Command]:
        whole = self._own is not None or self._client.reading is not Reading.TAIL
        yield from self._queues.say(Peer.SERVER, data, whole=whole)
        if whole and self._closing is not None:
            closing, self._closing = self._closing, None
            yield from self._queues.close(closing)
            yield from self._queues.leave()

    def _to_client(self, data: bytes, *, whole: bool = False) -> Iterator[Command]:
        yield from self._queues.say(Peer.CLIENT, data, whole=whole)

    def _let_go(self, answer: bytes) -> Iterator[Command]:
        # Messages that came early are decided in the conversation.
        yield from self._to_client(answer, whole=True)

    def _conversation(self) -> Conversation | HeldConversation:
        lanes = self._queues.lanes
        return HeldConversation(self.session, self._client, self._server, lanes=lanes)

    def _tunnel(self, outcome: Outcome, skip: int) -> Tunnel:
        return Tunnel(self.session, outcome, skip, self._queues)

    @property
    def _is_undecided(self) -> bool:
        return bool(self._client.trailing_data)

    def _pass_end(self, peer: Peer) -> Iterator[Command]:
        yield from self._queues.end(peer.other)
