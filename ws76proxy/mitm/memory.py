"""A mitmproxy layer driven without sockets: events in, and what it sends, opens and closes."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from mitmproxy import connection
from mitmproxy.optmanager import OptManager
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_specs import ProxyMode

__all__ = ["Wires", "make_context"]


def make_context(
    options: OptManager,
    *,
    mode: str = "regular",
    server: tuple[str, int] | None = None,
    **overrides: object,
) -> Context:
    """The context of a client that has just connected; every option at its default but these."""
    values: dict[str, Any] = {name: option.default for name, option in options.items()}
    client = connection.Client(
        peername=("127.0.0.1", 50000),
        sockname=("127.0.0.1", 8080),
        timestamp_start=0.0,
        state=connection.ConnectionState.OPEN,
        proxy_mode=ProxyMode.parse(mode),
    )
    context = Context(client, cast("Any", SimpleNamespace(**(values | overrides))))
    context.server.address = server
    return context


class Wires:
    """The world around a layer.

    `hook` is called for each hook and does what addons would. With `hold` it may keep one: then it
    returns true, and `let_go` completes the hook later. Servers are always reached.
    """

    def __init__(
        self,
        top: layer.Layer,
        context: Context,
        hook: Callable[[commands.StartHook], object],
    ) -> None:
        self._top = top
        self._hook = hook
        self._waiting: deque[events.Event] = deque()
        self.context = context
        self.sent: dict[connection.Connection, list[bytes]] = {context.client: []}
        self.closed: list[connection.Connection] = []
        self.opened: list[connection.Server] = []
        self.logs: list[commands.Log] = []
        self.wakeups: list[commands.RequestWakeup] = []
        self.held: list[commands.StartHook] = []
        self.feed(events.Start())

    @property
    def client(self) -> connection.Client:
        """The connection to the client."""
        return self.context.client

    @property
    def server(self) -> connection.Server:
        """The last connection that was opened to a server."""
        return self.opened[-1]

    @property
    def to_client(self) -> bytes:
        """Everything that the client was sent."""
        return b"".join(self.sent[self.client])

    @property
    def to_server(self) -> bytes:
        """Everything that the last server was sent."""
        return b"".join(self.sent[self.server]) if self.opened else b""

    def from_client(self, data: bytes) -> None:
        """The client says something."""
        self._from(self.client, data)

    def from_server(self, data: bytes) -> None:
        """The server says something."""
        self._from(self.server, data)

    def end(self, conn: connection.Connection) -> None:
        """A peer closes its side."""
        if conn not in self.closed and conn.state & connection.ConnectionState.CAN_READ:
            conn.state &= ~connection.ConnectionState.CAN_READ
            self.feed(events.ConnectionClosed(conn))

    def wake(self) -> None:
        """The time has come for which the layer has asked first."""
        self.feed(events.Wakeup(self.wakeups.pop(0)))

    def let_go(self) -> None:
        """Complete the hook that has been held longest."""
        self.feed(events.HookCompleted(self.held.pop(0)))

    def feed(self, event: events.Event) -> None:
        """Have the layer handle an event, and everything that follows from it."""
        self._waiting.append(event)
        while self._waiting:
            for command in self._top.handle_event(self._waiting.popleft()):
                self._carry_out(command)

    def _from(self, conn: connection.Connection, data: bytes) -> None:
        if conn not in self.closed and conn.state & connection.ConnectionState.CAN_READ:
            self.feed(events.DataReceived(conn, data))

    def _carry_out(self, command: commands.Command) -> None:
        if isinstance(command, commands.StartHook):
            if self._hook(command):
                self.held.append(command)
            elif command.blocking:
                self._waiting.append(events.HookCompleted(command))
        elif isinstance(command, commands.OpenConnection):
            command.connection.state = connection.ConnectionState.OPEN
            command.connection.timestamp_start = 0.0
            self.opened.append(command.connection)
            self.sent[command.connection] = []
            self._waiting.append(events.OpenConnectionCompleted(command, None))
        elif isinstance(command, commands.SendData):
            if command.connection not in self.closed:
                self.sent[command.connection].append(command.data)
        elif isinstance(command, commands.CloseConnection):
            if command.connection not in self.closed:
                self.closed.append(command.connection)
                command.connection.state = connection.ConnectionState.CLOSED
        elif isinstance(command, commands.RequestWakeup):
            self.wakeups.append(command)
        elif isinstance(command, commands.Log):
            self.logs.append(command)
