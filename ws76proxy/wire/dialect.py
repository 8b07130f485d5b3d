"""From the first bytes of a connection to the protocol that they speak, or "need more"."""

from __future__ import annotations

import re
from enum import StrEnum

from ws76proxy.wire.head import RequestHead

__all__ = ["FLASH_POLICY_REQUEST", "Dialect", "detect", "dialect_of"]

FLASH_POLICY_REQUEST = b"<policy-file-request/>\0"

_BLANK_LINE = re.compile(rb"\n\r?\n")
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [^\r\n]*\Z")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}\Z")
_HIXIE_76_FIELD = re.compile(rb"^Sec-WebSocket-Key[12]:", re.IGNORECASE | re.MULTILINE)


class Dialect(StrEnum):
    """What a client speaks on a new connection."""

    HIXIE_76 = "hixie-76"
    HIXIE_75 = "hixie-75"
    RFC_6455 = "rfc6455"
    HYBI_DRAFT = "hybi-04..12"
    HTTP = "http"
    FLASH_POLICY = "flash-policy"
    TLS = "tls"
    UNKNOWN = "unknown"

    @property
    def is_hixie(self) -> bool:
        """Whether this package takes the handshake and the frames apart."""
        return self in (Dialect.HIXIE_76, Dialect.HIXIE_75)

    @property
    def is_websocket(self) -> bool:
        """Whether the client asks for a WebSocket of any age."""
        return self.is_hixie or self in (Dialect.RFC_6455, Dialect.HYBI_DRAFT)


def detect(data: bytes) -> Dialect | None:
    """The dialect of a client whose first bytes are `data`; None when they don't tell yet.

    Never waits for more than the head's blank line, and not even for that where a field has
    settled the matter.
    """
    if data[:1] == b"\x16":
        return _when_long_enough(data, b"\x16\x03", Dialect.TLS)
    if data[:1] == b"<":
        return _when_long_enough(data, FLASH_POLICY_REQUEST, Dialect.FLASH_POLICY)
    started = data.lstrip(b"\r\n")
    first_line, line_end, _ = started.partition(b"\n")
    request_line = _REQUEST_LINE.match(first_line.removesuffix(b"\r"))
    if not request_line and (line_end or not _METHOD.match(first_line)):
        return Dialect.UNKNOWN if started else None
    if not line_end:
        return None
    blank_line = _BLANK_LINE.search(started)
    if blank_line:
        return dialect_of(RequestHead(started[: blank_line.end()]))
    whole_lines = started[: started.rindex(b"\n")]
    return Dialect.HIXIE_76 if _HIXIE_76_FIELD.search(whole_lines) else None


def dialect_of(head: RequestHead) -> Dialect:
    """The dialect that a whole request head asks for.

    A ``Sec-WebSocket-Draft`` field, which some clients send, is only a hint and not looked at.
    """
    if head.get(b"sec-websocket-key1") or head.get(b"sec-websocket-key2"):
        return Dialect.HIXIE_76
    version = head.get(b"sec-websocket-version")
    if version is not None and version.stripped in (b"4", b"5", b"6", b"7", b"8"):
        return Dialect.HYBI_DRAFT
    if version is not None or head.get(b"sec-websocket-key"):
        return Dialect.RFC_6455
    upgrade = head.get(b"upgrade")
    if upgrade is not None and upgrade.stripped.lower() == b"websocket":
        return Dialect.HIXIE_75
    return Dialect.HTTP


def _when_long_enough(data: bytes, wanted: bytes, dialect: Dialect) -> Dialect | None:
    if data.startswith(wanted):
        return dialect
    return None if wanted.startswith(data) else Dialect.UNKNOWN
