"""Cases: messages listed, changed, injected and killed, and how sessions end."""

from __future__ import annotations

import pytest

from tests.mitm.client import Client, connect_through
from tests.mitm.peers import Peer
from tests.mitm.table import case, messages_of
from tests.mitm.world import World


@case("reverse", "edit, drop, intercept; a 0xFF is refused and the original sent")
def changed_messages(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    for said, heard in (
        (b"edit me", b"edited \xc3\xa9"),
        (b"edit to ff", b"edit to ff"),
        (b"edit to c3", b"no \xc3("),
        (b"hold me", b"hold me"),
    ):
        client.say(said)
        assert client.hear() == heard
    client.say(b"drop me")
    client.echo(b"alive")
    client.close()
    flow = world.mitm(mode).flow(path)
    from_client = [one for one in flow["messages"] if one[1]]
    assert [one[2] for one in from_client] == [
        "edited Ã©", "edit to ff", "no Ã(", "hold me", "drop me", "alive",
    ]  # fmt: skip
    assert [one[0] for one in from_client] == [1, 1, 2, 1, 1, 1]
    assert [one[3] for one in from_client] == [False] * 4 + [True, False]


@case("reverse", "inject to both sides; binary and 0xFF are refused, the session lives on")
@case("regular", "the same inside CONNECT")
def injected(world: World, mode: str, path: str) -> None:
    if mode == "regular":
        peer = Peer.connect(world.mitm(mode).port)
        connect_through(peer, world.here)
        client = Client(peer, path, world.here)
    else:
        client = world.reversed(mode, path)
    client.open()
    client.say(b"inject")
    heard = {client.hear() for _ in range(3)}
    assert heard == {b"inject", b"injected \xc3\xa9", b"to the server"}
    client.echo(b"alive")
    client.close()
    flow = world.mitm(mode).flow(path)
    assert [one[2] for one in flow["messages"] if one[4]] == ["injected Ã©", "to the server"]


@case("reverse", "kill while a message is intercepted: both closed, nothing sent, no hang")
@case("regular", "the same inside CONNECT")
def kill_intercepted(world: World, mode: str, path: str) -> None:
    _killed(world, mode, path, b"kill me")


@case("reverse", "kill while nothing happens")
@case("regular", "the same inside CONNECT")
def kill_idle(world: World, mode: str, path: str) -> None:
    _killed(world, mode, path, b"kill later")


def _killed(world: World, mode: str, path: str, word: bytes) -> None:
    if mode == "regular":
        peer = Peer.connect(world.mitm(mode).port)
        connect_through(peer, world.here)
        client = Client(peer, path, world.here)
    else:
        client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.say(word)
    rest = client.peer.rest()
    assert rest in (b"", b"\x00" + word + b"\xff")
    assert word == b"kill later" or not rest
    flow = world.mitm(mode).flow(path)
    assert flow["event"] == "end"
    assert flow["error"] == "Connection killed."
    assert flow["close"][0] == 1006


@case("reverse", "kill while the request is intercepted", odd="kill-request")
@case("reverse", "kill while the server is silent", odd="kill-waiting-silent")
def kill_early(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises((EOFError, ConnectionResetError)):
        client.open()
    flow = world.mitm(mode).flow(path)
    assert flow["event"] == "error"
    assert flow["error"] == "Connection killed."


@case("reverse", "frames that are not text pass as they are, and are told", odd="odd-frames")
def odd_frames(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    assert client.peer.exactly(21) == b"\x05typed\xff\x80\x80\x03abc\x00bad \xc3(\xff"
    client.close()
    flow = world.mitm(mode).flow(path)
    assert flow["messages"][0][:3] == [2, False, "bad Ã("]
    assert {"unknown-frame-type", "length-not-minimal", "text-not-utf8"} <= set(
        flow["metadata"]["findings"]
    )


@case("few", "only the last three messages are kept in memory; the flow says so")
def few_messages(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(*(b"%d" % number for number in range(5)))
    client.close()
    flow = world.mitm(mode).flow(path)
    assert messages_of(flow) == [(False, "3"), (True, "4"), (False, "4")]
    assert flow["metadata"]["messages_let_go"] == 7
    assert flow["comment"] == "ws76: 7 earlier messages were let go (ws76_max_messages=3)"


@case("reverse", "the client drops TCP without FF 00, as WebKit does: 1006")
def client_leaves(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.peer.close()
    flow = world.mitm(mode).flow(path)
    assert flow["close"][:2] == [1006, True]
    assert "closed-without-handshake" in flow["metadata"]["findings"]


@case("reverse", "the server drops TCP right after the answer: 1006", odd="fin")
def server_leaves(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    assert client.peer.rest() == b""
    assert world.mitm(mode).flow(path)["close"][:2] == [1006, False]


@case("reverse", "FF 00 that is not answered: 1005", odd="deaf")
def unanswered_close(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.peer.send(b"\xff\x00")
    assert client.peer.rest() == b""
    flow = world.mitm(mode).flow(path)
    assert flow["close"][:2] == [1005, True]
    assert "close-unanswered" in flow["metadata"]["findings"]
