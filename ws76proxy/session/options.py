"""What a user can set for a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from ws76proxy.bridge import BridgeOptions
from ws76proxy.endpoint import Endpoint
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.frames import DEFAULT_MAX_MESSAGE
from ws76proxy.wire.head import DEFAULT_HEAD_LIMITS, HeadLimits

__all__ = ["SessionOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Settings of a session; sizes in bytes.

    `messages`, `adjustments` and `good_findings` say whether anybody listens to a record for each
    message, for each change of a head and for each check that passed: what nobody wants is not
    made. `lossless` asks for what a recording needs besides: the pieces of the opening handshake,
    and the bytes that no other record holds.

    `client_dialect`: what clients must speak; None: whatever they do. `server_dialect`: what the
    server is asked in, with `bridge` and, where a side speaks RFC 6455, a ping after each
    `ping_interval` seconds of its silence (0: none); "same": what the client speaks, its own bytes
    passed on; "auto": what turns out to be right.
    """

    upstream: Endpoint
    listener: Endpoint
    challenge: Literal["forward", "own"] = "forward"
    host: Literal["upstream", "keep"] = "upstream"
    repair: bool = False
    max_message: int = DEFAULT_MAX_MESSAGE
    head_limits: HeadLimits = DEFAULT_HEAD_LIMITS
    allow_origins: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    messages: bool = True
    adjustments: bool = True
    good_findings: bool = True
    lossless: bool = False
    client_dialect: Dialect | None = None
    server_dialect: Dialect | Literal["same", "auto"] = "same"
    bridge: BridgeOptions = field(default_factory=BridgeOptions)
    ping_interval: float = 0.0

    def allows_origin(self, origin: bytes | None) -> bool:
        """Whether a request's Origin is welcome: any where none is named; `*` and `?` match."""
        return _matches(self.allow_origins, origin)

    def allows_host(self, host: bytes | None) -> bool:
        """Whether a request's Host is welcome: any where none is named; `*` and `?` match."""
        return _matches(self.allow_hosts, host)


def _matches(patterns: tuple[str, ...], value: bytes | None) -> bool:
    if not patterns:
        return True
    if value is None:
        return False
    text = value.decode("latin-1").lower()
    return any(fnmatchcase(text, pattern.lower()) for pattern in patterns)
