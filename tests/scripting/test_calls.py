"""Scripts in order, at once or awaited; whatever they do, nothing escapes."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.scripting.stage import REQUEST, Stage, finish
from ws76proxy.editing import scripts_of
from ws76proxy.scripting import Closing, Edit, Message, Running, Script, ScriptLimits


def upper(message: Message) -> None:
    message.text = message.text.upper()


async def upper_later(message: Message) -> None:
    await asyncio.sleep(0)
    message.text = message.text.upper()


async def add_later(message: Message) -> None:
    message.text += "!"


def add(message: Message) -> None:
    message.text += "!"


@pytest.mark.parametrize("first", [upper, upper_later])
@pytest.mark.parametrize("second", [add, add_later])
def test_a_later_script_sees_what_an_earlier_one_made(
    first: Callable[[Message], object], second: Callable[[Message], object]
) -> None:
    one = Stage(first, second).message(b"hello")
    assert one.content == b"HELLO!"
    assert one.edits == (Edit("0.py", b"hello", b"HELLO"), Edit("1.py", b"HELLO", b"HELLO!"))


@pytest.mark.parametrize("is_async", [False, True])
def test_a_dropped_message_is_not_shown_to_later_scripts(is_async: bool) -> None:
    seen: list[Message] = []

    async def drop_later(message: Message) -> None:
        message.drop()

    stage = Stage(drop_later if is_async else Message.drop, seen.append)
    one = stage.message(b"hello")
    assert (one.dropped_by, one.edits, seen) == ("0.py", (), [])


def test_a_script_without_the_function_is_passed_over() -> None:
    stage = Stage(Script("a.py", ""), Script("b.py", "", on_message=upper))
    assert stage.scripts.wants_messages
    assert stage.message(b"a").edits == (Edit("b.py", b"a", b"A"),)
    assert not Stage(Script("a.py", "")).scripts.wants_messages


def fail_with(error: BaseException) -> tuple[Callable[[Message], None], int]:
    def fails(message: Message) -> None:
        message.text = "changed"
        message.drop()
        raise error

    return fails, fails.__code__.co_firstlineno + 3


async def _fails_later(message: Message) -> None:
    message.text = "changed"
    await asyncio.sleep(0)
    raise ValueError("late")


ERRORS: list[BaseException] = [
    ValueError("no\nway"),
    SystemExit(3),
    KeyboardInterrupt(),
    RecursionError("deep"),
    GeneratorExit(),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_exception_escapes_and_the_message_goes_on_unchanged(error: BaseException) -> None:
    fails, line = fail_with(error)
    stage = Stage(Script("a.py", __file__, on_message=fails), add)
    one = stage.message(b"hello")
    assert (one.content, one.dropped) == (b"hello!", False)
    (fault,) = stage.faults
    assert (fault.script, fault.line, fault.function) == ("a.py", line, "on_message")
    assert fault.text.startswith(type(error).__name__)
    assert "\n" not in str(fault)
    assert str(fault).startswith(f"a.py:{line}: on_message: ")


def test_the_line_is_the_script_s_where_a_library_fails() -> None:
    def on_message(message: Message) -> None:
        inspect.signature(message.text)  # type: ignore[arg-type]

    stage = Stage(Script("a.py", __file__, on_message=on_message))
    stage.message(b"x")
    assert stage.faults[0].line == on_message.__code__.co_firstlineno + 1


def test_an_exception_that_cannot_even_be_told() -> None:
    class EvilError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    stage = Stage(fail_with(EvilError())[0])
    assert stage.message(b"x").content == b"x"
    assert "EvilError" in stage.faults[0].text


def test_what_cannot_be_framed_is_reported_with_its_line() -> None:
    def on_message(message: Message) -> None:
        message.text = "changed"
        message.content = b"\xff"

    stage = Stage(Script("a.py", __file__, on_message=on_message))
    assert stage.message(b"x").content == b"x"
    assert stage.faults[0].line == on_message.__code__.co_firstlineno + 2
    assert "0xFF at offset 0" in stage.faults[0].text


@pytest.mark.parametrize("result", ["text", 0, False, object()])
def test_a_function_that_returns_something_is_told_what_to_do_instead(result: object) -> None:
    stage = Stage(lambda message: (message.drop(), result)[1])
    one = stage.message(b"x")
    assert (one.content, one.dropped) == (b"x", False)
    assert type(result).__name__ in stage.faults[0].text
    assert "message.text" in stage.faults[0].text


def test_many_faults_are_not_all_told() -> None:
    stage = Stage(fail_with(ValueError("x"))[0])
    for number in range(1, 1001):
        stage.message(b"x", number=number)
    assert [fault.times for fault in stage.faults] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1000]
    assert "1,000 times so far" in str(stage.faults[-1])


@pytest.mark.parametrize("is_async", [False, True])
def test_a_fault_may_end_the_session(is_async: bool) -> None:
    seen: list[Message] = []
    stage = Stage(
        _fails_later if is_async else fail_with(ValueError("x"))[0], seen.append, on_error="close"
    )
    assert stage.message(b"x").content == b"x"
    assert stage.scripts.take_deeds() == [Closing("0.py", "closing-handshake", "both")]
    assert seen == []
    stage.message(b"y")
    assert stage.scripts.take_deeds() == []


def test_a_fault_ends_the_session_even_where_too_much_waits() -> None:
    def on_message(message: Message) -> None:
        message.session.inject("client", "a")
        message.session.inject("client", "b")

    stage = Stage(on_message, on_error="close", limits=ScriptLimits(deeds=1))
    stage.message(b"x")
    assert [type(deed).__name__ for deed in stage.scripts.take_deeds()] == ["Injection", "Closing"]


def test_a_function_that_returns_something_to_await() -> None:
    stage = Stage(lambda message: upper_later(message), add)
    assert stage.message(b"x").content == b"X!"


class Slow:
    """A script whose function waits for ever, on asyncio."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.kept: Message | None = None

    async def on_message(self, message: Message) -> None:
        message.text = "changed"
        self.kept = message
        self.begun.set()
        await asyncio.Event().wait()


def on_asyncio(script: Script, seconds: float) -> Stage:
    running = scripts_of([]).running
    return Stage(script, add, running=running, limits=ScriptLimits(seconds=seconds))


def test_a_function_that_takes_too_long_is_left_behind() -> None:
    async def run() -> None:
        slow = Slow()
        stage = on_asyncio(Script("a.py", __file__, on_message=slow.on_message), 0.01)
        one = Message(stage.scripts.session, "client", 1, b"x")
        waiting = stage.scripts.message(one)
        assert waiting is not None
        await waiting
        assert one.content == b"x!"
        (fault,) = stage.faults
        assert fault.text == "it took longer than 0.01 s"
        assert fault.line == Slow.on_message.__code__.co_firstlineno + 4
        assert slow.kept is not None
        slow.kept.text = "too late"
        assert one.content == b"x!"

    asyncio.run(run())


def test_a_time_limit_of_its_own_is_its_own() -> None:
    async def on_message(message: Message) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    async def run() -> None:
        stage = on_asyncio(Script("a.py", __file__, on_message=on_message), 30)
        waiting = stage.scripts.message(Message(stage.scripts.session, "client", 1, b"x"))
        assert waiting is not None
        await waiting
        assert stage.faults[0].text == "TimeoutError"

    asyncio.run(run())


def test_whoever_awaits_a_script_can_give_it_up() -> None:
    async def run() -> None:
        slow = Slow()
        stage = on_asyncio(Script("a.py", __file__, on_message=slow.on_message), 0)
        one = Message(stage.scripts.session, "client", 1, b"x")
        waiting = stage.scripts.message(one)
        assert waiting is not None
        task = asyncio.create_task(waiting)
        await slow.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stage.faults == []

    asyncio.run(run())


def test_a_cancelled_task_that_a_script_awaits_is_its_own_fault() -> None:
    async def on_message(_message: Message) -> None:
        task = asyncio.create_task(asyncio.Event().wait())
        task.cancel()
        await task

    async def run() -> None:
        stage = on_asyncio(Script("a.py", __file__, on_message=on_message), 30)
        one = Message(stage.scripts.session, "client", 1, b"x")
        waiting = stage.scripts.message(one)
        assert waiting is not None
        await waiting
        assert one.content == b"x!"
        assert stage.faults[0].text == "CancelledError"

    asyncio.run(run())


def test_what_is_given_up_before_it_begins_leaves_nothing_behind() -> None:
    stage = Stage(upper_later)
    waiting = stage.scripts.message(Message(stage.scripts.session, "client", 1, b"x"))
    assert waiting is not None
    waiting.close()
    del waiting
    # A coroutine that nobody awaited would be an error in these tests.
    gc.collect()


def test_what_it_does_while_it_waits_calls_the_owner() -> None:
    async def on_message(message: Message) -> None:
        message.session.inject("client", "first")
        await asyncio.sleep(0)
        message.session.inject("client", "second")

    stage = Stage(on_message)
    waiting = stage.scripts.message(Message(stage.scripts.session, "client", 1, b"x"))
    assert waiting is not None
    assert stage.wakes == 0
    waiting.send(None)
    assert stage.wakes == 1
    assert len(stage.scripts.take_deeds()) == 1
    finish(waiting)
    assert stage.wakes == 2
    assert len(stage.scripts.take_deeds()) == 1


def test_a_task_that_a_script_started_is_heard() -> None:
    async def run() -> None:
        woken = asyncio.Event()
        tasks = []

        async def later(message: Message) -> None:
            message.session.inject("server", "later")

        def on_message(message: Message) -> None:
            tasks.append(asyncio.create_task(later(message)))

        scripts = scripts_of([Script("a.py", __file__, on_message=on_message)])
        one = scripts.for_session(1, "hixie-76", "", REQUEST, report=print, wake=woken.set)
        assert one.message(Message(one.session, "client", 1, b"x")) is None
        assert one.take_deeds() == []
        await woken.wait()
        (deed,) = one.take_deeds()
        assert deed[:3] == ("a.py", "server", b"later")

    asyncio.run(run())


def test_running_says_what_it_is_given() -> None:
    limits: list[float | None] = []

    class Limit:
        async def __aenter__(self) -> None:
            pass

        async def __aexit__(self, *_error: Any) -> None:
            pass

    def time_limit(seconds: float | None) -> Any:
        limits.append(seconds)
        return Limit()

    running = Running(time_limit, lambda _error: False)
    Stage(add_later, running=running, limits=ScriptLimits(seconds=5)).message(b"x")
    Stage(add_later, running=running, limits=ScriptLimits(seconds=0)).message(b"x")
    assert limits == [5, None]
