"""The phase for clients of later WebSockets: passed on unread, but for the head of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.diagnosis import check_response
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.final import FinalHead
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Later"]


class Later(Tunnel):
    """Passes bytes on as they come, and says so where the server answers in another dialect.

    `request` is the client's head as the server got it.
    """

    def __init__(self, session: Session, request: RequestHead, dialect: Dialect) -> None:
        super().__init__(session)
        self._request = request
        self._dialect = dialect
        self._answer = FinalHead(session.options.head_limits)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        yield from super().receive_data(peer, data)
        if peer is Peer.SERVER and self._answer.feed(data) and self._answer.head is not None:
            yield from self._judge(self._answer.head, self._answer.behind)

    def _judge(self, head: ResponseHead, behind: int) -> Iterator[Command]:
        session = self.session
        begin = session.traffic[Peer.SERVER].bytes - behind - len(head.raw)
        yield from session.tell_findings(
            check_response(
                self._request,
                head,
                self._dialect,
                secure=session.options.upstream.secure,
                base=begin,
            )
        )
