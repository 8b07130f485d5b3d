"""Records as they leave: one JSON line each, by the published schema, without secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.chunks import cut_at, cuts
from ws76proxy.diagnosis import CATALOGUE, Severity, Stream, found
from ws76proxy.record import (
    SCHEMA_VERSION,
    AdjustmentRecord,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    ChangeRecord,
    ClosingRecord,
    Counts,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    NoticeRecord,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
    finding_record,
    json_schema,
    key_reading,
)
from ws76proxy.redaction import REDACTED, redact
from ws76proxy.wire import FrameDecoder, InvalidText, TextFrames, encode_text, read_key
from ws76proxy.wire.events import TextMessages
from ws76proxy.wire.rfc6455 import MessageEncoder
from ws76proxy.wire.rfc6455.masking import Masks

PAGE = Path(__file__).parents[1] / "docs" / "records.schema.json"
COMMAND = "python -m ws76proxy.record docs/records.schema.json ws76proxy/records.schema.json"

ODD = "".join(map(chr, range(256)))
COUNTS = Counts(bytes=1, messages=2, frames=3)
KEY = key_reading(read_key(b"18x 6]8vM;54 *(5:  {   U1]8  z [  8"))
RECORDS: list[AnyRecord] = [
    ChangeRecord(
        session=1,
        time=0.5,
        direction="client",
        number=3,
        by="rule",
        name="a better price",
        deed="replace",
        before="9",
        after="8",
    ),
    RecordingRecord(
        session=0,
        time=0.0,
        format=1,
        version=SCHEMA_VERSION,
        tool="ws76proxy 1",
        run="0123456789abcdef",
        started="2010-06-01T12:00:00+00:00",
        vantage="relay",
        dialects=["hixie-76"],
        redacted=True,
        continues="other.ws76.jsonl",
    ),
    SegmentRecord(session=1, time=0.1, direction="client", offset=0, size=12),
    BytesRecord(session=1, time=0.1, direction="server", offset=0, size=2, raw="AAE="),
    SessionStartRecord(
        session=1,
        time=0.0,
        version=SCHEMA_VERSION,
        started="2010-06-01T12:00:00+00:00",
        client="192.0.2.1:51234",
        listener="ws://127.0.0.1:8076",
        upstream="wss://server.test:443",
    ),
    RequestRecord(session=1, time=0.1, dialect="hixie-76", target="/", head=ODD),
    RequestRecord(
        session=1, time=0.1, dialect="http", target=ODD, head="", sent=ODD, redacted=True
    ),
    ResponseRecord(session=1, time=0.2, status=101, reason="", head=ODD),
    ResponseRecord(session=1, time=0.2, status=None, reason=ODD, head="", sent="x", redacted=True),
    ChallengeRecord(
        session=1,
        time=0.3,
        asked_by="client",
        answered_by="server",
        key1=KEY,
        key2=key_reading(read_key(b"9" * 40 + b" " + bytes(range(128, 256)))),
        key3="00" * 8,
        expected=None,
        received="",
        verdict="missing",
    ),
    ChallengeRecord(
        session=1,
        time=0.3,
        asked_by="relay",
        answered_by="relay",
        key1=None,
        key2=key_reading(read_key(b"9" * 100)),
        key3="",
        expected="00" * 16,
        received="00" * 16,
        verdict="verified",
        sent="ff" * 16,
    ),
    AdjustmentRecord(
        session=1,
        time=0.4,
        toward="server",
        what="Host",
        before=ODD,
        after=None,
        cause="proxy",
        why="so",
    ),
    finding_record(1, 0.5, found("host-missing", "there is none")),
    finding_record(
        1,
        0.5,
        found("text-not-utf8", "x", stream=Stream.SERVER, offset=2**40, evidence=bytes(range(256))),
    ),
    MessageRecord(session=1, time=0.6, direction="client", number=1, offset=9, size=0, text=""),
    MessageRecord(
        session=1,
        time=0.6,
        direction="server",
        number=2**40,
        offset=2**40,
        size=7,
        text="\0\U0001f600\ufffd\u2028",
        payload="AP8=",
    ),
    FrameRecord(session=1, time=0.7, direction="client", frame_type=255, offset=1, size=2, raw=""),
    FrameRecord(
        session=1,
        time=0.7,
        direction="server",
        frame_type=0,
        offset=1,
        size=2**40,
        raw="AA==",
        whole=False,
    ),
    ClosingRecord(session=1, time=0.8, by="client", how="closing-handshake"),
    ClosingRecord(session=1, time=0.8, by="relay", how="timeout", detail="idle for 3 s"),
    SessionEndRecord(
        session=1,
        time=0.9,
        dialect="hixie-75",
        outcome="open",
        verdict=None,
        client=COUNTS,
        server=COUNTS,
        findings=["digest-wrong"],
    ),
    HttpRecord(session=1, time=1.0, method="GET", target="/", status=None),
    HttpRecord(
        session=1, time=1.0, method=ODD, target="/", status=200, reason="OK", content_type="x/y"
    ),
    NoticeRecord(session=0, time=0.0, level="error", text="no room"),
]
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_every_type_is_here() -> None:
    assert {type(record) for record in RECORDS} == set(get_args(AnyRecord))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_one_line_by_the_schema_and_comes_back(record: AnyRecord) -> None:
    line = msgspec.json.encode(record)
    assert b"\n" not in line
    parsed = json.loads(line)
    VALIDATOR.validate(parsed)
    assert next(iter(parsed)) == "type"
    assert msgspec.json.decode(line, type=AnyRecord) == record
    redacted = msgspec.json.encode(redact(record))
    VALIDATOR.validate(json.loads(redacted))


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_finding_can_be_told(code: str) -> None:
    record = finding_record(1, 0.0, found(code, "detail", stream=Stream.CLIENT))
    VALIDATOR.validate(json.loads(msgspec.json.encode(record)))
    assert record.severity in Severity
    assert record.side in ("client", "server", "between")


def test_readers_may_meet_keys_that_they_do_not_know() -> None:
    later = {"type": "closing", "session": 1, "time": 0, "by": "client", "how": "reset", "new": 1}
    VALIDATOR.validate(later)
    assert isinstance(msgspec.convert(later, AnyRecord), ClosingRecord)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"type": "unheard-of", "session": 1, "time": 0},
        {"type": "closing", "session": 1, "time": 0, "by": "nobody", "how": "reset"},
        {"type": "closing", "session": "1", "time": 0, "by": "client", "how": "reset"},
        {"type": "notice", "session": 1, "time": 0, "level": "info"},
    ],
)
def test_the_schema_refuses(wrong: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(wrong)


def test_the_schema_is_a_schema_and_says_what_each_record_is() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for definition in schema["$defs"].values():
        assert definition["description"]
        assert "\n  " not in definition["description"]


def test_the_published_schema_is_not_stale(tmp_path: Path) -> None:
    fresh = tmp_path / "schema.json"
    run = [sys.executable, "-m", "ws76proxy.record", str(fresh)]
    subprocess.run(run, check=True, cwd=PAGE.parents[1])
    assert PAGE.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), (
        f"stale: run {COMMAND}"
    )
    assert json.loads(fresh.read_text(encoding="utf-8")) == json_schema()


# Messages


@given(
    st.lists(
        st.text(max_size=20) | st.sampled_from(["", "\0", "é", "\U0001f600", "a\0b"]), max_size=30
    ),
    st.integers(0, 2**40),
    cuts,
)
def test_a_run_of_messages_taken_apart(texts: list[str], offset: int, places: list[int]) -> None:
    stream = b"".join(encode_text(text) for text in texts)
    decoder = FrameDecoder(offset=offset)
    told: list[MessageRecord] = []
    for chunk in cut_at(stream, places):
        for event in decoder.feed(chunk):
            assert isinstance(event, TextFrames)
            told += Messages(7, 1.5, "server", len(told) + 1, event).records()
    assert [record.text for record in told] == texts
    assert [record.number for record in told] == list(range(1, len(texts) + 1))
    for record in told:
        begin = record.offset - offset
        frame = stream[begin : begin + record.size + 2]
        assert frame == encode_text(record.text)
        assert (record.session, record.time, record.direction) == (7, 1.5, "server")
        assert record.payload is None


@pytest.mark.parametrize("masked", [True, False])
@given(st.lists(st.text(max_size=200), min_size=1, max_size=20), st.integers(0, 1 << 20))
def test_messages_of_rfc6455_are_the_records_of_their_frames(
    masked: bool, texts: list[str], offset: int
) -> None:
    masks = Masks(Random(1).randrange) if masked else None
    payloads = [text.encode() for text in texts]
    frames = [MessageEncoder(masks=masks).texts([payload]) for payload in payloads]
    event = TextMessages(offset, b"".join(frames), payloads)
    told = Messages(7, 1.5, "client", 3, event)
    records = list(told.records())
    assert [record.text for record in records] == texts
    assert [record.number for record in records] == list(range(3, 3 + len(texts)))
    assert [record.size for record in records] == list(map(len, payloads))
    begins = accumulate(map(len, frames), initial=offset)
    assert [record.offset for record in records] == list(begins)[:-1]
    assert all(record.payload is None and not record.binary for record in records)
    encoded = [msgspec.json.encode(line) for line in told.lines()]
    assert encoded == [msgspec.json.encode(record) for record in records]


def test_invalid_text_keeps_its_bytes() -> None:
    (event,) = FrameDecoder(offset=5).feed(b"\x00\xe9t\xe9\xff")
    assert isinstance(event, InvalidText)
    (record,) = Messages(1, 0.0, "client", 3, event).records()
    assert (record.offset, record.size, record.number) == (5, 3, 3)
    assert (record.text, record.payload) == ("\ufffdt\ufffd", "6XTp")


# Redaction

SECRETS = [
    "Cookie: sid=secret",
    "cookie:sid=secret",
    "COOKIE2: $Version=secret",
    "Set-Cookie: sid=secret; Path=/",
    "Set-Cookie2: sid=secret",
    "Authorization: Basic secret",
    "Proxy-Authorization: Basic secret",
    "Cookie : sid=secret",
    "Cookie: a=1\r\n sid=secret",
    "Cookie:\r\n\tsid=secret\r\n more=secret",
    "Cookie: a: b: secret",
]


def head_with(line: str, line_end: str = "\r\n") -> str:
    lines = ["GET / HTTP/1.1", "Host: a.test", *line.split("\r\n"), "X-Cookie: not this", "", ""]
    return line_end.join(lines)


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("line", SECRETS)
def test_secrets_of_heads_are_redacted(line: str, line_end: str) -> None:
    head = head_with(line, line_end)
    request = RequestRecord(
        session=1, time=0.0, dialect="hixie-76", target="/", head=head, sent=head
    )
    response = ResponseRecord(session=1, time=0.0, status=101, reason="", head=head)
    for record in (redact(request), redact(response)):
        assert isinstance(record, RequestRecord | ResponseRecord)
        assert record.redacted
        for text in (record.head, record.sent or record.head):
            assert "secret" not in text
            assert REDACTED in text
            kept = [one for one in text.split(line_end) if REDACTED not in one]
            assert kept == ["GET / HTTP/1.1", "Host: a.test", "X-Cookie: not this", "", ""]
            assert text.count("\n") == head.count("\n")


@pytest.mark.parametrize("line", SECRETS)
def test_secrets_of_evidence_are_redacted(line: str) -> None:
    diagnosis = found("request-field-twice", "x", stream=Stream.CLIENT, evidence=line.encode())
    record = redact(finding_record(1, 0.0, diagnosis))
    assert isinstance(record, FindingRecord)
    assert "secret" not in record.evidence
    assert REDACTED in record.evidence


def test_without_secrets_a_record_stays_the_same() -> None:
    head = head_with("Accept: everything")
    record = RequestRecord(session=1, time=0.0, dialect="http", target="/", head=head)
    assert redact(record) is record
    for other in RECORDS:
        if not isinstance(other, RequestRecord | ResponseRecord | FindingRecord):
            assert redact(other) is other
