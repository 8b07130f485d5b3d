"""A session with scripts, and nobody around it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from typing import Any, Literal

from ws76proxy.scripting import (
    Message,
    Running,
    Script,
    ScriptFault,
    ScriptLimits,
    Scripts,
    SessionScripts,
)
from ws76proxy.scripting.deeds import Side
from ws76proxy.wire.head import RequestHead

RAW = (
    b"GET /chat?room=1 HTTP/1.1\r\nHost: shop.example\r\nORIGIN:http://shop.example\r\n"
    b"Cookie: a=1\r\ncookie:  b=2 \r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n\r\n"
)
REQUEST = RequestHead(RAW)


class Stage:
    """Scripts of one function each, or ready-made; what they report, and how often they call."""

    def __init__(
        self,
        *scripts: Callable[[Any], object] | Script,
        on_error: Literal["pass", "close"] = "pass",
        limits: ScriptLimits | None = None,
        running: Running | None = None,
    ) -> None:
        self.faults: list[ScriptFault] = []
        self.wakes = 0
        made = [
            one if isinstance(one, Script) else Script(f"{index}.py", __file__, on_message=one)
            for index, one in enumerate(scripts)
        ]
        running = running or Running(lambda _seconds: nullcontext(), lambda _error: False)
        self.all = Scripts(made, running, on_error, limits or ScriptLimits())
        self.scripts: SessionScripts = self.all.for_session(
            3, "hixie-76", "192.0.2.1:5000", REQUEST, report=self.faults.append, wake=self._wake
        )

    def _wake(self) -> None:
        self.wakes += 1

    def message(self, content: bytes, *, side: Side = "client", number: int = 1) -> Message:
        """Show one message, to the end."""
        message = Message(self.scripts.session, side, number, content)
        waiting = self.scripts.message(message)
        if waiting is not None:
            finish(waiting)
        return message


def finish(waiting: Coroutine[Any, Any, None]) -> None:
    """Run what waits for nothing that takes time."""
    try:
        while True:
            waiting.send(None)
    except StopIteration:
        return
