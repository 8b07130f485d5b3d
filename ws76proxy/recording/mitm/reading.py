"""Reads flows: what a session of ours was, what the addon kept of one, and what stock mitmproxy
knows of any other."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec
from mitmproxy import connection, exceptions, http, tcp
from mitmproxy.flow import Flow
from mitmproxy.io import FlowReader

from ws76proxy.endpoint import Endpoint, in_text
from ws76proxy.errors import RecordingError
from ws76proxy.record import AnyRecord, NoticeRecord
from ws76proxy.recording.carried import Headers, message_of, put_together
from ws76proxy.recording.foreign import (
    Closing,
    Exchange,
    Payload,
    Retelling,
    header_of,
    retell,
)
from ws76proxy.recording.mitm.metadata import METADATA, SESSION, Part, Whole
from ws76proxy.recording.mitm.told import retell_told
from ws76proxy.recording.model import Entry
from ws76proxy.recording.rfc6455 import Rfc6455Reader
from ws76proxy.session import Peer
from ws76proxy.wire import Dialect, RequestHead, ResponseHead, dialect_of

if TYPE_CHECKING:
    from io import BufferedReader

    from ws76proxy.recording.reader import Complain, Progress

__all__ = ["read"]

NO_CODE, ABRUPT = 1005, 1006
# What mitmproxy raises for a flow that is none, and for one with values of other types in it.
_FAULTS = (
    exceptions.FlowReadException,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    msgspec.DecodeError,
)


def read(path: Path, complain: Complain, progress: Progress = lambda _: None) -> Iterator[Entry]:
    """The records of a file; see `Format.read`."""
    reading = _Reading(path)
    with path.open("rb") as file:
        for number, flow in _flows(path, file, complain):
            try:
                # All of a flow or nothing: half a session would be taken for a whole one.
                entries = list(reading.flow(flow))
            except _FAULTS as error:
                complain(f"{path}, flow {number}: expected a flow of mitmproxy, found {error!r}")
                continue
            yield from entries
            progress(file.tell())
    if not reading.found:
        raise RecordingError(f"{path}: expected flows of mitmproxy that can be read, found none")
    yield from reading.others()


def _flows(path: Path, file: BinaryIO, complain: Complain) -> Iterator[tuple[int, Flow]]:
    """The flows with their numbers; one that cannot be read does not hide those behind it."""
    reader = FlowReader(cast("BinaryIO", _Bounded(file, path.stat().st_size)))
    stream = iter(reader.stream())
    number = 0
    while True:
        begin = file.tell()
        number += 1
        try:
            flow = next(stream)
        except StopIteration:
            return
        except _FAULTS as error:
            cause = error.__cause__ or error
            complain(f"{path}, byte {begin}: expected flow {number} of mitmproxy, found: {cause}")
            at_flow = reader.peek(1)[:1].isdigit() and file.tell() > begin
            if not at_flow:
                return
            stream = iter(reader.stream())
            continue
        yield number, flow


class _Bounded:
    """A file of which nobody can ask for more than there is: sizes in it may be absurd."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.peek = cast("BufferedReader", file).peek

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._size))


class _Reading:
    """What is read of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._headers = Headers()
        self._number = 0
        self._others: Counter[str] = Counter()
        self.found = False

    def flow(self, flow: Flow) -> Iterator[Entry]:
        """The records of a flow."""
        self.found = True
        ours = flow.metadata.get(SESSION)
        if ours is not None:
            yield from self._ours(flow, ours)
        elif isinstance(flow, http.HTTPFlow):
            yield from self._number_and_header(flow)
            if METADATA in flow.metadata:
                records = retell_told(flow, self._number)
            else:
                records = retell(_exchange(flow), self._number)
            yield from map(Entry, records)
        elif isinstance(flow, tcp.TCPFlow):
            yield from self._number_and_header(flow)
            yield from map(Entry, _retell_tcp(flow, self._number))
        else:
            self._others[flow.type] += 1

    def others(self) -> Iterator[Entry]:
        """What has been passed over."""
        for kind, count in self._others.items():
            text = f"{self._path.name}: {count} flows of type {kind} are passed over"
            yield Entry(NoticeRecord(session=0, time=0.0, level="info", text=text))

    def _ours(self, flow: Flow, ours: Any) -> Iterator[Entry]:
        kept = msgspec.json.decode(ours, type=Whole | Part)
        if isinstance(kept, Part):
            return
        carried, messages = kept.carried, []
        websocket = flow.websocket if isinstance(flow, http.HTTPFlow) else None
        if websocket is not None:
            messages = [
                message_of(
                    carried.session, "client" if one.from_client else "server", one.content, extra
                )
                for one, extra in zip(websocket.messages, kept.extras, strict=True)
            ]
        if carried.recording is not None:
            yield from self._headers.before(carried.recording)
        yield from map(Entry, put_together(carried, messages))

    def _number_and_header(self, flow: Flow) -> Iterator[Entry]:
        if not self._number:
            self._header = header_of(self._path, "mitmproxy", flow.timestamp_start)
        self._number += 1
        yield from self._headers.before(self._header)


def _exchange(flow: http.HTTPFlow) -> Exchange:
    """A flow that no addon of ours has seen."""
    request, response, websocket = flow.request, flow.response, flow.websocket
    head = RequestHead(
        _head([request.data.method, request.data.path, request.data.http_version], request)
    )
    dialect = dialect_of(head)
    started = request.timestamp_start
    answered = started if response is None else response.timestamp_start or started
    accepted = response is not None and response.status_code == 101
    exchange = Exchange(
        started=started,
        client=_address(flow.client_conn),
        listener=_listener(flow.client_conn),
        upstream=Endpoint(request.scheme in ("https", "wss"), request.host, request.port),
        request=head,
        answered=answered,
        ended=answered if response is None else response.timestamp_end or answered,
        error="" if flow.error is None else flow.error.msg,
    )
    content = request.raw_content or b""
    if dialect is not Dialect.HIXIE_76 or len(content) == 8:
        exchange.key3 = content if dialect.is_hixie else b""
    exchange.sizes = (len(head.raw) + len(content), 0)
    if response is not None:
        status = b"%03d" % response.status_code
        line = [response.data.http_version, status, response.data.reason]
        exchange.response = ResponseHead(_head(line, response))
        body = response.raw_content or b""
        if dialect is not Dialect.HIXIE_76 or len(body) == 16:
            exchange.digest = body if accepted and dialect is Dialect.HIXIE_76 else b""
        exchange.sizes = (exchange.sizes[0], len(exchange.response.raw) + len(body))
    if websocket is not None:
        exchange.payloads = [
            Payload(
                one.timestamp,
                Peer.CLIENT if one.from_client else Peer.SERVER,
                int(one.type),
                one.content,
            )
            for one in websocket.messages
            # What somebody put in was said by no peer.
            if not one.injected
        ]
        exchange.closings = list(_closings(websocket, exchange.ended))
        times = [one.time for one in exchange.payloads] + [one.time for one in exchange.closings]
        exchange.ended = max([exchange.ended, *times])
    return exchange


def _closings(websocket: Any, latest: float) -> Iterator[Closing]:
    by_client = websocket.closed_by_client
    if by_client is None:
        return
    first = Peer.CLIENT if by_client else Peer.SERVER
    time = websocket.timestamp_end or latest
    code, reason = websocket.close_code, websocket.close_reason or ""
    if code == ABRUPT:
        yield Closing(time, first, "end-of-stream", reason)
    else:
        detail = reason if code in (None, NO_CODE) else f"{code} {reason}"
        yield Closing(time, first, "closing-handshake", detail.strip())


def _retell_tcp(flow: tcp.TCPFlow, number: int) -> Iterator[AnyRecord]:
    """A connection that mitmproxy passed on as bytes: all that the relay would have seen."""
    server = flow.server_conn
    host, port, *_ = server.address or ("", 0)
    retelling = Retelling(
        number,
        started=flow.client_conn.timestamp_start,
        client=_address(flow.client_conn),
        listener=_listener(flow.client_conn),
        upstream=Endpoint(server.tls, host, port),
    )
    reader = Rfc6455Reader()
    for record in _told_of_tcp(flow, retelling):
        yield from reader.read(record)


def _told_of_tcp(flow: tcp.TCPFlow, retelling: Retelling) -> Iterator[AnyRecord]:
    yield from retelling.start()
    time = 0.0
    for one in flow.messages:
        time = max(time, one.timestamp)
        peer = Peer.CLIENT if one.from_client else Peer.SERVER
        yield from retelling.receive(peer, one.content, time)
    if flow.error is not None:
        yield retelling.notice(flow.error.msg, flow.error.timestamp)
    yield from retelling.end(flow.client_conn.timestamp_end or time)


def _head(start: list[bytes], message: http.Message) -> bytes:
    fields = [name + b": " + value for name, value in message.headers.fields]
    return b"\r\n".join([b" ".join(start), *fields, b"", b""])


def _address(conn: connection.Client) -> str:
    return in_text(*conn.peername[:2])


def _listener(conn: connection.Client) -> Endpoint:
    host, port, *_ = conn.sockname
    return Endpoint(conn.tls, host, port)
