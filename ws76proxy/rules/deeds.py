"""What actions on messages do: each takes a message at work and says whether it did something."""

from __future__ import annotations

import re

from msgspec import UnsetType

from ws76proxy.rules.contents import Message, message_test
from ws76proxy.rules.decisions import Change, Closing, Hold, Injection, Side, Stall
from ws76proxy.rules.edits import edit_at
from ws76proxy.rules.errors import Fault, Path, found_text
from ws76proxy.rules.inputs import Reading, seconds_at
from ws76proxy.rules.language import actions as common
from ws76proxy.rules.language import message_actions as language
from ws76proxy.rules.work import Deed, Work

__all__ = ["MAX_COPIES", "deed_at"]

MAX_COPIES = 1_000
"""How often a message is sent at most, whatever rules say."""
_BETWEEN_BYTES = re.compile(r"0x|\\x|[\s:,]")


def deed_at(reading: Reading, path: Path, action: language.MessageAction, turn: int) -> Deed:
    """The action at a path; raises Fault. `turn`: which of its rule's actions it is."""
    match action:
        case language.Drop():
            return Deed(_drop)
        case language.Duplicate():
            return _duplicate(action.times)
        case common.Delay():
            return _delay(path, action, f"delay {turn}")
        case language.Swap():
            return Deed(_swap)
        case language.Hold():
            return _hold(reading, path, action)
        case language.Inject():
            return _inject(reading, path, action)
        case common.Close():
            return _close(action)
        case language.StopReading():
            return _stop_reading(action)
        case language.Throttle():
            return _throttle(action.bytes_per_second)
        case common.Mark():
            return _mark(action.text)
        case language.Pause():
            return Deed(_pause)
        case _:
            return edit_at(reading, path, action, f"edit {turn}")


def _drop(work: Work) -> bool:
    work.decision.copies = 0
    before = work.message.content
    work.decision.changes.append(Change(work.rule, "drop", before))
    return True


def _duplicate(times: int) -> Deed:
    def act(work: Work) -> bool:
        added = min(times, MAX_COPIES - work.decision.copies)
        if not added:
            return False
        work.decision.copies += added
        return work.tell("duplicate", f"{added} more")

    return Deed(act)


def _delay(path: Path, action: common.Delay, purpose: str) -> Deed:
    low, high = seconds_at((*path, "seconds"), action.seconds)

    def act(work: Work) -> bool:
        message = work.message
        seconds = work.chance.between(low, high, message.side, message.number, purpose)
        work.decision.delay += seconds
        return seconds > 0 and work.tell("delay", f"{seconds:g} s")

    return Deed(act)


def _swap(work: Work) -> bool:
    work.decision.swaps = True
    return work.tell("swap", "behind the next message")


def _hold(reading: Reading, path: Path, action: language.Hold) -> Deed:
    test = message_test(reading, (*path, "until"), action.until)

    def until(side: Side, content: bytes, number: int, age: float) -> bool:
        return test.holds(Message(side, content, number, age))

    def act(work: Work) -> bool:
        work.decision.hold = Hold(work.rule, until, action.at_most)
        return work.tell("hold", f"at most {action.at_most:g} s")

    return Deed(act)


def _inject(reading: Reading, path: Path, action: language.Inject) -> Deed:
    content, is_raw = _injected(reading, path, action)

    def act(work: Work) -> bool:
        work.decision.injections.append(
            Injection(work.rule, action.to, content, is_raw, action.place)
        )
        what = "raw bytes" if is_raw else "bytes of text"
        return work.tell("inject", f"{len(content)} {what} to the {action.to}, {action.place}")

    return Deed(act)


def _injected(reading: Reading, path: Path, action: language.Inject) -> tuple[bytes, bool]:
    """What is to be said, and whether it is bytes for the wire; raises Fault."""
    if isinstance(action.hex, str):
        return _from_hex((*path, "hex"), action.hex), True
    if isinstance(action.text, str):
        return action.text.encode(), False
    assert not isinstance(action.file, UnsetType)  # noqa: S101 - exactly one of them is there
    return reading.file((*path, "file"), action.file), False


def _from_hex(path: Path, text: str) -> bytes:
    digits = _BETWEEN_BYTES.sub("", text)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        wrong = re.search(r"[^0-9a-fA-F]", digits)
        found = repr(wrong[0]) if wrong else f"{len(digits)} digits, an odd number"
        text = f"expected bytes in hexadecimal, such as '00 68 69 ff', found {found}"
        raise Fault(path, text) from None
    if not data:
        raise Fault(path, f"expected bytes in hexadecimal, found {found_text(text)}")
    return data


def _close(action: common.Close) -> Deed:
    def act(work: Work) -> bool:
        work.decision.closing = Closing(work.rule, action.how, action.to)
        return work.tell("close", f"{action.how} to {action.to}")

    return Deed(act)


def _stop_reading(action: language.StopReading) -> Deed:
    seconds = None if isinstance(action.seconds, UnsetType) else action.seconds
    how_long = "for good" if seconds is None else f"for {seconds:g} s"

    def act(work: Work) -> bool:
        work.decision.stall = Stall(work.rule, action.from_, seconds)
        return work.tell("stop-reading", f"from the {action.from_}, {how_long}")

    return Deed(act)


def _throttle(rate: float) -> Deed:
    how = f"{rate:g} bytes a second" if rate else "no limit"

    def act(work: Work) -> bool:
        work.decision.throttle = rate
        return work.tell("throttle", how)

    return Deed(act)


def _mark(text: str) -> Deed:
    return Deed(lambda work: work.tell("mark", text))


def _pause(work: Work) -> bool:
    if work.decision.paused_by is None:
        work.decision.paused_by = work.rule
        return work.tell("pause")
    return False
