"""The Autobahn suite's side of a connection: plays one case, and judges; without I/O or clock.

It speaks RFC 6455 by the letter, with frames of its own: nothing of it is ours, nor of the library
that we use. The methods with odd names are those that the cases call.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import zlib
from collections.abc import Callable
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

from .cases import DeflateAnswer, DeflateOffer, identifier

__all__ = ["NOT_STRICT", "Fuzzer", "Verdict"]

NOT_STRICT = {
    "6.4.3": "a frame's text is looked at when it is whole, not byte by byte as it comes",
    "6.4.4": "the same",
}
"""Where the suite would like something else, and why it does not get it."""
_FINE = ("OK", "INFORMATIONAL")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EMPTY_BLOCK = b"\x00\x00\xff\xff"
_CONNECTING, _OPEN, _CLOSING, _CLOSED = 1, 3, 2, 0


class Verdict(NamedTuple):
    """What the suite says of one case: of the behaviour, and of the closing."""

    case: str
    behaviour: str
    closing: str
    result: str

    @property
    def is_as_expected(self) -> bool:
        """Whether both are right, or not strictly so and explained (docs/bridge.md)."""
        behaviour = "NON-STRICT" if self.case in NOT_STRICT else "OK"
        return self.closing in _FINE and self.behaviour in (behaviour, "INFORMATIONAL")


class Fuzzer:
    """One side, towards a client (`is_server`) or a server; `now` in seconds, from any clock.

    Give it what the peer sends (`receive`, `eof`), send what it has to (`take`), call `tick` when
    `due` is over, and drop the connection when `dropped` is true; then it has a `verdict`.
    """

    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007

    def __init__(
        self,
        case: type[Any],
        *,
        is_server: bool,
        host: str = "localhost",
        subprotocol: str | None = None,
    ) -> None:
        """`subprotocol`: what a client offers, and what a server takes where it is offered."""
        self.factory = SimpleNamespace(isServer=is_server)
        self.state = _CONNECTING
        self.connectionWasOpen = False
        self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.localCloseReason: Any = None
        self.remoteCloseCode: int | None = None
        self.createWirelog = True
        self.autoFragmentSize = 0
        self.trafficStats = None
        self.txFrameStats: dict[int, int] = {}
        self.perMessageCompressionOffers: list[DeflateOffer] = []
        self.perMessageCompressionAccept: Callable[[Any], Any] = lambda _: None
        self._perMessageCompress: _Deflate | None = None
        self._random = Random(76)
        self._outgoing: list[bytes] = []
        self._incoming = bytearray()
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._now = 0.0
        self._parts: list[bytes] = []
        self._opcode = 0
        self._compressed = False
        self.dropped = False
        self._ended = False
        self._masking: bytes | None = None
        self._case_class = case
        self._case = case(self)
        # These hand over bytes, all others bytes as Latin-1.
        self._speaks_bytes = identifier(case).startswith(("12.", "13."))
        self._key = base64.b64encode(self._random.randbytes(16))
        self._subprotocol = (subprotocol or "").encode()
        if not is_server:
            lines = [
                b"GET / HTTP/1.1",
                b"Host: " + host.encode(),
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Key: " + self._key,
                b"Sec-WebSocket-Version: 13",
            ]
            offers = [_offered(offer) for offer in self.perMessageCompressionOffers]
            if offers:
                lines.append(b"Sec-WebSocket-Extensions: " + ", ".join(offers).encode())
            if self._subprotocol:
                lines.append(b"Sec-WebSocket-Protocol: " + self._subprotocol)
            self._outgoing.append(b"\r\n".join(lines) + b"\r\n\r\n")

    # For whoever has the connection

    def take(self) -> list[bytes]:
        """What to send, in the pieces to send it in."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    @property
    def due(self) -> float | None:
        """When `tick` has to be called; None: not before something has come."""
        return self._timers[0][0] if self._timers and not self._ended else None

    def tick(self, now: float) -> None:
        """The time is `now`."""
        self._now = now
        while self._timers and self._timers[0][0] <= now and not self._ended:
            heapq.heappop(self._timers)[2]()

    def receive(self, data: bytes) -> None:
        """Bytes of the peer."""
        if self._ended:
            return
        self._incoming += data
        if self.state == _CONNECTING and not self._shake_hands():
            return
        while not self._ended and self._frame():
            pass

    def eof(self) -> None:
        """The connection is no more."""
        if self._ended:
            return
        self._ended = True
        self.state = _CLOSED
        self._case.onConnectionLost(self.failedByMe)

    @property
    def verdict(self) -> Verdict:
        """What the suite says, once the connection is no more."""
        case = self._case
        name = identifier(self._case_class)
        return Verdict(name, case.behavior, case.behaviorClose, case.result)

    # For the cases

    def sendFrame(  # noqa: N802
        self,
        opcode: int,
        payload: str | bytes = b"",
        fin: bool = True,
        rsv: int = 0,
        mask: str | None = None,
        payload_len: int | None = None,
        chopsize: int | None = None,
        sync: bool = False,
    ) -> None:
        """Any frame, right or wrong; a payload is repeated up to `payload_len`."""
        raw = _bytes(payload)
        if payload_len is not None:
            raw = (raw * (payload_len // len(raw) + 1))[:payload_len] if raw else bytes(payload_len)
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        first = (0x80 if fin else 0) | rsv << 4 | opcode
        header = bytes([first]) + self._length(len(raw))
        if not self.factory.isServer:
            key = self._random.randbytes(4)
            header, raw = header + key, _xor(raw, key)
        data = header + raw
        size = chopsize or len(data)
        self._outgoing += [data[begin : begin + size] for begin in range(0, len(data), size)]

    def sendMessage(  # noqa: N802
        self,
        payload: str | bytes,
        isBinary: bool = False,  # noqa: N803
        fragmentSize: int | None = None,  # noqa: N803
    ) -> None:
        """A message, in fragments where they are asked for, compressed where both agreed to."""
        raw = _bytes(payload)
        rsv = 0
        if self._perMessageCompress is not None:
            raw, rsv = self._perMessageCompress.compress(raw), 4
        size = fragmentSize or self.autoFragmentSize or len(raw) or 1
        pieces = [raw[begin : begin + size] for begin in range(0, len(raw), size)] or [b""]
        for number, piece in enumerate(pieces):
            opcode = 0 if number else 2 if isBinary else 1
            self.sendFrame(opcode, piece, number == len(pieces) - 1, 0 if number else rsv)

    def beginMessage(self) -> None:  # noqa: N802
        """A message whose frame is sent piece by piece."""

    def beginMessageFrame(self, length: int) -> None:  # noqa: N802
        """Its frame: the header."""
        self._masking = None if self.factory.isServer else self._random.randbytes(4)
        self._outgoing.append(b"\x01" + self._length(length) + (self._masking or b""))

    def sendMessageFrameData(self, payload: str) -> None:  # noqa: N802
        """Its frame: some of the payload."""
        raw = _bytes(payload)
        if self._masking is not None:
            raw, key = _xor(raw, self._masking), self._masking
            turn = len(raw) % 4
            self._masking = key[turn:] + key[:turn]
        self._outgoing.append(raw)

    def endMessage(self) -> None:  # noqa: N802
        """Its end: an empty last fragment."""
        self.sendFrame(0, b"")

    def sendCloseFrame(  # noqa: N802
        self,
        code: int | None = None,
        reasonUtf8: str | None = None,  # noqa: N803
        isReply: bool = False,  # noqa: N803
    ) -> None:
        """A Close frame with anything in it."""
        if self.state != _OPEN:
            return
        payload = b"" if code is None else code.to_bytes(2, "big")
        self.localCloseReason = reasonUtf8
        self.state = _CLOSING
        self.closedByMe = not isReply
        self.sendFrame(8, payload + _bytes(reasonUtf8 or ""))

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:  # noqa: N802
        """Begin the closing handshake."""
        self.sendCloseFrame(code, reason)

    def enableWirelog(self, enable: bool) -> None:  # noqa: N802
        """There is none."""

    def continueLater(  # noqa: N802
        self, delay: float, then: Callable[[], object], tag: object = None
    ) -> None:
        """Go on with the case in so many seconds."""
        self._later(delay, then)

    def killAfter(self, delay: float) -> None:  # noqa: N802
        """Drop the connection if it is there in so many seconds."""
        self._later(delay, self._fail)

    def closeAfter(self, delay: float) -> None:  # noqa: N802
        """Close it."""
        self._later(delay, self.sendClose)

    # Its own

    def _later(self, delay: float, then: Callable[[], object]) -> None:
        heapq.heappush(self._timers, (self._now + delay, next(self._order), then))

    def _fail(self) -> None:
        self.failedByMe = self.droppedByMe = self.dropped = True
        self.wasClean = False
        self.eof()

    def _shake_hands(self) -> bool:
        head, blank, rest = bytes(self._incoming).partition(b"\r\n\r\n")
        if not blank:
            return False
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        extensions = fields.get(b"sec-websocket-extensions", b"").decode()
        is_server = self.factory.isServer
        key = fields.get(b"sec-websocket-key", b"") if is_server else self._key
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        if is_server:
            lines = [
                b"HTTP/1.1 101 Switching Protocols",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Accept: " + accept,
            ]
            offered = fields.get(b"sec-websocket-protocol", b"").replace(b" ", b"").split(b",")
            if self._subprotocol and self._subprotocol in offered:
                lines.append(b"Sec-WebSocket-Protocol: " + self._subprotocol)
            offers = [_Parameters(offer).offer() for offer in extensions.split(",") if offer]
            answer = self.perMessageCompressionAccept(offers)
            if answer is not None:
                extensions = _answered(answer)
                lines.append(b"Sec-WebSocket-Extensions: " + extensions.encode())
                self._perMessageCompress = _Parameters(extensions).deflate(is_server)
            self._outgoing.append(b"\r\n".join(lines) + b"\r\n\r\n")
        elif not head.startswith(b"HTTP/1.1 101 ") or fields.get(b"sec-websocket-accept") != accept:
            self._fail()
            return False
        elif extensions:
            self._perMessageCompress = _Parameters(extensions).deflate(is_server)
        self._incoming = bytearray(rest)
        self.state = _OPEN
        self.connectionWasOpen = True
        self._case.onOpen()
        return True

    def _frame(self) -> bool:
        """Take one frame, if it is whole."""
        data = self._incoming
        if len(data) < 2:
            return False
        first, size, begin = data[0], data[1] & 0x7F, 2
        if size > 125:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(data[2:begin], "big")
        mask = b""
        if data[1] & 0x80:
            mask = bytes(data[begin : begin + 4])
            begin += 4
        if len(data) < begin + size:
            return False
        payload = bytes(data[begin : begin + size])
        del data[: begin + size]
        # A client masks, a server does not: otherwise we would not understand each other.
        if bool(mask) is not self.factory.isServer:
            self._fail()
            return False
        self._take(first, _xor(payload, mask) if mask else payload)
        return True

    def _take(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode == 8:
            self._close(payload)
        elif self.state not in (_OPEN, _CLOSING):
            return
        elif opcode == 9:
            self._case.onPing(_text(payload))
            self.sendFrame(10, payload)
        elif opcode == 10:
            self._case.onPong(_text(payload))
        else:
            if opcode:
                self._opcode, self._compressed, self._parts = opcode, bool(first & 0x40), []
            self._parts.append(payload)
            if first & 0x80:
                message = b"".join(self._parts)
                if self._compressed and self._perMessageCompress is not None:
                    message = self._perMessageCompress.decompress(message)
                said = message if self._speaks_bytes else _text(message)
                self._case.onMessage(said, self._opcode == 2)

    def _close(self, payload: bytes) -> None:
        if len(payload) >= 2:
            self.remoteCloseCode = int.from_bytes(payload[:2], "big")
        self.wasClean = True
        if self.state == _OPEN:
            self.sendCloseFrame(self.remoteCloseCode, isReply=True)
        self.state = _CLOSED
        if self.factory.isServer:
            # It is the server that drops the connection.
            self.droppedByMe = self.dropped = True
            self.eof()
        else:
            self._later(1, self._fail_to_drop)

    def _fail_to_drop(self) -> None:
        self.droppedByMe = self.dropped = True
        self.eof()

    def _length(self, size: int) -> bytes:
        bit = 0 if self.factory.isServer else 0x80
        if size < 126:
            return bytes([bit | size])
        if size < 65_536:
            return bytes([bit | 126]) + size.to_bytes(2, "big")
        return bytes([bit | 127]) + size.to_bytes(8, "big")


class _Deflate:
    """Both directions of RFC 7692."""

    def __init__(self, ours: tuple[bool, int], theirs: tuple[bool, int]) -> None:
        """For each direction: whether nothing is taken over, and the bits of the window."""
        self._ours, self._theirs = ours, theirs
        self._compressor: Any = None
        self._decompressor: Any = None

    def compress(self, data: bytes) -> bytes:
        """A message's payload."""
        if self._compressor is None or self._ours[0]:
            self._compressor = zlib.compressobj(wbits=-self._ours[1])
        squeezed: bytes = self._compressor.compress(data)
        squeezed += self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return squeezed[: -len(_EMPTY_BLOCK)]

    def decompress(self, data: bytes) -> bytes:
        """And back."""
        if self._decompressor is None or self._theirs[0]:
            self._decompressor = zlib.decompressobj(wbits=-self._theirs[1])
        plain: bytes = self._decompressor.decompress(data + _EMPTY_BLOCK)
        return plain


class _Parameters:
    """One member of Sec-WebSocket-Extensions."""

    def __init__(self, text: str) -> None:
        _, *parameters = (part.strip() for part in text.split(";"))
        self._values = {
            name: value for name, _, value in (one.partition("=") for one in parameters)
        }

    def offer(self) -> DeflateOffer:
        """As a client's."""
        values = self._values
        return DeflateOffer(
            acceptMaxWindowBits="client_max_window_bits" in values,
            requestNoContextTakeover="server_no_context_takeover" in values,
            requestMaxWindowBits=int(values.get("server_max_window_bits", 0)),
        )

    def deflate(self, is_server: bool) -> _Deflate:
        """As what was agreed on."""
        values = self._values
        client, server = (
            (
                f"{side}_no_context_takeover" in values,
                int(values.get(f"{side}_max_window_bits") or 15),
            )
            for side in ("client", "server")
        )
        return _Deflate(server, client) if is_server else _Deflate(client, server)


def _offered(offer: DeflateOffer) -> str:
    parts = ["permessage-deflate"]
    if offer.acceptMaxWindowBits:
        parts.append("client_max_window_bits")
    if offer.acceptNoContextTakeover:
        parts.append("client_no_context_takeover")
    if offer.requestNoContextTakeover:
        parts.append("server_no_context_takeover")
    if offer.requestMaxWindowBits:
        parts.append(f"server_max_window_bits={offer.requestMaxWindowBits}")
    return "; ".join(parts)


def _answered(answer: DeflateAnswer) -> str:
    parts = ["permessage-deflate"]
    if answer.offer.requestNoContextTakeover:
        parts.append("server_no_context_takeover")
    if answer.offer.requestMaxWindowBits:
        parts.append(f"server_max_window_bits={answer.offer.requestMaxWindowBits}")
    if answer.requestNoContextTakeover:
        parts.append("client_no_context_takeover")
    if answer.requestMaxWindowBits:
        parts.append(f"client_max_window_bits={answer.requestMaxWindowBits}")
    return "; ".join(parts)


def _xor(payload: bytes, key: bytes) -> bytes:
    if not payload:
        return payload
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    both = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return both.to_bytes(len(payload), "big")


def _bytes(said: str | bytes) -> bytes:
    return said.encode("latin-1") if isinstance(said, str) else said


def _text(payload: bytes) -> str:
    return payload.decode("latin-1")
