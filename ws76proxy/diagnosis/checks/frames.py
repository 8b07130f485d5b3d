"""Checks of one direction's frames (4.2, 5.3, 6; draft-75 4.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType

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

__all__ = ["REPORTED_PER_CODE", "FrameChecks"]

REPORTED_PER_CODE = 5
"""How many cases of one finding are told per stream; further ones are counted."""

_EVIDENCE = 64
_NOTHING: Sequence[Diagnosis] = ()
_RFC6455_TYPES = MappingProxyType(
    {0x81: "text", 0x82: "binary", 0x88: "close", 0x89: "ping", 0x8A: "pong"}
)


class FrameChecks:
    """Looks at the frames of one stream, in order; remembers only counts."""

    def __init__(self, stream: Stream, dialect: Dialect) -> None:
        self._stream = stream
        self._is_75 = dialect is Dialect.HIXIE_75
        self._closed = False
        self._counts: Counter[str] = Counter()

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
        if type(event) is TextFrames and not self._closed:
            return _NOTHING
        diagnoses = [self._at(*case) for case in self._cases(event)]
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

    def _cases(self, event: FrameEvent | EndOfStream) -> list[tuple[str, str, int, bytes]]:
        """Code, detail, offset and evidence of each case."""
        if self._closed:
            return self._after_close(event)
        if isinstance(event, DiscardedFrame):
            return self._discarded(event)
        if isinstance(event, InvalidText):
            bad = event.payload[event.start : event.end]
            offset = event.offset + 1 + event.start
            detail = f"{bad.hex(' ')} at byte {event.start} of the message is not UTF-8"
            return [("text-not-utf8", detail, offset, bad)]
        if isinstance(event, OversizedFrame):
            detail = f"type 0x{event.frame_type:02X}, {event.size} bytes with its framing"
            return [("message-too-large", detail, event.offset, event.raw)]
        if isinstance(event, AbsurdLength):
            detail = f"type 0x{event.raw[0]:02X}: the length is above 2^63-1"
            code = _unless_rfc6455(event.raw, "length-absurd")
            return [(code, detail, event.offset, event.raw)]
        if isinstance(event, ClosingHandshake):
            self._closed = True
        elif isinstance(event, EndOfStream) and event.raw:
            return self._unfinished(event)
        return []

    def _after_close(self, event: FrameEvent | EndOfStream) -> list[tuple[str, str, int, bytes]]:
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

    def _discarded(self, event: DiscardedFrame) -> list[tuple[str, str, int, bytes]]:
        kind = event.frame_type
        size = f"{len(event.payload)} bytes of payload"
        if kind < 0x80:
            return [self._low_type(kind, event.raw, size, event.offset)]
        if self._is_75 and event.raw == b"\xff\x00":
            return [("closing-handshake-in-75", "FF 00 was sent", event.offset, event.raw)]
        if kind in _RFC6455_TYPES:
            detail = f"0x{kind:02X} is RFC 6455's {_RFC6455_TYPES[kind]}; {size} as hixie reads it"
            cases = [("rfc6455-frame", detail, event.offset, event.raw)]
        else:
            detail = f"type 0x{kind:02X}, {size}"
            cases = [("length-frame-discarded", detail, event.offset, event.raw)]
        if not event.minimal_length:
            length = event.raw[1 : len(event.raw) - len(event.payload)]
            detail = f"the length {len(event.payload)} is written {length[:16].hex(' ')}"
            cases.append(("length-not-minimal", detail, event.offset + 1, length))
        return cases

    def _unfinished(self, event: EndOfStream) -> list[tuple[str, str, int, bytes]]:
        raw = event.raw
        if raw[0] in b"\r\n" or _is_http(raw):
            return [self._low_type(raw[0], raw, "", event.offset)]
        awaited = f"{event.missing} bytes" if event.missing else "its end"
        detail = f"a frame of type 0x{raw[0]:02X} has {len(raw)} bytes and lacks {awaited}"
        return [(_unless_rfc6455(raw, "frame-unfinished"), detail, event.offset, raw)]

    @staticmethod
    def _low_type(kind: int, raw: bytes, size: str, offset: int) -> tuple[str, str, int, bytes]:
        if _is_http(raw):
            return ("http-in-frames", "HTTP begins where a frame should", offset, raw)
        if kind in b"\r\n":
            # The evidence is what does not belong there; the frame behind it is the victim.
            stray = raw[: len(raw) - len(raw.lstrip(b"\r\n"))]
            return ("line-end-in-frames", f"{stray.hex(' ')} stands there", offset, stray)
        return ("unknown-frame-type", f"type 0x{kind:02X}, {size}", offset, raw)


def _unless_rfc6455(raw: bytes, code: str) -> str:
    """The code, unless the type explains why the length makes no sense: RFC 6455 masks and flags
    what stands there."""
    return "rfc6455-frame" if raw[0] in _RFC6455_TYPES else code


def _is_http(raw: bytes) -> bool:
    return raw[:16].lstrip(b"\r\n").startswith(b"HTTP/1.")
