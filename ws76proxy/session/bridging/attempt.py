"""One attempt at asking a server in a dialect: what it was asked, what it has answered so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from ws76proxy.bridge import BridgedRequest, translate_request
from ws76proxy.diagnosis import Asked, check_response, check_unfinished
from ws76proxy.session.answer import Answer
from ws76proxy.session.bridging.legs import server_leg
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.telling import tell_challenge, tell_response
from ws76proxy.wire import rfc6455
from ws76proxy.wire.challenge import DIGEST_SIZE
from ws76proxy.wire.connection import Reading
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import DigestBytes, HeadRefused, Response
from ws76proxy.wire.head import Field, RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Attempt"]


class Attempt:
    """What is asked of a server in one dialect, with a challenge or a key of our own.

    `came` is the client's request, `went` what was made of it before it is translated, and `values`
    those that fields of that are to have. `response`: the head of the answer, once it has come;
    `refused`: why it cannot be read, where it cannot.
    """

    def __init__(
        self,
        session: Session,
        client: Dialect,
        server: Dialect,
        came: RequestHead,
        went: RequestHead,
        values: Mapping[Field, bytes],
        came_at: int,
    ) -> None:
        options = session.options
        self._session = session
        self._came_at = came_at
        self.request: BridgedRequest = translate_request(
            went,
            client,
            server,
            random_below=session.random_below,
            options=options.bridge,
            values=values,
            original=came,
        )
        self.offset = session.traffic[Peer.SERVER].bytes
        self.leg = server_leg(server, options, self.offset)
        if isinstance(self.leg, rfc6455.ClientConnection):
            self.leg.connect_as(self.request.head, session.random_below)
            self.leg.data_to_send()
        self.response: ResponseHead | None = None
        self.refused = ""
        self._digest = b""

    @property
    def dialect(self) -> Dialect:
        """What the server is asked in."""
        return self.request.server

    @property
    def is_whole(self) -> bool:
        """Whether all of the answer has come that is needed."""
        response = self.response
        if response is None:
            return False
        return response.status != 101 or self.leg.reading is not Reading.TAIL

    def receive(self, data: bytes) -> None:
        """Bytes from the server."""
        self.leg.receive_data(data)
        for event in self.leg.events():
            if isinstance(event, Response):
                self.response = event.head
            elif isinstance(event, DigestBytes):
                self._digest += event.raw
            elif isinstance(event, HeadRefused):
                self.refused = event.why

    def end(self) -> bytes:
        """The server will send no more: what has come and is no whole head."""
        self.leg.receive_eof()
        return b"".join(event.raw for event in self.leg.events())

    @property
    def answer(self) -> Answer | None:
        """A server of hixie-76's answer to our challenge, once it is whole."""
        own = self.request.challenge
        if own is None or len(self._digest) < DIGEST_SIZE:
            return None
        return Answer(None, b"", own, own.key3, self._digest)

    # What is told of it

    def tell_response(self, went: ResponseHead | None = None) -> Iterator[Command]:
        """Tell the answer's head, if it has come; `went`: what the client gets."""
        session, response = self._session, self.response
        if response is None:
            return
        sent = response if went is None or went.raw == response.raw else went
        yield from tell_response(session, response, sent, self.offset)
        if self.dialect.is_hixie:
            yield from session.tell_findings(
                check_response(
                    self.request.head,
                    response,
                    self.dialect,
                    secure=session.options.upstream.secure,
                    base=self.offset,
                    good=session.options.good_findings,
                    came_base=self._came_at,
                )
            )

    def tell_answer(self, followed: bytes = b"") -> Iterator[Command]:
        """Tell what a server of hixie-76 made of our challenge; `followed`: what came behind."""
        session, answer = self._session, self.answer
        if answer is None or self.response is None:
            return
        session.verdict = answer.verdict
        base, head = self.offset + len(self.response.raw), self.request.head.raw
        yield from self._tell_challenge(answer.received)
        good = session.options.good_findings
        yield from session.tell_findings(
            answer.diagnoses(base, good=good, head=head, followed=followed)
        )
        if session.history is not None:
            yield from session.tell_findings(answer.beside_others(session.history, head, base))

    def tell_unfinished(
        self, ended_by: Literal["timeout", "client", "server"], unread: bytes = b""
    ) -> Iterator[Command]:
        """Tell what of the answer was still to come; `unread`: what is no whole head."""
        session, own = self._session, self.request.challenge
        if own is not None and self.response is not None and self.answer is None:
            session.verdict = "missing"
            yield from self._tell_challenge(self._digest)
        yield from session.tell_findings(
            check_unfinished(
                self.dialect,
                request=self.request.head,
                key3=self.request.key3,
                response=self.response,
                digest=self._digest,
                ended_by=ended_by,
                client_base=self._came_at,
                server_base=self.offset,
                answer=unread,
                asked=None if own is None else Asked(own, self.request.head.raw),
            )
        )

    def _tell_challenge(self, received: bytes) -> Iterator[Command]:
        session = self._session
        yield from tell_challenge(
            session,
            self.request.challenge,
            self.request.key3,
            asked_by="relay",
            answered_by="server",
            received=received,
            verdict=session.verdict or "missing",
        )
