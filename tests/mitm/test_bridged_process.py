"""A client of today through a running mitmdump to an old server, and what users do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from tests.mitm.client import Client
from tests.mitm.peers import PATIENCE, Peer, RawServer, serve
from tests.mitm.process import Mitmdump, run_mitmdump
from tests.mitm.table import messages_of
from ws76proxy.recording import read_sessions

TO_OLD = ("--set", "ws76_server_dialect=hixie-76")
SCRIPT = """
def on_message(message):
    if message.text == "script":
        message.text = "by a script"
"""


@contextmanager
def bridging(home: Path, *options: str) -> Iterator[tuple[Mitmdump, RawServer]]:
    """A mitmdump that asks an old echo server in hixie-76."""
    with (
        RawServer(serve) as server,
        Mitmdump(f"reverse:http://127.0.0.1:{server.port}", *TO_OLD, *options, home=home) as mitm,
    ):
        yield mitm, server
        assert server.faults == []


def connected(mitm: Mitmdump, path: str) -> ClientConnection:
    url = f"ws://127.0.0.1:{mitm.port}{path}"
    return connect(url, open_timeout=PATIENCE, close_timeout=PATIENCE, proxy=None)


def hear(client: ClientConnection) -> str | bytes:
    return client.recv(timeout=PATIENCE)


def hear_all(client: ClientConnection) -> None:
    while True:
        hear(client)


def test_what_users_do(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    with bridging(tmp_path, "-w", str(flows)) as (mitm, _):
        with connected(mitm, "/echo?users") as client:
            for said, heard in (
                ("plain", "plain"),
                ("edit me", "edited é"),
                ("edit to ff", "edit to ff"),
                ("hold me", "hold me"),
            ):
                client.send(said)
                assert hear(client) == heard
            client.send("drop me")
            client.send("inject")
            heard_all = {hear(client) for _ in range(4)}
            # A client of today can be told binary messages, and no text that is no UTF-8.
            assert heard_all == {"inject", "injected é", b"injected binary", "to the server"}
        flow = mitm.flow("/echo?users")
        assert flow["event"] == "end"
        assert flow["close"][:2] == [1000, True]
        assert flow["metadata"]["verdict"] == "verified"
        assert (False, "injected binary") in messages_of(flow)
    # A mitmproxy without the addon reads it.
    assert "/echo?users" in run_mitmdump(["-n", "-r", str(flows), "~websocket"], tmp_path)
    (session,) = read_sessions([flows], lambda fault: pytest.fail(fault))
    assert session.dialect == "rfc6455"


@pytest.fixture(scope="module")
def mitm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    """One for all tests that need no options of their own."""
    with bridging(tmp_path_factory.mktemp("bridged")) as (one, _):
        yield one


@pytest.mark.parametrize("word", ["kill me", "kill later"])
def test_killed(mitm: Mitmdump, word: str) -> None:
    path = f"/echo?{word.replace(' ', '-')}"
    with connected(mitm, path) as client:
        client.send(word)
        with pytest.raises(ConnectionClosed):
            hear_all(client)
    flow = mitm.flow(path)
    assert flow["error"] == "Connection killed."
    assert flow["close"][0] == 1006


@pytest.mark.parametrize("path", ["/kill-request", "/kill-waiting-silent"])
def test_killed_early(mitm: Mitmdump, path: str) -> None:
    with pytest.raises(InvalidMessage), connected(mitm, path):
        pass
    assert mitm.flow(path)["error"] == "Connection killed."


def test_the_server_leaves(mitm: Mitmdump) -> None:
    with connected(mitm, "/fin") as client, pytest.raises(ConnectionClosed) as caught:
        hear(client)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001
    assert mitm.flow("/fin")["close"][:2] == [1006, False]


def test_a_server_that_leaves_without_an_answer_to_the_end(mitm: Mitmdump) -> None:
    with connected(mitm, "/deaf") as client:
        client.send("hello")
        assert hear(client) == "hello"
        client.close(4000, "enough")
        assert client.close_code == 4000
    flow = mitm.flow("/deaf")
    assert flow["close"] == [4000, True, "enough"]
    assert "close-unanswered" in flow["metadata"]["findings"]


def test_rules_and_scripts(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    options = ("--set", "ws76_rewrite=/client/volume/loudness", "--set", f"ws76_scripts={script}")
    with bridging(tmp_path, *options) as (mitm, _):
        with connected(mitm, "/echo?rules") as client:
            client.send("volume up")
            assert hear(client) == "loudness up"
            client.send("script")
            assert hear(client) == "by a script"
            # Nobody but the user in the list decides about binary messages.
            client.send(b"volume")
            with pytest.raises(ConnectionClosed) as caught:
                hear(client)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1003
        flow = mitm.flow("/echo?rules")
        assert flow["close"][0] == 1003
        assert "bridge-binary-refused" in flow["metadata"]["findings"]


def test_a_recorded_server_answers_a_client_of_today(tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    with bridging(tmp_path, "--set", f"ws76_record={recording}") as (mitm, _):
        old = Client(Peer.connect(mitm.port), "/echo?old", f"127.0.0.1:{mitm.port}")
        old.open()
        old.echo(b"once", b"more")
        old.close()
        mitm.flow("/echo?old")
    with bridging(tmp_path, "--set", f"ws76_replay_server={recording}") as (mitm, _):
        with connected(mitm, "/echo?old") as client:
            for text in ("once", "more"):
                client.send(text)
                assert hear(client) == text
        flow = mitm.flow("/echo?old")
        assert flow["is_replay"] == "response"
        assert flow["metadata"]["server_dialect"] == "hixie-76"
        assert flow["metadata"]["replay"]["differences"] == []
