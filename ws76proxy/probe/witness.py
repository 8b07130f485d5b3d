"""What a server did on one connection: bytes in, an outcome in words out, no I/O."""

from __future__ import annotations

from enum import Enum

from ws76proxy.diagnosis import Diagnosis, FrameChecks, Stream
from ws76proxy.diagnosis.escaping import quoted, visible
from ws76proxy.probe.script import Script, Until
from ws76proxy.wire import hixie75, hixie76
from ws76proxy.wire.connection import ClientConnection, Reading
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    DigestBytes,
    EndOfStream,
    Event,
    FrameEvent,
    HeadRefused,
    InvalidText,
    Response,
    TextFrames,
)
from ws76proxy.wire.head import ResponseHead

__all__ = ["KEPT", "Ended", "Outcome", "Witness"]

KEPT = 4096
"""How many of the first bytes are kept for reports."""


class Ended(Enum):
    """What ended a connection, or our waiting."""

    CLOSED = "closed the connection"
    RESET = "reset the connection"
    TIME = "did nothing more in time"
    LIMIT = "sent more than it could have to say"


class Outcome(Enum):
    """What became of an opening handshake."""

    RIGHT = "opened, with the right digest where the dialect has one"
    WRONG = "101 and 16 bytes that are not the digest"
    SHORT = "101, but the digest was not whole when the time was over"
    ABORTED = "101, and then closed before the digest was whole"
    REFUSED = "another status"
    REFUSED_OPEN = "another status, and the connection left open"
    CLOSED = "closed without a byte"
    SILENT = "nothing"
    NOT_HTTP = "bytes that are no HTTP answer"


class Witness:
    """Reads what the server sends on one connection, and remembers as much as a judge asks for.

    `payloads` are the text messages, as bytes and in order; `findings` are the catalogue's about
    its frames. `secure`: whether TLS is spoken.
    """

    def __init__(self, script: Script, *, secure: bool = False) -> None:
        self.script = script
        self.secure = secure
        self.head: ResponseHead | None = None
        self.digest = b""
        self.payloads: list[bytes] = []
        self.findings: list[Diagnosis] = []
        self.received = 0
        self.beginning = b""
        self.ended: Ended | None = None
        self.waited = 0.0
        self.is_open = False
        self._unread = b""
        dialect = script.opening.dialect
        self._checks = FrameChecks(Stream.SERVER, dialect)
        self._connection: ClientConnection = (
            hixie75.ClientConnection(max_message=script.limit)
            if dialect is Dialect.HIXIE_75
            else hixie76.ClientConnection(max_message=script.limit)
        )

    # What happens

    def receive(self, data: bytes) -> None:
        """The server's next bytes."""
        self.received += len(data)
        self.beginning += data[: KEPT - len(self.beginning)]
        if self.received > self.script.limit:
            self.ended = self.ended or Ended.LIMIT
            return
        self._connection.receive_data(data)
        self._look()
        if self.has_answered and not self.is_open and self._is_101:
            self.is_open = True
            self._connection.open()
            self._look()

    def end(self, how: Ended, waited: float = 0.0) -> None:
        """The connection ended, or a wait of `waited` seconds did; only the first counts."""
        if self.ended is not None:
            return
        self.ended = how
        self.waited = waited
        if how in (Ended.CLOSED, Ended.RESET):
            self._connection.receive_eof()
            self._look()

    # What is so

    def reached(self, until: Until, text: bytes = b"") -> bool:
        """Whether what is waited for has come, or cannot come any more."""
        if self.ended is not None:
            return True
        if until is Until.ANSWERED:
            return self.has_answered
        if until is Until.SETTLED:
            return self.is_open
        if until is Until.ECHOED:
            return text in self.payloads
        return until is Until.CLOSING and self.closing

    @property
    def has_answered(self) -> bool:
        """Whether the answer to the opening handshake is whole."""
        return self._connection.reading in (Reading.PAUSED, Reading.FRAMES) or self.is_open

    @property
    def closing(self) -> bool:
        """Whether FF 00 came."""
        return self._connection.received_close

    @property
    def unfinished(self) -> bytes:
        """What has come of a frame that is not whole."""
        decoder = self._connection.decoder
        return b"" if decoder is None else decoder.end().raw

    @property
    def outcome(self) -> Outcome:
        """What became of the opening handshake."""
        if self.head is None:
            if self.received:
                return Outcome.NOT_HTTP
            return Outcome.SILENT if self.ended is Ended.TIME else Outcome.CLOSED
        if self.head.status is None:
            return Outcome.NOT_HTTP
        if not self._is_101:
            return Outcome.REFUSED_OPEN if self.ended is Ended.TIME else Outcome.REFUSED
        if self.script.opening.dialect is Dialect.HIXIE_75:
            return Outcome.RIGHT
        if self.is_open:
            challenge = self.script.opening.challenge
            right = challenge is not None and self.digest == challenge.answer
            return Outcome.RIGHT if right else Outcome.WRONG
        return Outcome.SHORT if self.ended in (None, Ended.TIME) else Outcome.ABORTED

    @property
    def in_words(self) -> str:
        """What became of the opening handshake, as a sentence's end: the server …"""
        outcome = self.outcome
        status = quoted(self.head.start_line) if self.head is not None else ""
        if outcome is Outcome.SILENT:
            return f"said nothing in {self.waited:g} s"
        if outcome is Outcome.CLOSED:
            return f"{self._ending} without a byte"
        if outcome is Outcome.NOT_HTTP:
            what = f'answered "{visible(self._unread or self.beginning, limit=60)}"'
            return f"{what}, which is no HTTP answer, and {self._ending}"
        if outcome is Outcome.REFUSED_OPEN:
            return f"answered {status} and left the connection open for {self.waited:g} s"
        if outcome is Outcome.REFUSED:
            then = f" and {self._ending}" if self.ended is not None else ""
            return f"answered {status}{then}"
        if outcome in (Outcome.SHORT, Outcome.ABORTED):
            return f"answered {status} with {len(self.digest)} of 16 bytes and {self._ending}"
        if self.script.opening.dialect is Dialect.HIXIE_75:
            return "answered 101"
        if outcome is Outcome.RIGHT:
            return "answered 101 with the right digest"
        return f"answered 101 with {self.digest.hex(' ')}, {self._expected_digest}"

    @property
    def end_in_words(self) -> str:
        """How the connection stands at the end of the case: the server …"""
        return self._ending if self.ended is not None else "kept the connection open"

    # The rest

    @property
    def _is_101(self) -> bool:
        return self.head is not None and self.head.status == 101

    @property
    def _expected_digest(self) -> str:
        challenge = self.script.opening.challenge
        if challenge is None or challenge.answer is None:
            return "though no digest answers these keys"
        return f"expected {challenge.answer.hex(' ')}"

    @property
    def _ending(self) -> str:
        if self.ended is Ended.TIME:
            return f"did no more in {self.waited:g} s"
        if self.ended is Ended.LIMIT:
            return f"sent more than {self.script.limit} bytes"
        return str((self.ended or Ended.CLOSED).value)

    def _look(self) -> None:
        for event in self._connection.events():
            self._note(event)

    def _note(self, event: Event) -> None:
        if isinstance(event, Response):
            self.head = event.head
        elif isinstance(event, DigestBytes):
            self.digest += event.raw
        elif not self.is_open and isinstance(event, HeadRefused | EndOfStream):
            self._unread = event.raw
        elif isinstance(event, EndOfStream | FrameEvent):
            if isinstance(event, TextFrames):
                self.payloads += [text.encode() for text in event.texts]
            elif isinstance(event, InvalidText):
                self.payloads.append(event.payload)
            self.findings += self._checks.look(event)
