"""What a user can set for the relay, beyond what one session needs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from ws76proxy.relay.behind import Network
from ws76proxy.session import SessionOptions

__all__ = ["RelayOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """Settings of a relay; times in seconds, sizes in bytes.

    `write_buffer` is how much may wait for a slow reader before its peer is not read any more.
    `idle_timeout` 0 means never. `reuse_port` lets other processes listen on the same port.
    `proxy_protocol` wants a PROXY header from every client, which must come from `trusted_proxies`
    where that names any; `send_proxy_protocol` sends one to the server. `drain_quiet` is how long
    nothing has come in a session that counts as idle while the relay drains.
    """

    session: SessionOptions
    host: str = "127.0.0.1"
    port: int = 8076
    listener_tls: ssl.SSLContext | None = None
    upstream_tls: ssl.SSLContext | None = None
    handshake_timeout: float = 30.0
    idle_timeout: float = 3600.0
    close_timeout: float = 10.0
    max_connections: int = 10_000
    write_buffer: int = 262_144
    reuse_port: bool = False
    proxy_protocol: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    send_proxy_protocol: Literal["v1", "v2"] | None = None
    drain_quiet: float = 1.0
