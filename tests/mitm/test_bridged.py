"""Sessions whose sides speak different dialects, through mitmproxy's own layers in memory."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from mitmproxy import http
from mitmproxy.flow import Error
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.proxy.layers.websocket import WebSocketMessageInjected
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from tests.mitm.bridging import BINARY, TEXT, Bridged, said
from ws76proxy.bridge import BridgeOptions
from ws76proxy.mitm.layer import KillInjected
from ws76proxy.mitm.plans import plan_of_flow
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.view import _text as report
from ws76proxy.record import MessageRecord, RequestRecord, SessionEndRecord
from ws76proxy.recording import rebuild
from ws76proxy.recording.mitm.told import retell_told
from ws76proxy.wire import Dialect, dialect_of
from ws76proxy.wire.events import Close, ClosingHandshake

MODERN, NEW, OLD = Dialect.RFC_6455, Dialect.HIXIE_76, Dialect.HIXIE_75
PAIRS = [(MODERN, NEW), (MODERN, OLD), (NEW, MODERN), (OLD, MODERN), (NEW, OLD), (OLD, NEW)]
TEXTS = [b"", b"hello", "héllo 中 😀".encode(), b"nul \x00", b"x" * 70_000]
BAD_ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: AAAA\r\n\r\n"
)

pytestmark = pytest.mark.usefixtures("patched")
pairs = pytest.mark.parametrize(
    ("client", "server"), PAIRS, ids=[f"{client}-to-{server}" for client, server in PAIRS]
)


@pairs
def test_handshake_and_text(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.open()
    for text in TEXTS:
        session.client.send_text(text)
        session.pump()
        session.server.send_text(text)
        session.pump()
    assert said(session.heard["server"]) == TEXTS
    assert said(session.heard["client"]) == TEXTS
    assert session.messages == [
        (TEXT, from_client, text) for text in TEXTS for from_client in (True, False)
    ]
    told = session.memory.told
    assert (told["dialect"], told["server_dialect"]) == (client, server)
    assert told["verdict"] == ("verified" if server is not OLD else None)
    assert session.flow.marked == ""


@pairs
def test_the_server_is_asked_in_its_dialect_and_the_client_answered_in_its_own(
    client: Dialect, server: Dialect
) -> None:
    session = Bridged(client, server)
    session.open(extra=[("Set-Cookie", "c=d")])
    request, response = session.flow.request, session.flow.response
    assert response is not None
    assert session.server.head.value(b"cookie") == b"a=b"
    assert session.server.head.target == b"/chat?room=1"
    assert session.client.head.value(b"set-cookie") == b"c=d"
    asked = {name.lower() for name in request.headers}
    assert ("sec-websocket-key1" in asked) is (server is NEW)
    assert ("sec-websocket-version" in asked) is (server is MODERN)
    assert len(request.raw_content or b"") == (8 if server is NEW else 0)
    assert len(response.raw_content or b"") == (16 if client is NEW else 0)
    if client is MODERN:
        assert session.client.answer.acceptable
        assert session.client.compresses
    elif client is NEW:
        assert response.headers["Sec-WebSocket-Location"] == "ws://example.com/chat?room=1"
    else:
        assert response.headers["WebSocket-Origin"] == "http://page.example"
    if server is MODERN:
        assert session.server.compresses


@pairs
def test_both_heads_and_both_answers_are_shown(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.open()
    text = report(session.flow)
    for words in ("the client sent", "the server got", "the server sent", "the client got"):
        assert words in text
    assert f"{client} -> {server}" in text or f"{client} → {server}" in text
    assert ("digest verified" in text) is (NEW in (client, server))
    assert ("proof: ✓ verified" in text) is (server is MODERN)


@pytest.mark.parametrize("code", [None, 1000, 1001, 4001])
def test_a_client_of_rfc6455_closes(code: int | None) -> None:
    session = Bridged(MODERN, NEW)
    session.open()
    session.client.send_close(code, "bye" if code else "")
    session.pump()
    assert isinstance(session.heard["server"][-1], ClosingHandshake)
    assert not session.is_over()
    session.server.send_close()
    session.pump()
    (closed,) = [one for one in session.heard["client"] if isinstance(one, Close)]
    assert closed.code == code
    assert session.is_over()
    assert session.ending == (code or 1005, True, "bye" if code else "")


def test_a_server_of_rfc6455_closes() -> None:
    session = Bridged(NEW, MODERN)
    session.open()
    session.server.send_close(1001, "restart")
    session.pump()
    assert isinstance(session.heard["client"][-1], ClosingHandshake)
    if not session.is_over():
        session.client.send_close()
        session.pump()
    assert session.is_over()
    assert session.ending == (1001, False, "restart")
    assert "bridge-close-reduced" in session.findings


def test_ff00_is_told_as_1000() -> None:
    session = Bridged(NEW, MODERN)
    session.open()
    session.client.send_close()
    session.pump()
    (closed,) = [one for one in session.heard["server"] if isinstance(one, Close)]
    assert closed.code == 1000
    session.server.send_close(1000)
    session.pump()
    assert session.is_over()
    assert session.ending == (1005, True, "FF 00 from the client")


def test_nobody_waits_for_ever_for_the_other_end() -> None:
    session = Bridged(MODERN, NEW, settings=Settings(server_dialect=NEW, close_timeout=3))
    session.open()
    session.client.send_close(1000, "")
    session.pump()
    assert not session.is_over()
    (timer,) = session.memory.wakeups
    assert timer.delay == 3
    session.memory.wake()
    session.pump()
    assert session.is_over()
    assert isinstance(session.heard["client"][-1], Close)
    assert session.ending[:2] == (1000, True)


def test_a_server_that_has_no_closing_is_hung_up() -> None:
    session = Bridged(MODERN, OLD)
    session.open()
    session.client.send_close(1000, "done")
    session.pump()
    assert session.is_over()
    assert isinstance(session.heard["client"][-1], Close)
    assert session.ending == (1000, True, "done")


@pairs
@pytest.mark.parametrize("who", ["client", "server"])
def test_somebody_just_leaves(client: Dialect, server: Dialect, who: str) -> None:
    session = Bridged(client, server)
    session.open()
    memory = session.memory
    memory.end(memory.client if who == "client" else memory.server)
    session.pump()
    assert session.is_over()
    code, by_client, reason = session.ending
    assert by_client is (who == "client")
    assert code == (1005 if (client if who == "client" else server) is OLD else 1006)
    assert reason
    closes = [
        one for name in session.heard for one in session.heard[name] if isinstance(one, Close)
    ]
    other = server if who == "client" else client
    speaker = client if who == "client" else server
    assert [one.code for one in closes] == (
        [] if other is not MODERN else [1000 if speaker is OLD else 1001]
    )


def test_a_fault_fails_its_own_side_and_is_told() -> None:
    session = Bridged(MODERN, NEW)
    session.open()
    session.memory.from_client(b"\x83\x80\x00\x00\x00\x00")
    session.pump()
    (closed,) = [one for one in session.heard["client"] if isinstance(one, Close)]
    assert closed.code == 1002
    assert session.is_closed(session.memory.client)
    session.memory.end(session.memory.server)
    assert session.is_over()
    assert session.ending[0] == 1002
    assert "rfc6455-frame-fault" in session.findings


@pytest.mark.parametrize("by_client", [True, False])
def test_a_fault_is_an_end_by_who_made_it(by_client: bool) -> None:
    """As mitmproxy has it of any WebSocket."""
    session = Bridged(MODERN, NEW) if by_client else Bridged(NEW, MODERN)
    session.open()
    if by_client:
        session.client.send_binary(b"\x00\xff\xfe")
    else:
        session.server.send_binary(b"\x00\xff\xfe")
    session.pump()
    session.memory.end(session.memory.server if by_client else session.memory.client)
    assert session.is_over()
    assert session.ending[:2] == (1003, by_client)


# Binary messages


def test_binary_is_refused() -> None:
    session = Bridged(MODERN, NEW)
    session.open()
    session.client.send_binary(b"\x00\xff\xfe")
    session.pump()
    assert session.messages == [(BINARY, True, b"\x00\xff\xfe")]
    (closed,) = [one for one in session.heard["client"] if isinstance(one, Close)]
    assert closed.code == 1003
    assert "bridge-binary-refused" in session.findings


@pytest.mark.parametrize(
    ("policy", "payload", "heard"),
    [
        ("drop", b"\x00\xff", []),
        ("base64", b"\x00\xff", [b"AP8="]),
        ("text", b"plain", [b"plain"]),
    ],
)
def test_binary_by_policy(policy: str, payload: bytes, heard: list[bytes]) -> None:
    options = BridgeOptions(binary=policy)  # type: ignore[arg-type]
    session = Bridged(MODERN, OLD, settings=Settings(server_dialect=OLD, bridge=options))
    session.open()
    session.client.send_binary(payload)
    session.client.send_text("alive")
    session.pump()
    assert said(session.heard["server"]) == [*heard, b"alive"]
    assert session.messages == [(BINARY, True, payload), (TEXT, True, b"alive")]


def test_base64_by_subprotocol() -> None:
    options = BridgeOptions(binary="base64")
    session = Bridged(
        MODERN,
        NEW,
        settings=Settings(server_dialect=NEW, bridge=options),
        protocols=("binary",),
    )
    session.ask()
    assert session.server.head.value(b"sec-websocket-protocol") == b"base64"
    session.accept(protocol=b"base64")
    assert session.client.answer.protocol == b"binary"
    session.client.send_binary(b"\xff\x00")
    session.server.send_text("/w==")
    session.pump()
    assert said(session.heard["server"]) == [b"/wA="]
    assert said(session.heard["client"]) == [b"B\xff"]


def test_no_compression() -> None:
    options = BridgeOptions(deflate=False)
    session = Bridged(NEW, MODERN, settings=Settings(server_dialect=MODERN, bridge=options))
    session.open()
    assert session.server.head.get(b"sec-websocket-extensions") is None
    assert not session.server.compresses


def test_the_wanted_subprotocol() -> None:
    options = BridgeOptions(subprotocol=b"b")
    session = Bridged(
        MODERN, NEW, settings=Settings(server_dialect=NEW, bridge=options), protocols=("a", "b")
    )
    session.open(protocol=b"b")
    assert session.flow.request.headers["Sec-WebSocket-Protocol"] == "b"
    assert session.client.answer.protocol == b"b"


# The user's part


def deciding(decide: Callable[[WebSocketMessage], object]) -> Callable[[str, http.HTTPFlow], None]:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "websocket_message" and flow.websocket is not None:
            decide(flow.websocket.messages[-1])

    return then


def _change(message: WebSocketMessage) -> None:
    if message.content == b"edit me":
        message.content = "edité".encode()
    elif message.content == b"drop me":
        message.drop()
    elif message.content == b"make it bad":
        message.content = b"\xff\xfe"
    elif message.content == b"\x00\x01":
        message.content = b"\x02\xff\x00\x03"


@pairs
def test_edited_and_dropped(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server, then=deciding(_change))
    session.open()
    for leg in (session.client, session.server):
        for text in ("edit me", "drop me", "make it bad", "stay"):
            leg.send_text(text)
        session.pump()
    wanted = ["edité".encode(), b"make it bad", b"stay"]
    assert said(session.heard["server"]) == wanted
    assert said(session.heard["client"]) == wanted
    assert session.flow.websocket is not None
    dropped = [one.content for one in session.flow.websocket.messages if one.dropped]
    assert dropped == [b"drop me", b"drop me"]
    # What was refused is shown as it was sent.
    assert (TEXT, True, b"make it bad") in session.messages


def test_binary_edited_and_dropped() -> None:
    options = BridgeOptions(binary="base64")
    session = Bridged(
        MODERN,
        OLD,
        then=deciding(_change),
        settings=Settings(server_dialect=OLD, bridge=options),
        record=True,
    )
    session.open()
    session.client.send_binary(b"\x00\x01")
    session.client.send_binary(b"drop me")
    session.pump()
    assert said(session.heard["server"]) == [b"Av8AAw=="]
    # The recording has what came.
    recorded = [one for one in session.memory.recorded if isinstance(one, MessageRecord)]
    assert [(one.binary, one.payload) for one in recorded] == [
        (True, "AAE="),
        (True, "ZHJvcCBtZQ=="),
    ]


def _inject(session: Bridged, content: bytes, *, to_client: bool, binary: bool = False) -> None:
    kind = Opcode.BINARY if binary else Opcode.TEXT
    message = WebSocketMessage(kind, not to_client, content, injected=True)
    session.memory.feed(WebSocketMessageInjected(session.flow, message))
    session.pump()


@pairs
def test_injected(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.open()
    for to_client in (True, False):
        _inject(session, b"put in", to_client=to_client)
        _inject(session, b"\xff", to_client=to_client)
        _inject(session, b"\x00\xff", to_client=to_client, binary=True)
    for name, dialect in (("client", client), ("server", server)):
        wanted = [b"put in"] + ([b"B\x00\xff"] if dialect is MODERN else [])
        assert said(session.heard[name]) == wanted
    session.client.send_text("alive")
    session.pump()
    assert said(session.heard["server"])[-1] == b"alive"


@pairs
def test_an_intercepted_message_waits_and_is_killed(client: Dialect, server: Dialect) -> None:
    def then(name: str, flow: http.HTTPFlow) -> object:
        return name == "websocket_message"

    session = Bridged(client, server, then=then)
    session.open()
    session.client.send_text("wait")
    session.pump()
    assert said(session.heard["server"]) == []
    session.flow.error = Error(Error.KILLED_MESSAGE)
    session.memory.feed(KillInjected(session.flow, None))
    session.memory.let_go()
    session.pump()
    assert said(session.heard["server"]) == []
    assert session.is_over()
    assert session.ending[0] == 1006


def test_a_ping_is_answered_here() -> None:
    session = Bridged(MODERN, NEW)
    session.open()
    session.client.send_ping(b"there?")
    session.pump()
    assert [type(one).__name__ for one in session.heard["client"]][-1] == "Pong"
    assert said(session.heard["server"]) == []
    assert session.messages == []


def test_text_of_hixie_that_is_not_utf8() -> None:
    session = Bridged(NEW, MODERN)
    session.open()
    session.client.send_raw(b"\x00bad \xc3(\xff")
    session.pump()
    assert said(session.heard["server"]) == ["bad \ufffd(".encode()]
    assert session.messages == [(BINARY, True, b"bad \xc3(")]
    assert "bridge-text-replaced" in session.findings


# What goes wrong


def _status(session: Bridged) -> int | None:
    return int(session.memory.to_client.split(b" ", 2)[1])


def test_a_wrong_digest_is_no_session() -> None:
    session = Bridged(MODERN, NEW)
    session.ask()
    session.server.accept(location="ws://example.com/chat?room=1")
    answer = session.server.data_to_send()
    session.memory.from_server(answer[:-16] + b"sixteen wrong by")
    assert _status(session) == 502
    assert session.memory.told["verdict"] == "wrong"
    assert session.flow.websocket is None
    assert session.flow.marked == ":x:"
    assert session.is_closed(session.memory.client)


def test_a_wrong_digest_repaired() -> None:
    session = Bridged(MODERN, NEW, settings=Settings(server_dialect=NEW, repair=True))
    session.ask()
    session.server.accept(location="ws://example.com/chat?room=1")
    answer = session.server.data_to_send()
    session.memory.from_server(answer[:-16] + b"sixteen wrong by")
    assert _status(session) == 101
    assert session.memory.told["verdict"] == "wrong"


def test_a_wrong_accept_is_no_session() -> None:
    session = Bridged(NEW, MODERN)
    session.ask()
    session.memory.from_server(BAD_ACCEPT)
    assert _status(session) == 502
    assert "rfc6455-accept-wrong" in session.findings
    assert session.memory.told["verdict"] == "wrong"
    assert session.flow.marked
    assert session.flow.websocket is None


@pytest.mark.parametrize("asked", [NEW, OLD])
def test_an_answer_in_another_dialect(asked: Dialect) -> None:
    session = Bridged(OLD if asked is NEW else NEW, asked)
    session.ask()
    session.memory.from_server(BAD_ACCEPT)
    assert _status(session) == 502
    assert "server-lacks-dialect" in session.findings


@pairs
def test_a_refusal_passes(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.ask()
    session.memory.from_server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
    assert session.memory.to_client == b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
    assert session.memory.told["records"][-1]["outcome"] == "refused"


def test_drafts_between_are_told_the_version() -> None:
    session = Bridged(MODERN, NEW)
    request = session.client.data_to_send().replace(b"Version: 13", b"Version: 8")
    session.memory.from_client(request)
    assert _status(session) == 426
    assert b"Sec-WebSocket-Version: 13" in session.memory.to_client
    assert session.memory.opened == []


def test_keys_without_an_answer() -> None:
    session = Bridged(NEW, MODERN)
    request = session.client.data_to_send()
    line = next(one for one in request.split(b"\r\n") if one.startswith(b"Sec-WebSocket-Key1"))
    session.memory.from_client(request.replace(line, b"Sec-WebSocket-Key1: abc"))
    assert _status(session) == 400
    assert session.memory.opened == []


@pairs
def test_somebody_leaves_during_the_handshake(client: Dialect, server: Dialect) -> None:
    for who in ("client", "server"):
        session = Bridged(client, server)
        session.ask()
        memory = session.memory
        memory.end(memory.client if who == "client" else memory.server)
        assert memory.names[-1] == "error"
        assert memory.told["records"][-1]["outcome"] == "failed"
        assert memory.told["server_dialect"] == server


def test_half_a_digest() -> None:
    session = Bridged(MODERN, NEW)
    session.ask()
    session.server.accept(location="ws://example.com/chat?room=1")
    session.memory.from_server(session.server.data_to_send()[:-7])
    session.memory.end(session.memory.server)
    assert session.memory.told["verdict"] == "missing"


@pytest.mark.parametrize("early", [1, 7, 8])
def test_key3_in_pieces(early: int) -> None:
    session = Bridged(NEW, MODERN)
    request = session.client.data_to_send()
    cut = len(request) - 8 + early
    for piece in (request[:-8], request[-8:cut], request[cut:]):
        session.memory.from_client(piece)
    session.pump()
    session.accept()
    session.client.send_text("whole")
    session.pump()
    assert said(session.heard["server"]) == [b"whole"]


def test_frames_behind_the_answer() -> None:
    session = Bridged(MODERN, NEW)
    session.ask()
    session.server.accept(location="ws://example.com/chat?room=1")
    session.memory.from_server(session.server.data_to_send() + b"\x00early\xff")
    session.pump()
    session.client.open()
    session.pump()
    assert said(session.heard["client"]) == [b"early"]


# Everything else of mitmproxy


def test_the_same_dialect_is_passed_on() -> None:
    session = Bridged(NEW, NEW)
    request = session.client.data_to_send()
    session.memory.from_client(request)
    assert session.memory.to_server == request
    assert session.memory.told["server_dialect"] is None


def test_rfc6455_to_rfc6455_is_mitmproxys_own() -> None:
    session = Bridged(MODERN, MODERN)
    session.open()
    assert "ws76" not in session.flow.metadata
    session.client.send_text("stock")
    session.pump()
    assert said(session.heard["server"]) == [b"stock"]


@pairs
def test_the_body_limits_do_not_count(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server, stream_large_bodies="1", body_size_limit="4")
    session.open()
    session.client.send_text("open")
    session.pump()
    assert said(session.heard["server"]) == [b"open"]


@pairs
def test_saved_and_loaded(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.open()
    session.client.send_text("kept")
    session.pump()
    session.memory.finish()
    file = io.BytesIO()
    FlowWriter(file).add(session.flow)
    file.seek(0)
    (flow,) = FlowReader(file).stream()
    assert isinstance(flow, http.HTTPFlow)
    assert flow.websocket is not None
    assert [one.content for one in flow.websocket.messages] == [b"kept"]
    assert "the server got" in report(flow)


@pairs
def test_recorded(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server, record=True)
    session.open()
    session.client.send_text("one")
    session.server.send_text("two")
    session.pump()
    session.memory.finish()
    records = session.memory.recorded
    (request,) = [one for one in records if isinstance(one, RequestRecord)]
    assert (request.dialect, request.server_dialect) == (client, server)
    assert request.sent is not None
    (end,) = [one for one in records if isinstance(one, SessionEndRecord)]
    assert (end.outcome, end.server_dialect) == ("open", server)
    assert [one.text for one in records if isinstance(one, MessageRecord)] == ["one", "two"]


@pytest.mark.parametrize(("client", "server"), [(MODERN, NEW), (NEW, MODERN), (NEW, OLD)])
def test_a_flow_is_played_in_the_hixie_that_it_has(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server)
    session.open()
    session.client.send_text("again")
    session.pump()
    session.memory.finish()
    plan = plan_of_flow(session.flow)
    assert plan.dialect is (server if server.is_hixie else client)
    assert dialect_of(plan.request) is plan.dialect
    assert [step.raw for step in plan.steps if step.what == "message"] == [b"\x00again\xff"]


def test_binary_messages_are_read_back_as_such() -> None:
    options = BridgeOptions(binary="drop")
    session = Bridged(MODERN, NEW, settings=Settings(server_dialect=NEW, bridge=options))
    session.open()
    session.client.send_binary(b"plain")
    session.client.send_text("text")
    session.pump()
    session.memory.finish()
    records = [one for one in retell_told(session.flow, 1) if isinstance(one, MessageRecord)]
    assert [(one.binary, one.payload, one.text) for one in records] == [
        (True, "cGxhaW4=", ""),
        (False, None, "text"),
    ]


@pytest.mark.parametrize("server", [NEW, MODERN])
def test_a_request_that_somebody_changes_on_its_way(server: Dialect) -> None:
    def then(name: str, flow: http.HTTPFlow) -> None:
        if name == "request" and server is NEW:
            flow.request.headers["Sec-WebSocket-Key1"] = "1 2"
        elif name == "request":
            flow.request.headers["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="

    session = Bridged(OLD, server, then=then)
    session.open()
    assert session.memory.told["verdict"] == "verified"
    session.client.send_text("hello")
    session.pump()
    assert said(session.heard["server"]) == [b"hello"]


@pytest.mark.parametrize(("client", "server"), [(NEW, MODERN), (MODERN, NEW)])
def test_a_recording_holds_every_byte_of_the_hixie_side(client: Dialect, server: Dialect) -> None:
    session = Bridged(client, server, record=True)
    session.ask()
    if client is NEW:
        old, said_by_old = session.client, b"\x00one\xff\x05odd\xff\x00bad \xc3(\xff"
    else:
        old, said_by_old = session.server, b"\x00one\xff\x00two\xff\x00unfinished"
    session.accept()
    old.send_raw(said_by_old)
    session.pump()
    session.memory.finish()
    streams = rebuild(session.memory.recorded)
    kept = streams.client if client is NEW else streams.server
    assert kept.endswith(said_by_old)
    handshake = kept.removesuffix(said_by_old)
    head, _, tail = handshake.partition(b"\r\n\r\n")
    assert b"WebSocket" in head
    assert len(tail) == (8 if client is NEW else 16)
