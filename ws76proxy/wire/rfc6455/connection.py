"""Both sides of an RFC 6455 connection, behind the same interface as the hixie dialects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from websockets.extensions import Extension
from websockets.frames import Opcode

from ws76proxy.errors import LocalProtocolError
from ws76proxy.wire import connection
from ws76proxy.wire.challenge import RandomBelow
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.events import Close, Event, MessageEvent, Ping, TextMessages
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE
from ws76proxy.wire.head import (
    DEFAULT_HEAD_LIMITS,
    Head,
    HeadLimits,
    RequestHead,
    ResponseHead,
)
from ws76proxy.wire.rfc6455.decoding import MessageDecoder
from ws76proxy.wire.rfc6455.encoding import MessageEncoder
from ws76proxy.wire.rfc6455.handshake import (
    VERSION,
    AnswerFacts,
    RequestFacts,
    accept_deflate,
    accept_key,
    answer_facts,
    answered_deflate,
    generate_key,
    offer_deflate,
    request_facts,
)
from ws76proxy.wire.rfc6455.masking import Masks

__all__ = ["STATUS_LINE", "ClientConnection", "EitherConnection", "ServerConnection"]

STATUS_LINE = "HTTP/1.1 101 Switching Protocols"


class _Frames(connection.Connection[Any]):
    """Messages instead of frames: what RFC 6455 has behind the handshake.

    Pings are answered here, by a pong in `data_to_send`. A fault or a Close is only told: when to
    close, and how, is for the caller to say.
    """

    dialect: ClassVar[Dialect] = Dialect.RFC_6455
    closing_handshake: ClassVar[bool] = True

    _masked: ClassVar[bool]
    """Whether the peer masks."""
    _messages: MessageDecoder | None = None
    _encoder: MessageEncoder | None = None
    _deflate: Extension | None = None
    _fragment: int = 0

    def tail_size(self) -> int:
        return 0

    @property
    def compresses(self) -> bool:
        """Whether both sides have agreed on permessage-deflate."""
        return self._deflate is not None

    @property
    def messages(self) -> MessageDecoder | None:
        """What reads the peer's frames, on an open connection."""
        return self._messages

    def receive_messages(self, data: bytes) -> list[MessageEvent]:
        """The same as `receive_data` and `events` on an open connection, in one step."""
        if self._messages is None:
            raise LocalProtocolError(f"cannot read frames: {self.reading.value} comes next")
        events = self._messages.feed(data)
        for event in events:
            if type(event) is TextMessages:
                continue
            if isinstance(event, Ping):
                self._answer_ping(event)
            elif isinstance(event, Close):
                self.received_close = True
        return events

    # What goes out

    def send_text(self, text: str | bytes) -> None:
        """Queue one text message (5.6).

        Raises LocalProtocolError before the handshake is done, after our Close, or for what is no
        UTF-8.
        """
        try:
            payload = text.encode() if isinstance(text, str) else text
            if not payload.isascii():
                payload.decode()
        except UnicodeError as error:
            raise LocalProtocolError(f"no UTF-8: {error}") from error
        self._queue(self._open_encoder("send a message").message(Opcode.TEXT, payload))

    def send_texts(self, payloads: Sequence[bytes]) -> None:
        """Queue text messages in a row; that each is UTF-8 is for the caller to know."""
        self._queue(self._open_encoder("send a message").texts(payloads))

    @property
    def encoder(self) -> MessageEncoder:
        """For a caller who sends the bytes at once: they are not queued.

        Raises LocalProtocolError before the handshake is done, or after our Close.
        """
        return self._open_encoder("send a message")

    def send_binary(self, payload: bytes) -> None:
        """Queue one binary message (5.6)."""
        self._queue(self._open_encoder("send a message").message(Opcode.BINARY, payload))

    def send_ping(self, payload: bytes = b"") -> None:
        """Queue a ping; at most 125 bytes (5.5.2)."""
        self._queue(self._open_encoder("send a ping").control(Opcode.PING, payload))

    def send_pong(self, payload: bytes = b"") -> None:
        """Queue a pong that nobody has asked for; at most 125 bytes (5.5.3)."""
        self._queue(self._open_encoder("send a pong").control(Opcode.PONG, payload))

    def send_close(self, code: int | None = 1000, reason: str = "") -> None:
        """Start or answer the closing handshake (7.1.2); nothing where it has been sent.

        Raises LocalProtocolError for a code that may not be sent (7.4).
        """
        if self.sent_close:
            return
        self._queue(self._open_encoder("close").close(code, reason))
        self.sent_close = True

    # For the two sides

    def _masks(self) -> Masks | None:
        return None

    def _open_encoder(self, deed: str) -> MessageEncoder:
        self._must_be_open(deed)
        if self._encoder is None:
            self._encoder = MessageEncoder(
                masks=self._masks(), deflate=self._deflate, fragment=self._fragment
            )
        return self._encoder

    def _answer_ping(self, ping: Ping) -> None:
        if self._may_send() and not self.sent_close:
            self.send_pong(ping.payload)

    def _new_decoder(self) -> MessageDecoder:
        self._messages = MessageDecoder(
            masked=self._masked,
            max_message=self._max_message,
            offset=self._offset,
            deflate=self._deflate,
        )
        return self._messages

    def _decode(self, data: bytes) -> Sequence[Event]:
        return self.receive_messages(data)


class ServerConnection(_Frames, connection.ServerConnection):
    """The server's side of an RFC 6455 connection.

    `deflate`: whether an offer of permessage-deflate is accepted. `fragment`: the most bytes of a
    message in one frame, 0 for no limit.
    """

    _masked: ClassVar[bool] = True

    def __init__(
        self,
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        head_limits: HeadLimits = DEFAULT_HEAD_LIMITS,
        offset: int = 0,
        deflate: bool = True,
        fragment: int = 0,
    ) -> None:
        super().__init__(max_message=max_message, head_limits=head_limits, offset=offset)
        self._accepts_deflate = deflate
        self._fragment = fragment

    @property
    def asked(self) -> RequestFacts | None:
        """What the client asked for, once its head has come."""
        return None if self.head is None else request_facts(self.head)

    def accept(
        self,
        *,
        protocol: bytes | None = None,
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        """Answer 101 (4.2.2) and read frames from now on.

        Raises LocalProtocolError where the request has no answer that its client can accept, or
        has not offered that subprotocol.
        """
        request = self._request()
        facts = request_facts(request)
        if facts.key is None or not facts.acceptable:
            raise LocalProtocolError("cannot accept: the request is none of RFC 6455 (4.2.1)")
        if protocol is not None and protocol not in facts.protocols:
            raise LocalProtocolError(f"cannot accept: {protocol!r} was not offered (4.2.2)")
        fields: list[tuple[str, str | bytes]] = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_key(facts.key)),
        ]
        if protocol is not None:
            fields.append(("Sec-WebSocket-Protocol", protocol))
        agreed = accept_deflate(request) if self._accepts_deflate else None
        if agreed is not None:
            value, self._deflate = agreed
            fields.append(("Sec-WebSocket-Extensions", value))
        self._accept(Head.build(STATUS_LINE, [*fields, *extra]).raw)

    def accept_as(self, answer: bytes) -> None:
        """Answer with this head, right or wrong, and read frames from now on.

        Frames may be compressed where it says so.
        """
        self._request()
        if b"sec-websocket-extensions" in answer.lower():
            self._deflate = answered_deflate(ResponseHead(answer))
        super().accept_as(answer)


class ClientConnection(_Frames, connection.ClientConnection):
    """The client's side of an RFC 6455 connection.

    `deflate`: whether permessage-deflate is offered by `connect`. `fragment`: the most bytes of a
    message in one frame, 0 for no limit.
    """

    _masked: ClassVar[bool] = False

    def __init__(
        self,
        *,
        max_message: int = DEFAULT_MAX_MESSAGE,
        head_limits: HeadLimits = DEFAULT_HEAD_LIMITS,
        offset: int = 0,
        deflate: bool = True,
        fragment: int = 0,
    ) -> None:
        super().__init__(max_message=max_message, head_limits=head_limits, offset=offset)
        self._offers_deflate = deflate
        self._fragment = fragment
        self._random_below: RandomBelow | None = None
        self._asked: RequestHead | None = None
        self._answer: AnswerFacts | None = None

    def connect(
        self,
        *,
        resource: str,
        host: str,
        random_below: RandomBelow,
        origin: str | None = None,
        protocols: Sequence[str] = (),
        extra: Sequence[tuple[str, str | bytes]] = (),
    ) -> bytes:
        """Queue the opening handshake with a fresh key (4.1); return the key.

        Masks come from the same entropy.
        """
        key = generate_key(random_below)
        fields: list[tuple[str, str | bytes]] = [
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Version", str(VERSION)),
        ]
        if origin is not None:
            fields.append(("Origin", origin))
        if protocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(protocols)))
        if self._offers_deflate:
            fields.append(("Sec-WebSocket-Extensions", offer_deflate()))
        request = RequestHead.build(f"GET {resource} HTTP/1.1", [*fields, *extra])
        self.connect_as(request, random_below)
        return key

    def connect_as(self, request: RequestHead, random_below: RandomBelow) -> None:
        """Queue this request as it is: the answer is compared with it, and the masks of what is
        sent then come from `random_below`."""
        if self._asked is not None:
            raise LocalProtocolError("cannot connect: the request has been sent")
        self._random_below = random_below
        self._asked = request
        self._queue(request.raw)

    @property
    def answer(self) -> AnswerFacts | None:
        """What the server answered, once its head has come to a request that was queued here."""
        if self._answer is None and self.head is not None and self._asked is not None:
            asked = request_facts(self._asked)
            self._answer = answer_facts(
                self.head,
                key=asked.key or b"",
                protocols=asked.protocols,
                deflate_offered=any(
                    offer.partition(b";")[0].strip() == b"permessage-deflate"
                    for offer in asked.extensions
                ),
            )
        return self._answer

    def judged(self, answer: AnswerFacts) -> None:
        """Take what the answer says from somebody who has read it already."""
        self._answer = answer

    def open(self) -> None:
        """Read everything from here on as frames, `trailing_data` first; compressed where the
        answer says so."""
        answer = self.answer
        if answer is not None:
            self._deflate = answer.deflate
        super().open()

    def _masks(self) -> Masks | None:
        return None if self._random_below is None else Masks(self._random_below)

    def _may_send(self) -> bool:
        return self._random_below is not None and super()._may_send()


EitherConnection = ServerConnection | ClientConnection
"""Whichever side: for annotations and `isinstance`."""
