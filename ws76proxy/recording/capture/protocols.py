"""What a connection speaks, from the first bytes of both sides: is it one for us?"""

from __future__ import annotations

import re
from enum import Enum
from typing import Literal

from ws76proxy.wire import detect
from ws76proxy.wire.dialect import FLASH_POLICY_REQUEST

__all__ = ["Passed", "begins_request", "protocol_of"]

_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32} [^\r\n]* HTTP/\d")
_ENOUGH_TO_RECOGNISE = 1024
_TLS_HANDSHAKE = b"\x16\x03"
# A server that speaks TLS answers with an alert or a handshake.
_TLS_RECORDS = (0x15, 0x16)


class Passed(Enum):
    """Why a connection is no session."""

    TLS = "encrypted (TLS)"
    NOT_HTTP = "that speak no HTTP"
    MIDDLE = "of which the capture has no request"


def begins_request(data: bytes) -> bool:
    """Whether these bytes begin with the first line of an HTTP request."""
    return _REQUEST_LINE.match(data) is not None


def protocol_of(
    client: bytes, server: bytes, *, is_last: bool, has_ended: bool
) -> Passed | Literal["HTTP"] | None:
    """Whether what both have said so far is to be told as a session; None: too early to say.

    Told is what a relay for WebSockets would have to do with: HTTP, Flash's question for a policy,
    and TLS where the server does not speak it. `is_last`: no more can be waited for; `has_ended`:
    because a peer has ended the connection.
    """
    line, line_end, _ = client.lstrip(b"\r\n")[:_ENOUGH_TO_RECOGNISE].partition(b"\n")
    if begins_request(line) or client.startswith(FLASH_POLICY_REQUEST):
        return "HTTP"
    if server.startswith(b"HTTP/"):
        return "HTTP"
    if client.startswith(_TLS_HANDSHAKE):
        if server:
            return Passed.TLS if server[0] in _TLS_RECORDS else "HTTP"
        if is_last:
            return "HTTP" if has_ended else Passed.TLS
        return None
    may_become_a_request = not line_end and detect(line) is None
    if is_last:
        return "HTTP" if client and may_become_a_request else Passed.NOT_HTTP
    if may_become_a_request or not server:
        return None
    return Passed.NOT_HTTP
