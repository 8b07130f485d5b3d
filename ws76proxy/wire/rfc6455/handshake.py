"""The values of an RFC 6455 opening handshake: made, read, and judged as facts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec
from websockets.exceptions import InvalidHandshake
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.headers import build_extension, parse_extension
from websockets.typing import ExtensionName
from websockets.utils import accept_key as library_accept_key

from ws76proxy.wire.challenge import RandomBelow
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = [
    "VERSION",
    "AnswerFacts",
    "RequestFacts",
    "accept_deflate",
    "accept_key",
    "answer_facts",
    "answered_deflate",
    "generate_key",
    "offer_deflate",
    "request_facts",
    "tokens",
]

VERSION = 13
_DEFLATE = "permessage-deflate"
_KEY_SIZE = 16
# A window of 4 KiB and little memory besides: a relay has many connections.
_WINDOW_BITS = 12
_COMPRESSOR = {"memLevel": 5}
# zlib compresses with no smaller one.
_LEAST_WINDOW_BITS = 9


class RequestFacts(msgspec.Struct, frozen=True):
    """What a request says of RFC 6455 (4.2.1).

    ``key_size``: how many bytes the key stands for, None where it is missing or no base64.
    ``versions``: as asked for, in order. ``protocols``: the subprotocols offered, in order.
    """

    key: bytes | None
    key_size: int | None
    versions: tuple[bytes, ...]
    protocols: tuple[bytes, ...]
    extensions: tuple[bytes, ...]
    upgrades: bool

    @property
    def has_version(self) -> bool:
        """Whether it is ours to answer; otherwise 426 with the version that is (4.4)."""
        return str(VERSION).encode() in self.versions

    @property
    def acceptable(self) -> bool:
        """Whether there is an answer that its client can accept."""
        return self.has_version and self.key_size == _KEY_SIZE and self.upgrades


class AnswerFacts(msgspec.Struct, frozen=True):
    """What an answer says, beside what it had to say (4.1, 4.2.2).

    ``protocol``: the subprotocol chosen, if any; ``protocol_was_offered`` is true without one.
    ``extensions_refused`` is one clause about extensions that nobody can have agreed on, or empty;
    ``deflate`` what both have agreed on.
    """

    status: int | None
    upgrades: bool
    accept: bytes | None
    accept_expected: bytes
    protocol: bytes | None
    protocol_was_offered: bool
    extensions_refused: str
    deflate: Extension | None

    @property
    def proved(self) -> bool:
        """Whether the server has read our key."""
        return self.accept == self.accept_expected

    @property
    def acceptable(self) -> bool:
        """Whether a client goes on (4.1)."""
        return (
            self.status == 101
            and self.upgrades
            and self.proved
            and self.protocol_was_offered
            and not self.extensions_refused
        )


def generate_key(random_below: RandomBelow) -> bytes:
    """A fresh Sec-WebSocket-Key: 16 bytes in base64 (4.1)."""
    return base64.b64encode(random_below(1 << 8 * _KEY_SIZE).to_bytes(_KEY_SIZE, "big"))


def accept_key(key: bytes) -> bytes:
    """The Sec-WebSocket-Accept that proves that the server has read this key (4.2.2).

    A key is taken as it is, right or wrong.
    """
    return library_accept_key(key.decode(errors="surrogateescape")).encode()


def tokens(head: Head, name: bytes) -> tuple[bytes, ...]:
    """The members of a comma-separated field, all fields of that name (lower case) in order."""
    return tuple(
        [
            stripped
            for field in head.get_all(name)
            for member in field.after_colon.split(b",")
            if (stripped := member.strip(b" \t"))
        ]
    )


def request_facts(head: RequestHead) -> RequestFacts:
    """What a request says of RFC 6455."""
    field = head.get(b"sec-websocket-key")
    key = None if field is None else field.stripped
    return RequestFacts(
        key,
        None if key is None else _decoded_size(key),
        tokens(head, b"sec-websocket-version"),
        tokens(head, b"sec-websocket-protocol"),
        tokens(head, b"sec-websocket-extensions"),
        _upgrades(head),
    )


def answer_facts(
    response: ResponseHead,
    *,
    key: bytes,
    protocols: Sequence[bytes] = (),
    deflate_offered: bool = False,
) -> AnswerFacts:
    """Judge the answer to a request with that key and those subprotocols."""
    accept = response.get(b"sec-websocket-accept")
    chosen = tokens(response, b"sec-websocket-protocol")
    refused, deflate = _agreed_deflate(response, offered=deflate_offered)
    return AnswerFacts(
        response.status,
        _upgrades(response),
        None if accept is None else accept.stripped,
        accept_key(key),
        b", ".join(chosen) if chosen else None,
        not chosen or (len(chosen) == 1 and chosen[0] in protocols),
        refused,
        deflate,
    )


def offer_deflate() -> str:
    """What a client offers of permessage-deflate, as a value of Sec-WebSocket-Extensions."""
    return build_extension(
        [(ExtensionName(_DEFLATE), list(_client_deflate().get_request_params()))]
    )


def accept_deflate(request: RequestHead) -> tuple[str, Extension] | None:
    """Accept the first offer of permessage-deflate that can be: the answer's value, and what it
    means. None without one; offers that cannot be understood are passed over (RFC 7692, 5)."""
    factory = ServerPerMessageDeflateFactory(
        server_max_window_bits=_WINDOW_BITS,
        client_max_window_bits=_WINDOW_BITS,
        compress_settings=_COMPRESSOR,
    )
    for field in request.get_all(b"sec-websocket-extensions"):
        try:
            offers = parse_extension(field.stripped.decode("latin-1"))
        except InvalidHandshake:
            continue
        for name, parameters in offers:
            if name != _DEFLATE:
                continue
            try:
                answer, extension = factory.process_request_params(parameters, [])
            except InvalidHandshake:
                continue
            return build_extension([(ExtensionName(_DEFLATE), answer)]), extension
    return None


def answered_deflate(answer: ResponseHead) -> Extension | None:
    """What the server has agreed to by an answer that says so in whatever words."""
    _, agreed = _agreed_deflate(answer, offered=True)
    if agreed is None or agreed.remote_max_window_bits < _LEAST_WINDOW_BITS:
        return None
    return PerMessageDeflate(
        agreed.local_no_context_takeover,
        agreed.remote_no_context_takeover,
        agreed.local_max_window_bits,
        agreed.remote_max_window_bits,
        _COMPRESSOR,
    )


def _agreed_deflate(
    response: ResponseHead, *, offered: bool
) -> tuple[str, PerMessageDeflate | None]:
    """Why a client cannot accept the answer's extensions, or empty; and what it has agreed to."""
    deflate: PerMessageDeflate | None = None
    factory = _client_deflate()
    for field in response.get_all(b"sec-websocket-extensions"):
        try:
            for name, parameters in parse_extension(field.stripped.decode("latin-1")):
                if name != _DEFLATE or not offered:
                    return f"{name} was not offered", None
                accepted = [] if deflate is None else [deflate]
                deflate = factory.process_response_params(parameters, accepted)
        except InvalidHandshake as error:
            return str(error), None
    return "", deflate


def _client_deflate() -> ClientPerMessageDeflateFactory:
    return ClientPerMessageDeflateFactory(
        client_max_window_bits=True, compress_settings=_COMPRESSOR
    )


def _upgrades(head: Head) -> bool:
    """Whether both fields ask for the change of protocol."""
    upgrade = [token.lower() for token in tokens(head, b"upgrade")]
    connection = [token.lower() for token in tokens(head, b"connection")]
    return b"websocket" in upgrade and b"upgrade" in connection


def _decoded_size(key: bytes) -> int | None:
    try:
        return len(base64.b64decode(key, validate=True))
    except binascii.Error:
        return None
