"""What stands in for mitmproxy's own functions: each takes the stock one and returns its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http._events import RequestHeaders

from ws76proxy.mitm.bridged_layer import BridgedLayer, BridgedStandInLayer
from ws76proxy.mitm.handshake import Handshake
from ws76proxy.mitm.handshakes import handshake_of
from ws76proxy.mitm.layer import HixieLayer
from ws76proxy.mitm.pristine import (
    dialect_of_request,
    is_answered_76,
    is_ours,
    remember_answer,
    remember_request,
)
from ws76proxy.mitm.recording import wait_for_room
from ws76proxy.mitm.stand_in import StandInLayer
from ws76proxy.mitm.wiretap import Wiretap, attach, tap_of
from ws76proxy.session import Peer
from ws76proxy.wire import Dialect, RequestHead, ResponseHead, dialect_of
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE

__all__ = [
    "body_size",
    "body_size_check",
    "client_sender",
    "event_handler",
    "pipe_maker",
    "request_head_reader",
    "request_reader",
    "request_streamer",
    "response_reader",
    "response_streamer",
    "websocket_layer",
    "writers_drainer",
]

_BLANK_LINE = re.compile(rb"\n\r?\n")
_URL_OF_A_WEBSOCKET = re.compile(rb"(\S+\s+)ws(s?://)", re.IGNORECASE)


def body_size(stock: Any) -> Any:
    """A 76 request has a body of 8 bytes, and its 101 one of 16."""

    def expected_http_body_size(
        request: http.Request, response: http.Response | None = None
    ) -> int | None:
        if response is None:
            if dialect_of_request(request) is Dialect.HIXIE_76:
                return KEY3_SIZE
        elif is_answered_76(request, response):
            return DIGEST_SIZE
        size: int | None = stock(request, response)
        return size

    return expected_http_body_size


def request_head_reader(stock: Any) -> Any:
    """``GET ws://…`` is to mitmproxy what ``GET http://…`` is."""

    def read_request_head(lines: list[bytes]) -> http.Request:
        if lines and _URL_OF_A_WEBSOCKET.match(lines[0]):
            line = _URL_OF_A_WEBSOCKET.sub(rb"\1http\2", lines[0], count=1)
            request: http.Request = stock([line, *lines[1:]])
            if dialect_of_request(request).is_hixie:
                return request
        return cast("http.Request", stock(lines))

    return read_request_head


def request_reader(stock: Any) -> Any:
    """Remember the bytes of the head of a request for a WebSocket."""

    def read_headers(self: Any, event: events.Event) -> Iterator[commands.Command]:
        raw = _whole_head(self.buf, event)
        # The name stands in every head that could be one of hixie; most have it not.
        maybe = raw is not None and b"websocket" in raw.lower()
        dialect = dialect_of(RequestHead(raw)) if raw is not None and maybe else Dialect.HTTP
        if raw is None or not dialect.is_websocket:
            yield from stock(self, event)
            return
        tap = self.ws76_tap = Wiretap()
        tap.received(Peer.CLIENT, bytes(self.buf))
        if dialect.is_hixie:
            _take_empty_lines(self.buf, raw)
        for command in stock(self, event):
            read = getattr(command, "event", None)
            if isinstance(read, RequestHeaders) and read.request is self.request:
                remember_request(read.request, RequestHead(raw))
                attach(read.request, tap)
            yield command

    return read_headers


def response_reader(stock: Any) -> Any:
    """Remember the bytes of the head that answers a request of ours."""

    def read_headers(self: Any, event: events.Event) -> Iterator[commands.Command]:
        request = self.request
        if request is not None and is_ours(request):
            raw = _whole_head(self.buf, event)
            if raw is not None:
                remember_answer(request, ResponseHead(raw))
                _take_empty_lines(self.buf, raw)
        yield from stock(self, event)

    return read_headers


def client_sender(stock: Any) -> Any:
    """A head and its key3 leave in one write, as some servers need it."""

    def send(self: Any, event: Any) -> Iterator[commands.Command]:
        if isinstance(event, RequestHeaders):
            self.ws76_tap = tap_of(event.request)
        if (
            isinstance(event, RequestHeaders)
            and not event.end_stream
            and dialect_of_request(event.request) is Dialect.HIXIE_76
        ):
            # What follows without a pause is the body, which is whole: it is never streamed.
            self.ws76_head = b"".join(
                command.data
                for command in stock(self, event)
                if isinstance(command, commands.SendData)
            )
            return
        head, self.ws76_head = getattr(self, "ws76_head", b""), b""
        for command in stock(self, event):
            if head and isinstance(command, commands.SendData):
                command.data, head = head + command.data, b""
            yield command

    return send


def event_handler(stock: Any) -> Any:
    """What comes of a handshake is heard before anybody has read it."""

    def _handle_event(self: Any, event: events.Event) -> Any:
        tap: Wiretap | None = getattr(self, "ws76_tap", None)
        if tap is not None and isinstance(event, events.DataReceived):
            if tap.is_closed:
                self.ws76_tap = None
            else:
                is_client = event.connection == self.context.client
                tap.received(Peer.CLIENT if is_client else Peer.SERVER, event.data)
        return stock(self, event)

    return _handle_event


def writers_drainer(stock: Any) -> Any:
    """Before more is read of a session, its recording has room for it."""

    async def drain_writers(self: Any) -> None:
        await wait_for_room(self.client)
        await stock(self)

    return drain_writers


def pipe_maker(stock: Any) -> Any:
    """Frames that came early are kept whole: line ends in front belong to them."""

    def make_pipe(self: Any) -> Iterator[commands.Command]:
        if not is_ours(self.request):
            yield from stock(self)
            return
        early = bytes(self.buf.maybe_extract_at_most(len(self.buf)) or b"") if self.buf else b""
        yield from stock(self)
        if early:
            yield from self.state(events.DataReceived(self.conn, early))

    return make_pipe


def body_size_check(stock: Any) -> Any:
    """The bytes of a handshake are never too many; how many have come is noted."""

    def check_body_size(self: Any, request: bool) -> CommandGenerator[bool]:
        flow: http.HTTPFlow = self.flow
        handshake = handshake_of(flow)
        if request and dialect_of_request(flow.request) is Dialect.HIXIE_76:
            if handshake is not None:
                handshake.note_key3(bytes(self.request_body_buf))
            return False
        if not request and flow.response and is_answered_76(flow.request, flow.response):
            if handshake is not None:
                handshake.note_digest(bytes(self.response_body_buf))
            return False
        done: bool = yield from stock(self, request)
        return done

    return check_body_size


def request_streamer(stock: Any) -> Any:
    """Never stream a key3: the hooks need it."""

    def start_request_stream(self: Any) -> Iterator[commands.Command]:
        if dialect_of_request(self.flow.request) is Dialect.HIXIE_76:
            self.flow.request.stream = False
            self.client_state = self.state_consume_request_body
        else:
            yield from stock(self)

    return start_request_stream


def response_streamer(stock: Any) -> Any:
    """Never stream a digest: the hooks need it."""

    def start_response_stream(self: Any) -> Iterator[commands.Command]:
        if is_answered_76(self.flow.request, self.flow.response):
            self.flow.response.stream = False
            self.server_state = self.state_consume_response_body
        else:
            yield from stock(self)

    return start_response_stream


def websocket_layer(stock: Any) -> Any:
    """Hixie frames for hixie flows, mitmproxy's own layer for all others."""

    class Chooser(type):
        """Makes one of the two; whoever asks about types means the stock one."""

        def __call__(cls, context: Any, flow: http.HTTPFlow) -> Any:
            handshake = handshake_of(flow)
            if handshake is not None and handshake.is_open:
                return _layer(context, flow, handshake)
            return stock(context, flow)

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, stock)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, stock)

    return Chooser(stock.__name__, (stock,), {"__module__": __name__, "__doc__": stock.__doc__})


def _layer(context: Any, flow: http.HTTPFlow, handshake: Handshake) -> HixieLayer:
    if handshake.plan is None:
        kind = BridgedLayer if handshake.is_bridged else HixieLayer
        return kind(context, flow, handshake)
    stand_in = BridgedStandInLayer if handshake.is_bridged else StandInLayer
    return stand_in(context, flow, handshake, handshake.plan)


def _whole_head(buffer: Any, event: events.Event) -> bytes | None:
    """The head that the stock reader is about to take, if it is whole."""
    # An empty event stands for what is in the buffer since the exchange before.
    if not isinstance(event, events.DataReceived) or (event.data and b"\n" not in event.data):
        return None
    raw = bytes(buffer)
    end = _BLANK_LINE.search(raw, len(raw) - len(raw.lstrip(b"\r\n")))
    return raw[: end.end()] if end else None


def _take_empty_lines(buffer: Any, raw: bytes) -> None:
    """The stock reader would take one empty line for an event of its own, and stop."""
    empty = len(raw) - len(raw.lstrip(b"\r\n"))
    if empty:
        buffer.maybe_extract_at_most(empty)
