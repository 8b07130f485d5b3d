"""The calling of scripts: every script in order, at once or awaited, and no exception escapes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Literal, NamedTuple

from ws76proxy.scripting.burst import Burst, Step, Waiting, edit_all
from ws76proxy.scripting.deeds import Deed, Deeds, ScriptLimits, Side
from ws76proxy.scripting.handshake import Close, Request, Response
from ws76proxy.scripting.message import Message
from ws76proxy.scripting.script import (
    FUNCTIONS,
    Function,
    Script,
    ScriptFault,
    in_words,
    line_of,
    line_of_function,
)
from ws76proxy.scripting.session import Session
from ws76proxy.scripting.subjects import Subject, for_script, is_settled, take_over
from ws76proxy.wire.head import RequestHead

__all__ = ["Running", "Scripts", "SessionScripts"]

_ALL_TOLD = 10
_POWERS = frozenset(10**power for power in range(1, 19))
_EXPECTED = {
    "on_request": "set what is to change in `request`",
    "on_response": "set what is to change in `response`",
    "on_message": "set `message.text` or `message.content`",
    "on_close": "there is nothing to change",
}


class Running(NamedTuple):
    """What asynchronous functions need of the event loop that they run on.

    `time_limit` is `asyncio.timeout` or the like: it raises TimeoutError. `is_cancellation` says
    whether an exception means that the owner cancels what it awaits: then it passes.
    """

    time_limit: Callable[[float | None], AbstractAsyncContextManager[object]]
    is_cancellation: Callable[[BaseException], bool]


@dataclass(frozen=True, slots=True)
class Scripts:
    """All scripts of a relay, in order, and how they are run.

    With `on_error` "close" a fault in a script ends the session.
    """

    scripts: Sequence[Script]
    running: Running
    on_error: Literal["pass", "close"] = "pass"
    limits: ScriptLimits = field(default_factory=ScriptLimits)

    def for_session(
        self,
        number: int,
        dialect: str,
        client: str,
        request: RequestHead,
        *,
        report: Callable[[ScriptFault], None],
        wake: Callable[[], None],
    ) -> SessionScripts:
        """The scripts for one session.

        `report` gets the faults. `wake` is called when a script has done something while nobody
        was looking: `take_deeds` soon, but not within the call. It may come from another thread.
        """
        deeds = Deeds(self.limits, wake)
        sessions = [
            Session(number, dialect, client, request, script=script.name, deeds=deeds)
            for script in self.scripts
        ]
        return SessionScripts(self, sessions, deeds, report)


class _TookTooLongError(Exception):
    """The time limit was over; its cause says where the function waited."""


class _Call(NamedTuple):
    """A function of a script, for one session."""

    script: Script
    name: Function
    function: Callable[[Any], object]
    session: Session
    is_async: bool


class SessionScripts:
    """The scripts of one session.

    `request`, `response`, `message` and `close` show a thing to each script in turn, and make of it
    what they have made of it. They return None when that is done, or what must be awaited before it
    is; what becomes of it then goes on. `take_deeds` behind it: what scripts want done besides.
    Only one message of each side may be on its way through the scripts at a time.
    """

    def __init__(
        self,
        scripts: Scripts,
        sessions: Sequence[Session],
        deeds: Deeds,
        report: Callable[[ScriptFault], None],
    ) -> None:
        self._running = scripts.running
        self._closes_on_error = scripts.on_error == "close"
        self._seconds = scripts.limits.seconds
        self._is_failed = False
        """A fault ends the session."""
        self._deeds = deeds
        self._report = report
        self._faults: dict[tuple[str, int], int] = {}
        self._calls: dict[Function, list[_Call]] = {
            name: list(_calls(scripts, sessions, name)) for name in FUNCTIONS
        }
        self._messages = self._calls["on_message"]
        self._must_await = any(call.is_async for call in self._messages)
        self._names = [call.script.name for call in self._messages]
        self._steps = [Step(call.function, call.session) for call in self._messages]
        self.session = sessions[0]
        """For the Request, Response, Message or Close that is shown: scripts see their own."""

    @property
    def wants_messages(self) -> bool:
        """Whether any script has on_message."""
        return bool(self._messages)

    def request(self, request: Request) -> Waiting | None:
        """Show the request. One that a script answers is not shown to later ones."""
        return self._show(request, self._calls["on_request"])

    def response(self, response: Response) -> Waiting | None:
        """Show the server's answer."""
        return self._show(response, self._calls["on_response"])

    def message(self, message: Message) -> Waiting | None:
        """Show a message. One that a script drops is not shown to later ones."""
        return self._show(message, self._messages)

    def close(self, close: Close) -> Waiting | None:
        """The session has ended: from now on scripts can do nothing in it."""
        self._deeds.is_over = True
        self._deeds.take()
        return self._show(close, self._calls["on_close"])

    def take_deeds(self) -> list[Deed]:
        """What scripts want done, in order; it is the caller's from now on."""
        return self._deeds.take()

    def edit_burst(self, side: Side, payloads: list[bytes], first: int, begin: int = 0) -> Burst:
        """Show many messages of one side, from `payloads[begin]` on.

        `payloads` are those of a whole burst, `first` is the number of `payloads[0]`. It comes to
        the same as `message` for each, and stops at the first for which there is more to do than to
        send it. There must be one at least.
        """
        calls, deeds, number = self._messages, self._deeds, first + begin
        if self._must_await:
            message = Message(self.session, side, number, payloads[begin])
            return Burst(number, [[], []], [""], message, self.message(message))
        rest = iter(payloads)
        if begin:
            # At once: a burst in which each message stops the loop would be passed over each time.
            rest.__setstate__(begin)  # type: ignore[attr-defined]
        columns: list[list[bytes]] = [[] for _ in calls]
        deeds.is_calling = True
        stop = edit_all(
            self._steps, columns, rest, side, number, deeds.pending, self._fault_of_step
        )
        deeds.is_calling = False
        size = len(columns[-1])
        whole = size == len(payloads)
        originals = payloads if whole else payloads[begin : begin + size]
        burst = Burst(number, [originals, *columns], self._names)
        if stop is not None:
            burst.stopped = message = Message(
                self.session, side, number + size, payloads[begin + size]
            )
            for column, call in zip(columns[: stop.step], calls, strict=False):
                take_over(
                    message, Message(call.session, side, number, column.pop()), call.script.name
                )
            burst.waiting = self._finish(message, calls, stop.step, stop.message, stop.result)
            if burst.waiting is None:
                burst.waiting = self._show(message, calls, stop.step + 1)
        else:
            # Perhaps a task in another thread has been quick.
            deeds.call_owner()
        return burst

    def _show(self, subject: Subject, calls: Sequence[_Call], begin: int = 0) -> Waiting | None:
        """Call the functions from `begin` on, up to the first that has to be awaited."""
        deeds = self._deeds
        waiting = None
        for index in range(begin, len(calls)):
            if self._is_done_with(subject):
                break
            call = calls[index]
            if call.is_async:
                return self._await_all(subject, calls, index)
            shown = for_script(subject, call.session)
            deeds.is_calling = True
            try:
                result = call.function(shown)
            except BaseException as error:  # noqa: BLE001 - nothing that a script does escapes
                self._fault(call, error)
                continue
            finally:
                deeds.is_calling = False
            waiting = self._finish(subject, calls, index, shown, result)
            if waiting is not None:
                break
        return waiting

    def _is_done_with(self, subject: Subject) -> bool:
        """Whether later scripts have nothing to see any more."""
        return self._is_failed or is_settled(subject)

    def _finish(
        self, subject: Subject, calls: Sequence[_Call], index: int, shown: Subject, result: object
    ) -> Waiting | None:
        """A function has returned: take over what it has done, or say what has to be awaited."""
        if result is None:
            take_over(subject, shown, calls[index].script.name)
        elif isawaitable(result):
            return self._await_all(subject, calls, index, shown, result)
        else:
            self._fault_of_result(calls[index], result)
        return None

    async def _await_all(
        self,
        subject: Subject,
        calls: Sequence[_Call],
        begin: int,
        shown: Subject | None = None,
        result: Any = None,
    ) -> None:
        """Call the functions from `begin` on, and await them; the first may have been called."""
        for call in calls[begin:]:
            try:
                if shown is None:
                    shown = for_script(subject, call.session)
                    result = call.function(shown)
                if isawaitable(result):
                    result = await self._in_time(result)
            except GeneratorExit:
                raise
            except BaseException as error:
                if self._running.is_cancellation(error):
                    raise
                self._fault(call, error)
            else:
                if result is None:
                    take_over(subject, shown, call.script.name)
                else:
                    self._fault_of_result(call, result)
            shown = None
            if self._is_done_with(subject):
                return

    async def _in_time(self, awaitable: Awaitable[object]) -> object:
        failed: BaseException | None = None
        try:
            async with self._running.time_limit(self._seconds or None):
                try:
                    return await awaitable
                except BaseException as error:
                    failed = error
                    raise
        except TimeoutError as error:
            if error is failed:
                # Its own.
                raise
            raise _TookTooLongError from error.__cause__

    def _fault(self, call: _Call, error: BaseException) -> None:
        """Tell what went wrong, unless it has been told often enough."""
        text = in_words(error)
        if isinstance(error, _TookTooLongError):
            text = f"it took longer than {self._seconds:g} s"
        line = line_of(error, call.script.file) or line_of_function(call.function)
        self._tell_fault(call, line, text)

    def _fault_of_step(self, step: int, error: BaseException) -> None:
        self._fault(self._messages[step], error)

    def _fault_of_result(self, call: _Call, result: object) -> None:
        kind = type(result).__name__
        text = f"expected it to return nothing, found {kind}: {_EXPECTED[call.name]}"
        self._tell_fault(call, line_of_function(call.function), text)

    def _tell_fault(self, call: _Call, line: int, text: str) -> None:
        count = self._faults[call.script.name, line] = (
            self._faults.get((call.script.name, line), 0) + 1
        )
        if count < _ALL_TOLD or count in _POWERS:
            self._report(ScriptFault(call.script.name, line, call.name, text, count))
        if self._closes_on_error and not self._is_failed:
            self._is_failed = True
            self._deeds.end(call.script.name)


def _calls(scripts: Scripts, sessions: Sequence[Session], name: Function) -> Iterator[_Call]:
    for script, session in zip(scripts.scripts, sessions, strict=True):
        function = getattr(script, name)
        if function is not None:
            yield _Call(script, name, function, session, iscoroutinefunction(function))
