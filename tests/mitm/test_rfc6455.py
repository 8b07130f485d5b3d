"""RFC 6455 flows are the same with the addon and without."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from tests.mitm.client import connect_through
from tests.mitm.peers import Peer, RawServer
from tests.mitm.process import ADDON, Mitmdump

_KEY = base64.b64encode(b"sixteen bytes of").decode()


def _frame(opcode: int, payload: bytes, *, masked: bool, last: bool = True) -> bytes:
    first = bytes([(0x80 if last else 0) | opcode])
    if not masked:
        return first + bytes([len(payload)]) + payload
    # A mask of zeros leaves the payload as it is.
    return first + bytes([0x80 | len(payload)]) + b"\0\0\0\0" + payload


def _serve(peer: Peer) -> None:
    while True:
        head = peer.until(b"\r\n\r\n")
        if b"Upgrade" not in head:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
            continue
        proof = f"{_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()
        digest = hashlib.sha1(proof, usedforsecurity=False).digest()
        accept = base64.b64encode(digest)
        peer.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + _frame(1, b"greeting", masked=False)
        )
        while True:
            first, length = peer.exactly(2)
            mask = peer.exactly(4)
            masked = peer.exactly(length & 0x7F)
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
            peer.send(_frame(first & 0x0F, payload, masked=False, last=bool(first & 0x80)))
            if first & 0x0F == 8:
                return


def _talk(mitm: Mitmdump, server: RawServer, mode: str, path: str, *, abrupt: bool) -> bytes:
    peer = Peer.connect(mitm.port)
    heard = b""
    if mode == "regular":
        heard += connect_through(peer, f"127.0.0.1:{server.port}").raw
    peer.send(b"GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n")
    heard += peer.until(b"\r\n\r\n") + peer.exactly(4)
    peer.send(
        f"GET {path} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n".encode()
    )
    heard += peer.until(b"\r\n\r\n") + peer.until(b"greeting")
    for opcode, payload in ((1, b"edit me"), (2, b"\x00\xff"), (9, b"ping"), (1, b"hold me")):
        peer.send(_frame(opcode, payload, masked=True))
    peer.send(_frame(1, b"drop me", masked=True), _frame(1, b"one, ", masked=True, last=False))
    peer.send(_frame(0, b"two", masked=True))
    heard += peer.until(b"hold me") + peer.until(b"two")
    if abrupt:
        peer.close()
    else:
        peer.send(_frame(8, b"\x03\xe8bye", masked=True))
        heard += peer.rest()
    return heard


def _without_time(flow: dict[str, Any]) -> dict[str, Any]:
    """What must be the same each time: how what both sides say interleaves need not be."""
    from_client = 1
    messages = sorted(flow["messages"], key=lambda message: message[from_client])
    kept = {key: value for key, value in flow.items() if key != "metadata"}
    return kept | {"messages": messages}


def test_the_same_with_and_without(tmp_path: Path) -> None:
    with RawServer(_serve) as server:
        for mode in ("reverse", "regular"):
            spec = f"reverse:http://127.0.0.1:{server.port}" if mode == "reverse" else mode
            seen = []
            for addon in (None, ADDON):
                with Mitmdump(spec, home=tmp_path, addon=addon) as mitm:
                    heard = [
                        _talk(mitm, server, mode, "/closed", abrupt=False),
                        _talk(mitm, server, mode, "/dropped", abrupt=True),
                    ]
                    flows = [_without_time(mitm.flow(path)) for path in ("/closed", "/dropped")]
                    assert all(mitm.flow(path)["metadata"] is None for path in ("/closed", "/page"))
                seen.append((heard, flows))
            assert seen[0] == seen[1]
            assert seen[0][1][0]["close"][0] == 1000
            assert len(seen[0][1][0]["messages"]) > 8
        assert server.faults == []
