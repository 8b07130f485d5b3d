"""The addon that mitmproxy loads."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import mitmproxy.types
from mitmproxy import command, ctx, exceptions, flow, hooks, http
from mitmproxy.addonmanager import Loader
from mitmproxy.log import ALERT
from mitmproxy.proxy.layer import NextLayer

from ws76proxy.errors import UsageError
from ws76proxy.mitm import client_replay, early, patches, selftest
from ws76proxy.mitm.editing import Edits
from ws76proxy.mitm.handshakes import open_handshakes
from ws76proxy.mitm.hooks import Hooks
from ws76proxy.mitm.layer import Awaited
from ws76proxy.mitm.plans import plans_in
from ws76proxy.mitm.recording import Recording
from ws76proxy.mitm.server_replay import ServerReplay
from ws76proxy.mitm.settings import (
    EDITING_OPTIONS,
    add_options,
    read_options,
    recording_options,
)
from ws76proxy.mitm.view import add_view
from ws76proxy.mitm.web import enable_replay_button
from ws76proxy.replay import Plan

__all__ = ["Ws76"]

logger = logging.getLogger(__name__)


class Ws76(Hooks):
    """Hixie-76 and hixie-75 sessions as WebSocket flows; everything else is left as it is."""

    name = "ws76"

    def __init__(self) -> None:
        self._recording = Recording()
        self._servers = ServerReplay()
        self._edits = Edits()
        self._is_starting = True
        super().__init__(
            lambda: read_options(ctx.options),
            lambda: ctx.options.websocket,
            lambda: self._recording.run,
            self._servers.choose,
            lambda: self._edits.editing,
        )
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
        enable_replay_button()

    def configure(self, updated: set[str]) -> None:
        """Do what the options about recordings ask for, where they have been set."""
        is_starting, self._is_starting = self._is_starting, False
        if not self.is_active:
            return
        try:
            if any(name.startswith("ws76_record") for name in updated):
                self._recording.configure(recording_options(ctx.options))
            if not EDITING_OPTIONS.isdisjoint(updated):
                self._edits.configure(ctx.options)
            if "ws76_replay_server" in updated:
                self._play_servers(ctx.options.ws76_replay_server)
            if "ws76_replay_client" in updated and ctx.options.ws76_replay_client:
                client_replay.enqueue(plans_in(ctx.options.ws76_replay_client))
        except UsageError as error:
            if is_starting:
                # As in `load`.
                logger.error("%s", error)
            else:
                raise exceptions.OptionsError(str(error)) from error

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

    async def ws76_await(self, awaited: Awaited) -> None:
        """A script takes its time; the flow's layer waits."""
        try:
            await awaited.awaitable
        except Exception as error:  # noqa: BLE001 - whatever it is, the session goes on
            awaited.error = error

    # No digit in the name: mitmweb would not take the command.
    @command.command("hixie.edit")  # type: ignore[untyped-decorator]
    def edit(self, flow: flow.Flow, text: str) -> None:
        """Give the message that an intercepted WebSocket flow waits with another text."""
        if not isinstance(flow, http.HTTPFlow) or not flow.websocket or not flow.intercepted:
            raise exceptions.CommandError("No message waits in this flow: intercept one first.")
        flow.backup()
        flow.websocket.messages[-1].content = text.encode()
        ctx.master.addons.trigger(hooks.UpdateHook([flow]))

    @command.command("hixie.replay.client")  # type: ignore[untyped-decorator]
    def replay_client(self, path: mitmproxy.types.Path) -> None:
        """Play the clients of the sessions in a recording against their servers."""
        with _as_command():
            count = client_replay.enqueue(plans_in([path]))
        logger.log(ALERT, "%d recorded sessions will be played.", count)

    @command.command("hixie.replay.server")  # type: ignore[untyped-decorator]
    def replay_server(self, path: mitmproxy.types.Path) -> None:
        """Answer for the servers of the sessions in a recording, besides those that are played."""
        with _as_command():
            self._play_servers([path], self._servers.plans)

    @command.command("hixie.replay.server.stop")  # type: ignore[untyped-decorator]
    def stop_replay_server(self) -> None:
        """Let the real servers answer again."""
        self._servers.play([])
        logger.log(ALERT, "No recorded servers are played any more.")

    def _play_servers(self, paths: Sequence[str], others: Sequence[Plan] = ()) -> None:
        plans = [*others, *(plans_in(paths) if paths else [])]
        count = self._servers.play(plans)
        if not count:
            return
        logger.log(ALERT, "The servers of %d recorded sessions are played.", count)
        if ctx.options.connection_strategy != "lazy":
            # Otherwise mitmproxy connects to the server before it knows what is asked for.
            ctx.options.connection_strategy = "lazy"

    def done(self) -> None:
        """Leave mitmproxy as it was."""
        if self._remove_view is not None:
            self._remove_view()
            self._remove_view = None
        if ctx.master.should_exit.is_set():
            for handshake in open_handshakes():
                handshake.break_off()
        self._edits.stop()
        self._recording.stop()
        patches.uninstall()


@contextmanager
def _as_command() -> Iterator[None]:
    """A user's fault is a command's error."""
    try:
        yield
    except UsageError as error:
        raise exceptions.CommandError(str(error)) from error
