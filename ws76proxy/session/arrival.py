"""The first phase: what does this client speak, is it welcome, and who takes over?"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from ws76proxy.bridge import refuse_dialect
from ws76proxy.diagnosis import check_unfinished, found
from ws76proxy.session.adjust import adjust_request
from ws76proxy.session.asking import Asked, Asking
from ws76proxy.session.bridging.choice import server_dialects
from ws76proxy.session.bridging.opening import BridgeOpening
from ws76proxy.session.commands import Command, Peer, Send
from ws76proxy.session.edited_opening import EditedOpening
from ws76proxy.session.later import Later
from ws76proxy.session.opening import Opening
from ws76proxy.session.phase import Phase, Unread
from ws76proxy.session.telling import moved, tell_adjustments, tell_request
from ws76proxy.session.tunnel import Tunnel
from ws76proxy.session.web import Web
from ws76proxy.wire.dialect import Dialect, detect, dialect_of
from ws76proxy.wire.head import HeadReader, RequestHead

if TYPE_CHECKING:
    from ws76proxy.session.core import Session

__all__ = ["Arrival"]

_ENOUGH_TO_RECOGNISE = 1024


class Arrival(Phase):
    """Waits for a request head, or for bytes that cannot be one.

    After a plain HTTP exchange on the same connection it begins again: an upgrade need not be a
    connection's first request.
    """

    unread = Unread.REQUEST

    def __init__(self, session: Session, web: Web | None = None, counted: int = 0) -> None:
        super().__init__(session)
        self._web: Web | None = None
        self._reader = HeadReader(RequestHead, session.options.head_limits)
        self._recognised = False
        self.handshaking_since = 0.0
        self._first = b""
        self._offset = 0
        if web is not None:
            self._begin_again(web, counted)

    @property
    def may_answer(self) -> bool:
        """A first request is ours to answer; on a connection in use only between two answers."""
        return self._web is None or not self._web.waiting

    @property
    def at_rest(self) -> bool:
        has_begun = self._first or self._reader.buffered
        return not has_begun and (self._web is None or self._web.at_rest)

    def receive_data(self, peer: Peer, data: bytes) -> Iterator[Command]:
        if peer is Peer.SERVER:
            # The rest of an answer to an earlier request on this connection.
            if self._web is not None:
                yield from self._web.receive_data(peer, data)
            return
        if not self._recognised:
            self._first += data
            # The first line is enough to tell what cannot be HTTP; the rest is for the reader.
            line, line_end, _ = self._first[:_ENOUGH_TO_RECOGNISE].partition(b"\n")
            dialect = detect(line + line_end)
            if dialect in (Dialect.TLS, Dialect.FLASH_POLICY, Dialect.UNKNOWN):
                yield from self._not_http(dialect, self._first)
                return
            self._recognised = b"\n" in self._first.lstrip(b"\r\n")
            if not self._recognised and len(self._first) < _ENOUGH_TO_RECOGNISE:
                return
            data, self._first = self._first, b""
        rest: bytes | None = data
        while rest:
            if self.handshaking_since is None:
                self.handshaking_since = self.session.now()
            head = self._reader.feed(rest)
            if self._reader.refusal is not None:
                yield from self._refuse_head(self._reader.refusal)
                return
            if head is None:
                return
            rest = yield from self._arrived(head, self._reader.excess)

    def receive_eof(self, peer: Peer, reset: str | None = None) -> Iterator[Command]:
        began = self._first or self._reader.buffered
        if peer is Peer.CLIENT and began:
            if self._web is not None:
                yield from self.session.to_server(began)
            yield from self._unfinished("client")
        if self._web is not None:
            yield from self._web.receive_eof(peer, reset)
        else:
            yield from super().receive_eof(peer, reset)

    def ending(self) -> Iterator[Command]:
        if self._web is not None:
            yield from self._web.ending()

    def timed_out(self, seconds: float) -> Iterator[Command]:
        if self._web is not None and not self._reader.buffered:
            yield from super().timed_out(seconds)
            return
        session = self.session
        began = self._first or self._reader.buffered
        session.outcome = "failed" if began else "nothing"
        if began:
            text = f"No whole request head within {seconds:g} s.\n"
            yield from session.answer(408, "Request Timeout", text)
        yield from session.tell_closing("relay", "timeout", f"no request within {seconds:g} s")
        yield from self._unfinished("timeout")

    def _unfinished(self, ended_by: str) -> Iterator[Command]:
        yield from self.session.tell_findings(
            check_unfinished(
                Dialect.UNKNOWN,
                request=None,
                key3=b"",
                response=None,
                digest=b"",
                ended_by="timeout" if ended_by == "timeout" else "client",
            )
        )

    def _not_http(self, dialect: Dialect, data: bytes) -> Iterator[Command]:
        session = self.session
        session.dialect = dialect
        if dialect is Dialect.TLS:
            session.outcome = "refused"
            detail = f"the client began with {data[:6].hex(' ')}: a TLS handshake record"
            finding = found(
                "tls-on-plain-port", detail, stream=Peer.CLIENT.stream, offset=0, evidence=data[:16]
            )
            yield from session.tell_findings([finding])
            yield from session.end()
            return
        code, detail = "unknown-protocol", f"the first bytes are {data[:16].hex(' ')}"
        if dialect is Dialect.FLASH_POLICY:
            code, detail = "flash-policy-request", "passed on to the server as it came"
        finding = found(code, detail, stream=Peer.CLIENT.stream, offset=0, evidence=data[:64])
        session.enter(Tunnel(session))
        yield from session.to_server(data)
        yield from session.tell_findings([finding])

    def _refuse_head(self, why: str) -> Iterator[Command]:
        session = self.session
        session.outcome = "refused"
        yield from session.answer(431, "Request Header Fields Too Large", f"{why}\n")
        finding = found("head-refused", why, stream=Peer.CLIENT.stream, offset=self._offset)
        yield from session.tell_findings([finding])
        yield from session.end()

    def _arrived(self, head: RequestHead, excess: bytes) -> Generator[Command, None, bytes | None]:
        """Hand over to whoever this request is for; return what is left for us to read."""
        session = self.session
        dialect = dialect_of(head)
        refused = self._refusal(head, dialect)
        other = refuse_dialect(head, dialect, session.options.client_dialect)
        bridged = server_dialects(session.options, dialect, session.dialects)
        if refused is not None:
            code, text = refused
            session.dialect, session.outcome = dialect, "refused"
            yield from session.answer(403, "Forbidden", f"{text}\n")
            yield from tell_request(session, dialect, head, head, self._offset)
            offset = self._offset
            yield from session.tell_findings(
                [found(code, text, stream=Peer.CLIENT.stream, offset=offset)]
            )
            yield from session.end()
        elif other is not None:
            session.dialect, session.outcome = dialect, "refused"
            if self.may_answer:
                yield Send(Peer.CLIENT, other.raw)
            yield from tell_request(session, dialect, head, head, self._offset)
            yield from session.tell_findings(moved([other.diagnosis], self._offset))
            yield from session.end()
        elif dialect is Dialect.HTTP:
            web = self._web or Web(session, lambda web, counted: Arrival(session, web, counted))
            rest = yield from web.request(head, excess)
            if rest is not None:
                self._begin_again(web, len(rest))
                session.enter(self)
            return rest
        elif self._web is not None and self._web.waiting:
            # Pipelined behind a request without an answer yet: where the 101 will begin in the
            # server's stream cannot be told, so the bytes go through unread.
            yield from self._pass_on(head, head, excess, dialect, Tunnel(session))
            yield from self._web.ending()
        elif dialect.is_hixie or bridged:
            yield from self._open(head, excess, dialect, bridged)
        else:
            adjusted, changes = adjust_request(head, session.options)
            later = Later(session, adjusted, dialect)
            yield from self._pass_on(head, adjusted, excess, dialect, later)
            yield from tell_adjustments(session, "server", changes)
        return None

    def _open(
        self, head: RequestHead, excess: bytes, dialect: Dialect, bridged: tuple[Dialect, ...]
    ) -> Iterator[Command]:
        """`bridged`: what the server is to be asked in, where that is not simply forwarded."""
        session, offset, since = self.session, self._offset, self.handshaking_since

        def enter(asked: Asked | None, behind: bytes) -> Iterator[Command]:
            if bridged:
                opening: BridgeOpening | Opening = BridgeOpening(
                    session, dialect, head, offset, since, bridged, asked
                )
            elif asked is None or edits is None:
                opening = Opening(session, dialect, head, offset, since)
            else:
                opening = EditedOpening(session, edits, dialect, head, offset, since, asked)
            session.enter(opening)
            return opening.begin(behind)

        edits = session.edits
        if edits is None:
            yield from enter(None, excess)
            return
        asking = Asking(session, edits, dialect, head, offset, since, enter)
        session.enter(asking)
        yield from asking.begin(excess)

    def _begin_again(self, web: Web, counted: int) -> None:
        """Wait for the next request, of which so many bytes have been counted."""
        self._web = web
        self._reader = HeadReader(RequestHead, self.session.options.head_limits)
        self._recognised = True
        self.handshaking_since = None
        self._offset = self.session.traffic[Peer.CLIENT].bytes - counted
        if self.session.untold is not None:
            self.session.untold.told(Peer.CLIENT, self._offset, head=False)

    def _refusal(self, head: RequestHead, dialect: Dialect) -> tuple[str, str] | None:
        options = self.session.options
        for host in _every_value(head, b"host"):
            if not options.allows_host(host):
                return "host-refused", f"Host {_shown(host)} is not among those allowed here"
        for origin in _every_value(head, b"origin") if dialect.is_websocket else ():
            if not options.allows_origin(origin):
                return "origin-refused", f"Origin {_shown(origin)} is not among those allowed here"
        return None

    def _pass_on(
        self,
        came: RequestHead,
        went: RequestHead,
        excess: bytes,
        dialect: Dialect,
        tunnel: Tunnel,
    ) -> Iterator[Command]:
        session = self.session
        session.dialect = dialect
        session.enter(tunnel)
        yield from session.to_server(went.raw + excess)
        yield from tell_request(session, dialect, came, went, self._offset)
        code = {
            Dialect.RFC_6455: "rfc6455-client",
            Dialect.HYBI_DRAFT: "hybi-draft-client",
        }.get(dialect, "pipelined-upgrade")
        version = came.get(b"sec-websocket-version")
        stated = version.stripped.decode("latin-1") if version is not None else "none"
        detail = f"Sec-WebSocket-Version: {stated}; passed on as bytes, not decoded"
        finding = found(code, detail, stream=Peer.CLIENT.stream, offset=self._offset)
        yield from session.tell_findings([finding])


def _every_value(head: RequestHead, name: bytes) -> list[bytes | None]:
    """What the field says each time: which one a server goes by cannot be known."""
    return [field.value for field in head.get_all(name)] or [None]


def _shown(value: bytes | None) -> str:
    return "(absent)" if value is None else repr(value.decode("latin-1"))
