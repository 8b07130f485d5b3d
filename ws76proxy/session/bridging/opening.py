"""The opening handshake where the server is asked in a dialect of its own: translated both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Literal

from ws76proxy.bridge import (
    BridgedResponse,
    lacks_dialect,
    refuse_client,
    speaks_another,
    translate_response,
)
from ws76proxy.diagnosis import (
    Diagnosis,
    check_unfinished,
    found,
)
from ws76proxy.session.adjust import Adjustment, by_bridge, readdressed
from ws76proxy.session.answering import Answering
from ws76proxy.session.asking import Asked as Edited
from ws76proxy.session.bridging.attempt import Attempt
from ws76proxy.session.bridging.conversation import BridgedConversation
from ws76proxy.session.bridging.decided import DecidedBridge
from ws76proxy.session.bridging.legs import client_leg
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.handshaking import Handshaking
from ws76proxy.session.telling import (
    moved,
    tell_adjustments,
    tell_own_answer,
    tell_request,
    tell_response,
)
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire import hixie76, rfc6455
from ws76proxy.wire.challenge import KEY3_SIZE, Challenge
from ws76proxy.wire.connection import Reading, ServerConnection, plain_response
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import Key3Bytes
from ws76proxy.wire.head import Field, RequestHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["BridgeOpening"]


class BridgeOpening(Handshaking):
    """From the client's whole head to the answer in its own dialect.

    The server is asked with a challenge or a key of our own, in the first of `dialects`; where it
    shows that it does not speak that one, in the next, on a new connection. The client gets nothing
    before it is decided. What either side sends too early waits until both have finished.
    """

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        head: RequestHead,
        offset: int,
        since: float | None,
        dialects: Sequence[Dialect],
        edited: Edited | None = None,
    ) -> None:
        """`edited`: what was made of the request, where somebody has had a say in it."""
        super().__init__(session, dialect, head, offset, since)
        self._next = list(dialects)
        self._edited = edited
        self._queues = None if edited is None else edited.queues
        self._answering: Answering | None = None
        self._client: ServerConnection
        self._attempt: Attempt
        self._translated: BridgedResponse | None = None
        self._key3 = b""
        self._has_answered = False

    @property
    def may_answer(self) -> bool:
        """The client has not got a byte."""
        return not self._has_answered

    # The request

    def begin(self, excess: bytes) -> Iterator[Command]:
        """The client's head is whole, and `excess` came behind it."""
        session, head, options = self.session, self._came, self.session.options
        refusal = refuse_client(head, self._dialect)
        if refusal is not None:
            session.outcome = "refused"
            self._has_answered = True
            yield Send(Peer.CLIENT, refusal.raw)
            yield from tell_request(session, self._dialect, head, head, self._came_at)
            yield from session.tell_findings(moved([refusal.diagnosis], self._came_at))
            yield from self._check_request()
            yield from session.end()
            return
        self._client = client_leg(self._dialect, options, self._came_at)
        self._client.receive_head(head)
        self._client.events()
        self._take_key3(excess)
        yield from self._ask()
        yield from self._check_request()
        yield from self._hold_early(self._client.trailing_data)

    def _ask(self) -> Iterator[Command]:
        """Ask the server in the next dialect."""
        session, options, came = self.session, self.session.options, self._came
        server = self._next.pop(0)
        went, values = came, dict[Field, bytes]()
        if self._edited is None:
            values, changes = readdressed(came, options)
        else:
            went, changes = self._edited.went, self._edited.changes
        attempt = Attempt(session, self._dialect, server, came, went, values, self._came_at)
        self._attempt, self._translated = attempt, None
        request = attempt.request
        session.server_dialect = None if server is self._dialect else server
        key3 = request.key3
        if self._edited is not None and self._edited.key3_bytes is not None:
            key3 = key3[: self._edited.key3_bytes]
        yield from self._to_server(request.head.raw + key3)
        yield from tell_request(
            session, self._dialect, came, request.head, self._came_at, session.server_dialect
        )
        yield from tell_adjustments(session, "server", changes)
        yield from tell_adjustments(session, "server", by_bridge(request))
        yield from session.tell_findings(moved(request.diagnoses, self._came_at))

    def _to_server(self, data: bytes) -> Iterator[Command]:
        if self._queues is None:
            yield from self.session.to_server(data)
        else:
            yield from self._queues.say(Peer.SERVER, data, whole=True)
            closing = None if self._edited is None else self._edited.closing
            if closing is not None:
                yield from self._queues.close(closing)
                yield from self._queues.leave()

    def _to_client(self, data: bytes) -> Iterator[Command]:
        self._has_answered = True
        if self._queues is None:
            yield Send(Peer.CLIENT, data)
        else:
            yield from self._queues.say(Peer.CLIENT, data, whole=True)

    # What happens

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT:
            self._take_key3(data)
            yield from self._hold_early(self._client.trailing_data)
        else:
            self._attempt.receive(data)
            if self._answering is not None and self._answering.is_thinking:
                return
            yield from self._server_said()
        if self.session.phase is self and not self.session.ended:
            yield from self._go_on()

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        session = self.session
        if peer is Peer.SERVER and self._answering is not None and self._answering.is_thinking:
            # What is being thought about is all that will come.
            yield from self._answering.give_up("the server has ended")
            yield from self._go_on()
            if session.phase is not self:
                yield from session.phase.receive_eof(peer, reset)
                return
        if peer is Peer.SERVER:
            yield from self._server_ended(reset)
            return
        yield from super().receive_eof(peer, reset)
        if Peer.CLIENT in session.lost or self._client.reading is Reading.TAIL:
            yield from self._unfinished("client")
            yield from session.end()

    def is_holding(self, peer: Peer) -> bool:
        # Nothing ends before it is decided, or the session does.
        return peer not in self.session.lost

    def lost(self, peer: Peer) -> None:
        if self._queues is not None:
            self._queues.lost(peer)

    def timed_out(self, seconds: float) -> Iterator[Command]:
        session = self.session
        yield from self._answer_late(self._client, self._key3, seconds)
        detail = f"the opening handshake was not done within {seconds:g} s"
        yield from session.tell_closing("relay", "timeout", detail)
        yield from self._attempt.tell_response()
        yield from self._unfinished("timeout")

    @property
    def due(self) -> float:
        return inf if self._queues is None else self._queues.due

    def wake(self) -> Iterator[Command]:
        queues, edits = self._queues, self.session.edits
        if queues is not None and edits is not None:
            yield from edits.do_deeds(queues.outgoing)
            yield from queues.leave()

    def shut_down(self) -> Iterator[Command]:
        if self._queues is not None:
            yield from self._queues.flush()

    def ending(self) -> Iterator[Command]:
        if self._queues is not None:
            yield from self._queues.ending()

    def awaited(self, ticket: int, error: BaseException | None) -> Iterator[Command]:
        if self._answering is not None:
            yield from self._answering.awaited(ticket, error)
            yield from self._go_on()

    # The client

    def _take_key3(self, data: bytes) -> None:
        """What of `data` belongs to key3; the rest waits in the connection."""
        self._client.receive_data(data)
        for event in self._client.events():
            if isinstance(event, Key3Bytes):
                self._key3 += event.raw

    def _challenge(self) -> Challenge | None:
        if self._dialect is not Dialect.HIXIE_76 or len(self._key3) < KEY3_SIZE:
            return None
        return hixie76.challenge_of(self._came, self._key3)

    # The server

    def _server_said(self) -> Iterator[Command]:
        attempt = self._attempt
        if attempt.refused:
            finding = found("head-refused", attempt.refused, stream=Peer.SERVER.stream, offset=0)
            yield from self._fail("its answer cannot be read", [finding])
            return
        response = attempt.response
        if response is None or self._translated is not None:
            return
        why = lacks_dialect(attempt.dialect, response)
        if why and self._next:
            yield from self._ask_next(why)
        elif speaks_another(attempt.dialect, response):
            detail = f"asked in {attempt.dialect}: {why}"
            finding = found("server-lacks-dialect", detail, stream=Peer.SERVER.stream)
            yield from self._fail(why, [finding])

    def _ask_next(self, why: str) -> Iterator[Command]:
        session, attempt = self.session, self._attempt
        if session.dialects is not None:
            session.dialects.forget(str(session.options.upstream))
        if attempt.response is not None:
            yield from tell_response(session, attempt.response, attempt.response, attempt.offset)
        detail = f"asked in {attempt.dialect}: {why}; asked again in {self._next[0]}"
        finding = found("server-lacks-dialect", detail, stream=Peer.SERVER.stream)
        yield from session.tell_findings([finding])
        self._paused.discard(Peer.SERVER)
        yield from session.reconnect()
        yield from self._ask()

    def _server_ended(self, reset: str | None) -> Iterator[Command]:
        attempt = self._attempt
        unread = attempt.end()
        why = ""
        if attempt.response is None:
            why = lacks_dialect(attempt.dialect, None, size=len(unread))
        yield from super().receive_eof(Peer.SERVER, reset)
        if why and self._next:
            yield from self._ask_next(why)
            return
        yield from self._fail("it ended its stream before its answer was whole", (), unread)

    def _go_on(self) -> Iterator[Command]:
        """Do what can be done by now."""
        attempt = self._attempt
        response = attempt.response
        if response is None or not attempt.is_whole:
            return
        if response.status == 101 and self._client.reading is Reading.TAIL:
            if attempt.leg.trailing_data:
                yield from self._pause(Peer.SERVER)
            return
        if self._translated is None:
            translated = translate_response(
                response,
                attempt.request,
                key3=self._key3,
                secure=self.session.options.listener.secure,
                options=self.session.options.bridge,
            )
            self._translated = translated
            if response.status == 101:
                answer = attempt.answer
                is_wrong = answer is not None and answer.verdict != "verified"
                if is_wrong and not self.session.options.repair:
                    yield from self._fail("it did not answer the challenge", ())
                    return
                if not translated.accepted:
                    yield from self._fail("no client can accept its answer", translated.diagnoses)
                    return
            edits, queues = self.session.edits, self._queues
            if edits is not None and queues is not None:
                self._answering = Answering(self.session, edits, queues)
                yield from self._answering.begin(translated.head)
        if self._answering is not None and self._answering.is_thinking:
            return
        if response.status == 101:
            yield from self._open(self._translated)
        else:
            yield from self._refused(self._translated)

    # How it comes out

    def _refused(self, translated: BridgedResponse) -> Iterator[Command]:
        """The server answered something else than 101: the rest is HTTP, and passes as it is."""
        session = self.session
        head = translated.head if self._answering is None else self._answering.head
        yield from self._to_client(head.raw + self._attempt.leg.trailing_data)
        # To the server nothing is missing of what the client has not sent yet.
        tunnel = Tunnel(session, "refused", self._client.tail_missing, self._queues)
        session.enter(tunnel)
        yield from self._attempt.tell_response(head)
        if self._answering is not None and self._queues is not None:
            yield from tell_adjustments(session, "client", self._answering.changes)
            yield from self._answering.end(self._queues.outgoing)
        yield from self._resume()
        if session.traffic[Peer.CLIENT].ended:
            yield from session.pass_end(Peer.CLIENT)

    def _open(self, translated: BridgedResponse) -> Iterator[Command]:
        session, options = self.session, self.session.options
        head = translated.head if self._answering is None else self._answering.head
        digest = translated.digest
        corrupted: list[Adjustment] = []
        if session.edits is not None and digest:
            digest, corrupted = session.edits.corrupted(self._challenge(), digest)
        attempt, client, server = self._attempt, self._client, self._attempt.leg
        followed = server.trailing_data
        client.accept_as(head.raw)
        if translated.facts is not None and isinstance(server, rfc6455.ClientConnection):
            server.judged(translated.facts)
        server.open()
        yield from self._to_client(client.data_to_send() + digest)
        session.outcome = "open"
        conversation: BridgedConversation
        if session.edits is None or self._queues is None:
            conversation = BridgedConversation(session, client, server, base64=translated.base64)
        else:
            conversation = DecidedBridge(
                session, client, server, base64=translated.base64, lanes=self._queues.lanes
            )
        session.enter(conversation)
        yield from attempt.tell_response(head)
        yield from tell_adjustments(session, "client", by_bridge(translated))
        if self._answering is not None:
            yield from tell_adjustments(session, "client", self._answering.changes)
        yield from session.tell_findings(moved(translated.diagnoses, attempt.offset))
        yield from attempt.tell_answer(followed)
        if digest:
            yield from tell_own_answer(session, self._challenge(), self._key3, digest, corrupted)
        if options.server_dialect == "auto" and session.dialects is not None:
            upstream, memory = str(options.upstream), session.dialects
            if memory.remember(upstream, attempt.dialect):
                text = f"{upstream} speaks {attempt.dialect}: remembered for {memory.seconds:g} s"
                yield Changes(session).notice(text, "info")
        # What is decided may be that somebody is not read any more: so first all are.
        yield from self._resume()
        yield from conversation.begin()
        if self._answering is not None and isinstance(conversation, DecidedBridge):
            yield from self._answering.end(conversation.outgoing)
        if session.traffic[Peer.CLIENT].ended and not session.ended:
            yield from conversation.ended(Peer.CLIENT)

    def _fail(
        self, why: str, diagnoses: Iterable[Diagnosis], unread: bytes = b""
    ) -> Iterator[Command]:
        """Nobody can accept what the server said: answer in its place."""
        session, attempt = self.session, self._attempt
        if not self._has_answered and session.hears(Peer.CLIENT):
            self._has_answered = True
            text = f"{session.options.upstream}, asked in {attempt.dialect}: {why}.\n"
            yield Send(Peer.CLIENT, plain_response(502, "Bad Gateway", text))
        yield from attempt.tell_response()
        yield from attempt.tell_answer()
        yield from session.tell_findings(moved(diagnoses, attempt.offset))
        if session.traffic[Peer.SERVER].ended:
            yield from self._unfinished("server", unread)
        yield from session.end()

    def _unfinished(
        self, ended_by: Literal["timeout", "client", "server"], unread: bytes = b""
    ) -> Iterator[Command]:
        """Tell what was still to come, from a client of hixie-76 or from the server."""
        if self._client.reading is not Reading.TAIL:
            yield from self._attempt.tell_unfinished(ended_by, unread)
            return
        yield from self.session.tell_findings(
            check_unfinished(
                self._dialect,
                request=self._came,
                key3=self._key3,
                response=None,
                digest=b"",
                ended_by=ended_by,
                client_base=self._came_at,
            )
        )
