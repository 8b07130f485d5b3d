"""Waking the layer of a flow when a script has done something while nobody looked."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver

from ws76proxy.mitm.layer import WakeInjected

__all__ = ["waker_of"]


def waker_of(flow: http.HTTPFlow) -> Callable[[], None]:
    """What wakes this flow's layer; it may be called from any thread, and does not hold the flow.

    Before the handshake is done there is no layer: then it comes to nothing, and what was done is
    seen to with the handshake.
    """
    reference = weakref.ref(flow)
    loop = asyncio.get_running_loop()

    def inject() -> None:
        flow = reference()
        proxyserver = ctx.master.addons.get("proxyserver")
        if flow is not None and flow.websocket is not None and isinstance(proxyserver, Proxyserver):
            # ValueError: the connection has gone meanwhile, and all with it.
            with contextlib.suppress(ValueError):
                proxyserver.inject_event(WakeInjected(flow, None))

    def wake() -> None:
        # RuntimeError: the loop has ended.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(inject)

    return wake
