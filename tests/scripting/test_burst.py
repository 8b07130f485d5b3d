"""Many messages at once come to the same as one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripting.stage import Stage, finish
from ws76proxy.scripting import Edit, Message, Script

Deed = Literal[
    "nothing",
    "text",
    "same",
    "content",
    "drop",
    "edit and drop",
    "inject",
    "edit and inject",
    "mark",
    "close",
    "fail",
    "edit and fail",
    "inject and fail",
    "return",
    "keep",
    "edit kept",
    "later",
    "drop later",
    "fail later",
]
DEEDS = st.sampled_from(Deed.__args__)  # type: ignore[attr-defined]


class Happened(NamedTuple):
    """All that a session's owner would see of many messages."""

    sent: list[tuple[int, bytes]]
    dropped: list[tuple[int, str]]
    edits: list[tuple[int, Edit]]
    deeds: list[tuple[int, object]]
    faults: list[tuple[int, str, int]]
    seen: list[list[tuple[int, bytes, str]]]


def script(plan: list[Deed], seen: list[tuple[int, bytes, str]]) -> Callable[[Message], object]:
    """A function that does what is planned for the n-th message that it is shown."""
    kept: list[Message] = []

    async def later(message: Message, deed: Deed) -> None:
        await asyncio.sleep(0)
        if deed == "drop later":
            message.drop()
        message.text += " later"
        if deed == "fail later":
            raise ValueError(deed)

    def on_message(message: Message) -> Any:
        deed = plan[len(seen) % len(plan)] if plan else "nothing"
        seen.append((message.number, message.content, message.text))
        if deed == "same":
            message.content = bytes(bytearray(message.content))
        if deed in ("text", "edit and inject", "edit and fail", "edit and drop"):
            message.text = message.text + "é" + str(len(seen))
        if deed == "content":
            message.content += b"\xc3"
        if "inject" in deed:
            message.session.inject("client", f"{message.number}")
        if deed == "mark":
            message.session.mark("here")
        if deed == "close":
            message.session.close()
        if deed == "keep":
            kept.append(message)
        if deed == "edit kept":
            for one in kept:
                one.text = "too late"
        if "later" in deed:
            return later(message, deed)
        if "drop" in deed:
            message.drop()
        if "fail" in deed:
            raise ValueError(deed)
        return "something" if deed == "return" else None

    return on_message


async def _async(function: Callable[[Message], object], message: Message) -> None:
    result = function(message)
    if result is not None and not isinstance(result, str):
        await result  # type: ignore[misc]


def stage_of(
    plans: list[tuple[list[Deed], bool]],
) -> tuple[Stage, list[list[tuple[int, bytes, str]]]]:
    seen: list[list[tuple[int, bytes, str]]] = [[] for _ in plans]
    scripts = []
    for number, ((plan, is_async), log) in enumerate(zip(plans, seen, strict=True)):
        function = script(plan, log)

        def wrapped(function: Callable[[Message], object] = function) -> Any:
            async def on_message(message: Message) -> None:
                await _async(function, message)

            return on_message

        scripts.append(
            Script(f"{number}.py", __file__, on_message=wrapped() if is_async else function)
        )
    return Stage(*scripts), seen


def one_by_one(plans: list[tuple[list[Deed], bool]], payloads: list[bytes]) -> Happened:
    stage, seen = stage_of(plans)
    happened = Happened([], [], [], [], [], seen)
    for number, payload in enumerate(payloads, 5):
        message = stage.message(payload, side="server", number=number)
        _after(happened, stage, message)
    _faults(happened, stage)
    return happened


def in_bursts(plans: list[tuple[list[Deed], bool]], payloads: list[bytes]) -> Happened:
    stage, seen = stage_of(plans)
    happened = Happened([], [], [], [], [], seen)
    begin = 0
    while begin < len(payloads):
        burst = stage.scripts.edit_burst("server", payloads, 5, begin)
        assert burst.first == 5 + begin
        assert list(burst.originals) == payloads[begin : begin + len(burst.contents)]
        happened.sent.extend(enumerate(burst.contents, burst.first))
        edits = list(burst.edits())
        happened.edits.extend(edits)
        if not edits:
            assert not burst.is_changed
            pairs = zip(burst.contents, burst.originals, strict=True)
            assert all(after == before for after, before in pairs)
        begin += len(burst.contents)
        if burst.stopped is None:
            assert begin == len(payloads)
            assert not stage.scripts.take_deeds()
            break
        assert burst.stopped.number == 5 + begin
        if burst.waiting is not None:
            finish(burst.waiting)
        _after(happened, stage, burst.stopped)
        begin += 1
    _faults(happened, stage)
    return happened


def _after(happened: Happened, stage: Stage, message: Message) -> None:
    if message.dropped:
        happened.dropped.append((message.number, message.dropped_by))
    else:
        happened.sent.append((message.number, message.content))
    happened.edits.extend((message.number, edit) for edit in message.edits)
    happened.deeds.extend((message.number, deed) for deed in stage.scripts.take_deeds())


def _faults(happened: Happened, stage: Stage) -> None:
    happened.faults.extend((fault.line, fault.text, fault.times) for fault in stage.faults)


PAYLOADS = st.one_of(
    st.text(max_size=6).map(str.encode),
    st.binary(max_size=6).map(lambda data: data.replace(b"\xff", b"\x00")),
)
PLANS = st.lists(
    st.tuples(st.lists(DEEDS, max_size=6), st.booleans()),
    min_size=1,
    max_size=3,
)


@given(PLANS, st.lists(PAYLOADS, min_size=1, max_size=12))
def test_a_burst_comes_to_the_same_as_its_messages(
    plans: list[tuple[list[Deed], bool]], payloads: list[bytes]
) -> None:
    assert in_bursts(plans, payloads) == one_by_one(plans, payloads)


@given(
    st.lists(st.lists(DEEDS, max_size=6), min_size=1, max_size=3),
    st.lists(PAYLOADS, min_size=1, max_size=12),
)
def test_so_do_synchronous_functions_alone(plans: list[list[Deed]], payloads: list[bytes]) -> None:
    both = [(plan, False) for plan in plans]
    assert in_bursts(both, payloads) == one_by_one(both, payloads)


def test_unchanged_messages_keep_their_bytes() -> None:
    payloads = [b"\xc3(", b"a", b"", b"\x00"]
    seen: list[str] = []
    stage = Stage(lambda message: seen.append(message.text))
    burst = stage.scripts.edit_burst("client", payloads, 1)
    assert all(after is before for after, before in zip(burst.contents, payloads, strict=True))
    assert not burst.is_changed
    assert burst.stopped is None
    assert seen == ["\ufffd(", "a", "", "\x00"]


@pytest.mark.parametrize("scripts", [1, 2])
def test_kept_messages_stay_what_they_were(scripts: int) -> None:
    kept: list[Message] = []
    stage = Stage(*[kept.append] * scripts)
    stage.scripts.edit_burst("server", [b"a", b"b", b"c"], 7)
    assert len({id(one) for one in kept}) == 3 * scripts
    assert [(one.number, one.text) for one in kept[::scripts]] == [(7, "a"), (8, "b"), (9, "c")]
    assert all(one.side == "server" for one in kept)


@pytest.mark.parametrize("scripts", [1, 2])
def test_messages_kept_in_a_roundabout_way_stay_too(scripts: int) -> None:
    kept: list[Callable[[], None]] = []

    def on_message(message: Message) -> None:
        kept.append(message.drop)

    stage = Stage(*[on_message] * scripts)
    burst = stage.scripts.edit_burst("client", [b"a", b"b", b"c"], 1)
    for drop in kept:
        drop()
    assert list(burst.contents) == [b"a", b"b", b"c"]
    owners: list[Any] = [drop.__self__ for drop in kept[::scripts]]  # type: ignore[attr-defined]
    assert [one.number for one in owners] == [1, 2, 3]


@pytest.mark.parametrize("scripts", [1, 2])
def test_messages_that_nobody_keeps_are_used_again(scripts: int) -> None:
    """Otherwise a burst costs twice as much: on a new Python this is where one sees it."""
    places: set[int] = set()

    def on_message(message: Message) -> None:
        places.add(id(message))

    Stage(*[on_message] * scripts).scripts.edit_burst("client", [b"x"] * 100, 1)
    assert len(places) == scripts


def test_what_waits_already_is_done_after_the_first_message() -> None:
    stage = Stage(lambda _message: None)
    stage.scripts.session.inject("client", "from a task")
    burst = stage.scripts.edit_burst("client", [b"a", b"b"], 1)
    assert burst.stopped is not None
    assert burst.stopped.number == 1
    assert len(stage.scripts.take_deeds()) == 1
