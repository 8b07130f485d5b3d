"""One hixie-76 session through mitmproxy's own HttpLayer, in memory: does all of it still fit?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from mitmproxy import connection, http
from mitmproxy.optmanager import OptManager
from mitmproxy.proxy import commands
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode

from ws76proxy.mitm.handshakes import forget
from ws76proxy.mitm.hooks import Hooks
from ws76proxy.mitm.memory import Wires, make_context
from ws76proxy.mitm.patches import UnknownMitmproxyError
from ws76proxy.mitm.recording import Run
from ws76proxy.mitm.selftest_bridge import EXAMPLE, EXAMPLE_DIGEST, talk_bridged
from ws76proxy.mitm.settings import Settings
from ws76proxy.mitm.told import METADATA
from ws76proxy.record import AnyRecord, Messages
from ws76proxy.recording import RecordedSession, rebuild
from ws76proxy.replay import Plan, plan_of

__all__ = ["run"]

_HEAD, _KEY3 = EXAMPLE[:-8], EXAMPLE[-8:]
_ANSWER = (
    b"HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Origin: http://example.com\r\n"
    b"Sec-WebSocket-Location: ws://example.com/demo\r\n\r\n"
)
_ASK, _REPLY, _CLOSE = b"\x00ask\xff", b"\x00reply\xff", b"\xff\x00"


def run(options: OptManager) -> None:
    """Raises UnknownMitmproxyError where the session does not go as it must.

    `options` are looked at for their names and defaults only.
    """
    try:
        recorder = _Recorder()
        _talk(options, recorder)
        session = RecordedSession("a session in memory", None, recorder.records)
        _talk_to_recording(options, plan_of(session))
        _talk_bridged(options)
    except UnknownMitmproxyError:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise UnknownMitmproxyError(f"a handshake in memory failed ({what})") from error


class _Recorder:
    """Stands where a `Run` stands, and keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[AnyRecord] = []

    def tell(self, record: AnyRecord | Messages) -> None:
        self.records += record.records() if isinstance(record, Messages) else [record]

    def watch(self, client: connection.Client) -> None:
        """Memory has room."""


def _talk(options: OptManager, recorder: _Recorder) -> None:
    """A session with a server."""
    run = cast("Run", recorder)
    hooks = Hooks(Settings, lambda: True, lambda: run)
    with _remembering() as flows:
        wires = _wires(options, hooks, flows)
        wires.from_client(_HEAD + _KEY3[:1])
        wires.from_client(_KEY3[1:] + _ASK)
        _expect("the request", wires.to_server, _HEAD + _KEY3)
        wires.from_server(_ANSWER + EXAMPLE_DIGEST + _REPLY)
        _expect("the answer", wires.to_client, _ANSWER + EXAMPLE_DIGEST + _REPLY)
        _expect("the early message", wires.to_server, _HEAD + _KEY3 + _ASK)
        wires.from_client(_CLOSE)
        wires.from_server(_CLOSE)
        _expect("the end", len(wires.closed), 2)
        websocket = flows[0].websocket
        if websocket is None:
            raise UnknownMitmproxyError("a handshake in memory made no WebSocket flow")
        contents = sorted(message.content for message in websocket.messages)
        _expect("the messages", contents, [b"ask", b"reply"])
        _expect("the verdict", flows[0].metadata[METADATA]["verdict"], "verified")
    streams = rebuild(recorder.records)
    _expect("what was recorded of the client", streams.client, _HEAD + _KEY3 + _ASK + _CLOSE)
    _expect(
        "what was recorded of the server",
        streams.server,
        _ANSWER + EXAMPLE_DIGEST + _REPLY + _CLOSE,
    )


def _talk_to_recording(options: OptManager, plan: Plan) -> None:
    """The same session, with its recording in place of the server."""
    hooks = Hooks(Settings, lambda: True, choose=lambda _request, _dialect: plan)
    with _remembering() as flows:
        wires = _wires(options, hooks, flows)
        wires.from_client(_HEAD + _KEY3 + _ASK)
        _expect("the recorded answer", wires.to_client, _ANSWER + EXAMPLE_DIGEST + _REPLY)
        wires.from_client(_CLOSE)
        _expect("the recorded end", wires.to_client, _ANSWER + EXAMPLE_DIGEST + _REPLY + _CLOSE)
        _expect("the connections to a server", wires.opened, [])
        _expect("the comparison", flows[0].metadata[METADATA]["replay"]["differences"], [])


def _talk_bridged(options: OptManager) -> None:
    """Sessions whose sides speak different dialects."""
    with _remembering() as flows:
        talk_bridged(lambda hooks: _wires(options, hooks, flows), _expect)


@contextmanager
def _remembering() -> Iterator[list[http.HTTPFlow]]:
    """A list for flows, of which nothing is left behind it."""
    flows: list[http.HTTPFlow] = []
    try:
        yield flows
    finally:
        for flow in flows:
            forget(flow)


def _wires(options: OptManager, hooks: Hooks, flows: list[http.HTTPFlow]) -> Wires:
    """mitmproxy's layers with these hooks; the flows that they see are put into `flows`."""

    def hook(command: commands.StartHook) -> None:
        (flow,) = command.args()
        if isinstance(flow, http.HTTPFlow):
            if flow not in flows:
                flows.append(flow)
            handler = getattr(hooks, command.name, None)
            if handler is not None:
                handler(flow)

    context = make_context(options, mode="reverse:http://example.com", server=("example.com", 80))
    return Wires(HttpLayer(context, HTTPMode.transparent), context, hook)


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise UnknownMitmproxyError(
            f"in a handshake in memory {what} should be {expected!r}, but is {found!r}"
        )
