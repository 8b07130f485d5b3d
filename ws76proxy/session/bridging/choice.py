"""Which dialect a server is asked in, and which clients are served at all."""

from __future__ import annotations

from collections.abc import Callable

from ws76proxy.bridge import DIALECTS, Refusal
from ws76proxy.diagnosis import Stream, found
from ws76proxy.session.options import SessionOptions
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.head import RequestHead

__all__ = ["DEFAULT_MEMORY", "DialectMemory", "refuse_dialect", "server_dialects"]

DEFAULT_MEMORY = 300.0
_LIKELY = (Dialect.RFC_6455, Dialect.HIXIE_76, Dialect.HIXIE_75)


class DialectMemory:
    """What servers have turned out to speak, each kept for `seconds`.

    `clock` gives seconds and never jumps.
    """

    def __init__(self, clock: Callable[[], float], seconds: float = DEFAULT_MEMORY) -> None:
        self._clock = clock
        self.seconds = seconds
        self._known: dict[str, tuple[Dialect, float]] = {}

    def recall(self, server: str) -> Dialect | None:
        """What a server speaks, as far as it is known."""
        dialect, until = self._known.get(server, (None, 0.0))
        return dialect if self._clock() < until else None

    def remember(self, server: str, dialect: Dialect) -> bool:
        """A server has answered in this dialect; whether that is news."""
        is_news = self.recall(server) is not dialect
        if is_news:
            self._known[server] = dialect, self._clock() + self.seconds
        return is_news

    def forget(self, server: str) -> None:
        """It has not."""
        self._known.pop(server, None)


def server_dialects(
    options: SessionOptions, client: Dialect, memory: DialectMemory | None
) -> tuple[Dialect, ...]:
    """What the server of a client's session is to be asked in, one behind the other.

    Empty: nothing has to be translated, and the client's own bytes pass.
    """
    wanted = options.server_dialect
    if wanted == "same":
        return ()
    if wanted != "auto":
        return () if wanted is client and client.is_hixie else (wanted,)
    known = None if memory is None else memory.recall(str(options.upstream))
    if known is not None and known is client and client.is_hixie:
        return ()
    own = (client,) if client in DIALECTS else ()
    first = own if known is None else (known,)
    rest = (dialect for dialect in (*own, *_LIKELY) if dialect not in first)
    return (*first, *dict.fromkeys(rest))


def refuse_dialect(head: RequestHead, dialect: Dialect, wanted: Dialect | None) -> Refusal | None:
    """Why a client that speaks another dialect than it must is refused, or None."""
    if wanted is None or dialect is wanted or not dialect.is_websocket:
        return None
    detail = f"asked in {dialect}; expected {wanted}, as --client-dialect says"
    finding = found(
        "client-dialect-refused",
        detail,
        stream=Stream.CLIENT,
        offset=len(head.preamble),
        evidence=head.start_line,
    )
    text = f"This speaks the WebSocket protocol as {wanted}, and was asked in {dialect}.\n"
    if dialect.is_hixie:
        # There was no 426 when it was written, and it could not go on with one.
        return Refusal(400, "Bad Request", text, finding)
    fields: tuple[tuple[str, str], ...] = (("Upgrade", "WebSocket"),)
    if wanted is Dialect.RFC_6455:
        fields = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
    return Refusal(426, "Upgrade Required", text, finding, fields)
