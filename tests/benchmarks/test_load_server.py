"""The server of the benchmark answers any challenge, in any pieces, and refuses what it must."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.build import Programs
from benchmarks.processes import listening

MASK = bytes.fromhex("a1b2c3d4")


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield peer


def receive(peer: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size and (chunk := peer.recv(size - len(received))):
        received += chunk
    return received


def receive_head(peer: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := peer.recv(1)):
        head += byte
    return head


def in_pieces(peer: socket.socket, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        peer.sendall(data[start : start + size])


def hixie76_request(key1: str, key2: str, key3: bytes, resource: str = "/echo") -> bytes:
    fields = [
        f"GET {resource} HTTP/1.1",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Host: kiosk.example:8076",
        "Origin: http://page.example",
        f"Sec-WebSocket-Key1: {key1}",
        f"Sec-WebSocket-Key2: {key2}",
    ]
    return "\r\n".join([*fields, "", ""]).encode() + key3


def rfc6455_request(key: str = "dGhlIHNhbXBsZSBub25jZQ==") -> bytes:
    fields = ["GET /echo HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*fields, f"Sec-WebSocket-Key: {key}", "", ""]).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", opcode, 0x80 | size)
    elif size < 65536:
        header = struct.pack("!BBH", opcode, 0x80 | 126, size)
    else:
        header = struct.pack("!BBQ", opcode, 0x80 | 127, size)
    return header + MASK + bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize(
    ("key1", "part1", "key2", "part2", "key3"),
    [
        ("1 2", 12, "4x2 9 4 9 6 7295", 4294967295 // 5, b"\r\n\r\n\r\n\r\n"),
        ("0 x", 0, "a9 9 b9!9 9", 99999 // 3, b"\xff\x00\xfe\x80\x01\x02\x03\x04"),
        ("8 ~6 4", 432, "%3 0 ^0", 150, b"GET / HT"),
    ],
)
def test_the_digest_of_any_challenge(
    server: int, key1: str, part1: int, key2: str, part2: int, key3: bytes, piece: int
) -> None:
    with connected(server) as peer:
        in_pieces(peer, hixie76_request(key1, key2, key3), piece)
        head = receive_head(peer)
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"\r\nSec-WebSocket-Location: ws://kiosk.example:8076/echo\r\n" in head
        assert b"\r\nSec-WebSocket-Origin: http://page.example\r\n" in head
        challenge = struct.pack("!II", part1, part2) + key3
        expected = hashlib.md5(challenge, usedforsecurity=False).digest()
        assert receive(peer, 16) == expected


@pytest.mark.parametrize(
    "request_",
    [
        hixie76_request("12", "1 2", b"12345678"),
        hixie76_request("1 3  ", "1 2", b"12345678"),
        hixie76_request("4294967296 ", "1 2", b"12345678"),
        hixie76_request("1 2", "1 2", b"12345678", "/elsewhere"),
        hixie76_request("1 2", "1 2", b"12345678", "/sink/33/bmp"),
        hixie76_request("1 2", "1 2", b"12345678", "/sink/32/bmp/json/12"),
        hixie76_request("1 2", "1 2", b"12345678", "/sink/32/bmp/xml/1"),
        rfc6455_request("too short"),
    ],
    ids=["no space", "no multiple", "too big", "resource", "size", "hop", "payload", "key"],
)
def test_a_refused_request(server: int, request_: bytes) -> None:
    with connected(server) as peer:
        peer.sendall(request_)
        assert receive_head(peer).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end(server: int) -> None:
    with connected(server) as peer, suppress(ConnectionResetError):
        peer.sendall(b"GET /" + b"x" * 5000)
        assert peer.recv(1) == b""


@pytest.mark.parametrize("piece", [1, 3, 4096])
def test_the_closing_handshake_of_hixie76(server: int, piece: int) -> None:
    with connected(server) as peer:
        peer.sendall(hixie76_request("1 2", "1 2", b"12345678"))
        receive_head(peer)
        receive(peer, 16)
        frames = "\0one\xff\0\xff\0Grüße\xff".encode("latin-1") + b"\xff\x00"
        in_pieces(peer, frames, piece)
        assert receive(peer, len(frames)) == frames
        assert peer.recv(1) == b""


@pytest.mark.parametrize("number", range(5))
def test_the_accept_of_any_key(server: int, number: int) -> None:
    key = base64.b64encode(hashlib.md5(bytes([number]), usedforsecurity=False).digest()).decode()
    accept = base64.b64encode(
        hashlib.sha1(
            f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False
        ).digest()
    )
    with connected(server) as peer:
        peer.sendall(rfc6455_request(key))
        assert b"\r\nSec-WebSocket-Accept: " + accept + b"\r\n" in receive_head(peer)


@pytest.mark.parametrize("dialect", ["hixie-76", "rfc6455"])
def test_a_server_of_one_dialect(programs: Programs, dialect: str) -> None:
    requests = {
        "hixie-76": hixie76_request("1 2", "1 2", b"12345678"),
        "rfc6455": rfc6455_request(),
    }
    command = [str(programs.server), "--max-seconds", "60", "--dialect", dialect]
    with listening(command, frozenset(os.sched_getaffinity(0))) as running:
        for spoken, request in requests.items():
            with connected(running.port) as peer:
                peer.sendall(request)
                status = b"101" if spoken == dialect else b"400"
                assert receive_head(peer).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("resource", ["/echo", "/sink/32/ascii"])
def test_pings_are_answered_and_pongs_are_not(server: int, resource: str) -> None:
    with connected(server) as peer:
        peer.sendall(rfc6455_request().replace(b"/echo", resource.encode()))
        receive_head(peer)
        peer.sendall(masked(0x8A, b"unasked") + masked(0x89, b"there?"))
        assert receive(peer, 8) == b"\x8a\x06there?"
        peer.sendall(masked(0x81, b"report"))
        answer = b"report" if resource == "/echo" else b"0 0"
        assert receive(peer, 2 + len(answer)) == bytes([0x81, len(answer)]) + answer


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
def test_frames_of_rfc6455_in_pieces(server: int, piece: int) -> None:
    sizes = [0, 1, 125, 126, 3000] + ([70_000] if piece > 1 else [])
    payloads = [bytes(i % 251 for i in range(size)) for size in sizes]
    with connected(server) as peer:
        peer.sendall(rfc6455_request())
        assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in receive_head(peer)
        for payload in payloads:
            in_pieces(peer, masked(0x81, payload), piece)
            echo = receive(peer, len(masked(0x81, payload)) - 4)
            assert echo[0] == 0x81
            assert echo[1] & 0x80 == 0
            assert echo[len(echo) - len(payload) :] == payload
        in_pieces(peer, masked(0x88, b"\x03\xe8"), piece)
        assert receive(peer, 4) == b"\x88\x02\x03\xe8"
        assert peer.recv(1) == b""


def test_a_slow_reader_gets_everything(server: int) -> None:
    message = b"\0" + b"x" * 1_000_000 + b"\xff"
    with connected(server) as peer:
        peer.sendall(hixie76_request("1 2", "1 2", b"12345678"))
        receive_head(peer)
        receive(peer, 16)
        # More than the socket buffers hold: the server must stop reading, and go on later.
        peer.setblocking(False)
        sent = 0
        for _ in range(100_000):
            try:
                sent += peer.send(message[sent % len(message) :])
            except BlockingIOError:
                break
        peer.settimeout(10)
        assert receive(peer, sent) == (message * (sent // len(message) + 1))[:sent]
