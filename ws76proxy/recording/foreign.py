"""What another program has recorded of a connection, told as the relay would have told it."""

from __future__ import annotations

import base64
import hashlib
import math
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from ws76proxy.diagnosis import check_request, check_response
from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    AnyRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    NoticeRecord,
    RecordingRecord,
)
from ws76proxy.record import (
    Peer as PeerName,
)
from ws76proxy.recording.model import new_header
from ws76proxy.session import Command, Connect, Peer, Session, SessionOptions, Tell
from ws76proxy.session.conversation import Conversation
from ws76proxy.session.telling import tell_bytes, tell_request, tell_response
from ws76proxy.wire import (
    CLOSING_HANDSHAKE,
    ClientConnection,
    Dialect,
    RequestHead,
    ResponseHead,
    ServerConnection,
    dialect_of,
    hixie76,
)
from ws76proxy.wire.challenge import DIGEST_SIZE, KEY3_SIZE

__all__ = [
    "Closing",
    "Exchange",
    "Payload",
    "Retelling",
    "header_of",
    "message_record",
    "retell",
]

TEXT, BINARY, CLOSE = 1, 2, 8
_SAMPLE = 1 << 20


class Payload(NamedTuple):
    """A message, or a control frame, of a WebSocket of any age: `time` in seconds since 1970,
    `opcode` as RFC 6455 counts them (hixie text: 1)."""

    time: float
    peer: Peer
    opcode: int
    data: bytes


class Closing(NamedTuple):
    """A step of the end; `detail` is an RFC 6455 code and reason, or why it was reset."""

    time: float
    peer: Peer
    how: Literal["closing-handshake", "end-of-stream"]
    detail: str = ""


@dataclass
class Exchange:
    """A request and all that came of it, as another program has recorded it.

    Times are in seconds since 1970. `key3` and `digest` are what followed the heads of a hixie-76
    handshake, None where the program has not kept them. `sizes` are the bytes that an ordinary
    request and its answer had.
    """

    started: float
    client: str
    listener: Endpoint
    upstream: Endpoint
    request: RequestHead
    response: ResponseHead | None = None
    answered: float = 0.0
    ended: float = 0.0
    key3: bytes | None = None
    digest: bytes | None = None
    payloads: list[Payload] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    error: str = ""
    sizes: tuple[int, int] = (0, 0)


def header_of(
    path: Path, vantage: Literal["relay", "mitmproxy", "har"], started: float
) -> RecordingRecord:
    """The header for what is read from a foreign file; two different files have different runs."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    size = path.stat().st_size
    digest = hashlib.sha256(b"%d %s" % (size, sample)).hexdigest()
    return new_header(
        run=digest[:16],
        started=_iso(started),
        vantage=vantage,
        dialects=[Dialect.HIXIE_76, Dialect.HIXIE_75, Dialect.RFC_6455],
        source=path.name,
    )


def message_record(
    session: int,
    time: float,
    direction: PeerName,
    number: int,
    offset: int,
    payload: bytes,
    *,
    binary: bool = False,
) -> MessageRecord:
    """A message as it is told; `binary`: it never was text."""
    text, encoded = "", None
    try:
        text = "" if binary else payload.decode()
    except UnicodeDecodeError:
        text = payload.decode(errors="replace")
        encoded = base64.b64encode(payload).decode()
    return MessageRecord(
        session=session,
        time=time,
        direction=direction,
        number=number,
        offset=offset,
        size=len(payload),
        text=text,
        payload=base64.b64encode(payload).decode() if binary else encoded,
        binary=binary,
    )


def retell(exchange: Exchange, number: int) -> Iterator[AnyRecord]:
    """The records of a session of that number, from its start to its end."""
    dialect = dialect_of(exchange.request)
    retelling = Retelling(
        number,
        started=exchange.started,
        client=exchange.client,
        listener=exchange.listener,
        upstream=exchange.upstream,
    )
    yield from retelling.start()
    if exchange.payloads and not dialect.is_websocket:
        dialect = Dialect.RFC_6455
    if dialect.is_hixie:
        yield from retelling.hixie(exchange, dialect)
    elif dialect.is_websocket:
        yield from retelling.rfc6455(exchange, dialect)
    else:
        yield from retelling.http(exchange)
    if exchange.error:
        yield retelling.notice(exchange.error, exchange.ended)
    yield from retelling.end(exchange.ended)


class Retelling:
    """A session of ours, fed with what another program has recorded, at that program's times."""

    def __init__(
        self, number: int, *, started: float, client: str, listener: Endpoint, upstream: Endpoint
    ) -> None:
        self._started = started
        self._now = 0.0
        self._session = Session(
            number,
            SessionOptions(upstream=upstream, listener=listener, host="keep", lossless=True),
            client=client,
            started=_iso(started),
            clock=lambda: self._now,
            random_below=secrets.randbelow,
        )

    def start(self) -> Iterator[AnyRecord]:
        """The client has connected."""
        yield from self._told(self._session.start())

    def receive(self, peer: Peer, data: bytes, time: float) -> Iterator[AnyRecord]:
        """These bytes came at that time, in seconds since 1970."""
        self._at(time)
        yield from self._told(self._session.receive_data(peer, data))

    def end(self, time: float) -> Iterator[AnyRecord]:
        """Nothing more was recorded."""
        self._at(time)
        yield from self._told(self._session.end())

    def notice(self, text: str, time: float) -> NoticeRecord:
        """What the other program says about the session."""
        self._at(time)
        session = self._session
        return NoticeRecord(session=session.number, time=session.now(), level="warning", text=text)

    def hixie(self, exchange: Exchange, dialect: Dialect) -> Iterator[AnyRecord]:
        """A hixie session: its bytes are put together, and read as the relay reads them."""
        response = exchange.response
        accepted = response is not None and response.status == 101
        kept = exchange.key3 is not None and exchange.digest is not None
        if accepted and not kept and dialect is Dialect.HIXIE_76:
            yield from self._open_unverified(exchange)
        else:
            request = exchange.request.raw + (exchange.key3 or b"")
            yield from self.receive(Peer.CLIENT, request, exchange.started)
            if response is not None:
                answer = response.raw + (exchange.digest or b"" if accepted else b"")
                yield from self.receive(Peer.SERVER, answer, exchange.answered)
        for payload in exchange.payloads:
            frame = b"\x00" + payload.data + b"\xff"
            yield from self.receive(payload.peer, frame, payload.time)
        for closing in exchange.closings:
            if closing.how == "closing-handshake" and dialect is Dialect.HIXIE_76:
                yield from self.receive(closing.peer, CLOSING_HANDSHAKE, closing.time)
            else:
                self._at(closing.time)
                yield from self._told(self._session.receive_eof(closing.peer))

    def rfc6455(self, exchange: Exchange, dialect: Dialect) -> Iterator[AnyRecord]:
        """A WebSocket of RFC 6455 or of a draft before it.

        Masks and cuts are not known: offsets are reckoned as if each message had been one frame.
        """
        session, request, response = self._session, exchange.request, exchange.response
        session.dialect = dialect
        session.traffic[Peer.CLIENT].bytes = len(request.raw)
        yield from self._told(tell_request(session, dialect, request, request, 0))
        self._at(exchange.answered)
        session.outcome = "failed"
        if response is not None:
            session.outcome = "open" if response.status == 101 else "refused"
            session.traffic[Peer.SERVER].bytes = len(response.raw)
            yield from self._told(tell_response(session, response, response, 0))
        for payload in exchange.payloads:
            yield from self._rfc6455_frame(payload)
        for closing in exchange.closings:
            self._at(closing.time)
            yield from self._told(
                session.tell_closing(closing.peer.label, closing.how, closing.detail)
            )

    def http(self, exchange: Exchange) -> Iterator[AnyRecord]:
        """An ordinary request."""
        self._at(exchange.answered)
        session, request, response = self._session, exchange.request, exchange.response
        session.dialect = session.outcome = "http"
        for peer, size in zip(Peer, exchange.sizes, strict=True):
            session.traffic[peer].bytes = size
        kind = None if response is None else response.get(b"content-type")
        yield HttpRecord(
            session=session.number,
            time=session.now(),
            method=request.method.decode("latin-1"),
            target=request.target.decode("latin-1"),
            status=None if response is None else response.status,
            reason="" if response is None else response.reason.decode("latin-1"),
            content_type="" if kind is None else kind.stripped.decode("latin-1"),
        )

    def _open_unverified(self, exchange: Exchange) -> Iterator[AnyRecord]:
        """A hixie-76 handshake whose challenge cannot be derived: half of it was not kept."""
        session, request, response = self._session, exchange.request, exchange.response
        assert response is not None  # noqa: S101 - it has a status
        dialect = Dialect.HIXIE_76
        session.dialect, session.outcome = dialect, "open"
        session.traffic[Peer.CLIENT].bytes = len(request.raw) + KEY3_SIZE
        session.traffic[Peer.SERVER].bytes = len(response.raw) + DIGEST_SIZE
        yield from self._told(tell_request(session, dialect, request, request, 0))
        yield from self._told(session.tell_findings(check_request(request, dialect)))
        self._at(exchange.answered)
        yield from self._told(tell_response(session, response, response, 0))
        secure = session.options.upstream.secure
        diagnoses = check_response(request, response, dialect, secure=secure)
        yield from self._told(session.tell_findings(diagnoses))
        if exchange.key3:
            told = tell_bytes(session, Peer.CLIENT, len(request.raw), exchange.key3)
            yield from self._told(told)
        if exchange.digest:
            told = tell_bytes(session, Peer.SERVER, len(response.raw), exchange.digest)
            yield from self._told(told)
        client: ServerConnection = hixie76.ServerConnection()
        client.receive_head(request)
        client.receive_data(bytes(KEY3_SIZE))
        server: ClientConnection = hixie76.ClientConnection()
        server.receive_head(response)
        server.receive_data(bytes(DIGEST_SIZE))
        for leg in (client, server):
            # What the zeros in place of the challenge would say is not so.
            leg.events()
        conversation = Conversation(session, client, server)
        session.enter(conversation)
        yield from self._told(conversation.begin())

    def _rfc6455_frame(self, payload: Payload) -> Iterator[AnyRecord]:
        self._at(payload.time)
        session = self._session
        peer, label = payload.peer, payload.peer.label
        traffic = session.traffic[peer]
        offset = traffic.bytes
        framing = _framing(payload.opcode, len(payload.data))
        traffic.bytes += len(framing) + len(payload.data) + (4 if peer is Peer.CLIENT else 0)
        if payload.opcode in (TEXT, BINARY):
            traffic.messages += 1
            yield message_record(
                session.number,
                session.now(),
                label,
                traffic.messages,
                offset,
                payload.data,
                binary=payload.opcode == BINARY,
            )
            return
        traffic.frames += 1
        if payload.opcode == CLOSE:
            code = int.from_bytes(payload.data[:2])
            detail = f"{code} {payload.data[2:].decode(errors='replace')}" if code else ""
            # An offset would say that FF 00 stands there.
            told = session.tell_closing(label, "closing-handshake", detail.rstrip())
            yield from self._told(told)
            return
        raw = framing + payload.data
        yield FrameRecord(
            session=session.number,
            time=session.now(),
            direction=label,
            frame_type=raw[0],
            offset=offset,
            size=traffic.bytes - offset,
            raw=base64.b64encode(raw).decode(),
        )

    def _at(self, time: float) -> None:
        if math.isfinite(time):
            self._now = max(self._now, time - self._started)

    def _told(self, commands: Iterable[Command]) -> Iterator[AnyRecord]:
        connects = False
        for command in commands:
            if isinstance(command, Connect):
                connects = True
            elif isinstance(command, Tell):
                record = command.record
                if isinstance(record, Messages):
                    yield from record.records()
                else:
                    yield record
        if connects:
            yield from self._told(self._session.connected())


def _framing(opcode: int, size: int) -> bytes:
    """How RFC 6455 begins a frame of that size, without a mask."""
    first = bytes([0x80 | opcode & 0x0F])
    if size < 126:
        return first + bytes([size])
    if size < 1 << 16:
        return first + b"\x7e" + size.to_bytes(2)
    return first + b"\x7f" + size.to_bytes(8)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
