"""Cases: each mode of mitmproxy, from end to end."""

from __future__ import annotations

import base64

import pytest

from tests.mitm.client import Client, RefusedError, connect_through, socks5_through
from tests.mitm.peers import Peer
from tests.mitm.table import case, check_verified, messages_of
from tests.mitm.world import World


@case("reverse", "a session of messages, listed with their directions; closed with FF 00")
@case("keep-host", "the same where the Host is kept")
@case("own", "the same with a challenge of our own")
@case("repair", "the same with repair asked for and nothing to repair")
@case("strict", "the same under strict rules")
@case("reverse", "a script streams both bodies: key3 and digest are not", odd="stream-all")
@case("streaming", "bodies are streamed: key3 and digest are not")
@case("limit", "bodies above 4 bytes are refused: key3 and digest are not")
def whole_session(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello", "wörld".encode(), b"", b"x" * 100_000)
    client.close()
    flow = world.mitm(mode).flow(path)
    if mode == "own":
        assert flow["key3"] != client.request[-8:].hex()
        challenges = [one for one in flow["metadata"]["records"] if one["type"] == "challenge"]
        assert [one["asked_by"] for one in challenges] == ["relay", "client"]
    else:
        assert flow["key3"] == client.request[-8:].hex()
    assert base64.b64decode(flow["body"]) == client.digest
    check_verified(flow)
    assert messages_of(flow)[:4] == [
        (True, "hello"),
        (False, "hello"),
        (True, "wÃ¶rld"),
        (False, "wÃ¶rld"),
    ]
    assert flow["close"][:2] == [1005, True]


@case("reverse", "hixie-75: no keys, no FF 00; a FIN is a clean end")
@case("own", "hixie-75 has no challenge to ask anew")
@case("repair", "hixie-75 with nothing to repair")
def old_session(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path, old=True)
    client.open()
    client.echo(b"hello", b"again")
    client.peer.close()
    flow = world.mitm(mode).flow(path)
    assert flow["event"] == "end"
    assert flow["metadata"]["dialect"] == "hixie-75"
    assert flow["metadata"]["verdict"] is None
    assert flow["close"][:2] == [1005, True]


@case("reverse-tls", "wss on both sides, with mitmproxy's own certificate")
def secure_session(world: World, mode: str, path: str) -> None:
    port = world.mitm(mode).port
    client = Client(Peer.connect(port).tls(), path, f"127.0.0.1:{port}", secure=True)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("reverse-tls", "ws from the client, wss to the server: Location says ws to the client")
def half_secure_session(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("reverse", "the page's own origin: the server sees its own, the client gets back his")
@case("own", "the same with a challenge of our own")
def own_origin(world: World, mode: str, path: str) -> None:
    port = world.mitm(mode).port
    client = world.reversed(mode, path, origin=f"http://127.0.0.1:{port}")
    client.open()
    client.close()
    flow = world.mitm(mode).flow(path)
    assert ["Origin", f"http://{world.here}"] in flow["request"]
    check_verified(flow)


@case("regular", "CONNECT, then ws inside")
@case("lazy", "CONNECT, and the server connected only when needed")
@case("upstream", "CONNECT, through another proxy")
def connect(world: World, mode: str, path: str) -> None:
    peer = Peer.connect(world.mitm(mode).port)
    assert connect_through(peer, world.here).status == 200
    client = Client(peer, path, world.here)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))
    if mode == "upstream":
        assert f"CONNECT {world.here} HTTP/1.1" in world.asked


@case("regular", "CONNECT, then wss inside, with mitmproxy's own certificate")
@case("upstream", "the same through another proxy")
def connect_secure(world: World, mode: str, path: str) -> None:
    peer = Peer.connect(world.mitm(mode).port)
    assert connect_through(peer, world.there).status == 200
    client = Client(peer.tls(), path, world.there, secure=True)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("regular", "CONNECT, then the request line in pieces: HTTP all the same")
@case("socks5", "SOCKS, then the request line in pieces: HTTP all the same")
def connect_in_pieces(world: World, mode: str, path: str) -> None:
    peer = Peer.connect(world.mitm(mode).port)
    if mode == "socks5":
        socks5_through(peer, world.plain.port)
    else:
        assert connect_through(peer, world.here).status == 200
    client = Client(peer, path, world.here)
    client.open(cut=lambda data: [data[at : at + 1] for at in range(len(data))])
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("socks5", "through SOCKS")
def socks(world: World, mode: str, path: str) -> None:
    peer = Peer.connect(world.mitm(mode).port)
    socks5_through(peer, world.plain.port)
    client = Client(peer, path, world.here)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("regular", "GET ws://…, which mitmproxy alone refuses")
@case("lazy", "GET ws://…, connected when needed")
def absolute_ws(world: World, mode: str, path: str) -> None:
    client = Client(Peer.connect(world.mitm(mode).port), f"ws://{world.here}{path}", world.here)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("regular", "GET wss://…: TLS to the server only")
def absolute_wss(world: World, mode: str, path: str) -> None:
    target = f"wss://{world.there}{path}"
    client = Client(Peer.connect(world.mitm(mode).port), target, world.there, secure=True)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("regular", "GET http://… with an Upgrade: a proxy that rewrote the scheme")
def absolute_http(world: World, mode: str, path: str) -> None:
    target = f"http://{world.here}{path}"
    client = Client(Peer.connect(world.mitm(mode).port), target, world.here)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case(
    "upstream",
    "GET ws://… through another proxy that only knows CONNECT",
    "refused: mitmproxy sends plain requests to an upstream proxy without CONNECT",
)
def absolute_upstream(world: World, mode: str, path: str) -> None:
    client = Client(Peer.connect(world.mitm(mode).port), f"ws://{world.here}{path}", world.here)
    with pytest.raises((RefusedError, EOFError)):
        client.open()
    client.peer.close()
    assert world.mitm(mode).flow(path)["event"] == "error"


@case("auth", "proxyauth, with the right word: CONNECT")
def auth_right(world: World, mode: str, path: str) -> None:
    word = base64.b64encode(b"user:word").decode()
    peer = Peer.connect(world.mitm(mode).port)
    head = connect_through(peer, world.here, f"Proxy-Authorization: Basic {word}\r\n")
    assert head.status == 200
    client = Client(peer, path, world.here)
    client.open()
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("auth", "proxyauth, GET ws://… with the right word: it does not reach the server")
def auth_absolute(world: World, mode: str, path: str) -> None:
    word = base64.b64encode(b"user:word").decode()
    client = Client(
        Peer.connect(world.mitm(mode).port),
        f"ws://{world.here}{path}",
        world.here,
        extra=(("Proxy-Authorization", f"Basic {word}"),),
    )
    client.open()
    client.close()
    flow = world.mitm(mode).flow(path)
    check_verified(flow)
    assert not [name for name, _ in flow["request"] if name == "Proxy-Authorization"]


@case("auth", "proxyauth, GET ws://… without a word", "refused: 407 from mitmproxy")
def auth_wrong(world: World, mode: str, path: str) -> None:
    client = Client(Peer.connect(world.mitm(mode).port), f"ws://{world.here}{path}", world.here)
    with pytest.raises(RefusedError, match="407"):
        client.open()


@case("modify", "modify_headers and map_remote: what the client knows is put right again")
def modified(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path.replace("/echo", "/mapped"))
    client.open()
    client.echo(b"hello")
    client.close()
    flow = world.mitm(mode).flow(path.replace("/echo", "/landed"))
    check_verified(flow)
    assert ["X-Added", "yes"] in flow["request"]


@case("no-websocket", "websocket=false: the handshake is verified, the frames are raw TCP")
def websocket_off(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    flow = world.mitm(mode).flow(path)
    assert flow["event"] == "response"
    assert flow["metadata"]["verdict"] == "verified"
