"""Which names are replaced inside mitmproxy: checked first, and put back at the end."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from mitmproxy import version
from mitmproxy.addons import clientplayback, proxyserver
from mitmproxy.net.http import http1
from mitmproxy.proxy import server
from mitmproxy.proxy.layers import http as http_layers
from mitmproxy.proxy.layers import websocket
from mitmproxy.proxy.layers.http import _http1

from ws76proxy.errors import Ws76Error
from ws76proxy.mitm import client_replay, replacements

__all__ = ["PATCHES", "Patch", "UnknownMitmproxyError", "check", "install", "uninstall"]


class UnknownMitmproxyError(Ws76Error):
    """This mitmproxy is not built as this package knows it."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"ws76proxy does not know its way around mitmproxy {version.VERSION}: {what}"
            " (it is tested with 11.0.2 and 12.3.1)"
        )


class Patch(NamedTuple):
    """One name in mitmproxy: where it is, what its parameters must be, and what replaces it."""

    owner: Any
    name: str
    parameters: tuple[str, ...]
    replacement: Callable[[Any], Any]

    def __str__(self) -> str:
        owner = self.owner
        place = f"{owner.__module__}.{owner.__qualname__}" if inspect.isclass(owner) else ""
        return f"{place or owner.__name__}.{self.name}"


PATCHES = (
    Patch(http1, "expected_http_body_size", ("request", "response"), replacements.body_size),
    Patch(http1, "read_request_head", ("lines",), replacements.request_head_reader),
    Patch(_http1.Http1Server, "read_headers", ("self", "event"), replacements.request_reader),
    Patch(_http1.Http1Client, "read_headers", ("self", "event"), replacements.response_reader),
    Patch(_http1.Http1Client, "send", ("self", "event"), replacements.client_sender),
    Patch(_http1.Http1Connection, "_handle_event", ("self", "event"), replacements.event_handler),
    Patch(_http1.Http1Connection, "make_pipe", ("self",), replacements.pipe_maker),
    Patch(
        http_layers.HttpStream,
        "check_body_size",
        ("self", "request"),
        replacements.body_size_check,
    ),
    Patch(http_layers.HttpStream, "start_request_stream", ("self",), replacements.request_streamer),
    Patch(
        http_layers.HttpStream, "start_response_stream", ("self",), replacements.response_streamer
    ),
    Patch(server.ConnectionHandler, "drain_writers", ("self",), replacements.writers_drainer),
    Patch(clientplayback.ClientPlayback, "check", ("self", "f"), client_replay.flow_checker),
    Patch(clientplayback, "ReplayHandler", ("flow", "options"), client_replay.replay_handler),
    Patch(websocket, "WebsocketLayer", ("context", "flow"), replacements.websocket_layer),
)

# What is not replaced, but built upon: the replay of a client is a connection of its own.
_USED = (
    (server.LiveConnectionHandler, ("self", "reader", "writer", "options", "mode"), "__init__"),
    (server.ConnectionHandler, ("self",), "handle_client"),
    (server.ConnectionHandler, ("self", "hook"), "handle_hook"),
    (proxyserver.Proxyserver, ("self", "connection_id", "handler"), "register_connection"),
)

_stock: dict[Patch, Any] = {}


def check() -> None:
    """Look for every name; raises UnknownMitmproxyError where one is not there or not as known."""
    for patch in PATCHES:
        _check(str(patch), vars(patch.owner).get(patch.name), patch.parameters)
    for owner, parameters, name in _USED:
        place = f"{owner.__module__}.{owner.__qualname__}.{name}"
        _check(place, vars(owner).get(name), parameters)


def _check(place: str, found: Any, parameters: tuple[str, ...]) -> None:
    if not callable(found):
        raise UnknownMitmproxyError(f"there is no {place}")
    try:
        taken = tuple(inspect.signature(found).parameters)
    except (TypeError, ValueError):
        taken = ()
    if taken != parameters:
        raise UnknownMitmproxyError(
            f"{place} takes ({', '.join(taken)}) instead of ({', '.join(parameters)})"
        )


def install() -> None:
    """Put the replacements in place; raises UnknownMitmproxyError, and changes nothing then."""
    if _stock:
        return
    check()
    for patch in PATCHES:
        stock = vars(patch.owner)[patch.name]
        setattr(patch.owner, patch.name, patch.replacement(stock))
        _stock[patch] = stock


def uninstall() -> None:
    """Put everything back as it was."""
    for patch, stock in _stock.items():
        setattr(patch.owner, patch.name, stock)
    _stock.clear()
