"""The opening handshake of a hixie client, relayed: forwarded or asked anew, verified, repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, cast

from ws76proxy.diagnosis import (
    Asked,
    check_response,
    check_unfinished,
    found,
)
from ws76proxy.session.adjust import (
    Adjustment,
    adjust_request,
    adjust_response,
    ask_again,
    repair_response,
)
from ws76proxy.session.answer import Answer
from ws76proxy.session.changes import Changes
from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.conversation import Conversation
from ws76proxy.session.handshaking import Handshaking
from ws76proxy.session.held import HeldConversation
from ws76proxy.session.phase import Outcome
from ws76proxy.session.telling import (
    tell_adjustments,
    tell_challenge,
    tell_request,
    tell_response,
)
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE, Challenge, generate_challenge
from ws76proxy.wire.connection import ClientConnection, Reading, ServerConnection
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import DigestBytes, Event, HeadRefused, Key3Bytes, Response
from ws76proxy.wire.head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Opening"]


_KEYS = (b"sec-websocket-key1", b"sec-websocket-key2")
_ASKED_ANEW = (
    "the challenge was changed on its way: the server's answer is verified against what the server"
    " was asked, and the client gets the answer to its own"
)


class Opening(Handshaking):
    """From the client's whole head to the last byte of the server's answer.

    Bytes go on as they came, in the same pieces; only a changed head replaces its original. The
    server's 16 bytes are held until they are whole where they may have to be replaced. What either
    side sends too early waits until both have finished.
    """

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        head: RequestHead,
        offset: int,
        since: float | None,
    ) -> None:
        super().__init__(session, dialect, head, offset, since)
        options = session.options
        self._answer_at = session.traffic[Peer.SERVER].bytes
        wire = hixie76 if dialect is Dialect.HIXIE_76 else hixie75
        self._client: ServerConnection = wire.ServerConnection(
            max_message=options.max_message, head_limits=options.head_limits, offset=offset
        )
        self._server: ClientConnection = wire.ClientConnection(
            max_message=options.max_message,
            head_limits=options.head_limits,
            offset=self._answer_at,
        )
        self._went = head
        self._response: ResponseHead | None = None
        self._asked: Challenge | None = None
        self._own: Challenge | None = None
        self._edited_keys: list[bytes] = []
        """The keys that somebody has changed on their way to the server."""
        self._key3 = b""
        self._digest = b""
        self._no_answer = b""
        self._concluded_at: int | None = None
        """How much the server had said when it was told what is missing."""
        self._early_sent = 0

    @property
    def may_answer(self) -> bool:
        """Until the server has begun to answer."""
        return self.session.traffic[Peer.SERVER].bytes == self._answer_at

    def begin(self, excess: bytes) -> Iterator[Command]:
        """The client's head is whole, and `excess` came behind it."""
        session, head = self.session, self._came
        self._client.receive_head(head)
        self._client.events()
        went, changes = self._adjusted_request()
        self._edited_keys = [name for name in _KEYS if head.value(name) != went.value(name)]
        if session.options.challenge == "own" and hixie76.challenge_of(head, b"") is not None:
            self._own = generate_challenge(session.random_below)
            went, asked = ask_again(went, self._own, self._edited_keys)
            changes += asked
        self._went = went
        # The head and what came with it leave in one write, as some servers need it.
        behind = self._own.key3 if self._own is not None else self._take_key3(excess)
        yield from self._to_server(went.raw + self._allowed_of_key3(behind))
        yield from tell_request(session, self._dialect, head, went, self._came_at)
        yield from tell_adjustments(session, "server", changes)
        if self._is_asked_anew:
            yield Changes(session).notice(_ASKED_ANEW, "info")
        yield from self._check_request()
        if self._own is not None:
            yield from self._from_client(excess)
        else:
            yield from self._hold_early(self._client.trailing_data)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT:
            yield from self._from_client(data)
        else:
            yield from self._from_server(data)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        if peer is Peer.SERVER and self._response is None:
            size = self.session.traffic[Peer.SERVER].bytes - self._answer_at
            self.session.doubt_dialect(self._dialect, None, size)
        if peer is Peer.SERVER or self._waits_for_key3:
            yield from self._give_up()
        if peer is Peer.CLIENT and self._is_undecided and self.session.phase is self:
            # Its messages wait for the answer, and for a decision.
            yield from super().receive_eof(peer, reset)
            return
        yield from self._release_client()
        yield from self._pass_end(peer)
        yield from super().receive_eof(peer, reset)
        server_bytes = self.session.traffic[Peer.SERVER].bytes
        if server_bytes != self._concluded_at:
            # A server that says nothing more to a client that has left is not to blame.
            self._concluded_at = server_bytes
            yield from self._unfinished(peer.label)

    def timed_out(self, seconds: float) -> Iterator[Command]:
        session = self.session
        detail = f"the opening handshake was not done within {seconds:g} s"
        yield from self._answer_late(self._client, self._key3, seconds)
        yield from self._release_server()
        yield from session.tell_closing("relay", "timeout", detail)
        yield from self._unfinished("timeout")

    # What the client says

    def _from_client(self, data: bytes) -> Iterator[Command]:
        piece = self._take_key3(data)
        if piece and self._own is None:
            yield from self._to_server(self._allowed_of_key3(piece))
        yield from self._hold_early(self._client.trailing_data)
        yield from self._open_when_done()

    def _take_key3(self, data: bytes) -> bytes:
        """What of `data` belongs to key3; the rest waits in the connection."""
        self._client.receive_data(data)
        pieces = [event.raw for event in self._client.events() if isinstance(event, Key3Bytes)]
        piece = b"".join(pieces)
        self._key3 += piece
        return piece

    # What the server says

    def _from_server(self, data: bytes) -> Iterator[Command]:
        self._server.receive_data(data)
        yield from self._server_said(self._server.events())

    def _server_said(self, events: list[Event]) -> Iterator[Command]:
        outgoing = b""
        told: Iterable[Command] = ()
        for event in events:
            if isinstance(event, Response):
                head, told = self._answered(event.head)
                outgoing += head.raw
            elif isinstance(event, DigestBytes):
                self._digest += event.raw
                outgoing += b"" if self._holds_digest else event.raw
            elif isinstance(event, HeadRefused):
                yield from self._pass_on_unread(event)
                return
        if self._response is not None and self._response.status != 101:
            yield from self._refused(outgoing)
            yield from told
            return
        if self._waits_for_key3 and not self.session.traffic[Peer.CLIENT].ended:
            yield from self._pause(Peer.SERVER)
        yield from self._open_when_done(outgoing, told)
        if self._waits_for_key3 and self.session.traffic[Peer.CLIENT].ended:
            yield from self._give_up()

    @property
    def _waits_for_key3(self) -> bool:
        """Whether this server did not wait for key3, and its frames now do."""
        return self._client.reading is Reading.TAIL and bool(self._server.trailing_data)

    def _answered(self, response: ResponseHead) -> tuple[ResponseHead, Iterator[Command]]:
        """The head that goes to the client, and what is to be told once it has left."""
        options = self.session.options
        self._response = response
        adjusted, changes = self._adjusted_response(response)

        def told() -> Iterator[Command]:
            yield from tell_response(self.session, response, adjusted, self._answer_at)
            yield from tell_adjustments(self.session, "client", changes)
            yield from self.session.tell_findings(
                check_response(
                    self._went,
                    response,
                    self._dialect,
                    secure=options.upstream.secure,
                    base=self._answer_at,
                    good=options.good_findings,
                    came=self._came,
                    came_base=self._came_at,
                )
            )

        return adjusted, told()

    def _refused(self, outgoing: bytes) -> Iterator[Command]:
        """The server answered something else than 101: the rest is HTTP, and passes as it is."""
        self.session.doubt_dialect(self._dialect, self._response)
        yield from self._to_client(outgoing + self._server.trailing_data, whole=True)
        self._look_no_more("refused")
        yield from self._answer_has_left(None)
        yield from self._release_client()
        yield from self._resume()

    def _pass_on_unread(self, event: HeadRefused) -> Iterator[Command]:
        session = self.session
        yield from self._to_client(event.raw, whole=True)
        self._look_no_more("failed")
        yield from self._release_client()
        offset = self._answer_at
        finding = found("head-refused", event.why, stream=Peer.SERVER.stream, offset=offset)
        yield from session.tell_findings([finding])
        yield from self._resume()

    # The end of it

    @property
    def _holds_digest(self) -> bool:
        """Whether the client may have to get another answer than the server's."""
        return self._own is not None or self.session.options.repair

    @property
    def _is_asked_anew(self) -> bool:
        """Whether somebody has changed the challenge on its way to the server."""
        return False

    def _open_when_done(
        self, outgoing: bytes = b"", told: Iterable[Command] = ()
    ) -> Iterator[Command]:
        """Let what is ready leave; when both sides have finished, the conversation begins.

        Frames that came in one piece with the answer leave in one piece with it.
        """
        session, client, server = self.session, self._client, self._server
        if not (client.reading is server.reading is Reading.PAUSED):
            if outgoing:
                yield from self._to_client(outgoing)
            yield from told
            return
        verify = self._dialect is Dialect.HIXIE_76
        answer = self._answer()
        sent, changes = self._digest_for_client(answer) if verify else (b"", [])
        yield from self._let_go(outgoing + sent if self._holds_digest else outgoing)
        conversation = self._conversation()
        session.outcome = "open"
        session.enter(conversation)
        yield from told
        if verify:
            session.verdict = answer.verdict
            yield from answer.tell(session, sent, changes)
            yield from session.tell_findings(
                answer.diagnoses(
                    self._digest_at,
                    good=session.options.good_findings,
                    head=self._went.raw,
                    behind=client.trailing_data,
                    followed=server.trailing_data,
                )
            )
            yield from self._beside_others()
        # What is decided in it may be that somebody is not read any more: so first all are.
        yield from self._resume()
        # Nobody is asked but rules and scripts: there is nothing to decide for the owner.
        yield from cast("Iterator[Command]", conversation.begin())
        yield from self._answer_has_left(conversation)

    @property
    def _digest_at(self) -> int:
        """Where the digest stands in the server's stream, once the head before it is there."""
        head = b"" if self._response is None else self._response.raw
        return self._answer_at + len(head)

    def _beside_others(self) -> Iterator[Command]:
        """Tell what the answer says together with others of the same server."""
        session = self.session
        if session.history is not None:
            answer, head = self._answer(), self._went.raw
            beside = answer.beside_others(session.history, head, self._digest_at)
            yield from session.tell_findings(beside)

    def _look_no_more(self, outcome: Outcome) -> None:
        # To the server a challenge of our own is complete: the client's key3 is not for it.
        missing = self._client.tail_missing if self._own is not None else 0
        self.session.enter(self._tunnel(outcome, missing))

    def _challenge(self) -> Challenge | None:
        """The client's own challenge, as far as it has come."""
        if self._asked is None and self._dialect is Dialect.HIXIE_76:
            asked = hixie76.challenge_of(self._came, self._key3)
            if len(self._key3) < KEY3_SIZE:
                return asked
            self._asked = asked
        return self._asked

    def _answer(self) -> Answer:
        """The server's answer, beside what was asked."""
        asked, key3 = self._asked_of_server()
        return Answer(self._challenge(), self._key3, asked, key3, self._digest)

    def _asked_of_server(self) -> tuple[Challenge | None, bytes]:
        """The challenge that the server has got, and its key3."""
        key3 = self._key3 if self._own is None else self._own.key3
        if self._is_asked_anew:
            key3 = self._allowed_of_key3(key3, 0)
            return hixie76.challenge_of(self._went, key3), key3
        return self._challenge() if self._own is None else self._own, key3

    # What is done otherwise where rules or scripts have a say

    def _adjusted_request(self) -> tuple[RequestHead, list[Adjustment]]:
        """The request as it goes to the server, and what that changes."""
        return adjust_request(self._came, self.session.options)

    def _adjusted_response(self, response: ResponseHead) -> tuple[ResponseHead, list[Adjustment]]:
        """The head made right for this client, and for whoever wants it repaired."""
        options = self.session.options
        adjusted, changes = adjust_response(response, self._came, self._went, options)
        if options.repair and response.status == 101:
            adjusted, repairs = repair_response(
                adjusted, self._came, self._dialect, options.listener
            )
            changes += repairs
        return adjusted, changes

    def _digest_for_client(self, answer: Answer) -> tuple[bytes, list[Adjustment]]:
        """The 16 bytes that the client gets, and who else than a repair has changed them."""
        return answer.for_client(repair=self.session.options.repair), []

    def _allowed_of_key3(self, piece: bytes, already: int | None = None) -> bytes:
        """What of this piece, the last of key3 so far, may go on; `already`: how much went before
        it, where it is not that."""
        return piece

    def _to_server(self, data: bytes) -> Iterator[Command]:
        yield from self.session.to_server(data)

    def _to_client(self, data: bytes, *, whole: bool = False) -> Iterator[Command]:
        """`whole`: with this the answer is complete."""
        if data:
            yield Send(Peer.CLIENT, data)

    def _let_go(self, answer: bytes) -> Iterator[Command]:
        """The rest of the answer leaves, and what either side has sent too early."""
        # Frames that came with the answer leave in one piece with it.
        yield from self._to_client(answer + self._server.trailing_data)
        yield from self._release_client()

    def _conversation(self) -> Conversation | HeldConversation:
        """The phase that is to come."""
        return Conversation(self.session, self._client, self._server)

    def _tunnel(self, outcome: Outcome, skip: int) -> Tunnel:
        """The phase for what will be no conversation."""
        return Tunnel(self.session, outcome, skip)

    @property
    def _is_undecided(self) -> bool:
        """Whether the client has sent messages already, and somebody has a say in them."""
        return False

    def _pass_end(self, peer: Peer) -> Iterator[Command]:
        """What a peer has said is all."""
        return iter(())

    def _answer_has_left(
        self, conversation: Conversation | HeldConversation | None
    ) -> Iterator[Command]:
        """The client has got its answer, and there may be a conversation."""
        return iter(())

    # What was kept back

    def _give_up(self) -> Iterator[Command]:
        """It will not come to a conversation any more: bytes pass as they are from here on."""
        self._look_no_more("failed")
        yield from self._release_server()
        yield from self._resume()

    def _release_client(self) -> Iterator[Command]:
        """What the client sent too early leaves."""
        early = self._client.trailing_data[self._early_sent :]
        self._early_sent += len(early)
        if early:
            yield from self._to_server(early)

    def _release_server(self) -> Iterator[Command]:
        """What of the server's bytes was waiting to become whole leaves as it is."""
        unread = b""
        if self._response is None:
            self._server.receive_eof()
            unread = b"".join(event.raw for event in self._server.events())
            self._no_answer = unread
        elif self._holds_digest:
            unread = self._digest
        yield from self._to_client(unread + self._server.trailing_data, whole=True)

    def _unfinished(self, ended_by: Literal["timeout", "client", "server"]) -> Iterator[Command]:
        session = self.session
        asked, key3 = self._asked_of_server()
        is_other = self._own is not None or self._is_asked_anew
        if self._dialect is Dialect.HIXIE_76 and self._response is not None:
            session.verdict = "missing" if len(self._digest) < DIGEST_SIZE else "unanswerable"
            yield from tell_challenge(
                session,
                asked,
                key3,
                asked_by="relay" if is_other else "client",
                answered_by="server",
                received=self._digest,
                verdict=session.verdict,
            )
        yield from session.tell_findings(
            check_unfinished(
                self._dialect,
                request=self._came,
                key3=self._key3,
                response=self._response,
                digest=self._digest,
                ended_by=ended_by,
                client_base=self._came_at,
                server_base=self._answer_at,
                answer=self._no_answer,
                asked=Asked(asked, self._went.raw) if is_other and asked is not None else None,
            )
        )
        # Of a client that has left, and of half a key3, there is nothing to conclude.
        has_left = session.traffic[Peer.CLIENT].ended
        if self._digest and not has_left and self._client.reading is not Reading.TAIL:
            yield from self._beside_others()
