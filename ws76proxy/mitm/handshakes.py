"""Which flow has a handshake of hixie: from the request's head until all is over."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from mitmproxy import http

from ws76proxy.mitm.bridged import BridgedHandshake
from ws76proxy.mitm.handshake import Handshake
from ws76proxy.mitm.pristine import websocket_of_request
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.wiretap import tap_of
from ws76proxy.session import Editing
from ws76proxy.wire import Dialect

__all__ = ["begin", "forget", "handshake_of", "open_handshakes"]

_handshakes: WeakKeyDictionary[http.HTTPFlow, Handshake] = WeakKeyDictionary()


def handshake_of(flow: http.HTTPFlow) -> Handshake | None:
    """The handshake that a flow is about; None for all other flows."""
    return _handshakes.get(flow)


def begin(
    flow: http.HTTPFlow,
    settings: Settings,
    numbers: Iterator[int],
    run: Run | None = None,
    editing: Editing | None = None,
    *,
    websocket: bool = True,
) -> Handshake | None:
    """A request's head has come: its handshake, if it is one of hixie or to be bridged; it takes a
    number then.

    `run` is who records it, `editing` who may change it; None: nobody. `websocket`: whether frames
    will be read, without which nothing can be bridged.
    """
    # A flow that is read from a file goes through the same hooks, and has been told of.
    dialect = websocket_of_request(flow.request) if flow.live else Dialect.HTTP
    server = _bridged_to(dialect, settings) if websocket else None
    tap = tap_of(flow.request)
    if server is None and not dialect.is_hixie:
        if tap is not None:
            tap.close()
        return None
    number = next(numbers)
    if server is None:
        handshake = Handshake(flow, dialect, settings, number, run, editing)
    else:
        handshake = BridgedHandshake(flow, dialect, server, settings, number, run, editing)
    _handshakes[flow] = handshake
    if tap is not None:
        if run is None:
            tap.close()
        else:
            tap.listen(handshake.received)
    return handshake


def _bridged_to(client: Dialect, settings: Settings) -> Dialect | None:
    """What the server is asked in where that is not what the client speaks."""
    server = settings.server_dialect
    is_modern = client in (Dialect.RFC_6455, Dialect.HYBI_DRAFT)
    if not client.is_websocket or server is client or (is_modern and server is Dialect.RFC_6455):
        return None
    return server


def forget(flow: http.HTTPFlow) -> None:
    """The flow is over."""
    _handshakes.pop(flow, None)
    vars(flow).pop("kill", None)
    tap = tap_of(flow.request)
    if tap is not None:
        tap.close()


def open_handshakes() -> list[Handshake]:
    """All that have begun and not ended."""
    return list(_handshakes.values())
