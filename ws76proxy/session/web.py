"""The phase for ordinary HTTP, such as the page itself from the same port: passed on, one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ws76proxy.record import HttpRecord
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.phase import Phase
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire.head import HeadReader, RequestHead, ResponseHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Web"]

NextArrival = Callable[["Web", int], Phase]
"""Makes the phase that reads the next request, of which so many bytes have been counted."""


class Web(Phase):
    """Passes requests and responses through untouched, and tells which they were.

    A request body with a Content-Length is counted, so that the next request on the connection is
    seen; after one with any other framing the connection passes through unread.
    """

    def __init__(self, session: Session, next_arrival: NextArrival) -> None:
        super().__init__(session)
        self._next_arrival = next_arrival
        session.dialect = session.dialect or "http"
        session.outcome = "http"
        self._body_left = 0
        self._request: RequestHead | None = None
        self._reader: HeadReader[ResponseHead] | None = None

    @property
    def may_answer(self) -> bool:
        """As long as the server has said nothing, we may speak for it."""
        return not self.session.traffic[Peer.SERVER].bytes

    @property
    def waiting(self) -> bool:
        """Whether a request has had no answer yet."""
        return self._request is not None

    def request(self, head: RequestHead, excess: bytes) -> Iterator[Command]:
        """A request head is whole; `excess` came behind it."""
        yield from self.session.to_server(head.raw)
        yield from self._tell(None)
        self._request = head
        self._reader = HeadReader(ResponseHead, self.session.options.head_limits)
        length = head.get(b"content-length")
        if head.get(b"transfer-encoding") or head.get(b"upgrade") or head.method == b"CONNECT":
            self._body_left = -1
        elif length is not None:
            digits = length.stripped
            self._body_left = int(digits) if digits.isdigit() and len(digits) < 19 else -1
        else:
            self._body_left = 0
        self.session.enter(self)
        if excess or not self._body_left:
            yield from self._body(excess)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.CLIENT:
            yield from self._body(data)
            return
        yield Send(Peer.CLIENT, data)
        if self._reader is None:
            return
        head = self._reader.feed(data)
        if self._reader.refusal is not None:
            self._reader = None
        elif head is not None and head.status is not None and 100 <= head.status < 200:
            yield from self._interim(head, self._reader.excess)
        elif head is not None:
            self._reader = None
            yield from self._tell(head)

    def receive_eof(self, peer: Peer) -> Iterator[Command]:
        if peer is Peer.SERVER:
            yield from self._tell(None)

    def _interim(self, head: ResponseHead, excess: bytes) -> Iterator[Command]:
        if head.status == 101:
            self._reader = None
            yield from self._tell(head)
            self.session.enter(Tunnel(self.session))
            return
        self._reader = HeadReader(ResponseHead, self.session.options.head_limits)
        following = self._reader.feed(excess) if excess else None
        if following is not None:
            self._reader = None
            yield from self._tell(following)

    def _body(self, data: bytes) -> Iterator[Command]:
        if self._body_left < 0:
            yield from self.session.to_server(data)
            return
        body, rest = data[: self._body_left], data[self._body_left :]
        self._body_left -= len(body)
        if body:
            yield from self.session.to_server(body)
        if not self._body_left:
            arrival = self._next_arrival(self, len(rest))
            self.session.enter(arrival)
            if rest:
                yield from arrival.receive_data(Peer.CLIENT, rest)

    def _tell(self, response: ResponseHead | None) -> Iterator[Command]:
        request, self._request = self._request, None
        if request is None:
            return
        kind = response.get(b"content-type") if response is not None else None
        yield Tell(
            HttpRecord(
                session=self.session.number,
                time=self.session.now(),
                method=request.method.decode("latin-1"),
                target=request.target.decode("latin-1"),
                status=response.status if response is not None else None,
                reason=response.reason.decode("latin-1") if response is not None else "",
                content_type=kind.stripped.decode("latin-1") if kind is not None else "",
            )
        )
