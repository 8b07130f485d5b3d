"""Killing a hixie flow at any time: while it waits, while it is intercepted, while it talks."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.exceptions import ControlException

from ws76proxy.mitm.handshakes import handshake_of
from ws76proxy.mitm.layer import KillInjected
from ws76proxy.mitm.waking import inject

__all__ = ["make_killable"]


def make_killable(flow: http.HTTPFlow) -> None:
    """Give this flow a `kill` that wakes whoever waits for it."""

    def kill() -> None:
        if not flow.killable:
            raise ControlException("Flow is not killable.")
        handshake = handshake_of(flow)
        if handshake is not None:
            handshake.is_killed = True
        # Stock would clear the interception and wake nobody.
        flow.resume()
        http.HTTPFlow.kill(flow)
        if handshake is not None and handshake.is_in_layer:
            inject(KillInjected(flow, None))
        elif handshake is not None:
            _hang_up(flow)

    vars(flow)["kill"] = kill


def _hang_up(flow: http.HTTPFlow) -> None:
    proxyserver = ctx.master.addons.get("proxyserver")
    if not isinstance(proxyserver, Proxyserver):
        return
    handler = proxyserver.connections.get(flow.client_conn.id)
    if handler is not None and flow.client_conn in handler.transports:
        handler.close_connection(flow.client_conn)
