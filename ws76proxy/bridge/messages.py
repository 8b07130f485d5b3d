"""What one side says, said again in the other side's dialect; what cannot be said is told."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from ws76proxy.bridge.closing import Ended
from ws76proxy.bridge.model import Binary
from ws76proxy.diagnosis import REPORTED_PER_CODE, Diagnosis, Stream, found
from ws76proxy.wire import rfc6455
from ws76proxy.wire.connection import Connection
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import (
    AbsurdLength,
    Close,
    ClosingHandshake,
    DiscardedFrame,
    EndOfStream,
    Event,
    InvalidText,
    Message,
    OversizedFrame,
    ProtocolFault,
    TextFrames,
    TextMessages,
)
from ws76proxy.wire.frames import frame_text, frame_texts
from ws76proxy.wire.utf8 import is_utf8

__all__ = ["Carried", "Carrier"]

_EVIDENCE = 64
_CLOSING = b"\xff\x00"
_FAULTS = {
    1002: "rfc6455-frame-fault",
    1007: "rfc6455-text-not-utf8",
    1009: "rfc6455-message-too-large",
}
_UNSUPPORTED, _TOO_BIG, _FRAMING = 1003, 1009, 1002


class Carried(NamedTuple):
    """What became of an event: what is to be told, and whether its sender's side has ended."""

    diagnoses: Sequence[Diagnosis] = ()
    ended: Ended | None = None


_AS_IT_IS = Carried()


class Carrier:
    """One direction of a session: events of one side become what the other side's connection says.

    What it says waits in `to.data_to_send()`. `came`: the dialect of the side that speaks;
    `speaker`: which side that is. `binary`: what becomes of binary messages on their way to hixie.
    `base64`: text on the hixie side stands for binary messages on the other, as both have agreed by
    their subprotocols; then `binary` says nothing.

    Hixie to hixie, all text and all discarded frames pass to the byte. RFC 6455 to RFC 6455,
    messages pass one by one, put together; compression and fragments are each side's own, and so
    are pings: each connection answers its own peer's.
    """

    def __init__(
        self,
        to: Connection[Any],
        *,
        came: Dialect,
        speaker: Literal["client", "server"],
        binary: Binary = "refuse",
        base64: bool = False,
    ) -> None:
        self.to = to
        self._modern = to if isinstance(to, rfc6455.EitherConnection) else None
        self._came = came
        self._speaker: Literal["client", "server"] = speaker
        self._stream = Stream(speaker)
        self._binary: Binary = binary
        crosses = (came is Dialect.RFC_6455) is not (self._modern is not None)
        self._base64 = base64 and crosses
        self._counts: Counter[str] = Counter()

    def carry(self, event: Event) -> Carried:
        """Say an event of the one side to the other."""
        # The usual ones first.
        if type(event) is TextMessages:
            return self.carry_texts(event.payloads, event.offset)
        if type(event) is TextFrames:
            if self._modern is None:
                return self._pass(event)
            return self.carry_texts(event.payloads, event.offset)
        match event:
            case Message(binary=True):
                return self.carry_binary(event.payload, event.offset)
            case Message():
                return self.carry_texts([event.payload], event.offset)
            case InvalidText():
                return self._invalid_text(event)
            case DiscardedFrame():
                return self._discarded(event)
            case OversizedFrame():
                why = f"a frame of {event.size} bytes"
                return self._end("bridge-message-too-large", why, event, _TOO_BIG)
            case AbsurdLength():
                # The checks of frames have a finding for it.
                return Carried(ended=self._ended("fault", _FRAMING, "", event.offset))
            case ProtocolFault():
                return self._end(_FAULTS[event.code], event.why, event, event.code)
            case ClosingHandshake():
                return Carried(ended=self._ended("closed", None, "", event.offset))
            case Close():
                return Carried(ended=self._ended("closed", event.code, event.reason, event.offset))
            case EndOfStream():
                how: Literal["lost", "end-of-stream"] = "lost" if event.raw else "end-of-stream"
                return Carried(ended=self._ended(how, None, "", event.offset))
            case _:
                # Of a handshake, or a ping and its like: each side's own.
                return _AS_IT_IS

    def carry_texts(self, payloads: Sequence[bytes], offset: int | None = None) -> Carried:
        """Say text messages, each valid UTF-8; `offset`: where the first one began."""
        if not payloads:
            return _AS_IT_IS
        if self.to.sent_close:
            return self._too_late(f"{len(payloads)} messages", offset)
        modern = self._modern
        if self._base64:
            if modern is not None:
                return self._from_base64(modern, payloads, offset)
            payloads = [base64.b64encode(payload) for payload in payloads]
        if modern is not None:
            modern.send_texts(payloads)
        else:
            self.to.send_raw(frame_texts(payloads))
        return _AS_IT_IS

    def texts(self, heard: TextFrames | TextMessages) -> bytes | None:
        """Text messages as the other side's connection says them, for a caller who sends them at
        once. None where there is more to them: `carry` them."""
        if self._base64 or self.to.sent_close:
            return None
        if self._modern is not None:
            return self._modern.encoder.texts(heard.payloads)
        return heard.raw if type(heard) is TextFrames else frame_texts(heard.payloads)

    def shorthand(self) -> Callable[[bytes], bytes] | None:
        """What makes of a short text message its bytes for the other side, as long as that has not
        been sent a closing handshake; None where there is more to be said of text."""
        if self._base64:
            return None
        return frame_text if self._modern is None else self._modern.encoder.short

    def carry_binary(self, payload: bytes, offset: int | None = None) -> Carried:
        """Say one binary message."""
        if self.to.sent_close:
            return self._too_late("a binary message", offset)
        if self._modern is not None:
            self._modern.send_binary(payload)
            return _AS_IT_IS
        if self._base64 or self._binary == "base64":
            self.to.send_text(base64.b64encode(payload))
            return _AS_IT_IS
        detail = f"{len(payload)} bytes"
        evidence = payload[:_EVIDENCE]
        if self._binary == "text":
            try:
                payload.decode()
            except UnicodeDecodeError as error:
                detail += f", and no UTF-8 at byte {error.start}"
            else:
                self.to.send_text(payload)
                return _AS_IT_IS
        elif self._binary == "drop":
            return self._told("bridge-binary-dropped", detail, offset, evidence)
        reason = "the other side has no binary messages"
        ended = self._ended("fault", _UNSUPPORTED, reason, offset)
        told = self._told("bridge-binary-refused", detail, offset, evidence)
        return Carried(told.diagnoses, ended)

    def can_say_binary(self, payload: bytes) -> bool:
        """Whether a binary message reaches the other side in some way."""
        if self._modern is not None or self._base64 or self._binary == "base64":
            return True
        return self._binary == "text" and is_utf8(payload)

    def _from_base64(
        self, modern: rfc6455.EitherConnection, payloads: Sequence[bytes], offset: int | None
    ) -> Carried:
        diagnoses: list[Diagnosis] = []
        for payload in payloads:
            try:
                modern.send_binary(base64.b64decode(payload, validate=True))
            except binascii.Error as error:
                modern.send_texts([payload])
                told = self._told("bridge-not-base64", str(error), offset, payload[:_EVIDENCE])
                diagnoses += told.diagnoses
        return Carried(diagnoses) if diagnoses else _AS_IT_IS

    def _invalid_text(self, event: InvalidText) -> Carried:
        if self._modern is None:
            # Hixie never fails over it: the other side decides for itself.
            return self._pass(event)
        if self.to.sent_close:
            return self._too_late("a message", event.offset)
        self._modern.send_text(event.text)
        bad = event.payload[event.start : event.end]
        detail = f"bytes {event.start} to {event.end - 1} of the message became U+FFFD"
        return self._told("bridge-text-replaced", detail, event.offset + 1 + event.start, bad)

    def _pass(self, event: TextFrames | InvalidText | DiscardedFrame) -> Carried:
        """Hixie to hixie: the same bytes."""
        if self.to.sent_close:
            return self._too_late("a frame", event.offset)
        self.to.send_raw(event.raw)
        return _AS_IT_IS

    def _too_late(self, what: str, offset: int | None) -> Carried:
        return self._told("bridge-too-late", what, offset, b"")

    def _discarded(self, event: DiscardedFrame) -> Carried:
        # In hixie-75 FF 00 is such a frame; to hixie-76 it would mean the end.
        if self._modern is None and event.raw != _CLOSING:
            return self._pass(event)
        detail = f"type 0x{event.frame_type:02X}, {len(event.payload)} bytes"
        return self._told("bridge-frame-left-out", detail, event.offset, event.raw[:_EVIDENCE])

    def _end(
        self, code: str, detail: str, event: OversizedFrame | ProtocolFault, close: int
    ) -> Carried:
        told = self._told(code, detail, event.offset, event.raw[:_EVIDENCE])
        return Carried(told.diagnoses, self._ended("fault", close, detail, event.offset))

    def _ended(
        self,
        how: Literal["closed", "end-of-stream", "lost", "fault"],
        code: int | None,
        reason: str,
        offset: int | None,
    ) -> Ended:
        return Ended(self._speaker, self._came, how, code, reason, offset)

    def _told(self, code: str, detail: str, offset: int | None, evidence: bytes) -> Carried:
        """A finding, while there have not been too many of it."""
        self._counts[code] += 1
        count = self._counts[code]
        if count > REPORTED_PER_CODE + 1:
            return _AS_IT_IS
        if count > REPORTED_PER_CODE:
            detail, evidence = f"{REPORTED_PER_CODE} cases told; more follow", b""
        return Carried([found(code, detail, stream=self._stream, offset=offset, evidence=evidence)])
