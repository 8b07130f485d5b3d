"""The phase for ordinary HTTP, such as the page itself from the same port: passed on, one line."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

from ws76proxy.diagnosis import found
from ws76proxy.record import HttpRecord
from ws76proxy.session.commands import Command, Peer, Send, Tell
from ws76proxy.session.final import FinalHead
from ws76proxy.session.phase import Phase, Unread
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.wire.head import RequestHead, ResponseHead

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

    unread = Unread.HTTP

    def __init__(self, session: Session, next_arrival: NextArrival) -> None:
        super().__init__(session)
        self._next_arrival = next_arrival
        session.dialect = session.dialect or "http"
        session.outcome = "http"
        self._body_left = 0
        self._request: RequestHead | None = None
        self._answer: FinalHead | None = None

    @property
    def waiting(self) -> bool:
        """Whether a request has had no answer yet."""
        return self._request is not None

    @property
    def at_rest(self) -> bool:
        return not self.waiting and self._body_left <= 0

    def request(self, head: RequestHead, excess: bytes) -> Generator[Command, None, bytes | None]:
        """A request head is whole; `excess` came behind it.

        Returns what is behind the body too, or None where the body has not come to its end.
        """
        yield from self.session.to_server(head.raw)
        yield from self._tell(None)
        self._request = head
        self._answer = FinalHead(self.session.options.head_limits)
        length = head.get(b"content-length")
        if head.get(b"transfer-encoding") or head.get(b"upgrade") or head.method == b"CONNECT":
            self._body_left = -1
        elif length is not None:
            digits = length.stripped
            self._body_left = int(digits) if digits.isdigit() and len(digits) < 19 else -1
        else:
            self._body_left = 0
        self.session.enter(self)
        return (yield from self._body(excess))

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.SERVER:
            yield Send(Peer.CLIENT, data)
            yield from self._response(data)
            return
        rest = yield from self._body(data)
        if rest is not None:
            arrival = self._next_arrival(self, len(rest))
            self.session.enter(arrival)
            if rest:
                yield from arrival.receive_data(Peer.CLIENT, rest)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        if reset is not None:
            yield from super().receive_eof(peer, reset)
        if peer is Peer.SERVER:
            yield from self._tell(None)

    def ending(self) -> Iterator[Command]:
        yield from self._tell(None)

    def _response(self, data: bytes) -> Iterator[Command]:
        answer = self._answer
        if answer is None or not answer.feed(data) or answer.head is None:
            return
        head, asked = answer.head, self._request
        yield from self._tell(head)
        if head.status == 101 and asked is not None and asked.get(b"upgrade") is None:
            begin = self.session.traffic[Peer.SERVER].bytes - answer.behind - len(head.raw)
            yield from self._tell_unasked(head, begin)
        if head.status == 101 and self.session.phase is self:
            self.session.enter(Tunnel(self.session))

    def _tell_unasked(self, head: ResponseHead, begin: int) -> Iterator[Command]:
        finding = found(
            "switch-unasked",
            "the request has no Upgrade at all",
            stream=Peer.SERVER.stream,
            offset=begin + len(head.preamble),
            evidence=head.start_line,
        )
        yield from self.session.tell_findings([finding])

    def _body(self, data: bytes) -> Generator[Command, None, bytes | None]:
        """Pass on what belongs to the body; return what is behind it, None before its end."""
        size = len(data) if self._body_left < 0 else self._body_left
        body, rest = data[:size], data[size:]
        if body:
            yield from self.session.to_server(body)
        if self._body_left < 0:
            return None
        self._body_left -= len(body)
        return None if self._body_left else rest

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
