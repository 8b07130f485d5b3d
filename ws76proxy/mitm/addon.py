"""The addon that mitmproxy loads."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import logging
from collections.abc import Callable

from mitmproxy import command, ctx, exceptions, flow, hooks, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy.layer import NextLayer

from ws76proxy.mitm import early, patches, selftest
from ws76proxy.mitm.hooks import Hooks
from ws76proxy.mitm.settings import add_options, read_options
from ws76proxy.mitm.view import add_view

__all__ = ["Ws76"]

logger = logging.getLogger(__name__)


class Ws76(Hooks):
    """Hixie-76 and hixie-75 sessions as WebSocket flows; everything else is left as it is."""

    name = "ws76"

    def __init__(self) -> None:
        super().__init__(lambda: read_options(ctx.options), lambda: ctx.options.websocket)
        self._remove_view: Callable[[], None] | None = None

    def load(self, loader: Loader) -> None:
        """Add the options; change mitmproxy, or refuse to be loaded where it is not as known."""
        add_options(loader)
        try:
            patches.install()
            selftest.run(ctx.options)
        except patches.UnknownMitmproxyError as error:
            patches.uninstall()
            # An exception would be lost, or shown with a traceback: scripts are loaded in a task.
            # An error that is logged while mitmdump starts ends it.
            logger.error("%s", error)
            return
        self._remove_view = add_view()

    @property
    def is_active(self) -> bool:
        """Whether mitmproxy was as expected."""
        return self._remove_view is not None

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if self.is_active:
            super().requestheaders(flow)

    def next_layer(self, nextlayer: NextLayer) -> None:
        """A first segment that ends inside the request line is HTTP nevertheless."""
        if self.is_active:
            early.next_layer(nextlayer)

    # No digit in the name: mitmweb would not take the command.
    @command.command("hixie.edit")  # type: ignore[untyped-decorator]
    def edit(self, flow: flow.Flow, text: str) -> None:
        """Give the message that an intercepted WebSocket flow waits with another text."""
        if not isinstance(flow, http.HTTPFlow) or not flow.websocket or not flow.intercepted:
            raise exceptions.CommandError("No message waits in this flow: intercept one first.")
        flow.backup()
        flow.websocket.messages[-1].content = text.encode()
        ctx.master.addons.trigger(hooks.UpdateHook([flow]))

    def done(self) -> None:
        """Leave mitmproxy as it was."""
        if self._remove_view is not None:
            self._remove_view()
            self._remove_view = None
        patches.uninstall()
