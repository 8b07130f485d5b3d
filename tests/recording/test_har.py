"""HAR: sessions of ours come back the same, others' are told as the relay would have."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft6Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT6

from tests.recording.flows import FlowReader, SaveHar, http, websocket_flow
from tests.recording.sessions import (
    HEADER,
    conversation,
    generated,
    is_websocket,
    read_back,
    recorded,
    write_har_file,
)
from tests.session.examples import DIGEST, KEY3, answer, request
from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    RequestRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording import RecordedSession, har, read_sessions, rebuild

seeds = st.lists(st.integers(0, 2**64), min_size=1, max_size=4)
SCHEMA = Path(__file__).with_name("har-schema")


def _validator() -> Draft6Validator:
    parts = {path.name: json.loads(path.read_text()) for path in SCHEMA.glob("*.json")}
    registry: Registry[Any] = Registry()
    for name, part in parts.items():
        registry = registry.with_resource(name, DRAFT6.create_resource(part))
    return Draft6Validator(parts["har.json"], registry=registry, format_checker=FormatChecker())


VALIDATOR = _validator()


def _written(sessions: list[RecordedSession]) -> bytes:
    file, complaints = io.BytesIO(), list[str]()
    har.write(sessions, file, complaints.append)
    assert complaints == []
    return file.getvalue()


def _entries(data: bytes) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(data)["log"]["entries"]
    return entries


@settings(max_examples=250, deadline=None)
@given(seeds)
def test_any_sessions_come_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int]
) -> None:
    sessions = [generated(seed, number) for number, seed in enumerate(seeds, 1)]
    path = tmp_path_factory.getbasetemp() / "round.har"
    path.write_bytes(_written(sessions))
    back = {one.number: one for one in read_back(path)}
    assert set(back) == {one.number for one in sessions}
    for one in sessions:
        again = back[one.number]
        assert again.records == one.records
        assert again.recording == HEADER
        assert rebuild(again.records) == rebuild(one.records)


@settings(max_examples=150, deadline=None)
@given(seeds)
def test_what_is_written_is_har(seeds: list[int]) -> None:
    sessions = [generated(seed, number) for number, seed in enumerate(seeds, 1)]
    data = _written(sessions)
    VALIDATOR.validate(json.loads(data))
    entries = _entries(data)
    opened = list(FlowReader(io.BytesIO(data)).stream())
    assert len(opened) == len(entries)
    sockets = [one for one in entries if one.get("_resourceType") == "websocket"]
    assert len(sockets) == sum(map(is_websocket, sessions))


def test_the_schema_refuses_what_is_not_har() -> None:
    data = json.loads(_written([recorded(conversation().records)]))
    del data["log"]["entries"][0]["request"]["url"]
    assert not VALIDATOR.is_valid(data)


def test_other_programs_see_the_messages() -> None:
    session = recorded(conversation().records)
    (entry,) = _entries(_written([session]))
    assert entry["request"]["url"] == "ws://proxy.test:8076/chat?room=1"
    assert entry["request"]["queryString"] == [{"name": "room", "value": "1"}]
    keys = {one["name"]: one["value"] for one in entry["request"]["headers"]}
    assert keys["Sec-WebSocket-Key1"] == "4 @1  46546xW%0l 1 5"
    assert entry["response"]["status"] == 101
    assert base64.b64decode(entry["response"]["content"]["text"]) == DIGEST
    told = [(one["type"], one["opcode"], one["data"]) for one in entry["_webSocketMessages"]]
    assert told == [("send", 1, "grüße"), ("send", 2, "wyg="), ("receive", 1, "hello")]
    began = datetime.fromisoformat(session.start.started).timestamp() if session.start else 0.0
    times = [one["time"] - began for one in entry["_webSocketMessages"]]
    assert times == pytest.approx([0.25, 0.25, 0.75])


def test_what_others_will_not_see_is_said() -> None:
    file = io.BytesIO()
    flash = generated(_seed_of("anything"), 2)
    lines = har.write([recorded(conversation().records), flash], file, pytest.fail)
    assert any("1 frame" in line for line in lines)
    assert any("1 session" in line for line in lines)


def test_a_message_that_is_not_as_ours_are_comes_back_all_the_same(tmp_path: Path) -> None:
    records = conversation().records
    for index, one in enumerate(records):
        if isinstance(one, MessageRecord):
            records[index] = msgspec.structs.replace(one, size=77, payload="?")
    path = tmp_path / "odd.har"
    path.write_bytes(_written([recorded(records)]))
    (session,) = read_back(path)
    assert session.records == records


def _seed_of(kind: str) -> int:
    from random import Random

    from tests.session.traffic import exchange

    return next(seed for seed in range(1000) if exchange(Random(seed)).kind == kind)


def test_cookies_are_told_apart(tmp_path: Path) -> None:
    head = request(extra=["Cookie: a=1; b=2"]).decode()
    play = conversation()
    (old,) = (one for one in play.records if isinstance(one, RequestRecord))
    records = [
        RequestRecord(session=1, time=0.0, dialect=old.dialect, target=old.target, head=head)
        if one is old
        else one
        for one in play.records
    ]
    (entry,) = _entries(_written([recorded(records)]))
    assert entry["request"]["cookies"] == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
    ]


def test_a_session_that_makes_no_sense_is_left_out() -> None:
    said: list[str] = []
    play = conversation()
    broken: list[AnyRecord] = [
        MessageRecord(
            session=2,
            time=0.0,
            direction="client",
            number=1,
            offset=0,
            size=1,
            text="",
            payload="A",
        ),
        *[one for one in play.records if isinstance(one, RequestRecord)],
    ]
    file = io.BytesIO()
    har.write([recorded(broken), recorded(play.records)], file, said.append)
    assert len(said) == 1
    assert "session 2" in said[0]
    assert len(_entries(file.getvalue())) == 1


# HAR of others


def _chrome(**changes: Any) -> dict[str, Any]:
    """A WebSocket's entry, with the fields that Chrome writes."""
    return {
        "_initiator": {"type": "script"},
        "_priority": "High",
        "_resourceType": "websocket",
        "cache": {},
        "request": {
            "method": "GET",
            "url": "wss://live.example.com/feed?topic=1",
            "httpVersion": "HTTP/1.1",
            "headers": [
                {"name": "Host", "value": "live.example.com"},
                {"name": "Origin", "value": "https://example.com"},
                {"name": "Sec-WebSocket-Version", "value": "13"},
                {"name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ=="},
            ],
            "queryString": [{"name": "topic", "value": "1"}],
            "cookies": [],
            "headersSize": 500,
            "bodySize": 0,
        },
        "response": {
            "status": 101,
            "statusText": "Switching Protocols",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Sec-WebSocket-Accept", "value": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}],
            "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": 129,
            "bodySize": 0,
            "_transferSize": 0,
            "_error": None,
        },
        "startedDateTime": "2024-05-06T07:08:09.100Z",
        "time": 3000.0,
        "timings": {"blocked": -1, "dns": -1, "connect": 20, "send": 0, "wait": 30, "receive": 0},
        "_webSocketMessages": [
            {"type": "send", "time": 1714979289.25, "opcode": 1, "data": "grüße"},
            {"type": "receive", "time": 1714979289.5, "opcode": 2, "data": "AP8="},
            {"type": "error", "time": 1714979291.0, "opcode": -1, "data": "it broke"},
        ],
        **changes,
    }


def test_a_websocket_of_a_browser(tmp_path: Path) -> None:
    path = write_har_file(tmp_path / "chrome.har", _chrome())
    (session,) = read_back(path)
    header, start, end = session.recording, session.start, session.end
    assert header is not None
    assert start is not None
    assert end is not None
    assert (header.vantage, header.source) == ("har", "chrome.har")
    assert datetime.fromisoformat(start.started) == datetime(2024, 5, 6, 7, 8, 9, 100_000, UTC)
    assert start.upstream == "wss://live.example.com:443"
    assert session.dialect == "rfc6455"
    assert session.request is not None
    assert session.request.target == "/feed?topic=1"
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in session.request.head
    assert session.response is not None
    assert session.response.status == 101
    first, second = (one for one in session.records if isinstance(one, MessageRecord))
    assert (first.direction, first.text, first.binary) == ("client", "grüße", False)
    assert (second.direction, second.payload, second.binary) == ("server", "AP8=", True)
    assert (first.time, second.time) == pytest.approx((0.15, 0.4))
    assert [one.text for one in session.records if isinstance(one, NoticeRecord)] == ["it broke"]
    assert end.outcome == "open"
    assert (end.client.messages, end.server.messages) == (1, 1)
    assert end.time == pytest.approx(3.0)


def test_an_ordinary_request(tmp_path: Path) -> None:
    page = _chrome()
    del page["_webSocketMessages"]
    page["request"] |= {"url": "http://example.com/page", "headers": []}
    page["response"] |= {
        "status": 200,
        "statusText": "OK",
        "headers": [{"name": "content-type", "value": "text/html"}],
    }
    (session,) = read_back(write_har_file(tmp_path / "page.har", page))
    (told,) = (one for one in session.records if isinstance(one, HttpRecord))
    assert (told.method, told.target, told.status) == ("GET", "/page", 200)
    assert told.content_type == "text/html"
    assert session.end is not None
    assert session.end.outcome == "http"


def test_control_frames_of_a_har(tmp_path: Path) -> None:
    messages = [
        {"type": "receive", "time": 1714979290, "opcode": 9, "data": "cGluZw=="},
        {"type": "send", "time": 1714979291, "opcode": 8, "data": "A+hieWU="},
    ]
    path = write_har_file(tmp_path / "x.har", _chrome(_webSocketMessages=messages))
    (session,) = read_back(path)
    (ping,) = (one for one in session.records if isinstance(one, FrameRecord))
    (closing,) = (one for one in session.records if isinstance(one, ClosingRecord))
    assert base64.b64decode(ping.raw) == b"\x89\x04ping"
    assert (closing.by, closing.how, closing.detail) == ("client", "closing-handshake", "1000 bye")


def _hixie_flow(digest: bytes = DIGEST) -> http.HTTPFlow:
    """A hixie session as a mitmproxy would export it that has our addon."""
    flow: http.HTTPFlow = websocket_flow()
    head, *lines = request(host="example.com").decode().splitlines()
    fields = [line.partition(": ")[::2] for line in lines if line]
    flow.request.path = head.split()[1]
    flow.request.headers = http.Headers([(one.encode(), two.encode()) for one, two in fields])
    flow.request.content = KEY3
    _, *lines = answer(host="example.com").decode().splitlines()
    fields = [line.partition(": ")[::2] for line in lines if line]
    assert flow.response is not None
    flow.response.headers = http.Headers([(one.encode(), two.encode()) for one, two in fields])
    flow.response.content = digest
    return flow


def test_a_hixie_session_that_mitmproxy_exported(tmp_path: Path) -> None:
    """A HAR has no place for key3: the digest is kept, and not judged."""
    flow = _hixie_flow(bytes(range(16)))
    path = tmp_path / "exported.har"
    path.write_text(json.dumps(SaveHar().make_har([flow])))
    (session,) = read_back(path)
    assert session.dialect == "hixie-76"
    assert session.challenge("client") is None
    (digest,) = (one for one in session.records if isinstance(one, BytesRecord))
    assert base64.b64decode(digest.raw) == bytes(range(16))
    streams = rebuild(session.records)
    assert len(streams.gaps) == 1
    assert "8 bytes of the client" in streams.gaps[0]
    texts = [one.text for one in session.records if isinstance(one, MessageRecord)]
    assert texts[:2] == ["hello binary", "hello text"]
    assert session.end is not None
    assert (session.end.outcome, session.end.verdict) == ("open", None)


def test_what_is_wrong_with_a_hixie_handshake_is_found(tmp_path: Path) -> None:
    flow = _hixie_flow()
    assert flow.response is not None
    flow.response.headers["Sec-WebSocket-Location"] = "ws://elsewhere.test/"
    path = tmp_path / "exported.har"
    path.write_text(json.dumps(SaveHar().make_har([flow])))
    (session,) = read_back(path)
    codes = [one.code for one in session.records if isinstance(one, FindingRecord)]
    assert any("location" in code for code in codes)
    assert session.end is not None
    assert session.end.findings


# Files that are not as they should be


def test_a_har_that_breaks_off(tmp_path: Path) -> None:
    path = write_har_file(tmp_path / "torn.har", _chrome(), _chrome(), _chrome())
    path.write_bytes(path.read_bytes()[:-800])
    sessions = read_back(path, "the entries before that are read")
    assert [one.number for one in sessions] == [1, 2]


def test_ours_that_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "torn.har"
    data = _written([recorded(conversation().records), generated(3, 2)])
    path.write_bytes(data[: data.index(b"\n", data.index(b"\n{") + 1) + 20])
    (session,) = read_back(path, "the entries before that are read")
    assert session.records == conversation().records


def test_one_bad_entry_costs_one_entry(tmp_path: Path) -> None:
    bad: list[dict[str, Any]] = [
        {"startedDateTime": "2024-05-06T07:08:09Z", "request": {"method": 1, "url": "http://x/"}},
        _chrome(startedDateTime="yesterday"),
        _chrome(startedDateTime="0001-01-01T00:00:00+14:00"),
        _chrome(request={"method": "GET", "url": "http://[::1/"}),
        _chrome(_webSocketMessages=[{"type": "send", "opcode": 2, "data": "not base64"}]),
        _chrome(_ws76={"session": "x"}),
        _chrome(_ws76=7),
        _chrome(_ws76={"session": 1, "order": [1], "records": []}),
    ]
    path = write_har_file(tmp_path / "bad.har", _chrome(), *bad, _chrome())
    sessions = read_back(path, *[f"entry {number}" for number in range(2, 10)])
    assert [one.number for one in sessions if one.end is not None] == [1, 2]


def test_messages_that_somebody_took_away(tmp_path: Path) -> None:
    data = json.loads(_written([recorded(conversation().records)]))
    del data["log"]["entries"][0]["_webSocketMessages"][0]
    path = tmp_path / "edited.har"
    path.write_text(json.dumps(data))
    (session,) = read_back(path, "2 of the 3 messages")
    texts = [one.text for one in session.records if isinstance(one, MessageRecord)]
    assert texts == ["\ufffd(", "hello"]
    assert isinstance(session.records[0], SessionStartRecord)
    assert isinstance(session.records[-1], SessionEndRecord)


@pytest.mark.parametrize(
    "text",
    [
        '{"log":{"version":"1.2"}}',
        '{"log":{"entries":[]}}',
        '{"log":{"entries":{}}}',
        '{"log":{"entries":[',
        '{"log":{"entries":' + "[" * 100_000,
        '{"log":{' + '"a":{' * 100_000,
        '{"log": {"entries": [7, null, "x"]}}',
        '{"log": \xff\xfe}',
    ],
    ids=range(8),
)
def test_nothing_that_can_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.har"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordingError, match=r"bad\.har"):
        list(read_sessions([path], lambda _: None))


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_har_file(tmp_path / "large.har", _chrome())
    monkeypatch.setattr("ws76proxy.recording.har.reading.MAX_FILE", 100)
    with pytest.raises(RecordingError, match="at most 100 bytes"):
        list(read_sessions([path], lambda _: None))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = write_har_file(tmp_path / "bom.har", _chrome())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_back(path)) == 1
