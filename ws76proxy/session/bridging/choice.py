"""Which dialect a server is asked in, and what is remembered of that."""

from __future__ import annotations

from collections.abc import Callable

from ws76proxy.bridge import DIALECTS
from ws76proxy.session.options import SessionOptions
from ws76proxy.wire.dialect import Dialect

__all__ = ["DialectMemory", "server_dialects"]

_DEFAULT_MEMORY = 300.0
_LIKELY = (Dialect.RFC_6455, Dialect.HIXIE_76, Dialect.HIXIE_75)


class DialectMemory:
    """What servers have turned out to speak, each kept for `seconds`.

    `clock` gives seconds and never jumps.
    """

    def __init__(self, clock: Callable[[], float], seconds: float = _DEFAULT_MEMORY) -> None:
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
