"""The one versioned schema of everything that a session tells to whoever listens."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from ws76proxy.diagnosis.model import Diagnosis, Severity
from ws76proxy.wire.challenge import Key
from ws76proxy.wire.events import InvalidText, TextFrames

__all__ = [
    "REDACTED",
    "SCHEMA_VERSION",
    "AdjustmentRecord",
    "AnyRecord",
    "ChallengeRecord",
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
    "RequestRecord",
    "ResponseRecord",
    "SessionEndRecord",
    "SessionStartRecord",
    "Verdict",
    "finding_record",
    "json_schema",
    "key_reading",
    "redact",
]

SCHEMA_VERSION = 1

Peer = Literal["client", "server"]
Verdict = Literal["verified", "wrong", "missing", "unanswerable"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every record has.

    `session` numbers the sessions of one run from 1. `time` is in seconds since that session's
    start, by a clock that never jumps.
    """

    session: int
    time: float


class SessionStartRecord(Record, frozen=True, kw_only=True, tag="session-start"):
    """A client has connected. `started` is the wall clock, ISO 8601 with offset."""

    version: int
    started: str
    client: str
    listener: str
    upstream: str


class RequestRecord(Record, frozen=True, kw_only=True, tag="request"):
    """The client's head. Texts are its bytes as Latin-1, so that none is lost.

    `sent` is the head that went to the server, where it differs.
    """

    dialect: str
    target: str
    head: str
    sent: str | None = None
    redacted: bool = False


class ResponseRecord(Record, frozen=True, kw_only=True, tag="response"):
    """The server's head, as Latin-1; `sent` is what went to the client, where it differs."""

    status: int | None
    reason: str
    head: str
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
    cause: Literal["proxy", "challenge", "repair"]
    why: str


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

    `payload` is there only where the bytes are not the UTF-8 of `text`: in base64.
    """

    direction: Peer
    number: int
    offset: int
    size: int
    text: str
    payload: str | None = None


class FrameRecord(Record, frozen=True, kw_only=True, tag="frame"):
    """A frame that is not a text message. `raw`: its bytes in base64, framing included; of a frame
    above the limit only the first."""

    direction: Peer
    frame_type: int
    offset: int
    size: int
    raw: str
    whole: bool = True


class ClosingRecord(Record, frozen=True, kw_only=True, tag="closing"):
    """A step of the end: who did what."""

    by: Literal["client", "server", "relay"]
    how: Literal["closing-handshake", "end-of-stream", "reset", "timeout", "shutdown"]
    detail: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer sent, handshake included in `bytes`."""

    bytes: int
    messages: int
    frames: int


class SessionEndRecord(Record, frozen=True, kw_only=True, tag="session-end"):
    """Both connections are closed; `time` is the session's duration.

    `findings` are the codes that were told, in order, each once, the good ones left out.
    """

    dialect: str
    outcome: Literal["open", "refused", "failed", "passed-on", "http", "nothing"]
    verdict: Verdict | None
    client: Counts
    server: Counts
    findings: list[str]


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
    SessionStartRecord
    | RequestRecord
    | ResponseRecord
    | ChallengeRecord
    | AdjustmentRecord
    | FindingRecord
    | MessageRecord
    | FrameRecord
    | ClosingRecord
    | SessionEndRecord
    | HttpRecord
    | NoticeRecord
)


class Messages:
    """A run of text messages that came together: a `MessageRecord` each, made when asked for."""

    __slots__ = ("direction", "event", "first_number", "session", "time")

    def __init__(
        self,
        session: int,
        time: float,
        direction: Peer,
        first_number: int,
        event: TextFrames | InvalidText,
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
        offset = event.offset
        for index, text in enumerate(event.texts):
            size = len(text) if text.isascii() else len(text.encode())
            yield self._record(index, offset, size, text, None)
            offset += size + 2

    def _record(
        self, index: int, offset: int, size: int, text: str, payload: str | None
    ) -> MessageRecord:
        return MessageRecord(
            session=self.session,
            time=self.time,
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


REDACTED = "[redacted]"
_SECRET_FIELDS = frozenset(
    {"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"}
)


def redact(record: AnyRecord) -> AnyRecord:
    """The same record with the values of cookie and authorization fields replaced."""
    if isinstance(record, RequestRecord | ResponseRecord):
        head = _redact_head(record.head)
        sent = None if record.sent is None else _redact_head(record.sent)
        if head != record.head or sent != record.sent:
            return msgspec.structs.replace(record, head=head, sent=sent, redacted=True)
    elif isinstance(record, FindingRecord) and record.evidence:
        evidence = _redact_head(record.evidence)
        if evidence != record.evidence:
            return msgspec.structs.replace(record, evidence=evidence)
    return record


def _redact_head(head: str) -> str:
    lines = head.split("\n")
    secret = False
    for number, line in enumerate(lines):
        ending = "\r" if line.endswith("\r") else ""
        if line[:1] in (" ", "\t") and secret:
            # A line that begins with white space continues the one before it.
            lines[number] = f"{line[0]}{REDACTED}{ending}"
            continue
        name, colon, _value = line.partition(":")
        secret = bool(colon) and name.strip().lower() in _SECRET_FIELDS
        if secret:
            lines[number] = f"{name}: {REDACTED}{ending}"
    return "\n".join(lines)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of one line of ``--json``."""
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

    # python -m ws76proxy.record docs/records.schema.json
    text = json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(text, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(text)
