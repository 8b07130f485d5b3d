"""Faulty servers, each wrong in one way that real ones are: the handshake."""

from __future__ import annotations

import hashlib
import re

from .strict import AbortError, StrictServer


class TrimsKey3(StrictServer):
    """Reads key3 as text and strips white space at its edges."""

    def digest(self, key3: bytes) -> bytes:
        return super().digest(key3.strip())


class CutsKey3AtNul(StrictServer):
    """Keeps key3 in a C string."""

    def digest(self, key3: bytes) -> bytes:
        return super().digest(key3.partition(b"\0")[0])


class HashesText(StrictServer):
    """Hashes a string of characters, encoded as UTF-8."""

    def digest(self, key3: bytes) -> bytes:
        text = self.challenge(key3).decode("latin-1").encode()
        return hashlib.md5(text, usedforsecurity=False).digest()


class LittleEndian(StrictServer):
    """Packs its parts as this machine has them."""

    def challenge(self, key3: bytes) -> bytes:
        raw = super().challenge(key3)
        return raw[3::-1] + raw[7:3:-1] + key3


class SignedNumbers(StrictServer):
    """Reads key-numbers with a 32-bit atoi that stops at 2^31-1."""

    def part(self, key: bytes) -> int:
        super().part(key)
        digits = bytes(byte for byte in key if byte in b"0123456789")
        return min(int(digits), 0x7FFF_FFFF) // key.count(b" ")


class SignedParts(StrictServer):
    """Refuses parts that have no room in a signed 32-bit integer."""

    def part(self, key: bytes) -> int:
        part = super().part(key)
        if part > 0x7FFF_FFFF:
            raise AbortError
        return part


class CollapsesSpaces(StrictServer):
    """Counts words, where spaces may stand in a row."""

    def part(self, key: bytes) -> int:
        return super().part(re.sub(rb" +", b" ", key))


class CountsWhiteSpace(StrictServer):
    """Counts tabs among the spaces."""

    def part(self, key: bytes) -> int:
        return super().part(key.replace(b"\t", b" "))


class Floors(StrictServer):
    """Divides whatever comes, and cuts to 32 bits."""

    def part(self, key: bytes) -> int:
        digits = bytes(byte for byte in key if byte in b"0123456789")
        return int(digits or b"0") // max(key.count(b" "), 1) & 0xFFFF_FFFF


class StripsKeys(StrictServer):
    """Reads keys through an HTTP library, which strips values."""

    def part(self, key: bytes) -> int:
        return super().part(key.strip(b" "))


class LooksAtCase(StrictServer):
    """Compares names of fields letter by letter."""

    def read_head(self, head: bytes) -> None:
        super().read_head(head)
        names = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]
        if not {b"Upgrade", b"Connection", b"Host", b"Origin"} <= set(names):
            raise AbortError


class WantsItsOrder(StrictServer):
    """Expects Upgrade first, as draft-75's clients send it."""

    def read_head(self, head: bytes) -> None:
        super().read_head(head)
        if next(iter(self.fields)) not in (b"upgrade", b"host"):
            raise AbortError


class NeedsOneSegment(StrictServer):
    """Takes for granted that one read has all of the handshake."""

    def receive(self, data: bytes) -> bytes:
        out = super().receive(data)
        if not self.open:
            self.closed = True
        return out


class CountsWhatCameWithKey3(StrictServer):
    """Hashes everything behind the head, however much came."""

    def take_key3(self) -> tuple[bytes, bytes]:
        return self.buffer, b""


class DropsEarlyFrames(StrictServer):
    """Throws away what came behind key3."""

    def take_key3(self) -> tuple[bytes, bytes]:
        return self.buffer[:8], b""


class AnswersWithoutKey3(StrictServer):
    """Computes its digest from however much of key3 is there."""

    def key3_size(self) -> int:
        return 0


class TakesBareLineFeeds(StrictServer):
    """Accepts LF for CR LF."""

    def handshake(self) -> None:
        if b"\r\n" not in self.buffer and b"\n\n" in self.buffer:
            self.buffer = self.buffer.replace(b"\n", b"\r\n")
        super().handshake()


class TakesEverybody(StrictServer):
    """Looks neither at Host nor at Origin."""

    def check(self) -> None:
        host = self.fields.get(b"host", self.host)
        origin = self.fields.get(b"origin")
        self.fields[b"host"], self.fields[b"origin"] = self.host, self.origin()
        super().check()
        self.fields[b"host"] = host
        self.fields[b"origin"] = origin if origin is not None else b"null"


class LosesTheQuery(StrictServer):
    """Routes by path, and builds its location from that."""

    def location(self) -> bytes:
        return super().location().partition(b"?")[0]


class WrongScheme(StrictServer):
    """Has the wrong scheme configured."""

    def location(self) -> bytes:
        return super().location().replace(b"ws://", b"wss://")


class NamesItsOwnOrigin(StrictServer):
    """Answers with a configured origin."""

    def answer_fields(self) -> list[bytes]:
        return [
            re.sub(rb"(Origin: ).*", rb"\1http://backend.internal", line)
            for line in super().answer_fields()
        ]


class LowerCaseUpgrade(StrictServer):
    """Writes Upgrade as RFC 6455 does."""

    def answer_fields(self) -> list[bytes]:
        return [line.replace(b": WebSocket", b": websocket") for line in super().answer_fields()]


class NamesOfTheOtherDialect(StrictServer):
    """Mixes both drafts up."""

    def answer_fields(self) -> list[bytes]:
        if self.is_75:
            return [
                re.sub(rb"^WebSocket-", b"Sec-WebSocket-", one) for one in super().answer_fields()
            ]
        return [one.removeprefix(b"Sec-") for one in super().answer_fields()]


class UnaskedProtocol(StrictServer):
    """Answers with a subprotocol that nobody asked for."""

    def answer_fields(self) -> list[bytes]:
        prefix = b"" if self.is_75 else b"Sec-"
        return [*super().answer_fields(), prefix + b"WebSocket-Protocol: default"]


class AnotherProtocol(StrictServer):
    """Answers with the subprotocol that it likes best, where one is asked for."""

    def check(self) -> None:
        self.was_asked = self.asked() is not None
        self.fields.pop(b"sec-websocket-protocol", None)
        self.fields.pop(b"websocket-protocol", None)
        super().check()

    def answer_fields(self) -> list[bytes]:
        prefix = b"" if self.is_75 else b"Sec-"
        more = [prefix + b"WebSocket-Protocol: best"] if self.was_asked else []
        return [*super().answer_fields(), *more]


class SendsALength(StrictServer):
    """Has an HTTP library announce the digest as a body."""

    def answer_fields(self) -> list[bytes]:
        return [*super().answer_fields(), b"Content-Length: 16"]


class BareLineFeeds(StrictServer):
    """Ends its lines in LF."""

    def answer_head(self) -> bytes:
        return super().answer_head().replace(b"\r\n", b"\n")


class OldStatusLine(StrictServer):
    """Answers as HTTP/1.0."""

    def status_line(self) -> bytes:
        return super().status_line().replace(b"HTTP/1.1", b"HTTP/1.0")


class RefusesEverybody(StrictServer):
    """Closes every connection."""

    def check(self) -> None:
        raise AbortError


class OpensForEverybody(StrictServer):
    """Answers anything that ends in a blank line, with the same digest each time."""

    def handshake(self) -> None:
        if b"\n\r\n" in self.buffer or b"\n\n" in self.buffer:
            self.is_75 = b"sec-websocket-key" not in self.buffer.lower()
            self.fields[b"host"] = self.host
            self.out += self.answer_head() + (b"" if self.is_75 else bytes(16))
            self.buffer, self.open = b"", True


class LineEndBehindDigest(StrictServer):
    """Prints its digest as a line."""

    def digest(self, key3: bytes) -> bytes:
        return super().digest(key3) + b"\r\n"


class HexDigest(StrictServer):
    """Sends its digest as text."""

    def digest(self, key3: bytes) -> bytes:
        return super().digest(key3).hex().encode()


class NoDigest(StrictServer):
    """Answers with a head and nothing behind it."""

    def digest(self, key3: bytes) -> bytes:
        super().digest(key3)
        return b""


class DigestIn75(StrictServer):
    """Sends 16 bytes to everybody."""

    def answer_head(self) -> bytes:
        return super().answer_head() + (bytes(16) if self.is_75 else b"")


class StatusTextOf76(StrictServer):
    """Has one status line for both drafts."""

    def status_line(self) -> bytes:
        return b"HTTP/1.1 101 WebSocket Protocol Handshake"
