"""How a row of a table becomes a case: the right handshake, one change, how it is cut, a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ws76proxy.probe.judges import Expect, Readings, opens
from ws76proxy.probe.keys import entropy
from ws76proxy.probe.model import Case, Judge, Need, Requirement
from ws76proxy.probe.opening import Alteration, Opening, right_opening
from ws76proxy.probe.script import Script, Send, Step, Until, Wait
from ws76proxy.probe.target import Target
from ws76proxy.wire.dialect import Dialect
from ws76proxy.wire.frames import encode_text

__all__ = [
    "Cut",
    "altered",
    "framed",
    "last_message",
    "opening_case",
    "talk_case",
    "unchanged",
    "whole",
]

Cut = Callable[[Opening], Sequence[Step]]
"""How an opening handshake is sent."""


def unchanged(opening: Opening) -> Opening:
    """The handshake as the draft's client makes it."""
    return opening


def whole(opening: Opening) -> Sequence[Step]:
    """Everything in one segment."""
    return [Send((opening.raw,))]


def altered(name: str, change: Alteration, target: Target) -> Opening:
    """The opening handshake of a case; its keys are its own, and the same in every run."""
    dialect = Dialect.HIXIE_75 if name.startswith("75.") else Dialect.HIXIE_76
    return change(right_opening(target, dialect, entropy(name)))


def opening_case(
    name: str,
    sends: str,
    wants: str,
    section: str,
    change: Alteration = unchanged,
    *,
    expect: Expect = Expect.OPEN,
    requirement: Requirement = Requirement.MUST,
    readings: Readings | None = None,
    fields: Sequence[str] = (),
    tolerated: Sequence[str] = (),
    may_wait: bool = False,
    judge: Judge | None = None,
    cut: Cut = whole,
    needs: frozenset[Need] = frozenset(),
    basic: bool = False,
) -> Case:
    """A case that is over with the answer to its handshake.

    `judge` takes the place of the one that `expect` and all between it and `judge` describe.
    """
    until = Until.ANSWERED if expect is Expect.OPEN else Until.SETTLED

    def script(target: Target) -> Script:
        opening = altered(name, change, target)
        steps = tuple(cut(opening))
        if isinstance(steps[-1], Send):
            steps = (*steps, Wait(until))
        return Script(opening, steps)

    described = opens(
        expect,
        requirement,
        readings=readings,
        fields=fields,
        tolerated=tolerated,
        may_wait=may_wait,
    )
    return Case(name, sends, wants, section, requirement, script, judge or described, needs, basic)


def last_message(name: str) -> bytes:
    """What is sent behind the frames of a case: its echo says that all before has been read."""
    return f"the end of {name}".encode()


def framed(name: str) -> bytes:
    """The last message, as a frame."""
    return encode_text(last_message(name))


def talk_case(
    name: str,
    sends: str,
    wants: str,
    section: str,
    talk: Sequence[Step],
    judge: Judge,
    *,
    requirement: Requirement = Requirement.MUST,
    needs: frozenset[Need] = frozenset({Need.ECHO}),
    cut: Cut = whole,
) -> Case:
    """A case about what follows a right handshake."""

    def script(target: Target) -> Script:
        opening = altered(name, unchanged, target)
        return Script(opening, (*cut(opening), Wait(Until.ANSWERED)), tuple(talk))

    return Case(name, sends, wants, section, requirement, script, judge, needs)
