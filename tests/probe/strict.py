"""A server as strict as the draft allows, from the draft alone: it shares no code with the probe.

Its methods are small so that a faulty server is one of them written wrongly.
"""

from __future__ import annotations

import hashlib
import re

HOST = b"127.0.0.1:8076"
_LINE = re.compile(rb"([!-9;-~]+): (.*)\Z", re.DOTALL)
_KNOWN = (b"upgrade", b"connection", b"host", b"origin", b"sec-websocket-key1")


class AbortError(Exception):
    """The server closes the connection."""


class StrictServer:
    """One connection, without I/O: bytes in, bytes out; `closed` once it has ended it."""

    def __init__(self, *, secure: bool = False, host: bytes = HOST) -> None:
        self.secure = secure
        self.host = host
        self.closed = False
        self.fields: dict[bytes, bytes] = {}
        self.resource = b""
        self.is_75 = False
        self.buffer = b""
        self.out = b""
        self.open = False
        self.ended = False

    # What happens

    def receive(self, data: bytes) -> bytes:
        """The client's next segment; what is sent back."""
        self.buffer += data
        try:
            if not self.open:
                self.handshake()
            while self.open and not self.ended and self.buffer:
                if not self.frame():
                    break
        except AbortError:
            self.closed = True
        out, self.out = self.out, b""
        return out

    def eof(self) -> None:
        """The client sends no more."""
        self.closed = True

    # The handshake

    def handshake(self) -> None:
        if not self.fields:
            head, end, rest = self.buffer.partition(self.head_end())
            if not end:
                return
            self.buffer = rest
            self.read_head(head)
            self.is_75 = not self.has_key()
            self.check()
            self.before_key3()
        key3 = b""
        if not self.is_75:
            if len(self.buffer) < self.key3_size():
                return
            key3, self.buffer = self.take_key3()
        self.out += self.answer_head() + (b"" if self.is_75 else self.digest(key3))
        self.open = True
        self.opened()

    def head_end(self) -> bytes:
        return b"\r\n\r\n"

    def key3_size(self) -> int:
        return 8

    def take_key3(self) -> tuple[bytes, bytes]:
        return self.buffer[:8], self.buffer[8:]

    def has_key(self) -> bool:
        return any(name.startswith(b"sec-websocket-key") for name in self.fields)

    def read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        words = first.split(b" ")
        if len(words) != 3 or words[0] != b"GET" or not words[1].startswith(b"/"):
            raise AbortError
        self.resource = words[1]
        for line in lines:
            match = _LINE.match(line)
            if match is None:
                raise AbortError
            name = match[1].lower()
            if name in self.fields and name in _KNOWN:
                raise AbortError
            self.fields[name] = match[2]

    def check(self) -> None:
        if self.fields.get(b"upgrade", b"").lower() != b"websocket":
            raise AbortError
        if self.fields.get(b"connection", b"").lower() != b"upgrade":
            raise AbortError
        if self.fields.get(b"host") != self.host or self.fields.get(b"origin") != self.origin():
            raise AbortError
        if self.asked() is not None:
            raise AbortError

    def origin(self) -> bytes:
        return (b"https://" if self.secure else b"http://") + self.host

    def asked(self) -> bytes | None:
        return self.fields.get(b"websocket-protocol" if self.is_75 else b"sec-websocket-protocol")

    def before_key3(self) -> None:
        """For servers that do something with half a challenge."""

    def part(self, key: bytes) -> int:
        digits = bytes(byte for byte in key if byte in b"0123456789")
        spaces = key.count(b" ")
        if not digits or not spaces or int(digits) > 0xFFFF_FFFF or int(digits) % spaces:
            raise AbortError
        return int(digits) // spaces

    def challenge(self, key3: bytes) -> bytes:
        keys = (self.fields.get(b"sec-websocket-key%d" % number) for number in (1, 2))
        parts = [self.part(key or b"") for key in keys]
        return b"".join([part.to_bytes(4, "big") for part in parts]) + key3

    def digest(self, key3: bytes) -> bytes:
        return hashlib.md5(self.challenge(key3), usedforsecurity=False).digest()

    def location(self) -> bytes:
        return (b"wss://" if self.secure else b"ws://") + self.fields[b"host"] + self.resource

    def status_line(self) -> bytes:
        text = b"Web Socket" if self.is_75 else b"WebSocket"
        return b"HTTP/1.1 101 " + text + b" Protocol Handshake"

    def answer_fields(self) -> list[bytes]:
        prefix = b"" if self.is_75 else b"Sec-"
        return [
            b"Upgrade: WebSocket",
            b"Connection: Upgrade",
            prefix + b"WebSocket-Origin: " + self.fields.get(b"origin", b"null"),
            prefix + b"WebSocket-Location: " + self.location(),
        ]

    def answer_head(self) -> bytes:
        return b"\r\n".join([self.status_line(), *self.answer_fields(), b"", b""])

    def opened(self) -> None:
        """For servers that say something first."""

    # Frames

    def frame(self) -> bool:
        """Process one frame of the buffer; whether there was a whole one."""
        kind = self.buffer[0]
        if kind < 0x80:
            payload, end, rest = self.buffer[1:].partition(b"\xff")
            if not end:
                return False
            self.buffer = rest
            if kind == 0:
                self.text(payload)
            else:
                self.discarded(kind, payload)
            return True
        length = 0
        begin = 1
        while True:
            if begin == len(self.buffer):
                return False
            byte = self.buffer[begin]
            begin += 1
            length = length * 128 + (byte & 0x7F)
            if byte < 0x80:
                break
        if len(self.buffer) < begin + length:
            return False
        payload = self.buffer[begin : begin + length]
        self.buffer = self.buffer[begin + length :]
        if kind == 0xFF and not length and not self.is_75:
            self.closing()
        else:
            self.discarded(kind, payload)
        return True

    def text(self, payload: bytes) -> None:
        self.out += b"\x00" + payload.decode(errors="replace").encode() + b"\xff"

    def discarded(self, kind: int, payload: bytes) -> None:
        """Nothing is done with it."""

    def closing(self) -> None:
        self.out += b"\xff\x00"
        self.ended = self.closed = True
