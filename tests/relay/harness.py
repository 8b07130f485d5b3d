"""A relay in the test's own process, on a port of its own choice, with a listener that records."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from ws76proxy.endpoint import Endpoint
from ws76proxy.relay import Relay, RelayOptions
from ws76proxy.relay.outlet import Listener
from ws76proxy.relay.pump import Pump
from ws76proxy.session import Editing, SessionOptions

from .ends import End, connecting
from .recorder import Recorder


async def turn_until(condition: Callable[[], bool]) -> None:
    """Let the event loop turn until something is so that no event tells."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0)


class Running:
    """A relay that serves."""

    def __init__(self, relay: Relay, recorder: Recorder, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack
        self.relay = relay
        self.recorder = recorder
        self.host, self.port = relay.addresses[0]

    def client(
        self, *, tls: ssl.SSLContext | None = None, name: str | None = None
    ) -> contextlib.AbstractAsyncContextManager[End]:
        """A client of it."""
        return connecting(self.port, self.host, tls=tls, name=name)

    async def until_pumps(self, count: int) -> None:
        """Wait until the relay has accepted so many connections that are not over."""
        await turn_until(lambda: len(self.relay._pumps) == count)

    async def stop(self) -> None:
        """End it before its context does."""
        await self._stack.aclose()

    @property
    def pumps(self) -> dict[int, Pump]:
        """What it runs for each session."""
        return self.relay._pumps


@contextlib.asynccontextmanager
async def relaying(
    port: int,
    host: str = "127.0.0.1",
    *,
    listen: str = "127.0.0.1",
    upstream_tls: ssl.SSLContext | None = None,
    listener_tls: ssl.SSLContext | None = None,
    session: dict[str, Any] | None = None,
    listeners: Sequence[Listener] = (),
    editing: Editing | None = None,
    **options: Any,
) -> AsyncIterator[Running]:
    """A relay to a server; `session` are options of each session, `options` the relay's.

    `listeners` are told everything too; `editing` may change what passes."""
    recorder = Recorder()
    settings = RelayOptions(
        session=SessionOptions(
            upstream=Endpoint(upstream_tls is not None, host, port),
            listener=Endpoint(listener_tls is not None, listen, 0),
            **(session or {}),
        ),
        host=listen,
        port=0,
        upstream_tls=upstream_tls,
        listener_tls=listener_tls,
        **{"close_timeout": 5.0, **options},
    )
    async with contextlib.AsyncExitStack() as stack:
        relay = await stack.enter_async_context(Relay(settings, [recorder, *listeners], editing))
        yield Running(relay, recorder, stack)
    assert recorder.is_stopped
    assert not relay._pumps
