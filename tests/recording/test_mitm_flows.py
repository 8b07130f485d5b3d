"""mitmproxy's flow files: stock ones, the addon's, and ours that a stock mitmproxy opens."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mitm.client import Client
from tests.mitm.memory import ANSWER, DIGEST, HEAD, KEY3, Memory
from tests.mitm.peers import Peer, RawServer, serve
from tests.mitm.process import ADDON, Mitmdump
from tests.recording.flows import SaveHar, http, load, save, tcp, tflow, websocket_flow
from tests.recording.sessions import (
    HEADER,
    conversation,
    generated,
    is_websocket,
    read_back,
    recorded,
)
from ws76proxy.console import handshake_text
from ws76proxy.errors import RecordingError
from ws76proxy.mitm import patches
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.told import records_of
from ws76proxy.record import (
    AnyRecord,
    ClosingRecord,
    FindingRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
)
from ws76proxy.recording import RecordedSession, mitm, read_entries, read_sessions, rebuild

seeds = st.lists(st.integers(0, 2**64), min_size=1, max_size=4)


def _write(path: Path, *sessions: RecordedSession) -> Path:
    with path.open("wb") as file:
        mitm.write(sessions, file, pytest.fail)
    return path


def _texts(session: RecordedSession) -> list[str]:
    return [one.text for one in session.records if isinstance(one, MessageRecord)]


def _closings(session: RecordedSession) -> list[tuple[str, str, str]]:
    records = session.records
    return [(one.by, one.how, one.detail) for one in records if isinstance(one, ClosingRecord)]


def _mitmdump(arguments: list[str], home: Path) -> str:
    """What this Python's mitmdump prints; peers decide in what encoding."""
    program = Path(sys.executable).with_name("mitmdump")
    done = subprocess.run(
        [str(program), "--set", f"confdir={home}", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def patched() -> Iterator[None]:
    """mitmproxy as the addon leaves it."""
    patches.install()
    yield
    patches.uninstall()


# Ours, in mitmproxy's format


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_any_sessions_come_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, seeds: list[int]
) -> None:
    sessions = [generated(seed, number) for number, seed in enumerate(seeds, 1)]
    path = _write(tmp_path_factory.getbasetemp() / "round.mitm", *sessions)
    back = read_back(path)
    assert [one.number for one in back] == [one.number for one in sessions]
    for one, again in zip(sessions, back, strict=True):
        assert again.records == one.records
        assert again.recording == HEADER
        assert rebuild(again.records) == rebuild(one.records)
    # What mitmproxy itself makes of them: one flow at least for each, and a HAR.
    flows = load(path)
    assert len(flows) >= len(sessions)
    sockets = [one for one in flows if isinstance(one, http.HTTPFlow) and one.websocket]
    assert len(sockets) <= sum(map(is_websocket, sessions))
    json.dumps(SaveHar().make_har([one for one in flows if isinstance(one, http.HTTPFlow)]))


def test_a_stock_mitmproxy_sees_the_session(tmp_path: Path) -> None:
    (flow,) = load(_write(tmp_path / "x.mitm", recorded(conversation().records)))
    assert isinstance(flow, http.HTTPFlow)
    assert flow.request.url == "http://server.test:9000/chat?room=1"
    assert flow.request.headers["Sec-WebSocket-Key1"] == "4 @1  46546xW%0l 1 5"
    assert flow.request.raw_content == KEY3
    assert flow.response is not None
    assert (flow.response.status_code, flow.response.raw_content) == (101, DIGEST)
    assert flow.websocket is not None
    told = [(one.from_client, int(one.type), one.content) for one in flow.websocket.messages]
    assert told == [(True, 1, "grüße".encode()), (True, 2, b"\xc3("), (False, 1, b"hello")]
    times = [one.timestamp - flow.request.timestamp_start for one in flow.websocket.messages]
    assert times == pytest.approx([0.25, 0.25, 0.75])
    assert (flow.websocket.close_code, flow.websocket.closed_by_client) == (1005, False)
    assert flow.client_conn.peername == ("192.0.2.1", 51234)


@pytest.mark.usefixtures("patched")
def test_the_addons_view_and_filters_see_it_too(tmp_path: Path) -> None:
    play = conversation()
    (flow,) = load(_write(tmp_path / "x.mitm", recorded(play.records)))
    assert handshake_text(records_of(flow)) == handshake_text(play.records)
    values = flow.metadata["ws76"]
    assert (values["verdict"], values["findings"]) == ("verified", play.codes)
    memory = Memory()
    memory.open()
    memory.finish()
    assert set(values) == set(memory.told)


def test_a_wrong_digest_is_marked(tmp_path: Path) -> None:
    from tests.session.playbook import Play

    play = Play(host="keep", lossless=True)
    play.client(HEAD + KEY3)
    play.server(ANSWER + bytes(16))
    play.client_ends()
    play.server_ends()
    (flow,) = load(_write(tmp_path / "x.mitm", recorded(play.records)))
    assert flow.marked == ":x:"
    assert "digest-wrong" in flow.comment


@pytest.mark.parametrize("scripts", [(), ("-s", str(ADDON))], ids=["without", "with"])
def test_mitmdump_shows_ours(tmp_path: Path, scripts: tuple[str, ...]) -> None:
    sessions = [generated(seed, seed) for seed in range(2, 60)]
    path = _write(tmp_path / "x.mitm", recorded(conversation().records), *sessions)
    arguments = ["-n", "-r", str(path), "--set", "flow_detail=4", *scripts]
    out = _mitmdump(arguments, tmp_path)
    # mitmproxy takes so short a text with two umlauts for bytes.
    assert "67 72 c3 bc" in out
    assert "hello" in out
    assert ("digest verified" in out) == bool(scripts)


def test_mitmdump_exports_and_filters_ours(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.mitm", recorded(conversation().records), generated(3, 2))
    har = tmp_path / "out.har"
    again = tmp_path / "again.mitm"
    arguments = ["-n", "-r", str(path), "--set", f"hardump={har}", "-w", str(again)]
    _mitmdump(arguments, tmp_path)
    assert "hello" in har.read_text()
    # Saved by mitmproxy, it is the session all the same.
    first, second = read_back(again)
    assert first.records == conversation().records
    assert second.records == generated(3, 2).records


# The addon's flows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the flows of a mitmdump that has the addon."""
    home = tmp_path_factory.mktemp("flows")
    with RawServer(serve) as server:
        mode = f"reverse:http://127.0.0.1:{server.port}"
        arguments = ("-w", str(home / "flows"), "--set", "keep_host_header=true")
        with Mitmdump(mode, *arguments, home=home) as running:
            client = Client(Peer.connect(running.port), "/good", f"127.0.0.1:{running.port}")
            client.open()
            client.echo(b"hello", "wörld".encode(), b"\xc3(")
            client.close()
            running.flow("/good")
            (home / "asked").write_bytes(client.request)
    return home


def test_a_flow_of_the_addon_is_read_to_the_byte(folder: Path) -> None:
    (session,) = read_back(folder / "flows")
    assert session.recording is not None
    assert session.recording.vantage == "mitmproxy"
    streams = rebuild(session.records)
    said = b"\x00hello\xff\x00w\xc3\xb6rld\xff\x00\xc3(\xff\xff\x00"
    assert streams.gaps == []
    assert streams.client == (folder / "asked").read_bytes() + said
    assert streams.server.endswith(said)
    assert session.end is not None
    assert len(streams.client) == session.end.client.bytes
    assert len(streams.server) == session.end.server.bytes
    assert session.end.verdict == "verified"
    assert _texts(session) == ["hello", "hello", "wörld", "wörld", "\ufffd(", "\ufffd("]
    times = [one.time for one in session.records]
    assert times == sorted(times)
    by = [(by, how) for by, how, _ in _closings(session)]
    assert by[:2] == [("client", "closing-handshake"), ("server", "closing-handshake")]


def _told(tmp_path: Path, memory: Memory) -> RecordedSession:
    (session,) = read_back(save(tmp_path / "x.flows", memory.flow))
    return session


@pytest.mark.usefixtures("patched")
def test_what_a_flow_of_the_addon_does_not_hold_is_said(tmp_path: Path) -> None:
    memory = Memory()
    memory.open()
    memory.from_client(b"\x00one\xff\x05odd\xff\x00two\xff")
    memory.finish()
    session = _told(tmp_path, memory)
    assert _texts(session) == ["one", "two"]
    (notice,) = (one for one in session.records if isinstance(one, NoticeRecord))
    assert "the client sent" in notice.text
    codes = [one.code for one in session.records if isinstance(one, FindingRecord)]
    assert "unknown-frame-type" in codes


@pytest.mark.usefixtures("patched")
def test_messages_that_were_let_go_are_counted(tmp_path: Path) -> None:
    memory = Memory(Settings(max_messages=2))
    memory.open()
    for number in range(10):
        memory.from_client(b"\x00%d\xff" % number)
    memory.finish()
    session = _told(tmp_path, memory)
    messages = [one for one in session.records if isinstance(one, MessageRecord)]
    assert [(one.number, one.text) for one in messages] == [(9, "8"), (10, "9")]
    assert session.end is not None
    assert messages[-1].offset + 3 == session.end.client.bytes
    (notice,) = (one for one in session.records if isinstance(one, NoticeRecord))
    assert "8 earlier messages" in notice.text


@pytest.mark.usefixtures("patched")
def test_a_flow_that_was_saved_before_its_end(tmp_path: Path) -> None:
    memory = Memory()
    memory.open()
    memory.from_client(b"\x00one\xff")
    session = _told(tmp_path, memory)
    assert _texts(session) == ["one"]
    assert session.end is None


# Stock mitmproxy's flows


def test_a_stock_websocket(tmp_path: Path) -> None:
    flow = websocket_flow(close_code=1000, close_reason="bye")
    flow.websocket.closed_by_client = True
    flow.websocket.timestamp_end = 946681210.0
    flow.websocket.messages[0].injected = True
    (session,) = read_back(save(tmp_path / "x.flows", flow))
    assert session.dialect == "rfc6455"
    assert session.request is not None
    assert session.request.head.startswith("GET /ws HTTP/1.1\r\n")
    assert session.response is not None
    assert session.response.status == 101
    messages = [one for one in session.records if isinstance(one, MessageRecord)]
    told = [(one.direction, one.binary, one.text, one.payload) for one in messages]
    assert told == [("client", False, "hello text", None), ("server", False, "it's me", None)]
    assert messages[0].time == pytest.approx(4.0)
    assert _closings(session) == [("client", "closing-handshake", "1000 bye")]
    assert session.end is not None
    assert session.end.outcome == "open"
    assert session.end.time == pytest.approx(10.0)
    assert (session.end.client.messages, session.end.server.messages) == (1, 1)


def test_a_stock_binary_message(tmp_path: Path) -> None:
    flow = websocket_flow(close_code=1006)
    flow.websocket.closed_by_client = False
    (session,) = read_back(save(tmp_path / "x.flows", flow))
    first = next(one for one in session.records if isinstance(one, MessageRecord))
    assert (first.binary, first.text, first.payload) == (True, "", "aGVsbG8gYmluYXJ5")
    assert [one[:2] for one in _closings(session)] == [("server", "end-of-stream")]


def test_an_ordinary_flow_and_one_without_answer(tmp_path: Path) -> None:
    path = save(tmp_path / "x.flows", tflow.tflow(resp=True), tflow.tflow(err=True))
    answered, not_answered = read_back(path)
    (first,) = (one for one in answered.records if isinstance(one, HttpRecord))
    (second,) = (one for one in not_answered.records if isinstance(one, HttpRecord))
    assert (first.method, first.target, first.status) == ("GET", "/path", 200)
    assert (second.target, second.status) == ("/path", None)
    assert any(isinstance(one, NoticeRecord) for one in not_answered.records)


def test_hixie_as_raw_tcp(tmp_path: Path) -> None:
    """What a stock mitmproxy records of hixie in `reverse:tcp` mode is all there is."""
    flow = tflow.ttcpflow(messages=[])
    client = [HEAD[:30], HEAD[30:] + KEY3, b"\x00hel", b"lo\xff\xff\x00"]
    server = [ANSWER + DIGEST, b"\x00there\xff", b"\xff\x00"]
    order = [(True, 0), (True, 1), (False, 0), (True, 2), (False, 1), (True, 3), (False, 2)]
    for time, (from_client, index) in enumerate(order):
        data = (client if from_client else server)[index]
        began = flow.client_conn.timestamp_start
        flow.messages.append(tcp.TCPMessage(from_client, data, began + time / 4))
    (session,) = read_back(save(tmp_path / "x.flows", flow))
    streams = rebuild(session.records)
    assert (streams.client, streams.server) == (b"".join(client), b"".join(server))
    assert streams.gaps == []
    assert session.end is not None
    assert (session.end.outcome, session.end.verdict) == ("open", "verified")
    assert _texts(session) == ["there", "hello"]
    times = [one.time for one in session.records if isinstance(one, MessageRecord)]
    assert times == pytest.approx([1.0, 1.25])


def test_rfc6455_as_raw_tcp(tmp_path: Path) -> None:
    flow = tflow.ttcpflow(messages=[])
    asked = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    answered = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x05hello"
    flow.messages = [tcp.TCPMessage(True, asked), tcp.TCPMessage(False, answered)]
    (session,) = read_back(save(tmp_path / "x.flows", flow))
    assert session.dialect == "rfc6455"
    assert _texts(session) == ["hello"]


def test_other_flows_are_passed_over_and_counted(tmp_path: Path) -> None:
    flows = [tflow.tdnsflow(resp=True), tflow.tdnsflow(resp=True), tflow.tflow(resp=True)]
    path = save(tmp_path / "x.flows", *flows)
    records: list[AnyRecord] = [one.record for one in read_entries(path, pytest.fail)]
    notice = records[-1]
    assert isinstance(notice, NoticeRecord)
    assert re.search(r"\b2 flows .* dns\b", notice.text)


# Files that are not as they should be


def test_a_file_that_breaks_off(tmp_path: Path) -> None:
    path = save(tmp_path / "x.flows", *[tflow.tflow(resp=True) for _ in range(3)])
    path.write_bytes(path.read_bytes()[:-10])
    assert len(read_back(path, "flow 3")) == 2


def test_a_bad_flow_costs_one_flow(tmp_path: Path) -> None:
    good = save(tmp_path / "x.flows", tflow.tflow(resp=True)).read_bytes()
    bad = [
        good.replace(b"4:type;4:http;", b"4:type;4:hxxp;"),
        good.replace(b"7:version;2:21#", b"7:version;2:99#"),
        good.replace(b"6:method;3:GET,", b"6:mathod;3:GET,"),
    ]
    assert good not in bad
    path = tmp_path / "bad.flows"
    path.write_bytes(good + b"".join(one + good for one in bad))
    sessions = read_back(path, "flow 2", "flow 4", "flow 6")
    assert len(sessions) == 4


def test_times_that_are_none(tmp_path: Path) -> None:
    flow = websocket_flow()
    for one, time in zip(flow.websocket.messages, (math.inf, -math.inf, math.nan), strict=True):
        one.timestamp = time
    (session,) = read_back(save(tmp_path / "x.flows", flow))
    times = [one.time for one in session.records]
    assert times == sorted(times)
    assert all(map(math.isfinite, times))


def test_metadata_of_another_shape(tmp_path: Path) -> None:
    flows: list[Any] = [websocket_flow() for _ in range(5)]
    flows[0].metadata["ws76"] = {"records": [{"type": "nonsense"}]}
    flows[1].metadata["ws76"] = 7
    flows[2].metadata["ws76_session"] = '{"type":"whole","carried":{},"extras":[]}'
    flows[3].metadata["ws76_session"] = "x"
    path = save(tmp_path / "x.flows", *flows)
    assert len(read_back(path, "flow 1", "flow 2", "flow 3", "flow 4")) == 1


def test_rubbish_behind_a_flow(tmp_path: Path) -> None:
    good = save(tmp_path / "x.flows", tflow.tflow(resp=True)).read_bytes()
    path = tmp_path / "bad.flows"
    path.write_bytes(good + b"rubbish")
    assert len(read_back(path, "flow 2")) == 1


def _nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = b"%d:%s]" % (len(data), data)
    return b"%d:3:key;%s}" % (len(data) + 6, data)


@pytest.mark.parametrize(
    "data", [b"20:3:key;x", b"999999999999:3:key;5:value;}", b"13:3:key;3:one;}", _nested(5000)]
)
def test_nothing_that_can_be_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.flows"
    path.write_bytes(data)
    said: list[str] = []
    with pytest.raises(RecordingError, match=r"bad\.flows"):
        list(read_sessions([path], said.append))
    assert said


def test_a_session_that_makes_no_sense_is_left_out() -> None:
    play = conversation()
    records = [
        msgspec.structs.replace(one, payload="A") if isinstance(one, MessageRecord) else one
        for one in play.records
    ]
    said: list[str] = []
    file = io.BytesIO()
    mitm.write([recorded(records)], file, said.append)
    assert len(said) == 1
    assert file.getvalue() == b""
