"""Checks of one direction's frames (4.2, 5.3, 6; draft-75 4.2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType

from ws76proxy.diagnosis.checks.security import HTTP_MARK, http_in
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    AbsurdLength,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    FrameEvent,
    InvalidText,
    OversizedFrame,
    TextFrames,
)
from ws76proxy.wire.frames import FrameDecoder

__all__ = ["REPORTED_PER_CODE", "FrameChecks"]

REPORTED_PER_CODE = 5
"""How many cases of one finding are told per stream; further ones are counted."""

_EVIDENCE = 64
_NOTHING: Sequence[Diagnosis] = ()
_RFC6455_TYPES = MappingProxyType(
    {0x81: "text", 0x82: "binary", 0x88: "close", 0x89: "ping", 0x8A: "pong"}
)
_READ = 64 * 1024
_EMPTY = b"\x00\xff"
_CONTINUING = bytes(range(0x80, 0xC0))
_NUL_WITHIN = re.compile(rb"[^\xff]\x00")
_Case = tuple[str, str, int, bytes]


class FrameChecks:
    """Looks at the frames of one stream, in order; remembers only counts.

    `begin` is where the frames begin in their stream. Text is looked into up to 64 KiB from there.
    """

    def __init__(self, stream: Stream, dialect: Dialect, *, begin: int | None = None) -> None:
        self._stream = stream
        self._is_75 = dialect is Dialect.HIXIE_75
        self._begin = begin
        self._read_until = (begin or 0) + _READ
        self._closed = False
        self._other_closed = False
        self._late = 0
        self._empty = _Empty()
        self._begun: int | None = None
        self._counts: Counter[str] = Counter()
        self.is_attentive = True
        """Whether text frames must be shown to `look`; while not, they may be left out."""

    def must_see(self, data: bytes, begin: int) -> bool:
        """Whether a chunk must be shown to `look` though it is nothing but whole, sound text.

        `begin` is where it stands in its stream.
        """
        if self._closed or self._other_closed:
            return True
        if begin >= self._read_until:
            return False
        # In such a chunk each frame has one 0x00 and one 0xFF, and only an empty one has them side
        # by side.
        return HTTP_MARK in data or _EMPTY in data or data.count(b"\x00") != data.count(b"\xff")

    def rests_from(self, begin: int) -> bool:
        """Whether text need not be shown any more from `begin` on, where a frame must begin."""
        if begin < self._read_until or self._closed or self._other_closed:
            return False
        self.is_attentive = False
        return True

    def other_closed(self) -> None:
        """The other side has sent FF 00: from now on text frames must be shown again."""
        self._other_closed = self.is_attentive = True

    @property
    def counts(self) -> MappingProxyType[str, int]:
        """How often each finding applied so far, told or not."""
        return MappingProxyType(self._counts)

    def look(self, event: FrameEvent | EndOfStream) -> Sequence[Diagnosis]:
        """What is wrong with this frame, or with the end of the stream; usually nothing.

        After five cases of a finding one more diagnosis says that they are only counted from then
        on; the end of the stream tells the counts.
        """
        # A burst of sound text is nearly everything that comes: it must cost nothing.
        if type(event) is TextFrames and not self.is_attentive:
            return _NOTHING
        cases = self._cases(event)
        if not cases and type(event) is not EndOfStream:
            return _NOTHING
        diagnoses = [self._at(*case) for case in cases]
        told = [one for one in diagnoses if self._is_told(one)]
        told += [
            self._repeated(code, f"{code}: {REPORTED_PER_CODE} cases told, others are counted")
            for code in {one.finding.code for one in diagnoses}
            if self._counts[code] == REPORTED_PER_CODE + 1
        ]
        if type(event) is EndOfStream:
            told += [
                self._repeated(code, f"{code}: {count} cases in all")
                for code, count in self._counts.items()
                if count > REPORTED_PER_CODE
            ]
        return told

    def look_at_begun(self, decoder: FrameDecoder) -> Sequence[Diagnosis]:
        """What is wrong with the frame that has only begun, of which there may never be an end.

        Ask whenever bytes have come; it is told once a frame.
        """
        awaited = decoder.awaited
        if awaited is None or awaited[1] not in _RFC6455_TYPES or awaited[0] == self._begun:
            return _NOTHING
        self._begun, kind = awaited
        frame = decoder.end()
        what = f"0x{kind:02X} is RFC 6455's {_RFC6455_TYPES[kind]}"
        detail = f"{what}; hixie reads a length behind it, and waits for {frame.missing} bytes more"
        diagnosis = self._at("rfc6455-frame", detail, frame.offset, frame.raw)
        return [diagnosis] if self._is_told(diagnosis) else _NOTHING

    def _is_told(self, diagnosis: Diagnosis) -> bool:
        code = diagnosis.finding.code
        self._counts[code] += 1
        return self._counts[code] <= REPORTED_PER_CODE

    def _repeated(self, code: str, detail: str) -> Diagnosis:
        return found("repeated", detail, stream=self._stream)

    def _at(self, code: str, detail: str, offset: int, evidence: bytes) -> Diagnosis:
        return found(
            code, detail, stream=self._stream, offset=offset, evidence=evidence[:_EVIDENCE]
        )

    def _cases(self, event: FrameEvent | EndOfStream) -> list[_Case]:
        """Code, detail, offset and evidence of each case."""
        if self._closed:
            return self._after_close(event)
        if isinstance(event, TextFrames):
            return self._text(event)
        if isinstance(event, DiscardedFrame):
            return self._discarded(event)
        if isinstance(event, InvalidText):
            return self._invalid(event)
        if isinstance(event, OversizedFrame):
            detail = f"type 0x{event.frame_type:02X}, {event.size} bytes with its framing"
            return [("message-too-large", detail, event.offset, event.raw)]
        if isinstance(event, AbsurdLength):
            detail = f"type 0x{event.raw[0]:02X}: the length is above 2^63-1"
            return self._unless_rfc6455("length-absurd", detail, event)
        if isinstance(event, ClosingHandshake):
            self._closed = self.is_attentive = True
            return self._closing(event)
        if event.raw:
            return self._unfinished(event)
        return self._end(event)

    def _text(self, event: TextFrames) -> list[_Case]:
        """What is odd about sound text, at the beginning of the stream and at its end."""
        self._empty.look(event, behind_close=self._other_closed)
        if self._other_closed:
            self._late += event.count
        unread = self._read_until - event.offset
        if unread <= 0:
            self.is_attentive = self._other_closed
            return []
        frames = event.beginning(unread)
        cases = _http(frames, event.offset)
        # Each frame has a NUL in front.
        if frames.count(b"\0") > frames.count(b"\xff\0") + 1:
            place = _NUL_WITHIN.search(frames)
            assert place is not None  # noqa: S101 - it has been counted
            begin = frames.rfind(b"\xff", 0, place.start() + 1) + 1
            detail = f"at byte {place.start() - begin} of a message"
            cases.append(("text-with-nul", detail, event.offset + place.start() + 1, b"\0"))
        return cases

    def _invalid(self, event: InvalidText) -> list[_Case]:
        payload = event.payload
        bad = payload[event.start : event.end]
        offset = event.offset + 1 + event.start
        what = _bad_sequence(payload[event.start : event.start + 4])
        detail = f"{bad.hex(' ')} at byte {event.start} of the message is not UTF-8{what}"
        is_read = event.offset < self._read_until
        http = _http(event.raw[:_READ], event.offset) if is_read else []
        return [("text-not-utf8", detail, offset, bad), *http]

    def _closing(self, event: ClosingHandshake) -> list[_Case]:
        if not self._late:
            return []
        detail = f"messages between the other side's FF 00 and this answer: {self._late}"
        return [("data-before-close-answer", detail, event.offset, event.raw)]

    def _end(self, event: EndOfStream) -> list[_Case]:
        """Whether the last thing was meant to close."""
        is_last = self._empty.end == event.offset and not self._is_75
        # One that sends empty messages now and then may also do so last.
        seldom = self._empty.count == 1 and event.offset <= self._read_until
        if not is_last or not (self._empty.is_behind_close or seldom):
            return []
        detail = "the stream ends behind an empty message"
        if self._other_closed:
            detail += ", which comes where FF 00 should be answered"
        return [("close-reversed", detail, event.offset - len(_EMPTY), _EMPTY)]

    def _after_close(self, event: FrameEvent | EndOfStream) -> list[_Case]:
        if isinstance(event, ClosingHandshake):
            return [("closed-twice", "FF 00 had been sent before", event.offset, event.raw)]
        if isinstance(event, EndOfStream):
            if not event.raw:
                return []
            what = "an unfinished frame follows"
        elif isinstance(event, TextFrames):
            what = (
                f"{event.count} text frames follow" if event.count > 1 else "a text frame follows"
            )
        else:
            what = "a frame follows"
        return [("data-after-close", f"{what} FF 00", event.offset, event.raw)]

    def _discarded(self, event: DiscardedFrame) -> list[_Case]:
        kind = event.frame_type
        size = f"{len(event.payload)} bytes of payload"
        if kind < 0x80:
            return [self._low_type(kind, event.raw, size, event.offset)]
        if self._is_75 and event.raw == b"\xff\x00":
            return [("closing-handshake-in-75", "FF 00 was sent", event.offset, event.raw)]
        if kind in _RFC6455_TYPES:
            detail = f"0x{kind:02X} is RFC 6455's {_RFC6455_TYPES[kind]}; {size} as hixie reads it"
            cases = [("rfc6455-frame", detail, event.offset, event.raw)]
            if event.offset == self._begun:
                cases.clear()
        else:
            detail = f"type 0x{kind:02X}, {size}"
            cases = [("length-frame-discarded", detail, event.offset, event.raw)]
        if not event.minimal_length:
            length = event.raw[1 : len(event.raw) - len(event.payload)]
            detail = f"the length {len(event.payload)} is written {length[:16].hex(' ')}"
            cases.append(("length-not-minimal", detail, event.offset + 1, length))
        return cases

    def _unfinished(self, event: EndOfStream) -> list[_Case]:
        raw = event.raw
        if raw[0] in b"\r\n" or _is_http(raw):
            return [self._low_type(raw[0], raw, "", event.offset)]
        awaited = f"{event.missing} bytes" if event.missing else "its end"
        detail = f"a frame of type 0x{raw[0]:02X} has {len(raw)} bytes and lacks {awaited}"
        return self._unless_rfc6455("frame-unfinished", detail, event)

    def _unless_rfc6455(
        self, code: str, detail: str, event: AbsurdLength | EndOfStream
    ) -> list[_Case]:
        """The case, unless the type explains why the length makes no sense: RFC 6455 masks and
        flags what stands there."""
        if event.raw[0] in _RFC6455_TYPES:
            code = "rfc6455-frame"
            if event.offset == self._begun:
                return []
        return [(code, detail, event.offset, event.raw)]

    def _low_type(self, kind: int, raw: bytes, size: str, offset: int) -> _Case:
        if _is_http(raw):
            return ("http-in-frames", "HTTP begins where a frame should", offset, raw)
        if kind in b"\r\n":
            # The evidence is what does not belong there; the frame behind it is the victim.
            stray = raw[: len(raw) - len(raw.lstrip(b"\r\n"))]
            is_first = offset == self._begin
            code = "line-end-behind-handshake" if is_first else "line-end-in-frames"
            return (code, f"{stray.hex(' ')} stands there", offset, stray)
        return ("unknown-frame-type", f"type 0x{kind:02X}, {size}", offset, raw)


class _Empty:
    """The empty messages of one stream: how many there were, and where the last one ends."""

    __slots__ = ("count", "end", "is_behind_close")

    def __init__(self) -> None:
        self.count = 0
        self.end: int | None = None
        self.is_behind_close = False

    def look(self, event: TextFrames, *, behind_close: bool) -> None:
        """Count those among these frames."""
        # One message alone may be long, and in pieces.
        frames = event.raw if event.count > 1 else event.beginning(len(_EMPTY))
        count = frames.count(b"\xff" + _EMPTY) + frames.startswith(_EMPTY)
        if not count:
            return
        self.count += count
        if frames == _EMPTY or frames.endswith(b"\xff" + _EMPTY):
            self.end = event.offset + len(frames)
            self.is_behind_close = behind_close


def _http(frames: bytes, offset: int) -> list[_Case]:
    http = http_in(frames)
    if http is None:
        return []
    place, lines = http
    return [("http-in-text", f"a message has {quoted(lines)}", offset + place, lines)]


def _bad_sequence(rest: bytes) -> str:
    """What bytes that are not UTF-8 may have been meant for, as a clause; at most 4 are read."""
    first, second = rest[0], rest[1:2]
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    if first == 0xED and second >= b"\xa0":
        return ": half a surrogate pair, as CESU-8 and Java write it"
    if rest[:2] == b"\xc0\x80":
        return ": U+0000, as Java writes it"
    if 0xC2 <= first <= 0xF4 and len(rest) < size and not rest[1:].strip(_CONTINUING):
        return ": the message ends within a character"
    return f": in Latin-1 it is U+00{first:02X}" if first >= 0xA0 else ""


def _is_http(raw: bytes) -> bool:
    return raw[:16].lstrip(b"\r\n").startswith(b"HTTP/1.")
