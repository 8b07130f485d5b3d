"""Which server is probed, and what every opening handshake to it says."""

from __future__ import annotations

from dataclasses import dataclass

from ws76proxy.endpoint import Endpoint

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """A server's WebSocket: where it is, and what its own client would send.

    `resource` is path and query; `origin` None: that of a page on the same server; `extra` are
    fields that go into every request, such as a Cookie. All text is Latin-1.
    """

    endpoint: Endpoint
    resource: str = "/"
    origin: str | None = None
    protocol: str | None = None
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def asked_origin(self) -> str:
        """The value of Origin, lower-case as the draft has it (4.1)."""
        return self.endpoint.web_origin.lower() if self.origin is None else self.origin

    @property
    def url(self) -> str:
        """The WebSocket's URL, its port left out where it is the scheme's (3.2)."""
        return f"{self.endpoint.scheme}://{self.endpoint.authority}{self.resource}"
