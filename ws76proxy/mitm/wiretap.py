"""The bytes of a handshake just as they come from either peer, for a recording."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from mitmproxy import http

from ws76proxy.session import Peer

__all__ = ["Wiretap", "attach", "tap_of"]

_taps: WeakKeyDictionary[http.Request, Wiretap] = WeakKeyDictionary()


class Wiretap:
    """What both peers send of one exchange.

    Pieces wait until somebody says with `listen` that he wants them, or with `close` that nobody
    does; that is asked as soon as the request's head is whole.
    """

    def __init__(self) -> None:
        self._listener: Callable[[Peer, bytes], None] = self._keep
        self._kept: list[tuple[Peer, bytes]] = []
        self.is_closed = False

    def received(self, peer: Peer, data: bytes) -> None:
        """Bytes have come from a peer."""
        if not self.is_closed:
            self._listener(peer, data)

    def listen(self, listener: Callable[[Peer, bytes], None]) -> None:
        """Give the listener every piece, those that have come before at once."""
        self._listener = listener
        kept, self._kept = self._kept, []
        for peer, data in kept:
            listener(peer, data)

    def close(self) -> None:
        """Nobody wants more."""
        self.is_closed = True
        self._listener = self._keep
        self._kept.clear()

    def _keep(self, peer: Peer, data: bytes) -> None:
        self._kept.append((peer, data))


def attach(request: http.Request, tap: Wiretap) -> None:
    """The exchange that begins with this request is the one that is tapped."""
    _taps[request] = tap


def tap_of(request: http.Request) -> Wiretap | None:
    """What taps the exchange of a request; None where it came over no connection."""
    return _taps.get(request)
