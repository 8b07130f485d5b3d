"""Subprotocols: a list in RFC 6455, one string in hixie; and those that stand for binary data."""

from __future__ import annotations

import re

import msgspec

from ws76proxy.bridge.model import BridgeOptions
from ws76proxy.diagnosis import Diagnosis, Stream, found
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.wire import rfc6455
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = ["Subprotocols", "answered_protocol", "choose", "map_back"]

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_BINARY, _BASE64 = b"binary", b"base64"


class Subprotocols(msgspec.Struct, frozen=True):
    """`asked`: what the client asks for, in its order; `offered`: what the server is asked for.

    `stands_for_binary`: they were translated between websockify's `base64` on the hixie side and
    `binary` on the other.
    """

    asked: tuple[bytes, ...]
    offered: tuple[bytes, ...]
    stands_for_binary: bool = False


def _asked_protocols(head: RequestHead, dialect: Dialect) -> tuple[bytes, ...]:
    """What a request asks for: a list in RFC 6455, one string or none in hixie."""
    if dialect is Dialect.RFC_6455:
        return rfc6455.tokens(head, b"sec-websocket-protocol")
    value = head.value(_hixie_name(dialect))
    return () if value is None else (value,)


def answered_protocol(head: ResponseHead, dialect: Dialect) -> bytes | None:
    """What an answer names, if anything."""
    if dialect is Dialect.RFC_6455:
        return b", ".join(rfc6455.tokens(head, b"sec-websocket-protocol")) or None
    return head.value(_hixie_name(dialect))


def choose(
    head: RequestHead, came: Dialect, to: Dialect, options: BridgeOptions
) -> tuple[Subprotocols, list[Diagnosis]]:
    """What the server is asked for, in place of what the client asked for."""
    asked = _asked_protocols(head, came)
    if not asked or (came is Dialect.RFC_6455) is (to is Dialect.RFC_6455):
        return Subprotocols(asked, asked), []
    if came is Dialect.RFC_6455:
        return _one_of(head, asked, options)
    return _list_of(head, asked[0], options)


def map_back(
    protocols: Subprotocols, answered: bytes | None, came: Dialect, to: Dialect
) -> tuple[bytes | None, bool, tuple[str, str] | None]:
    """What the client is told for the server's choice; whether text then stands for binary data;
    and the finding to be told of it: its code and detail."""
    asked, offered = protocols.asked, protocols.offered
    was_offered = answered is not None and answered in offered
    is_binary = protocols.stands_for_binary and was_offered
    if came is Dialect.RFC_6455:
        if is_binary and _BINARY in asked:
            return _BINARY, True, None
        if answered is None or answered in asked:
            return answered, False, None
    elif was_offered:
        return asked[0], is_binary and answered == _BINARY, None
    elif answered is None:
        if not asked or to is not Dialect.RFC_6455:
            return None, False, None
        detail = f"the client asks for {quoted(asked[0])}, and the server chose none"
        return asked[0], False, ("bridge-subprotocol-unanswered", detail)
    elif asked and to is not Dialect.RFC_6455:
        # As it would fail without us.
        return answered, False, None
    wanted = ", ".join(quoted(one) for one in asked) or "none"
    detail = f"asked for: {wanted}; found {quoted(answered or b'')}"
    return None, False, ("bridge-subprotocol-unwanted", detail)


def _one_of(
    head: RequestHead, asked: tuple[bytes, ...], options: BridgeOptions
) -> tuple[Subprotocols, list[Diagnosis]]:
    listed = ", ".join(quoted(one) for one in asked)
    wanted, diagnoses = options.subprotocol, []
    if wanted is not None and wanted not in asked:
        detail = f"{quoted(wanted)} is not among {listed}"
        diagnoses.append(_at_field(head, "bridge-subprotocol-unoffered", detail))
        wanted = None
    means_binary = wanted in (_BINARY, _BASE64) or (
        wanted is None and (_BINARY in asked or _BASE64 in asked)
    )
    if options.binary == "base64" and means_binary:
        return Subprotocols(asked, (_BASE64,), stands_for_binary=True), diagnoses
    if wanted is None and len(asked) > 1 and not diagnoses:
        detail = f"{quoted(asked[0])}, the first of {listed}"
        diagnoses.append(_at_field(head, "bridge-subprotocol-chosen", detail))
    return Subprotocols(asked, (wanted or asked[0],)), diagnoses


def _list_of(
    head: RequestHead, asked: bytes, options: BridgeOptions
) -> tuple[Subprotocols, list[Diagnosis]]:
    if asked == _BASE64 and options.binary == "base64":
        return Subprotocols((asked,), (_BINARY, _BASE64), stands_for_binary=True), []
    # Some clients of hixie, too, write a list: to them it is one string.
    members = tuple(member.strip() for member in asked.split(b","))
    if all(_TOKEN.match(member) for member in members):
        return Subprotocols((asked,), members), []
    detail = f"{quoted(asked)} is no token"
    return Subprotocols((asked,), ()), [
        _at_field(head, "bridge-subprotocol-untranslatable", detail)
    ]


def _at_field(head: Head, code: str, detail: str) -> Diagnosis:
    field = head.get(b"sec-websocket-protocol") or head.get(b"websocket-protocol")
    if field is None:
        return found(code, detail, stream=Stream.CLIENT)
    return found(code, detail, stream=Stream.CLIENT, offset=field.offset, evidence=field.raw)


def _hixie_name(dialect: Dialect) -> bytes:
    return b"websocket-protocol" if dialect is Dialect.HIXIE_75 else b"sec-websocket-protocol"
