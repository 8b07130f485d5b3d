"""Faulty servers, each wrong in one way that real ones are: what follows the handshake."""

from __future__ import annotations

from .strict import AbortError, StrictServer


class DropsEmptyMessages(StrictServer):
    """Takes an empty message for none."""

    def text(self, payload: bytes) -> None:
        if payload:
            super().text(payload)


class CutsTextAtNul(StrictServer):
    """Keeps messages in C strings."""

    def text(self, payload: bytes) -> None:
        super().text(payload.partition(b"\0")[0])


class Latin1Text(StrictServer):
    """Sends each byte as a character of its own."""

    def text(self, payload: bytes) -> None:
        self.out += b"\x00" + payload.decode("latin-1").encode() + b"\xff"


class TrimsText(StrictServer):
    """Strips white space off messages."""

    def text(self, payload: bytes) -> None:
        super().text(payload.strip(b" \t"))


class SmallMessages(StrictServer):
    """Has a buffer of 64 KiB for a message."""

    def text(self, payload: bytes) -> None:
        if len(payload) > 65_536:
            raise AbortError
        super().text(payload)


class WholeFramesOnly(StrictServer):
    """Takes for granted that one read has all of a frame."""

    def receive(self, data: bytes) -> bytes:
        was_open = self.open
        out = super().receive(data)
        if was_open:
            self.buffer = b""
        return out


class OneFrameARead(StrictServer):
    """Looks at the first frame of what was read."""

    def text(self, payload: bytes) -> None:
        super().text(payload)
        self.buffer = b""


class EchoesLengthFrames(StrictServer):
    """Takes frames with a length for binary messages."""

    def discarded(self, kind: int, payload: bytes) -> None:
        if kind >= 0x80:
            self.text(payload.replace(b"\xff", b""))


class EchoesEveryType(StrictServer):
    """Does not look at the type of a frame that ends in FF."""

    def discarded(self, kind: int, payload: bytes) -> None:
        if kind < 0x80:
            self.text(payload)


class IgnoresLengths(StrictServer):
    """Looks for FF at the end of every frame."""

    def frame(self) -> bool:
        if self.buffer[0] >= 0x80 and self.buffer[:2] != b"\xff\x00":
            _, end, rest = self.buffer[1:].partition(b"\xff")
            if not end:
                return False
            self.buffer = rest
            return True
        return super().frame()


class ClosesOnBadText(StrictServer):
    """Ends the connection as RFC 6455 wants it."""

    def text(self, payload: bytes) -> None:
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise AbortError from None
        super().text(payload)


class EchoesBytes(StrictServer):
    """Does not decode messages."""

    def text(self, payload: bytes) -> None:
        self.out += b"\x00" + payload + b"\xff"


class AnswersHttp(StrictServer):
    """Lets its framework answer an error in the middle of frames."""

    def discarded(self, kind: int, payload: bytes) -> None:
        self.out += b"HTTP/1.1 500 Internal Server Error\r\n\r\n"
        raise AbortError


class ClosesWithoutAnswer(StrictServer):
    """Ends TCP instead of answering FF 00."""

    def closing(self) -> None:
        raise AbortError


class IgnoresClosing(StrictServer):
    """Takes FF 00 for any frame with a length."""

    def closing(self) -> None:
        self.discarded(0xFF, b"")


class ClosesBackwards(StrictServer):
    """Answers FF 00 with its bytes reversed: an empty message."""

    def closing(self) -> None:
        self.out += b"\x00\xff"
        raise AbortError


class TalksAfterClosing(StrictServer):
    """Answers FF 00 and goes on."""

    def closing(self) -> None:
        self.out += b"\xff\x00"


class LingersAfterEnd(StrictServer):
    """Does not notice that the client has gone."""

    def eof(self) -> None:
        return


class EchoesUnfinished(StrictServer):
    """Takes what there is of a message for all of it."""

    def receive(self, data: bytes) -> bytes:
        out = super().receive(data)
        if self.open and not self.ended and self.buffer[:1] == b"\0":
            out += b"\x00" + self.buffer[1:] + b"\xff"
            self.buffer = b""
        return out
