"""The phase for clients of later WebSockets: passed on unread, but for the head of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ws76proxy.diagnosis import check_response
from ws76proxy.session.commands import Command, Peer
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import HeadReader, RequestHead, ResponseHead

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
        self._reader: HeadReader[ResponseHead] | None = self._new_reader()

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        yield from super().receive_data(peer, data)
        if peer is Peer.SERVER:
            yield from self._read(data)

    def _read(self, data: bytes) -> Iterator[Command]:
        """Read the answer's head, behind any number of interim ones."""
        while self._reader is not None and data:
            head = self._reader.feed(data)
            if head is None:
                if self._reader.refusal is not None:
                    self._reader = None
                return
            data = self._reader.excess
            if head.status is not None and 100 <= head.status < 200 and head.status != 101:
                self._reader = self._new_reader()
                continue
            self._reader = None
            yield from self._judge(head, len(data))

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

    def _new_reader(self) -> HeadReader[ResponseHead]:
        return HeadReader(ResponseHead, self.session.options.head_limits)
