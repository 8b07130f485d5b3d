"""A request line in pieces inside a tunnel: HTTP, where mitmproxy would take it for raw TCP."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from mitmproxy import ctx
from mitmproxy.proxy import events
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import HttpLayer

__all__ = ["next_layer"]

_METHOD = b"GET "
_REST_OF_A_HEAD = b"/ HTTP/1.1\r\nHost: rest.invalid\r\n\r\n"
_MOST = 8192


def next_layer(nextlayer: NextLayer) -> None:
    """Choose HTTP for the beginning of a GET where mitmproxy would choose it for a whole one.

    Its own choice is asked with a whole request in place of the piece, so that every option that
    has a say in it keeps it.
    """
    data = nextlayer.data_client()
    if (
        nextlayer.layer is not None
        or not data
        or b"\n" in data
        or len(data) > _MOST
        or nextlayer.data_server()
        or data[: len(_METHOD)] != _METHOD[: len(data)]
    ):
        return
    stock = ctx.master.addons.get("nextlayer")
    # Whether a host is to be ignored may depend on a Host field that has not come yet.
    if stock is None or ctx.options.ignore_hosts or ctx.options.allow_hosts:
        return
    context = nextlayer.context.fork()
    probe = NextLayer(context)
    probe.events.append(events.DataReceived(context.client, _METHOD + _REST_OF_A_HEAD))
    stock.next_layer(probe)
    if isinstance(probe.layer, HttpLayer):
        nextlayer.layer = HttpLayer(nextlayer.context, probe.layer.mode)
