"""Cases: in what pieces a handshake comes, and what is wrong with it."""

from __future__ import annotations

import base64

import pytest

from tests.mitm.client import Client, RefusedError
from tests.mitm.peers import Peer
from tests.mitm.table import case, check_verified, messages_of
from tests.mitm.world import World


@case("reverse", "the upgrade is not the first request of its connection")
@case("regular", "the same after requests for http://…")
def keep_alive(world: World, mode: str, path: str) -> None:
    port = world.mitm(mode).port
    peer = Peer.connect(port)
    base = f"http://{world.here}" if mode == "regular" else ""
    for _ in range(2):
        peer.send(f"GET {base}/page HTTP/1.1\r\nHost: {world.here}\r\n\r\n".encode())
        assert peer.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert peer.exactly(4) == b"page"
    target = f"ws://{world.here}{path}" if mode == "regular" else path
    client = Client(peer, target, world.here if mode == "regular" else f"127.0.0.1:{port}")
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("reverse", "the handshake in pieces of seven bytes")
@case("own", "the same with a challenge of our own")
def seven_bytes(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open(cut=lambda data: [data[at : at + 7] for at in range(0, len(data), 7)])
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("reverse", "the digest a byte at a time", odd="drip")
def dripped_answer(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case("reverse", "key3 of line ends, and of what frames are made of")
@case("own", "the same with a challenge of our own")
def odd_key3(world: World, mode: str, path: str) -> None:
    for number, key3 in enumerate((b"\r\n\r\n\r\n\r\n", b"\n\0\xff\0\r\n\0\0", b"\xff\0" * 4)):
        client = world.reversed(mode, f"{path}-{number}", key3=key3)
        client.open()
        client.echo(b"hello")
        client.close()
        check_verified(world.mitm(mode).flow(f"{path}-{number}"))


@case("reverse", "messages in one segment with key3: kept, in order")
@case("own", "the same with a challenge of our own")
def early_messages(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open(early=b"\x00early\xff\x00\xff\x00late\xff")
    assert [client.hear() for _ in range(3)] == [b"early", b"", b"late"]
    client.close()
    flow = world.mitm(mode).flow(path)
    assert [one for one in messages_of(flow) if one[0]] == [
        (True, "early"),
        (True, ""),
        (True, "late"),
    ]


@case("reverse", "frames whose type is a line end, early: not a byte is lost")
def early_line_ends(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open(early=b"\r\n\xff\n\xff\x00hello\xff")
    assert client.peer.exactly(12) == b"\r\n\xff\n\xff\x00hello\xff"
    client.close()
    assert "line-end-in-frames" in world.mitm(mode).flow(path)["metadata"]["findings"]


@case("reverse", "messages in one segment with the digest", odd="frames-at-once")
@case("own", "the same with a challenge of our own", odd="frames-at-once")
def coalesced_answer(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    assert [client.hear(), client.hear()] == [b"first", b"second"]
    client.close()
    assert messages_of(world.mitm(mode).flow(path))[:2] == [(False, "first"), (False, "second")]


@case("reverse", "a 101 with Content-Length: 16", odd="length-16")
def length_of_digest(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    assert "response-content-length" in world.mitm(mode).flow(path)["metadata"]["findings"]


@case("reverse", "a request with Content-Length: 8, as Protocol::WebSocket sends")
def length_of_key3(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path, extra=(("Content-Length", "8"),))
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))


@case(
    "reverse",
    "a 101 with a Transfer-Encoding",
    "refused: mitmproxy's header validation answers 502; the flow says why",
    odd="transfer",
)
def transfer_encoding(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises(RefusedError, match="502"):
        client.open()
    flow = world.mitm(mode).flow(path)
    assert flow["event"] == "error"
    assert "response-transfer-encoding" in flow["metadata"]["findings"]


@case(
    "reverse", "a server that answers 404: passed on, and the connection goes on", odd="not-found"
)
def not_found(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises(RefusedError, match="404"):
        client.open()
    flow = world.mitm(mode).flow(path)
    assert flow["metadata"]["findings"] == ["answered-not-found"]
    again = Client(
        client.peer, path.replace("not-found", "echo"), f"127.0.0.1:{world.mitm(mode).port}"
    )
    again.open()
    again.echo(b"hello")
    again.close()


@case("reverse", "a wrong digest: passed on, marked and explained", odd="wrong-digest")
def wrong_digest(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises(RefusedError, match="digest"):
        client.open()
    assert client.digest == b"sixteen wrong by"
    client.peer.close()
    flow = world.mitm(mode).flow(path)
    assert flow["marked"] == ":x:"
    assert "digest-wrong" in flow["comment"]
    assert flow["metadata"]["verdict"] == "wrong"


@case("repair", "a wrong digest, repaired: the session works, and is marked", odd="wrong-digest")
def repaired_digest(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    flow = world.mitm(mode).flow(path)
    assert flow["marked"] == ":x:"
    assert flow["metadata"]["verdict"] == "wrong"
    assert base64.b64decode(flow["body"]) == client.digest


@case(
    "own", "a wrong digest to our own challenge: the client is not told a lie", odd="wrong-digest"
)
def wrong_digest_own(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises(RefusedError, match="digest"):
        client.open()
    client.peer.close()
    assert world.mitm(mode).flow(path)["metadata"]["verdict"] == "wrong"


@case("repair", "a wrong Location, repaired", odd="wrong-location")
def repaired_location(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.close()
    flow = world.mitm(mode).flow(path)
    assert flow["marked"] == ":warning:"
    assert "location-host-differs" in flow["metadata"]["findings"]


@case("reverse", "a digest that ends too soon: told how much came", odd="short-digest")
def short_digest(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    with pytest.raises((RefusedError, EOFError)):
        client.open()
    client.peer.close()
    flow = world.mitm(mode).flow(path)
    assert "digest-short" in flow["metadata"]["findings"], flow


@case("strict", "keys that no server may accept", "refused: 400, which says what is wrong")
def strict_keys(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path, extra=(("Sec-WebSocket-Key1", "no digits"),))
    with pytest.raises(RefusedError, match="400") as refusal:
        client.open()
    assert b"Sec-WebSocket-Key1 is given 2 times" in refusal.value.body


@case(
    "reverse", "a key edited on the way: the client's own challenge is answered", odd="edit-request"
)
def edited_key(world: World, mode: str, path: str) -> None:
    client = world.reversed(mode, path)
    client.open()
    client.echo(b"hello")
    client.close()
    check_verified(world.mitm(mode).flow(path))
