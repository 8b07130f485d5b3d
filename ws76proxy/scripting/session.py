"""A session as a script sees it: what it is, what may be done in it."""

from __future__ import annotations

from typing import Any

from ws76proxy.scripting.deeds import (
    Closing,
    Deeds,
    End,
    How,
    Injection,
    Mark,
    Side,
    framable,
    must_be_one_of,
)
from ws76proxy.scripting.headers import Headers
from ws76proxy.wire.head import RequestHead

__all__ = ["Session"]


class Session:
    """One intercepted connection, for one script.

    `number` counts sessions from 1. `dialect` is "hixie-76", "hixie-75", … `client` is the
    client's address. `request` has the fields of the opening handshake as the client sent it,
    `path` and `query` its resource before and behind the first "?". `state` is the script's own,
    and lives as long as the session.

    What a function asks for here is done when it has returned, behind the message that it was
    about; what it asks for before it awaits something is done meanwhile. A task that a script has
    started may ask too: that is done soon. `inject`, `inject_raw`, `close` and `mark` raise
    TooManyDeeds when more waits than `ScriptLimits` allow, SessionOver when the session has ended.
    """

    __slots__ = (
        "_deeds",
        "client",
        "dialect",
        "number",
        "path",
        "query",
        "request",
        "script",
        "state",
    )

    def __init__(
        self,
        number: int,
        dialect: str,
        client: str,
        request: RequestHead,
        *,
        script: str = "",
        deeds: Deeds | None = None,
    ) -> None:
        """For whoever runs scripts, and for their tests: what they ask for goes into `deeds`."""
        self.number = number
        self.dialect = dialect
        self.client = client
        self.request = Headers(request)
        path, _, query = request.target.decode("latin-1").partition("?")
        self.path = path
        self.query = query
        self.script = script
        self.state: dict[Any, Any] = {}
        self._deeds = Deeds() if deeds is None else deeds

    @property
    def is_over(self) -> bool:
        """Whether the session has ended, so that nothing can be asked for any more."""
        return self._deeds.is_over

    def inject(self, to: Side, content: str | bytes) -> None:
        """Send a text message to one side ("client" or "server") in the other's name.

        Neither scripts nor rules see it. Raises LocalProtocolError for the byte 0xFF or a lone
        surrogate: no text frame can hold them.
        """
        must_be_one_of("to", to, "client", "server")
        payload = framable(content)
        self._deeds.add(Injection(self.script, to, payload, is_raw=False), len(payload))

    def inject_raw(self, to: Side, data: bytes) -> None:
        """Send bytes as they are: any frames, or none."""
        must_be_one_of("to", to, "client", "server")
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"expected bytes, found {type(data).__name__}")
        self._deeds.add(Injection(self.script, to, bytes(data), is_raw=True), len(data))

    def close(self, how: How = "closing-handshake", to: End = "both") -> None:
        """End the connection to one side or to both: with FF 00, with a TCP FIN, or with a RST."""
        must_be_one_of("how", how, "closing-handshake", "fin", "reset")
        must_be_one_of("to", to, "client", "server", "both")
        self._deeds.add(Closing(self.script, how, to), 0)

    def mark(self, text: str) -> None:
        """Put a remark into the session's record."""
        if not isinstance(text, str):
            raise TypeError(f"expected text, found {type(text).__name__}")
        self._deeds.add(Mark(self.script, text), len(text))

    def __repr__(self) -> str:
        return f"<session {self.number}, {self.dialect}, {self.path!r}, client {self.client}>"
