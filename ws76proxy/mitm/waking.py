"""Events of our own for the layer of a flow: it wakes when a script has done something."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy import events

from ws76proxy.mitm.layer import WakeInjected

__all__ = ["inject", "waker_of"]


def inject(event: events.MessageInjected[None]) -> None:
    """Have the layer of this event's flow handle it, if there is one still."""
    proxyserver = ctx.master.addons.get("proxyserver")
    if isinstance(proxyserver, Proxyserver):
        # ValueError: the connection has gone meanwhile, and all with it.
        with contextlib.suppress(ValueError):
            proxyserver.inject_event(event)


def waker_of(flow: http.HTTPFlow) -> Callable[[], None]:
    """What wakes this flow's layer; it may be called from any thread, and does not hold the flow.

    Before the handshake is done there is no layer: then it comes to nothing, and what was done is
    seen to with the handshake.
    """
    reference = weakref.ref(flow)
    loop = asyncio.get_running_loop()

    def wake_here() -> None:
        flow = reference()
        if flow is not None and flow.websocket is not None:
            inject(WakeInjected(flow, None))

    def wake() -> None:
        # RuntimeError: the loop has ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(wake_here)

    return wake
