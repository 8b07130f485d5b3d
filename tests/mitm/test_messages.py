"""Messages of a session in memory: what scripts and users do to them, also what they should not."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import logging
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.flow import Error
from mitmproxy.proxy.layers.websocket import WebSocketMessageInjected
from mitmproxy.websocket import WebSocketMessage

from tests.mitm.memory import HEAD, KEY3, Memory
from ws76proxy.mitm.layer import KillInjected

pytestmark = pytest.mark.usefixtures("patched")

FRONT = HEAD + KEY3


def _changing(content: Any) -> Memory:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "websocket_message" and flow.websocket:
            flow.websocket.messages[-1].content = content

    memory = Memory(then=then)
    memory.open()
    return memory


def test_a_script_that_sets_a_text() -> None:
    memory = _changing("wörld \ud800")
    memory.from_client(b"\x00hello\xff")
    assert memory.to_server == FRONT + b"\x00w\xc3\xb6rld ?\xff"
    assert memory.flow.websocket is not None
    assert memory.flow.websocket.messages[0].text == "wörld ?"


def test_what_cannot_be_framed_is_refused_with_a_warning_and_the_list_says_what_was_sent() -> None:
    memory = _changing(b"no \xff")
    memory.from_client(b"\x00hello\xff\x00again\xff")
    assert memory.to_server == FRONT + b"\x00hello\xff\x00again\xff"
    assert memory.flow.websocket is not None
    assert [one.content for one in memory.flow.websocket.messages] == [b"hello", b"again"]
    warnings = [one.message for one in memory.logs if one.level == logging.WARNING]
    assert len(warnings) == 2
    assert "0xFF" in warnings[0]


def test_a_revert_does_not_end_the_session() -> None:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "websocket_start":
            flow.backup()

    memory = Memory(then=then)
    memory.open()
    memory.from_client(b"\x00one\xff")
    memory.flow.revert()
    memory.from_client(b"\x00two\xff")
    memory.from_client(b"\xff\x00")
    memory.from_server(b"\xff\x00")
    assert memory.to_server == FRONT + b"\x00one\xff\x00two\xff\xff\x00"
    assert memory.told["closing"] == "FF 00 from the client, answered"
    assert memory.names[-1] == "websocket_end"


def _held(name: str, flow: http.HTTPFlow) -> bool:
    return name == "websocket_message" and bool(
        flow.websocket and flow.websocket.messages[-1].content == b"hold"
    )


def test_while_one_message_waits_the_others_wait_behind_it() -> None:
    memory = Memory(then=_held)
    memory.open()
    memory.from_client(b"\x00hold\xff\x00next\xff")
    memory.from_server(b"\x00answer\xff")
    assert (memory.to_server, len(memory.held)) == (FRONT, 1)
    memory.let_go()
    assert memory.to_server == FRONT + b"\x00hold\xff\x00next\xff"
    assert memory.to_client.endswith(b"\x00answer\xff")


@pytest.mark.parametrize("injected_first", [False, True])
def test_killed_while_a_message_waits(injected_first: bool) -> None:
    memory = Memory(then=_held)
    memory.open()
    memory.from_client(b"\x00before\xff\x00hold\xff\x00behind\xff")
    memory.flow.error = Error(Error.KILLED_MESSAGE)
    if injected_first:
        memory.feed(KillInjected(memory.flow, None))
    memory.let_go()
    assert memory.to_server == FRONT + b"\x00before\xff"
    assert set(memory.closed) == {memory.client, memory.server}
    assert memory.names[-1] == "websocket_end"
    assert memory.names.count("websocket_end") == 1


def test_injected_after_the_end_is_nothing() -> None:
    memory = Memory()
    memory.open()
    memory.from_client(b"\xff\x00")
    memory.feed(WebSocketMessageInjected(memory.flow, WebSocketMessage(1, True, b"late")))
    memory.from_server(b"\xff\x00")
    sent = memory.to_server
    memory.feed(WebSocketMessageInjected(memory.flow, WebSocketMessage(1, True, b"later")))
    assert memory.to_server == sent == FRONT + b"\xff\x00"


def test_a_hundred_thousand_frames_in_one_segment() -> None:
    memory = Memory()
    memory.open()
    frames = b"\x05\xff" * 30_000
    memory.from_client(frames)
    assert memory.to_server == FRONT + frames
