"""A whole mitmproxy HTTP stack in memory, with the addon's hooks and nothing else."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from mitmproxy import http
from mitmproxy.addons.core import Core
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.options import Options
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from ws76proxy.mitm.hooks import Hooks
from ws76proxy.mitm.memory import Wires, make_context
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.settings import Settings
from ws76proxy.record import AnyRecord, Messages
from ws76proxy.session import Editing

__all__ = ["ANSWER", "DIGEST", "HEAD", "KEY3", "Memory", "stock_options"]

# The example of draft-76, 1.2.
HEAD = (
    b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\n"
    b"Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
    b"Origin: http://example.com\r\n\r\n"
)
KEY3 = b"^n:ds[4U"
ANSWER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo\r\nSec-WebSocket-Protocol: sample\r\n\r\n"
)
DIGEST = b"8jKS'y:G*Co,Wxa-"


class _Loader:
    """What an addon's `load` needs to add its options."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def add_option(self, *definition: Any, **named: Any) -> None:
        self._options.add_option(*definition, **named)


def stock_options() -> Options:
    """mitmproxy's options, those of its proxy server included."""
    options = Options()
    loader: Any = _Loader(options)
    for addon in (Core(), Proxyserver()):
        load: Callable[[Any], None] | None = getattr(addon, "load", None)
        if load is not None:
            load(loader)
    return options


_OPTIONS = stock_options()


class _Run:
    """Stands where a recorder stands: keeps what it is told, each message by itself."""

    def __init__(self) -> None:
        self.records: list[AnyRecord] = []

    def tell(self, record: AnyRecord | Messages) -> None:
        if isinstance(record, Messages):
            self.records += record.records()
        else:
            self.records.append(record)

    def watch(self, client: Client) -> None:
        """It always has room."""


class Memory(Wires):
    """A reverse proxy to example.com:80; `flows` are those that have been seen, `names` the hooks.

    `then` is called after the addon's own hook, with the hook's name and the flow. With `record`
    all sessions are recorded in `recorded`, or by a `Run`. With `editing`, whose rules take no time
    here, it needs a running event loop.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        then: Callable[[str, http.HTTPFlow], object] = lambda _name, _flow: None,
        mode: str = "reverse:http://example.com",
        *,
        record: bool | Run = False,
        editing: Editing | None = None,
        **options: object,
    ) -> None:
        self.flows: list[http.HTTPFlow] = []
        self.names: list[str] = []
        recorder = _Run()
        self.recorded = recorder.records
        run = record if isinstance(record, Run) else cast("Run", recorder) if record else None
        self._addon = Hooks(
            lambda: settings or Settings(), lambda: True, lambda: run, editing=lambda: editing
        )
        self._then = then
        context = make_context(_OPTIONS, mode=mode, server=("example.com", 80), **options)
        regular = mode == "regular"
        layer = HttpLayer(context, HTTPMode.regular if regular else HTTPMode.transparent)
        super().__init__(layer, context, self._called)

    def _called(self, command: StartHook) -> object:
        (flow,) = command.args()
        if not isinstance(flow, http.HTTPFlow):
            return None
        if flow not in self.flows:
            self.flows.append(flow)
        self.names.append(command.name)
        handler = getattr(self._addon, command.name, None)
        waiting: Awaitable[None] | None = None if handler is None else handler(flow)
        if waiting is not None:
            for _ in waiting.__await__():
                pass
        return self._then(command.name, flow)

    @property
    def flow(self) -> http.HTTPFlow:
        """The last flow."""
        return self.flows[-1]

    @property
    def told(self) -> dict[str, Any]:
        """What the last flow carries."""
        values: dict[str, Any] = self.flow.metadata["ws76"]
        return values

    def open(self, early: bytes = b"") -> None:
        """A whole, sound handshake."""
        self.from_client(HEAD + KEY3)
        self.from_server(ANSWER + DIGEST + early)

    def finish(self) -> None:
        """Both peers end, the client first."""
        self.end(self.client)
        for server in self.opened:
            self.end(server)
