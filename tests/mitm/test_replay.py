"""Recorded sessions played through mitmproxy: as the client, and as the server."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons

from tests.mitm.client import Client, RefusedError
from tests.mitm.peers import PATIENCE, Peer, RawServer, serve
from tests.mitm.process import Mitmdump
from tests.replay.tape import CHAT, recorded
from ws76proxy.endpoint import Endpoint
from ws76proxy.mitm.client_replay import HixieReplay
from ws76proxy.record import RequestRecord
from ws76proxy.recording import read_sessions, rebuild
from ws76proxy.replay import plan_of
from ws76proxy.wire import RequestHead

TEXTS = [b"hello", "wörld".encode(), b"bad \xc3("]


class Server:
    """An echo server that keeps the heads of its requests, and can be told to answer otherwise."""

    def __init__(self) -> None:
        self.heads: list[RequestHead] = []
        self.is_wrong = threading.Event()
        self._raw = RawServer(self._script)
        self.port = self._raw.port

    def _script(self, peer: Peer) -> None:
        raw = peer.until(b"\r\n\r\n")
        self.heads.append(RequestHead(raw))
        peer._read = raw + peer._read
        if self.is_wrong.is_set():
            serve(_Shouting(peer))
        else:
            serve(peer)

    def stop(self) -> None:
        self._raw.__exit__(None, None, None)


class _Shouting(Peer):
    """Says in capitals what should be echoed."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.sock)
        self._read = peer._read

    def send(self, *pieces: bytes) -> None:
        super().send(*(piece.replace(b"hello", b"HELLO") for piece in pieces))


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def mode(server: Server) -> str:
    return f"reverse:http://127.0.0.1:{server.port}"


def connect(mitm: Mitmdump, path: str, **options: Any) -> Client:
    return Client(Peer.connect(mitm.port), path, f"127.0.0.1:{mitm.port}", **options)


def talk(client: Client) -> None:
    client.open()
    client.echo(*TEXTS)
    client.peer.send(b"\x80\x03abc")
    assert client.peer.exactly(5) == b"\x80\x03abc"
    client.close()


def record(server: Server, path: Path, home: Path) -> Path:
    """A session of the echo server, and one that it refused."""
    with Mitmdump(mode(server), "--set", f"ws76_record={path}", home=home) as mitm:
        talk(connect(mitm, "/chat", extra=(("X-Device", "TV"),)))
        mitm.flow("/chat")
        client = connect(mitm, "/not-found")
        with pytest.raises(RefusedError):
            client.open()
        client.peer.close()
        mitm.flow("/not-found")
    return path


@pytest.fixture(scope="module")
def _recorded() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def recording(_recorded: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: mitmdump takes two seconds to start."""
    folder = tmp_path_factory.mktemp("recording")
    return record(_recorded, folder / "recorded.ws76.jsonl", folder)


@pytest.fixture
def origin(_recorded: Server, recording: Path) -> Iterator[Server]:
    """The server of the recording, at the address that stands in it, as if nobody had come yet."""
    _recorded.heads.clear()
    yield _recorded
    _recorded.is_wrong.clear()


def check_replayed(flow: dict[str, Any], server: Server) -> None:
    assert flow["is_replay"] == "request"
    assert flow["metadata"]["verdict"] == "verified"
    assert flow["metadata"]["findings"][0] == "text-not-utf8"
    assert flow["metadata"]["replay"]["equal"] is True
    contents = [one[2].encode("latin-1") for one in flow["messages"] if one[1]]
    assert contents == TEXTS
    head = [one for one in server.heads if one.target == b"/chat"][-1]
    assert head.value(b"x-device") == b"TV"
    assert head.value(b"host") == f"127.0.0.1:{server.port}".encode()


@pytest.mark.parametrize("way", ["option", "command"])
def test_the_client_of_a_recording(
    origin: Server, recording: Path, tmp_path: Path, way: str
) -> None:
    again = tmp_path / "again.ws76.jsonl"
    options = ["--set", f"ws76_record={again}"]
    options += ["--set", f"ws76_replay_client={recording}"] if way == "option" else []
    with Mitmdump("regular", *options, home=tmp_path) as mitm:
        if way == "command":
            assert mitm.do(f"hixie.replay.client {recording}") == ""
        flow = mitm.flow("/chat")
        for session in (1, 2):
            mitm.line(lambda line, n=session: f"session {n}" in line and "as recorded" in line)  # type: ignore[misc]
    check_replayed(flow, origin)
    complaints: list[str] = []
    before = list(read_sessions([recording], complaints.append))
    after = list(read_sessions([again], complaints.append))
    assert complaints == []
    for old, new in zip(before, after, strict=True):
        assert rebuild(new.records).gaps == []
        assert old.request is not None
        assert new.request is not None
        keys = [RequestHead(one.head.encode("latin-1")) for one in (old.request, new.request)]
        first, second = (head.value(b"sec-websocket-key1") for head in keys)
        assert first != second
        assert old.end is not None
        assert new.end is not None
        assert (new.end.outcome, new.end.verdict) == (old.end.outcome, old.end.verdict)
        assert new.end.client.messages == old.end.client.messages


def test_a_server_that_says_something_else(origin: Server, recording: Path, tmp_path: Path) -> None:
    origin.is_wrong.set()
    options = ["--set", f"ws76_replay_client={recording}"]
    with Mitmdump("regular", *options, home=tmp_path) as mitm:
        mitm.line(lambda line: "played as the client: 1 difference" in line)
        mitm.line(lambda line: "HELLO" in line and "got" in line)
        flow = mitm.flow("/chat")
    assert flow["metadata"]["replay"]["equal"] is False
    assert flow["marked"] == ":warning:"
    assert flow["comment"].startswith("ws76: replay of session 1")


def test_a_server_that_is_gone(server: Server, tmp_path: Path) -> None:
    recording = record(server, tmp_path / "recorded.ws76.jsonl", tmp_path)
    server.stop()
    options = ["--set", f"ws76_replay_client={recording}"]
    with Mitmdump("regular", *options, home=tmp_path) as mitm:
        mitm.line(lambda line: "played as the client" in line and "difference" in line)
        assert mitm.flow("/chat")["event"] == "error"


def test_a_play_that_is_broken_off() -> None:
    """mitmproxy ends while it plays: its sockets are closed when the loop knows nothing of them.

    Whoever opens a connection next gets their numbers, and the loop would take it for theirs.
    """

    def use_their_numbers() -> None:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            for one in socket.socketpair():
                stack.enter_context(one)
                loop.add_reader(one, lambda: None)
                stack.callback(loop.remove_reader, one)

    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, taddons.context(Proxyserver()):
            listener.setblocking(False)
            here = Endpoint(False, "127.0.0.1", listener.getsockname()[1])
            replay = HixieReplay(plan_of(recorded(*CHAT)), here)
            playing = asyncio.create_task(replay.replay())
            accepting = asyncio.get_running_loop().sock_accept(listener)
            server, _ = await asyncio.wait_for(accepting, PATIENCE)
            with contextlib.closing(server):
                playing.cancel()
                while not playing.done():
                    await asyncio.sleep(0)
                    use_their_numbers()
                assert playing.cancelled()

    asyncio.run(play())


def test_the_replay_of_stock_mitmproxy(server: Server, tmp_path: Path) -> None:
    with Mitmdump(mode(server), home=tmp_path) as mitm:
        talk(connect(mitm, "/chat", extra=(("X-Device", "TV"),)))
        first = mitm.flow("/chat")
        assert mitm.do("replay /chat") == ""
        mitm.line(lambda line: line.startswith("FLOW") and '"is_replay": "request"' in line)
        flows = [one for one in mitm._flows if one["path"] == "/chat"]
    assert len(flows) == 2
    assert flows[0] == first
    check_replayed(flows[1], server)
    keys = [head.value(b"sec-websocket-key1") for head in server.heads]
    assert len(set(keys)) == 2


def test_flows_from_a_file_are_replayed(server: Server, tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    with Mitmdump(mode(server), "-w", str(flows), home=tmp_path) as mitm:
        talk(connect(mitm, "/chat", extra=(("X-Device", "TV"),)))
        mitm.flow("/chat")
    with Mitmdump("regular", home=tmp_path) as mitm:
        assert mitm.do(f"replay.client.file {flows}") == ""
        flow = mitm.flow("/chat")
    assert flow["is_replay"] == "request"
    assert len(server.heads) == 2


def test_flows_of_others_are_refused_as_ever(tmp_path: Path) -> None:
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    flows = tmp_path / "flows"
    with flows.open("wb") as file:
        FlowWriter(file).add(tflow.twebsocketflow())
    with Mitmdump("regular", home=tmp_path) as mitm:
        assert mitm.do(f"replay.client.file {flows}") == ""
        mitm.line(lambda line: "Can't replay WebSocket flows" in line)


@pytest.mark.parametrize(
    ("option", "content"),
    [("client", b"nonsense"), ("server", b"nonsense"), ("client", None), ("server", None)],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, option: str, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with Mitmdump("regular", home=tmp_path) as mitm:
        assert str(path) in mitm.do(f"set ws76_replay_{option}={path}")
        assert str(path) in mitm.do(f"hixie.replay.{option} {path}")


def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("way", ["option", "command"])
@pytest.mark.parametrize("extra", [(), ("--set", "ws76_challenge=own")], ids=["", "own"])
def test_the_server_of_a_recording(
    server: Server, recording: Path, tmp_path: Path, way: str, extra: tuple[str, ...]
) -> None:
    if way == "option":
        server.stop()
    again = tmp_path / "again.ws76.jsonl"
    options = ["--set", f"ws76_record={again}", *extra]
    options += ["--set", f"ws76_replay_server={recording}"] if way == "option" else []
    with Mitmdump(mode(server), *options, home=tmp_path) as mitm:
        if way == "command":
            assert mitm.do(f"hixie.replay.server {recording}") == ""
        for _ in range(2):
            talk(connect(mitm, "/chat"))
            mitm.line(lambda line: "session 1" in line and "as recorded" in line)
            mitm.log.clear()
        flow = mitm.flow("/chat")
        client = connect(mitm, "/not-found")
        with pytest.raises(RefusedError) as refused:
            client.open()
        assert refused.value.body == b"no"
        client.peer.close()
        other = connect(mitm, "/other")
        if way == "option":
            with pytest.raises(RefusedError, match="502"):
                other.open()
        else:
            other.open()
        other.peer.close()
    assert [head.target for head in server.heads] == ([] if way == "option" else [b"/other"])
    assert flow["is_replay"] == "response"
    assert flow["metadata"]["verdict"] == "verified"
    assert flow["metadata"]["replay"]["equal"] is True
    assert [one[2].encode("latin-1") for one in flow["messages"] if not one[1]] == TEXTS
    complaints: list[str] = []
    after = list(read_sessions([again], complaints.append))
    chat = [one for one in after if one.request is not None and one.request.target == "/chat"]
    assert len(chat) == 2
    for session in chat:
        assert rebuild(session.records).gaps == []
        assert any(isinstance(one, RequestRecord) for one in session.records)


def test_a_client_that_says_something_else(server: Server, recording: Path, tmp_path: Path) -> None:
    options = ["--set", f"ws76_replay_server={recording}"]
    with Mitmdump(mode(server), *options, home=tmp_path) as mitm:
        client = connect(mitm, "/chat")
        client.open()
        client.say(b"something else")
        assert client.hear() == b"hello"
        client.say("wörld".encode())
        assert client.hear() == "wörld".encode()
        client.peer.close()
        flow = mitm.flow("/chat")
        mitm.line(lambda line: "something else" in line and "got" in line)
    replay = flow["metadata"]["replay"]
    assert replay["equal"] is False
    assert "something else" in replay["differences"][0]
    assert flow["comment"].startswith("ws76: replay of session 1")
    assert flow["marked"] == ":warning:"
    assert server.heads == []


def test_the_real_server_answers_again(server: Server, recording: Path, tmp_path: Path) -> None:
    options = ["--set", f"ws76_replay_server={recording}"]
    with Mitmdump(mode(server), *options, home=tmp_path) as mitm:
        assert mitm.do("hixie.replay.server.stop") == ""
        talk(connect(mitm, "/chat"))
        assert mitm.flow("/chat")["is_replay"] is None
    assert len(server.heads) == 1


def test_a_killed_stand_in(server: Server, recording: Path, tmp_path: Path) -> None:
    options = ["--set", f"ws76_replay_server={recording}"]
    with Mitmdump(mode(server), *options, home=tmp_path) as mitm:
        client = connect(mitm, "/chat")
        client.open()
        client.say(b"kill later")
        assert client.peer.rest() in (b"", b"\x00hello\xff")
        assert mitm.flow("/chat")["metadata"]["closing"] == "Connection killed."
