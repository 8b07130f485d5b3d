"""What a flow carries: derivation, verdict, findings, comment and marker, within bounds."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import contentviews, ctx, http
from mitmproxy.io import tnetstring

from tests.mitm.memory import ANSWER, DIGEST, HEAD, KEY3, Memory
from ws76proxy.mitm.handshakes import handshake_of
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.told import records_of
from ws76proxy.mitm.view import NAME, add_view

pytestmark = pytest.mark.usefixtures("patched")


def _session(memory: Memory, digest: bytes = DIGEST) -> http.HTTPFlow:
    memory.from_client(HEAD + KEY3)
    memory.from_server(ANSWER + digest)
    memory.from_client(b"\x00hello\xff\x05x\xff\xff\x00")
    memory.from_server(b"\xff\x00")
    return memory.flow


def test_what_is_told_is_plain_and_survives_a_file() -> None:
    memory = Memory()
    flow = _session(memory)
    told = memory.told
    assert json.loads(json.dumps(told)) == told
    loaded: Any = http.HTTPFlow.from_state(tnetstring.loads(tnetstring.dumps(flow.get_state())))
    assert loaded.metadata["ws76"] == told
    assert records_of(loaded) == records_of(flow)
    assert told["dialect"] == "hixie-76"
    assert told["verdict"] == "verified"
    assert told["challenge"]["key1"]["number"] == 4146546015
    assert told["challenge"]["key1"]["part"] == 829309203
    assert told["challenge"]["expected"] == DIGEST.hex()
    assert told["findings"] == ["unknown-frame-type"]
    assert told["closing"] == "FF 00 from the client, answered"
    assert (flow.comment, flow.marked) == ("", "")
    assert handshake_of(flow) is None
    assert "kill" not in vars(flow)


def test_a_failed_verification_is_marked_and_said() -> None:
    flow = _session(Memory(), b"sixteen wrong by")
    assert flow.marked == ":x:"
    assert flow.comment.startswith("ws76: digest-wrong: ")
    assert flow.comment.isprintable()


def test_a_known_cause_is_said_with_its_symptom() -> None:
    memory = Memory()
    flow = _session(memory, DIGEST.hex().encode()[:16])
    assert memory.told["findings"][:3] == ["digest-wrong", "digest-hex", "digest-hex-half"]
    assert flow.comment.startswith("ws76: digest-wrong: ")
    assert "; the digest is sent as 32 hexadecimal digits" in flow.comment


def test_what_the_user_wrote_stays() -> None:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "request":
            flow.comment, flow.marked = "mine", ":star:"

    flow = _session(Memory(then=then), b"sixteen wrong by")
    assert flow.marked == ":star:"
    assert flow.comment.startswith("mine\nws76: digest-wrong")


def test_findings_and_records_are_bounded() -> None:
    memory = Memory()
    memory.open()
    for kind in range(1, 0x7F):
        memory.from_client(bytes([kind]) + b"\xff" + b"\x81\x81\x01" + b"x" * 129)
    memory.from_client(b"\x00\xc3(\xff" * 1000)
    memory.finish()
    told = memory.told
    assert len(told["records"]) <= 128
    assert len(json.dumps(told)) < 200_000
    assert told["messages_not_utf8"] == 1000
    assert "repeated" in told["findings"]


def test_messages_are_let_go_and_counted() -> None:
    memory = Memory(Settings(max_messages=2))
    memory.open()
    for number in range(10):
        memory.from_client(b"\x00%d\xff" % number)
    websocket = memory.flow.websocket
    assert websocket is not None
    assert [one.content for one in websocket.messages] == [b"8", b"9"]
    assert memory.told["messages_let_go"] == 8
    assert memory.flow.comment == "ws76: 8 earlier messages were let go (ws76_max_messages=2)"


def test_an_answer_that_never_comes_is_explained() -> None:
    memory = Memory()
    memory.from_client(HEAD + KEY3)
    memory.end(memory.server)
    assert memory.names[-1] == "error"
    assert memory.told["findings"] == ["response-missing"]


def test_a_key3_that_never_comes_is_explained() -> None:
    memory = Memory()
    memory.from_client(HEAD + KEY3[:3])
    memory.end(memory.client)
    assert memory.names[-1] == "error"
    assert "key3-short" in memory.told["findings"]
    assert not memory.opened


def _set_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options = SimpleNamespace(protobuf_definitions=None)
    monkeypatch.setattr(ctx, "options", options, raising=False)


@pytest.mark.parametrize("which", ["request", "response"])
def test_the_view_is_the_first_choice_for_both_heads(
    which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set_options(monkeypatch)
    remove = add_view()
    try:
        flow = _session(Memory())
        message: Any = getattr(flow, which)
        api: Any = contentviews
        if hasattr(api, "prettify_message"):
            shown = api.prettify_message(message, flow)
            assert shown.view_name == NAME
            text = shown.text
        else:
            description, lines, error = api.get_message_content_view("auto", message, flow)
            assert (NAME in description, error) == (True, None)
            text = "\n".join("".join(part for _, part in line) for line in lines)
        assert "digest verified" in text
        assert "4·@1··46546xW%0l·1·5" in text
    finally:
        remove()


def test_the_view_leaves_messages_and_other_flows_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _set_options(monkeypatch)
    remove = add_view()
    try:
        memory = Memory()
        memory.from_client(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
        memory.from_server(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext")
        hixie = _session(Memory())
        assert hixie.websocket is not None
        api: Any = contentviews
        for flow, message in (
            (memory.flow, memory.flow.response),
            (hixie, hixie.websocket.messages[0]),
        ):
            if hasattr(api, "prettify_message"):
                name = api.prettify_message(message, flow).view_name
            else:
                name = api.get_message_content_view("auto", message, flow)[0]
            assert NAME not in name
    finally:
        remove()
