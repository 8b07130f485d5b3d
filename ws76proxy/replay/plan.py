"""What there is to replay of a recorded session: its handshake, and who said what, in order."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ws76proxy.errors import RecordingError, UsageError
from ws76proxy.record import (
    PEERS,
    BytesRecord,
    ChallengeRecord,
    ClosingRecord,
    FrameRecord,
    MessageRecord,
    Peer,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
)
from ws76proxy.recording.model import RecordedSession, message_payload
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    ClosingHandshake,
    DigestBytes,
    EndOfStream,
    Event,
    HeadRefused,
    InvalidText,
    Key3Bytes,
    OversizedFrame,
    Request,
    Response,
    TextFrames,
)
from ws76proxy.wire.frames import CLOSING_HANDSHAKE
from ws76proxy.wire.head import RequestHead, ResponseHead

__all__ = ["Plan", "Step", "What", "other", "plan_of", "said"]

What = Literal["message", "frame", "closing", "rest", "end"]
"""A text message; any other frame; FF 00; bytes that are no whole frame; the end of the stream."""

_PLAYABLE = (Dialect.HIXIE_76, Dialect.HIXIE_75)


class Step(NamedTuple):
    """Something that a peer said, recorded or live.

    `raw`: its bytes on the wire, framing included; of a frame that is not `whole` only the first of
    `size`. `time`: seconds since the session began. `place`: of its record in the session, -1 where
    it is not recorded. `number` counts this peer's steps of this kind, from 1.
    """

    who: Peer
    what: What
    raw: bytes = b""
    time: float = 0.0
    place: int = -1
    number: int = 0
    size: int = 0
    whole: bool = True

    @property
    def payload(self) -> bytes:
        """A message without its framing."""
        return self.raw[1:-1]

    @property
    def text(self) -> str:
        """A message as text; bytes that are not UTF-8 as lone surrogates, so that none is lost."""
        return self.payload.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Plan:
    """A recorded session, ready to be played by either side.

    `dialect` is the one to play in. In hixie-75, where there is no closing handshake, the end of
    the stream takes the place of a recorded one. `request` is the head that the server got,
    `response` the one that it sent: None where there was none; `body` what came behind a refusal.
    `asked` is when the client asked, `opened` when
    the handshake was done, in seconds since the session began. `complete`: the recording goes on to
    the end of the session, so that whatever else is said is a difference. `notes` tell a person
    what cannot be replayed.
    """

    session: RecordedSession
    dialect: Dialect
    recorded: Dialect
    request: RequestHead
    request_redacted: bool
    asked: float
    response: ResponseHead | None
    response_redacted: bool
    body: bytes
    opened: float
    steps: tuple[Step, ...]
    complete: bool
    notes: tuple[str, ...]

    @property
    def closing(self) -> bool:
        """Whether closing handshakes are compared."""
        recorded = any(step.what == "closing" for step in self.steps)
        return self.dialect is Dialect.HIXIE_76 and (recorded or self.recorded is self.dialect)

    @property
    def target(self) -> str:
        """The resource that was asked for, as Latin-1."""
        return self.request.target.decode("latin-1")

    @property
    def name(self) -> str:
        """The session in a few words, for a person."""
        return f"session {self.session.number} of {self.session.source}"

    def where(self, step: Step | None) -> str:
        """The place of a recorded step in its file; empty for one that is not recorded."""
        return "" if step is None or step.place < 0 else self.session.where(step.place)


def other(peer: Peer) -> Peer:
    """Who is at the other end."""
    return "server" if peer == "client" else "client"


def plan_of(session: RecordedSession, dialect: Dialect | None = None) -> Plan:
    """What there is to replay of a session; `dialect` other than None: play it in that one.

    Raises UsageError for a session that cannot be replayed, and says why; RecordingError for a
    record whose content is no longer what was recorded.
    """
    reading = _Reading(session)
    reading.read()
    request = reading.request
    if request is None:
        raise UsageError(f"{_name(session)}: {_instead(session)}; expected a WebSocket's handshake")
    recorded, went, answered = _spoken(request, reading.response)
    if dialect is None and recorded is Dialect.RFC_6455:
        raise UsageError(
            f"{_name(session)}: recorded as rfc6455; expected --dialect hixie-76 or hixie-75,"
            " in which its text messages can be replayed"
        )
    if recorded not in (*_PLAYABLE, Dialect.RFC_6455):
        raise UsageError(
            f"{_name(session)}: recorded as {request.dialect}, which is not decoded; expected"
            " hixie-76 or hixie-75"
        )
    chosen = recorded if dialect is None else dialect
    if chosen not in _PLAYABLE:
        raise UsageError(f"found the dialect {chosen}; expected hixie-76 or hixie-75")
    steps = reading.steps
    if chosen is Dialect.HIXIE_75:
        steps = _without_closing(steps)
    response = reading.response
    return Plan(
        session=session,
        dialect=chosen,
        recorded=recorded,
        request=RequestHead(reading.encoded(went)),
        request_redacted=request.redacted,
        asked=request.time,
        response=None if response is None else ResponseHead(reading.encoded(answered)),
        response_redacted=response is not None and response.redacted,
        body=bytes(reading.body),
        opened=reading.opened,
        steps=tuple(_numbered(steps)),
        complete=reading.complete,
        notes=tuple(reading.notes()),
    )


def said(event: Event, who: Peer) -> list[Step]:
    """What a peer has just said, in the terms of a plan; nothing of a handshake."""
    match event:
        case TextFrames():
            return [Step(who, "message", b"\x00" + one.encode() + b"\xff") for one in event.texts]
        case InvalidText():
            return [Step(who, "message", event.raw)]
        case ClosingHandshake():
            return [Step(who, "closing", event.raw)]
        case OversizedFrame():
            return [Step(who, "frame", event.raw, size=event.size, whole=False)]
        case EndOfStream():
            return [Step(who, "end")]
        case Request() | Response() | Key3Bytes() | DigestBytes() | HeadRefused():
            return []
    return [Step(who, "frame", event.raw, size=len(event.raw))]


def _dialect(text: str) -> Dialect:
    return Dialect(text) if text in list(Dialect) else Dialect.UNKNOWN


def _spoken(request: RequestRecord, response: ResponseRecord | None) -> tuple[Dialect, str, str]:
    """The dialect to play a session in, with its request and answer in that one.

    Of a bridged session that is the server's, as the server got it; where only the client spoke
    hixie, the client's.
    """
    went = request.head if request.sent is None else request.sent
    answered = "" if response is None else response.head
    client = _dialect(request.dialect)
    server = _dialect(request.server_dialect or request.dialect)
    if server in _PLAYABLE or client not in _PLAYABLE:
        return server, went, answered
    if response is not None and response.sent is not None:
        answered = response.sent
    return client, request.head, answered


def _name(session: RecordedSession) -> str:
    return f"{session.source}, session {session.number}"


def _instead(session: RecordedSession) -> str:
    end = session.end
    if end is None:
        return "found no request"
    return f"found {end.dialect or 'nothing'} (outcome: {end.outcome})"


def _without_closing(steps: list[Step]) -> list[Step]:
    """Who sent FF 00 ends its stream there instead."""
    ended: set[Peer] = set()
    kept = []
    for step in steps:
        if step.what not in ("closing", "end"):
            kept.append(step)
        elif step.who not in ended:
            ended.add(step.who)
            kept.append(step._replace(what="end", raw=b""))
    return kept


def _numbered(steps: list[Step]) -> list[Step]:
    counts: Counter[tuple[Peer, What]] = Counter()
    numbered = []
    for step in steps:
        counts[step.who, step.what] += 1
        numbered.append(step._replace(number=counts[step.who, step.what]))
    return numbered


class _Reading:
    """Goes through a session's records once. Where a connection had several handshakes, the last
    one counts."""

    def __init__(self, session: RecordedSession) -> None:
        self._session = session
        self._index = 0
        self._ended: set[Peer] = set()
        self._relay_ended = ""
        self._left_out: list[str] = []
        self._modern: set[Peer] = set()
        self._is_bridged = False
        self._binary = 0
        self.request: RequestRecord | None = None
        self.response: ResponseRecord | None = None
        self.body = bytearray()
        self.opened = 0.0
        self.steps: list[Step] = []

    @property
    def complete(self) -> bool:
        """Whether the peers themselves ended the session, and the recording says how."""
        return self._session.end is not None and not self._relay_ended

    def read(self) -> None:
        for index, record in enumerate(self._session.records):
            self._index = index
            match record:
                case RequestRecord():
                    self._begin(record)
                case ResponseRecord():
                    self.response, self.opened = record, record.time
                case ChallengeRecord():
                    self.opened = record.time
                case MessageRecord():
                    self._message(record)
                case FrameRecord() if record.direction in self._modern:
                    # A ping, a pong, or what a closing says again.
                    continue
                case FrameRecord():
                    raw = self._bytes(record.raw)
                    step = Step(record.direction, "frame", raw, size=record.size)
                    self._add(step._replace(whole=record.whole), record.time)
                case BytesRecord():
                    self._rest(record)
                case ClosingRecord():
                    self._closing(record)
                case SessionEndRecord():
                    return

    def notes(self) -> list[str]:
        """What a person must know about what is not replayed."""
        name = _name(self._session)
        notes = [f"{name}: {text}" for text in self._left_out]
        if self._binary:
            messages = (
                "1 binary message" if self._binary == 1 else f"{self._binary} binary messages"
            )
            notes.append(f"{name}: {messages} cannot be said in hixie, and are left out")
        if self._session.end is None:
            notes.append(f"{name}: the recording breaks off; what it has is replayed")
        if self.response is None:
            notes.append(f"{name}: no answer to the opening handshake was recorded")
        if self._relay_ended:
            notes.append(f"{name}: it was ended from between ({self._relay_ended}), not by a peer")
        return notes

    def encoded(self, head: str) -> bytes:
        """A head as the bytes that it was."""
        try:
            return head.encode("latin-1")
        except UnicodeEncodeError as error:
            raise RecordingError(
                f"{_name(self._session)}: expected a head as Latin-1, found"
                f" {head[error.start : error.start + 1]!r} in it"
            ) from None

    def _begin(self, record: RequestRecord) -> None:
        self.request, self.response = record, None
        self._is_bridged = record.server_dialect is not None
        spoken = {"client": record.dialect, "server": record.server_dialect or record.dialect}
        self._modern = {peer for peer in PEERS if spoken[peer] == Dialect.RFC_6455}
        self._binary = 0
        self.opened = record.time
        self.steps.clear()
        self.body.clear()
        self._ended.clear()

    def _message(self, record: MessageRecord) -> None:
        if record.binary and self._is_bridged:
            self._binary += 1
            return
        if record.payload is not None:
            self._bytes(record.payload)
        try:
            payload = message_payload(record)
        except UnicodeEncodeError:
            raise RecordingError(f"{self._where}: found a lone surrogate in a text") from None
        if b"\xff" in payload or record.binary:
            found = "a binary message" if record.binary else "the byte FF within a text message"
            raise RecordingError(f"{self._where}: found {found}, which hixie frames cannot hold")
        self._add(Step(record.direction, "message", b"\x00" + payload + b"\xff"), record.time)

    def _rest(self, record: BytesRecord) -> None:
        if record.of == "head":
            return
        raw = self._bytes(record.raw)
        if self.response is None or self.response.status != 101:
            if record.direction == "server":
                self.body += raw
            return
        step = Step(record.direction, "rest", raw, record.time, self._index, size=len(raw))
        # Told when the session is summed up, and sent before that peer's end.
        ends = [
            place
            for place, one in enumerate(self.steps)
            if one.who == step.who and one.what == "end"
        ]
        self.steps.insert(ends[0] if ends else len(self.steps), step)

    def _closing(self, record: ClosingRecord) -> None:
        if record.by == "relay":
            self._relay_ended = f"{record.how}, {record.detail}" if record.detail else record.how
        elif record.how == "closing-handshake":
            self._add(Step(record.by, "closing", CLOSING_HANDSHAKE), record.time)
        elif record.by not in self._ended:
            self._ended.add(record.by)
            self._add(Step(record.by, "end"), record.time)

    def _add(self, step: Step, time: float) -> None:
        if not step.whole:
            self._left_out.append(
                f"the {step.who}'s frame of {step.size} bytes ({self._where}) was not recorded as"
                " a whole, and is not sent"
            )
        self.steps.append(step._replace(time=time, place=self._index))

    def _bytes(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RecordingError(f"{self._where}: expected base64, found {error}") from None

    @property
    def _where(self) -> str:
        return self._session.where(self._index)
