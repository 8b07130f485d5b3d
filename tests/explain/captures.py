"""Captures and recordings of many handshakes of one server, some of them wrong."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from tests.recording.tcp import CLIENT, SERVER, Talk, ethernet, pcap
from ws76proxy.diagnosis import answer_like
from ws76proxy.recording import read_entries
from ws76proxy.wire.challenge import Challenge, generate_challenge

__all__ = ["HOST", "as_recording", "capture", "handshake", "trimming"]

HOST = "192.0.2.2:8076"


def challenges(count: int, seed: int = 1) -> list[Challenge]:
    """Challenges that are the same each time."""
    source = random.Random(seed)
    return [generate_challenge(source.randrange) for _ in range(count)]


def handshake(challenge: Challenge, digest: bytes, path: str = "/chat") -> tuple[bytes, bytes]:
    """What client and server sent; the server is at HOST."""
    fields = (
        f"GET {path} HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: {HOST}\r\n"
        "Origin: http://example.com\r\n"
    )
    head = fields.encode()
    for number, key in enumerate((challenge.key1, challenge.key2), 1):
        head += b"Sec-WebSocket-Key%d: %s\r\n" % (number, key.text)
    answer = (
        "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Origin: http://example.com\r\nSec-WebSocket-Location: ws://{HOST}{path}\r\n"
        "\r\n"
    )
    return head + b"\r\n" + challenge.key3, answer.encode() + digest


def trimming(count: int) -> tuple[list[tuple[bytes, bytes]], int]:
    """Handshakes with a server that strips key3, and how many of them fail."""
    sessions = []
    wrong = 0
    for challenge in challenges(count):
        digest = answer_like("digest-key3-trimmed", challenge)
        assert digest is not None
        wrong += digest != challenge.answer
        sessions.append(handshake(challenge, digest))
    return sessions, wrong


def capture(path: Path, sessions: list[tuple[bytes, bytes]]) -> Path:
    """A pcap of these sessions, one after the other; each exchanges a message and closes."""
    frames = []
    time = Talk().time
    for number, (client, server) in enumerate(sessions):
        talk = Talk(ports=(20000 + number, 8076), time=time).open()
        talk.say(CLIENT, client).say(SERVER, server)
        talk.say(CLIENT, b"\x00hello\xff").say(SERVER, b"\x00hello\xff")
        talk.say(CLIENT, b"\xff\x00").say(SERVER, b"\xff\x00").end()
        frames += [(packet.time, ethernet(packet)) for packet in talk.packets]
        time = talk.time
    path.write_bytes(pcap(frames))
    return path


def as_recording(path: Path, source: Path) -> Path:
    """The same as a recording of ours."""

    def complain(text: str) -> None:
        raise AssertionError(text)

    records = [entry.record for entry in read_entries(source, complain)]
    path.write_bytes(msgspec.json.Encoder().encode_lines(records))
    return path
