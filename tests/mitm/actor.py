"""A second script for mitmdump: does what a message says, and prints each flow when it is over."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import unquote

from mitmproxy import ctx, exceptions, http
from mitmproxy.flow import Flow

_tasks: set[asyncio.Task[None]] = set()


def _do(work: Any) -> None:
    task = asyncio.get_running_loop().create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _when_waiting(flow: Flow, deed: Any) -> None:
    """Once the flow waits for its user, and not before."""
    for _ in range(1000):
        if flow._resume_event is not None:
            deed()
            return
        await asyncio.sleep(0)
    print("FAULT the flow was never waited for", flush=True)


async def _later(deed: Any) -> None:
    for _ in range(20):
        await asyncio.sleep(0)
    deed()


class Actor:
    """Messages are commands; so are some paths."""

    def __init__(self) -> None:
        self._ended: dict[str, http.HTTPFlow] = {}

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if "stream-all" in flow.request.path:
            flow.request.stream = True

    def request(self, flow: http.HTTPFlow) -> None:
        if "kill-request" in flow.request.path:
            flow.intercept()
            _do(_when_waiting(flow, flow.kill))
        elif "kill-waiting" in flow.request.path:
            _do(_later(flow.kill))
        elif "?do=" in flow.request.path:
            self._do(flow)
        elif "edit-request" in flow.request.path:
            flow.request.headers["Sec-WebSocket-Key1"] = "1 2"

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if "stream-all" in flow.request.path and flow.response:
            flow.response.stream = True

    def response(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is None:
            self._print("response", flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        assert flow.websocket
        message = flow.websocket.messages[-1]
        if not message.from_client or message.injected:
            return
        call = ctx.master.commands.call
        content = message.content
        if content == b"edit me":
            message.content = b"edited \xc3\xa9"
        elif content == b"edit to ff":
            message.content = b"no \xff"
        elif content == b"edit to c3":
            message.content = b"no \xc3("
        elif content == b"drop me":
            message.drop()
        elif content == b"kill me":
            flow.intercept()
            _do(_when_waiting(flow, flow.kill))
        elif content == b"kill later":
            _do(_later(flow.kill))
        elif content == b"hold me":
            flow.intercept()
            _do(_when_waiting(flow, flow.resume))
        elif content == b"inject":
            for text in (b"injected \xc3\xa9", b"injected \xff"):
                call("inject.websocket", flow, True, text)
            call("inject.websocket", flow, True, b"injected binary", False)
            call("inject.websocket", flow, False, b"to the server")

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        self._ended[flow.request.path] = flow
        self._print("end", flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._print("error", flow)

    def _do(self, flow: http.HTTPFlow) -> None:
        """Do what a user does, and answer once that is done: 204, or 400 with the reason."""
        verb, _, rest = unquote(flow.request.path.partition("?do=")[2]).partition(" ")
        flow.response = http.Response.make(204)
        try:
            if verb == "set":
                ctx.options.set(rest)
            elif verb == "replay":
                ctx.master.commands.call("replay.client", [self._ended[rest]])
            else:
                ctx.master.commands.execute(f"{verb} {rest}")
        except (exceptions.CommandError, exceptions.OptionsError) as error:
            flow.response = http.Response.make(400, str(error))

    @staticmethod
    def _print(event: str, flow: http.HTTPFlow) -> None:
        websocket = flow.websocket
        told: dict[str, Any] = {
            "event": event,
            "path": flow.request.path,
            "request": [
                [n.decode("latin-1"), v.decode("latin-1")] for n, v in flow.request.headers.fields
            ],
            "key3": (flow.request.raw_content or b"").hex(),
            "status": flow.response.status_code if flow.response else None,
            "response": [
                [n.decode("latin-1"), v.decode("latin-1")] for n, v in flow.response.headers.fields
            ]
            if flow.response
            else None,
            "body": base64.b64encode((flow.response and flow.response.raw_content) or b"").decode(),
            "error": flow.error.msg if flow.error else None,
            "comment": flow.comment,
            "marked": flow.marked,
            "metadata": flow.metadata.get("ws76"),
            "live": flow.live,
            "is_replay": flow.is_replay,
        }
        if websocket is not None:
            told["close"] = [
                websocket.close_code,
                websocket.closed_by_client,
                websocket.close_reason,
            ]
            told["messages"] = [
                [
                    int(one.type),
                    one.from_client,
                    one.content.decode("latin-1"),
                    one.dropped,
                    one.injected,
                ]
                for one in websocket.messages
            ]
        print("FLOW " + json.dumps(told), flush=True)


addons = [Actor()]
