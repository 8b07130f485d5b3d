"""Writes flows that a stock mitmproxy opens, and from which the session can be read again."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from mitmproxy import connection, http, tcp
from mitmproxy.flow import Error, Flow
from mitmproxy.io import FlowWriter
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from ws76proxy.endpoint import Endpoint, parse_address
from ws76proxy.errors import UsageError
from ws76proxy.record import (
    BytesRecord,
    ChallengeRecord,
    ClosingRecord,
    HttpRecord,
    MessageRecord,
    RequestRecord,
)
from ws76proxy.recording.carried import Carried, extra_of, take_apart
from ws76proxy.recording.losses import Losses
from ws76proxy.recording.mitm.metadata import (
    METADATA,
    SESSION,
    Part,
    Whole,
    told_values,
    worst_of,
)
from ws76proxy.recording.model import RecordedSession, message_payload
from ws76proxy.wire import RequestHead, ResponseHead
from ws76proxy.wire.head import Head

if TYPE_CHECKING:
    from ws76proxy.recording.reader import Complain

__all__ = ["write"]

TEXT, BINARY = 1, 2
CLEAN, ABRUPT = 1005, 1006
"""What RFC 6455 calls a close without a code, and an end without a close."""
_MOST_COMMENT = 240


def write(sessions: Iterable[RecordedSession], file: IO[bytes], complain: Complain) -> list[str]:
    """Write sessions; return what a stock mitmproxy will not show of them."""
    writer = FlowWriter(file)
    losses = Losses("mitmproxy")
    for session in sessions:
        losses.look(session)
        try:
            flows = list(_flows(session))
        except ValueError as error:
            complain(f"{session.where(0)}: session {session.number} is left out: {error}")
            continue
        for flow in flows:
            writer.add(flow)
    return losses.lines()


class _Place(NamedTuple):
    """Between whom a session was, and when it began, in seconds since 1970."""

    began: float
    client: tuple[str, int]
    listener: Endpoint
    upstream: Endpoint
    name: str

    @classmethod
    def of(cls, session: RecordedSession) -> _Place:
        start, header = session.start, session.recording
        run = session.source if header is None else header.run
        name = f"{run}/{session.number}"
        if start is None:
            return cls(0.0, ("", 0), Endpoint(False, "", 0), Endpoint(False, "", 0), name)
        try:
            began = datetime.fromisoformat(start.started)
        except ValueError:
            began = datetime.fromtimestamp(0, UTC)
        try:
            client = parse_address(start.client)
        except UsageError:
            client = (start.client, 0)
        return cls(
            began.timestamp(), client, _endpoint(start.listener), _endpoint(start.upstream), name
        )

    def id(self, what: str) -> str:
        """The same each time that this session is written."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:ws76proxy:{self.name}/{what}"))

    def connections(self) -> tuple[connection.Client, connection.Server]:
        """The two connections, as mitmproxy knows them."""
        tls = self.upstream.secure
        client = connection.Client(
            peername=self.client,
            sockname=(self.listener.host, self.listener.port),
            timestamp_start=self.began,
            tls=self.listener.secure,
        )
        address = (self.upstream.host, self.upstream.port) if self.upstream.host else None
        server = connection.Server(address=address, timestamp_start=self.began, tls=tls)
        client.id, server.id = self.id("client"), self.id("server")
        return client, server


def _flows(session: RecordedSession) -> Iterator[Flow]:
    """A flow for each request, or one of bytes where there was none."""
    place = _Place.of(session)
    requests = [one for one in session.records if isinstance(one, RequestRecord | HttpRecord)]
    main: Any = session.request or (requests[0] if requests else None)
    if main is None:
        yield _finished(_bytes_flow(session, place), session, place, 0)
    for number, request in enumerate(requests):
        flow: Flow
        if isinstance(request, RequestRecord):
            flow = _websocket_flow(session, place, request)
        else:
            flow = _http_flow(place, request)
        if request is not main:
            flow.metadata[SESSION] = _json(Part(session.number))
            flow.id, flow.timestamp_created = place.id(f"flow {number}"), place.began
            yield flow
        else:
            yield _finished(flow, session, place, number)


def _finished(flow: Flow, session: RecordedSession, place: _Place, number: int) -> Flow:
    """Have a flow carry its session."""
    flow.id, flow.timestamp_created = place.id(f"flow {number}"), place.began
    if isinstance(flow, http.HTTPFlow) and flow.websocket is not None:
        carried, messages = take_apart(session)
        whole = Whole(carried, [extra_of(one) for one in messages])
    else:
        records = session.records
        whole = Whole(Carried(session.number, [len(records)], records, session.recording), [])
    flow.metadata[SESSION] = _json(whole)
    return flow


def _websocket_flow(
    session: RecordedSession, place: _Place, request: RequestRecord
) -> http.HTTPFlow:
    flow = http.HTTPFlow(*place.connections())
    head = RequestHead(request.head.encode("latin-1"))
    challenges = [one for one in session.records if isinstance(one, ChallengeRecord)]
    asked = [one.key3 for one in challenges if one.asked_by == "client"]
    answered = [one.received for one in challenges if one.answered_by == "server"]
    came = place.began + request.time
    flow.request = _request(
        place, head.method, head.target, head.version, bytes.fromhex("".join(asked[:1])), came
    )
    flow.request.headers = _headers(head)
    answer = session.response
    if answer is not None:
        answer_head = ResponseHead(answer.head.encode("latin-1"))
        flow.response = http.Response(
            answer_head.version or b"HTTP/1.1",
            answer.status or 0,
            answer_head.reason,
            _headers(answer_head),
            bytes.fromhex("".join(answered[:1])),
            None,
            place.began + answer.time,
            place.began + answer.time,
        )
    messages = [one for one in session.records if isinstance(one, MessageRecord)]
    end = session.end
    is_open = end.outcome == "open" if end is not None else answer is not None
    closing = None
    if messages or (is_open and answer is not None and answer.status == 101):
        flow.websocket = _websocket(session, place, messages)
        closing = flow.websocket.close_reason
    elif answer is None:
        flow.error = Error("no answer was recorded", came)
    if session.dialect.startswith("hixie"):
        flow.metadata[METADATA] = values = told_values(session, closing)
        worst = worst_of(session)
        if worst is not None:
            flow.marked = ":x:" if values["verdict"] not in (None, "verified") else ":warning:"
            text = f"ws76: {worst.code}: {worst.title}: {worst.detail}"
            flow.comment = text if len(text) <= _MOST_COMMENT else f"{text[:_MOST_COMMENT]}…"
    return flow


def _http_flow(place: _Place, record: HttpRecord) -> http.HTTPFlow:
    """An ordinary exchange, of which little more than its first lines has been recorded."""
    flow = http.HTTPFlow(*place.connections())
    came = place.began + record.time
    method = record.method.encode("latin-1", "replace")
    target = record.target.encode("latin-1", "replace")
    flow.request = _request(place, method, target, b"HTTP/1.1", None, came)
    if record.status is None:
        flow.error = Error("no answer was recorded", came)
        return flow
    fields = []
    if record.content_type:
        fields.append((b"content-type", record.content_type.encode("latin-1", "replace")))
    reason = record.reason.encode("latin-1", "replace")
    headers = http.Headers(fields)
    flow.response = http.Response(
        b"HTTP/1.1", record.status, reason, headers, None, None, came, came
    )
    return flow


def _bytes_flow(session: RecordedSession, place: _Place) -> tcp.TCPFlow:
    """A connection on which nothing was asked: its bytes, where they were recorded."""
    flow = tcp.TCPFlow(*place.connections())
    for record in session.records:
        if isinstance(record, BytesRecord):
            raw = base64.b64decode(record.raw)
            sent = tcp.TCPMessage(record.direction == "client", raw, place.began + record.time)
            flow.messages.append(sent)
    return flow


def _request(
    place: _Place, method: bytes, target: bytes, version: bytes, content: bytes | None, time: float
) -> http.Request:
    upstream = place.upstream
    return http.Request(
        upstream.host,
        upstream.port,
        method,
        b"https" if upstream.secure else b"http",
        b"",
        target,
        version or b"HTTP/1.1",
        http.Headers(),
        content,
        None,
        time,
        time,
    )


def _json(value: Whole | Part) -> str:
    """As one text: mitmproxy copies and encodes metadata value by value."""
    return msgspec.json.encode(value).decode()


def _headers(head: Head) -> http.Headers:
    return http.Headers(
        [(one.name, one.value) for one in head.fields if one.has_colon and one.name.strip()]
    )


def _websocket(
    session: RecordedSession, place: _Place, messages: list[MessageRecord]
) -> WebSocketData:
    websocket = WebSocketData()
    for record in messages:
        # Text that is not UTF-8 would make mitmproxy's own exporters fail.
        kind = BINARY if record.binary or record.payload is not None else TEXT
        content = message_payload(record)
        from_client = record.direction == "client"
        sent = WebSocketMessage(kind, from_client, content, place.began + record.time)
        websocket.messages.append(sent)
    closings = [
        one for one in session.records if isinstance(one, ClosingRecord) and one.by != "relay"
    ]
    end = session.end
    if closings or end is not None:
        last = end.time if end is not None else closings[-1].time
        websocket.timestamp_end = place.began + last
        code, reason = _how(session.dialect, closings)
        websocket.close_code, websocket.close_reason = code, reason
        websocket.closed_by_client = closings[0].by == "client" if closings else None
    return websocket


def _how(dialect: str, closings: list[ClosingRecord]) -> tuple[int, str]:
    """Close code and reason, as RFC 6455 would have them."""
    if not closings:
        return ABRUPT, "no end was recorded"
    first = closings[0]
    handshakes = {one.by for one in closings if one.how == "closing-handshake"}
    if not dialect.startswith("hixie"):
        code, _, reason = first.detail.partition(" ")
        if first.how == "closing-handshake":
            return (int(code), reason) if code.isdecimal() and len(code) < 6 else (CLEAN, "")
        return ABRUPT, first.detail
    if len(handshakes) == 2:
        return CLEAN, f"FF 00 from the {first.by}, answered"
    if handshakes:
        return CLEAN, f"FF 00 from the {first.by}, not answered"
    if dialect == "hixie-75" and first.how == "end-of-stream":
        return CLEAN, f"the {first.by} closed the connection: hixie-75 has no other way"
    return ABRUPT, f"the {first.by} closed the connection without FF 00"


def _endpoint(text: str) -> Endpoint:
    url = urlsplit(text)
    try:
        secure = url.scheme == "wss"
        return Endpoint(secure, url.hostname or "", url.port or (443 if secure else 80))
    except ValueError:
        return Endpoint(False, "", 0)
