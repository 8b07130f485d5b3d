"""The one versioned schema of everything that a session tells to whoever listens."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Iterator
from itertools import accumulate, count, repeat
from typing import Any, Literal

import msgspec

from ws76proxy.diagnosis.model import Diagnosis, Severity
from ws76proxy.wire.challenge import Key
from ws76proxy.wire.events import InvalidText, TextFrames, TextMessages

__all__ = [
    "PEERS",
    "RECORDING_FORMAT",
    "SCHEMA_VERSION",
    "AdjustmentRecord",
    "AnyRecord",
    "BytesRecord",
    "ChallengeRecord",
    "ChangeRecord",
    "ClosingRecord",
    "Counts",
    "FindingRecord",
    "FrameRecord",
    "HttpRecord",
    "KeyReading",
    "MessageRecord",
    "Messages",
    "NoticeRecord",
    "Peer",
    "Record",
    "RecordingRecord",
    "RequestRecord",
    "ResponseRecord",
    "SegmentRecord",
    "SessionEndRecord",
    "SessionStartRecord",
    "Verdict",
    "finding_record",
    "json_schema",
    "key_reading",
]

SCHEMA_VERSION = 1
RECORDING_FORMAT = 1

Peer = Literal["client", "server"]
PEERS: tuple[Peer, Peer] = ("client", "server")
Verdict = Literal["verified", "wrong", "missing", "unanswerable"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every record has.

    `session` numbers the sessions of one run from 1. `time` is in seconds since that session's
    start, by a clock that never jumps.
    """

    session: int
    time: float


class RecordingRecord(Record, frozen=True, kw_only=True, tag="recording"):
    """The first line of a recording; `session` and `time` are 0.

    `run` names the run of the program that wrote it: with it a session's number is unique, so that
    a session which goes on in another file can be put together. `dialects` are those whose frames
    are decoded. `continues` is the name of the file before this one. `source` is what it was made
    of, where that was not a live session.
    """

    format: int
    version: int
    tool: str
    run: str
    started: str
    vantage: Literal["relay", "mitmproxy", "capture", "har"]
    dialects: list[str]
    redacted: bool
    listener: str | None = None
    upstream: str | None = None
    source: str | None = None
    continues: str | None = None


class SessionStartRecord(Record, frozen=True, kw_only=True, tag="session-start"):
    """A client has connected. `started` is the wall clock, ISO 8601 with offset."""

    version: int
    started: str
    client: str
    listener: str
    upstream: str


class RequestRecord(Record, frozen=True, kw_only=True, tag="request"):
    """The client's head. Texts are its bytes as Latin-1, so that none is lost.

    `offset` is where it begins in the client's stream. `sent` is the head that went to the server,
    where it differs. `server_dialect`: what that one speaks, where it is another.
    """

    dialect: str
    target: str
    head: str
    offset: int = 0
    sent: str | None = None
    redacted: bool = False
    server_dialect: str | None = None


class ResponseRecord(Record, frozen=True, kw_only=True, tag="response"):
    """The server's head, as Latin-1; `sent` is what went to the client, where it differs."""

    status: int | None
    reason: str
    head: str
    offset: int = 0
    sent: str | None = None
    redacted: bool = False


class KeyReading(msgspec.Struct, frozen=True, kw_only=True):
    """A key, taken apart. `text` is Latin-1; `part` is null where the draft makes a server abort;
    `number` too where it has more than 40 digits."""

    text: str
    digits: str
    number: int | None
    spaces: int
    part: int | None


class ChallengeRecord(Record, frozen=True, kw_only=True, tag="challenge"):
    """A challenge and its answer, re-derived. `key3` and the digests are in hexadecimal.

    `received` is what `answered_by` sent, as far as it came; `sent` is what the client got, where
    it differs.
    """

    asked_by: Literal["client", "relay"]
    answered_by: Literal["server", "relay"]
    key1: KeyReading | None
    key2: KeyReading | None
    key3: str
    expected: str | None
    received: str
    verdict: Verdict
    sent: str | None = None


class AdjustmentRecord(Record, frozen=True, kw_only=True, tag="adjustment"):
    """Something that went on other than it came. `before` and `after` are Latin-1; null: absent."""

    toward: Peer
    what: str
    before: str | None
    after: str | None
    cause: Literal["proxy", "challenge", "repair", "rule", "script", "bridge"]
    why: str


class ChangeRecord(Record, frozen=True, kw_only=True, tag="change"):
    """Something that was done to what a peer said, or to the session, by somebody's wish.

    `direction` is who said it, or in whose name it is said. `number` is the message's; 0: none
    that the peer has sent. `by` is a rule, a script or a person, and `name` says which. `before`
    and `after` are payloads as text, there where the payload changed; where one is not UTF-8, its
    bytes are in base64 in `before_payload` or `after_payload`.
    """

    direction: Peer
    number: int
    by: Literal["rule", "script", "person"]
    name: str
    deed: str
    detail: str = ""
    before: str | None = None
    after: str | None = None
    before_payload: str | None = None
    after_payload: str | None = None


class FindingRecord(Record, frozen=True, kw_only=True, tag="finding"):
    """A diagnosis. `evidence` is Latin-1, found at `offset` of that `stream`."""

    code: str
    severity: Severity
    side: str
    title: str
    detail: str
    consequence: str
    fix: str
    section: str
    stream: Peer | None = None
    offset: int | None = None
    evidence: str = ""


class MessageRecord(Record, frozen=True, kw_only=True, tag="message"):
    """A text message. `direction` says who sent it; `size` is its payload in bytes.

    `payload` is there only where the bytes are not the UTF-8 of `text`: in base64. `binary` is for
    a message of RFC 6455 that is not text. `redacted`: a rule put another text in its place, for
    whoever reads this; on the wire it was as long as `size` says.
    """

    direction: Peer
    number: int
    offset: int
    size: int
    text: str
    payload: str | None = None
    binary: bool = False
    redacted: bool = False


class FrameRecord(Record, frozen=True, kw_only=True, tag="frame"):
    """A frame that is not a text message. `raw`: its bytes in base64, framing included; of a frame
    above the limit only the first."""

    direction: Peer
    frame_type: int
    offset: int
    size: int
    raw: str
    whole: bool = True


class SegmentRecord(Record, frozen=True, kw_only=True, tag="segment"):
    """A piece in which bytes of an opening handshake came; other records say what they were."""

    direction: Peer
    offset: int
    size: int


class BytesRecord(Record, frozen=True, kw_only=True, tag="bytes"):
    """Bytes that no other record holds, in base64: not decoded, or never whole.

    `of` is "head" for what came of a head that was never whole, or refused.
    """

    direction: Peer
    offset: int
    size: int
    raw: str
    of: Literal["head", "rest"] = "rest"
    redacted: bool = False


class ClosingRecord(Record, frozen=True, kw_only=True, tag="closing"):
    """A step of the end: who did what. `offset` is where FF 00 stands in that peer's stream.

    Of a closing handshake of RFC 6455, `detail` is the code and the reason, where there is one.
    """

    by: Literal["client", "server", "relay"]
    how: Literal["closing-handshake", "end-of-stream", "reset", "timeout", "shutdown"]
    detail: str = ""
    offset: int | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer sent, handshake included in `bytes`."""

    bytes: int
    messages: int
    frames: int


class SessionEndRecord(Record, frozen=True, kw_only=True, tag="session-end"):
    """Both connections are closed; `time` is the session's duration.

    `findings` are the codes that were told, in order, each once, the good ones left out.
    `server_dialect`: what the server was asked in, where that is another than the client's.
    """

    dialect: str
    outcome: Literal["open", "refused", "failed", "passed-on", "http", "nothing"]
    verdict: Verdict | None
    client: Counts
    server: Counts
    findings: list[str]
    server_dialect: str | None = None


class HttpRecord(Record, frozen=True, kw_only=True, tag="http"):
    """An ordinary HTTP exchange, passed through untouched. `status` null: no answer was seen."""

    method: str
    target: str
    status: int | None
    reason: str = ""
    content_type: str = ""


class NoticeRecord(Record, frozen=True, kw_only=True, tag="notice"):
    """What the relay itself has to say; `session` is 0 where no session is concerned."""

    level: Literal["info", "warning", "error"]
    text: str


AnyRecord = (
    RecordingRecord
    | SessionStartRecord
    | RequestRecord
    | ResponseRecord
    | ChallengeRecord
    | AdjustmentRecord
    | ChangeRecord
    | FindingRecord
    | MessageRecord
    | FrameRecord
    | SegmentRecord
    | BytesRecord
    | ClosingRecord
    | SessionEndRecord
    | HttpRecord
    | NoticeRecord
)


class _PlainMessage(msgspec.Struct, gc=False, tag="message", tag_field="type"):
    """A `MessageRecord` without what is rare, in the same order: positions cost less than names."""

    session: int
    time: float
    direction: Peer
    number: int
    offset: int
    size: int
    text: str


class Messages:
    """A run of text messages that came together: a `MessageRecord` each, made when asked for.

    `time` need not be rounded yet. `weight`: how many bytes of memory this takes, roughly.
    """

    __slots__ = ("direction", "event", "first_number", "session", "time")

    def __init__(
        self,
        session: int,
        time: float,
        direction: Peer,
        first_number: int,
        event: TextFrames | TextMessages | InvalidText,
    ) -> None:
        self.session = session
        self.time = time
        self.direction: Peer = direction
        self.first_number = first_number
        self.event = event

    def records(self) -> Iterator[MessageRecord]:
        """The messages, in order."""
        event = self.event
        if isinstance(event, InvalidText):
            payload = base64.b64encode(event.payload).decode()
            size = len(event.payload)
            yield self._record(0, event.offset, size, event.text, payload)
            return
        if isinstance(event, TextMessages):
            for index, offset in enumerate(event.offsets):
                content = event.payloads[index]
                yield self._record(index, offset, len(content), content.decode(), None)
            return
        offset = event.offset
        for index, text in enumerate(event.texts):
            size = len(text) if text.isascii() else len(text.encode())
            yield self._record(index, offset, size, text, None)
            offset += size + 2

    def lines(self) -> Iterator[msgspec.Struct]:
        """What is encoded to the same JSON as `records`, at half the cost."""
        event = self.event
        if isinstance(event, InvalidText):
            yield from self.records()
            return
        texts = event.texts
        start = (self.session, round(self.time, 6), self.direction)
        offsets: Iterator[int]
        if isinstance(event, TextMessages):
            sizes = list(map(len, event.payloads))
            offsets = event.offsets
        else:
            raw_size = len(event.raw)
            if event.count == 1:
                size = raw_size - 2
                yield _PlainMessage(*start, self.first_number, event.offset, size, texts[0])
                return
            sizes = list(map(len, texts))
            if sum(sizes) != raw_size - 2 * len(sizes):
                # Not ASCII: a character is not a byte.
                sizes = [len(text.encode()) for text in texts]
            offsets = accumulate((size + 2 for size in sizes), initial=event.offset)
        session, time, direction = map(repeat, start)
        numbers = count(self.first_number)
        # A generator, which lets go of what it holds when it ends: msgspec 0.22 never lets go of an
        # iterator that `encode_lines` was given.
        yield from map(_PlainMessage, session, time, direction, numbers, offsets, sizes, texts)

    def _record(
        self, index: int, offset: int, size: int, text: str, payload: str | None
    ) -> MessageRecord:
        return MessageRecord(
            session=self.session,
            time=round(self.time, 6),
            direction=self.direction,
            number=self.first_number + index,
            offset=offset,
            size=size,
            text=text,
            payload=payload,
        )


def key_reading(key: Key) -> KeyReading:
    """A key as it is told."""
    return KeyReading(
        text=key.text.decode("latin-1"),
        digits=key.digits.decode("ascii"),
        number=key.number,
        spaces=key.spaces,
        part=key.part,
    )


def finding_record(session: int, time: float, diagnosis: Diagnosis) -> FindingRecord:
    """A diagnosis as it is told."""
    finding = diagnosis.finding
    return FindingRecord(
        session=session,
        time=time,
        code=finding.code,
        severity=finding.severity,
        side=finding.side,
        title=finding.title,
        detail=diagnosis.detail,
        consequence=finding.consequence,
        fix=finding.fix,
        section=finding.section,
        stream=None if diagnosis.stream is None else diagnosis.stream.value,
        offset=diagnosis.offset,
        evidence=diagnosis.evidence.decode("latin-1"),
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one line of ``--json``, and of a recording."""
    schema = msgspec.json.schema(AnyRecord)
    for definition in schema["$defs"].values():
        # Python 3.13 takes the indentation away itself: the schema must not depend on that.
        definition["description"] = inspect.cleandoc(definition["description"])
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = f"urn:ws76proxy:record:{SCHEMA_VERSION}"
    schema["title"] = f"ws76proxy record, version {SCHEMA_VERSION}"
    return schema


if __name__ == "__main__":
    import json
    import sys
    from pathlib import Path

    # python -m ws76proxy.record docs/records.schema.json ws76proxy/records.schema.json
    text = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    for name in sys.argv[1:]:
        Path(name).write_text(text, encoding="utf-8", newline="\n")
    if len(sys.argv) == 1:
        sys.stdout.write(text)
