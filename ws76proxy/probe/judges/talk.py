"""Judges of what follows the handshake: echoes, closing, the end of the stream (5.3, 5.4, 6)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ws76proxy.diagnosis import Diagnosis, Severity
from ws76proxy.diagnosis.escaping import quoted, visible
from ws76proxy.probe.model import Facts, Judge, Judgement, Requirement, Verdict
from ws76proxy.probe.witness import Ended, Witness

__all__ = ["closes", "ends", "only_frames", "replaces", "texts"]

_OK, _NON_STRICT, _FAILED = Verdict.OK, Verdict.NON_STRICT, Verdict.FAILED
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_REPLACEMENTS = re.compile(f"{_REPLACEMENT}+")


def texts(
    wanted: Sequence[bytes],
    *,
    last: bytes,
    unwanted: Sequence[bytes] = (),
    requirement: Requirement = Requirement.MUST,
) -> Judge:
    """Whether these messages came back, in order, then `last`, and nothing else.

    `unwanted` are payloads whose echo is the fault that the case looks for.
    """
    deviation = _FAILED if requirement is Requirement.MUST else _NON_STRICT

    def judge(witness: Witness, facts: Facts) -> Judgement:
        faults = _faults(witness)
        own = _own(witness, facts)
        expected = [*wanted, last]
        if own == expected and not faults:
            what = "nothing but the message behind it" if not wanted else _count(wanted)
            return Judgement(_OK, f"the server echoed {what}")
        echoed = [payload for payload in unwanted if payload in own]
        if echoed:
            came = f"the server echoed {quoted(echoed[0])}, which is to be discarded"
        else:
            came = _difference(own, expected, witness)
        hangs = witness.ended is Ended.TIME
        return _with_faults(_FAILED if hangs else deviation, came, faults)

    return _opened(judge)


def replaces(bad: bytes, *, last: bytes) -> Judge:
    """Whether a message that is not UTF-8 came back with U+FFFD in it, and `last` after it.

    The draft leaves a server's behaviour open (5.4): all that does not hang is non-strict at worst.
    """

    def judge(witness: Witness, facts: Facts) -> Judgement:
        faults = _faults(witness, "text-not-utf8")
        own = _own(witness, facts)
        if own[-1:] != [last] or faults:
            hangs = witness.ended is Ended.TIME
            came = f"no message came back after it: the server {witness.end_in_words}"
            return _with_faults(_FAILED if hangs else _NON_STRICT, came, faults)
        before = own[:-1]
        if not before:
            return Judgement(_NON_STRICT, "the server dropped the message")
        found = before[0]
        if found == bad:
            came = "the server echoed the bytes as they came: what it sends is not UTF-8"
            return Judgement(_NON_STRICT, came)
        if len(before) == 1 and _decoded(found) == _decoded(bad):
            return Judgement(_OK, "the server echoed the text with U+FFFD in it")
        return Judgement(_NON_STRICT, f"the server made {quoted(found)} of {quoted(bad)}")

    return _opened(judge)


def closes(*, wanted: Sequence[bytes] = (), unwanted: Sequence[bytes] = ()) -> Judge:
    """Whether our FF 00 was answered with FF 00.

    `wanted` are messages that must come back before it; `unwanted` were sent behind it.
    """

    def judge(witness: Witness, facts: Facts) -> Judgement:
        faults = _faults(witness)
        own = _own(witness, facts)
        late = [payload for payload in unwanted if payload in own]
        if late:
            came = f"the server echoed {quoted(late[0])}, which was sent behind FF 00"
            return _with_faults(_NON_STRICT, came, faults)
        if own != list(wanted):
            return _with_faults(_FAILED, _difference(own, wanted, witness), faults)
        if witness.closing:
            return _with_faults(_OK, "the server answered FF 00", faults)
        came = f"no FF 00 came back: the server {witness.end_in_words}"
        ended = witness.ended in (Ended.CLOSED, Ended.RESET)
        return _with_faults(_NON_STRICT if ended else _FAILED, came, faults)

    return _opened(judge)


def ends(*, unwanted: Sequence[bytes] = ()) -> Judge:
    """Whether the server ended the connection once our direction had ended.

    `unwanted` are payloads of frames that never ended.
    """

    def judge(witness: Witness, facts: Facts) -> Judgement:
        own = _own(witness, facts)
        echoed = [payload for payload in unwanted if payload in own]
        if echoed:
            came = f"the server echoed {quoted(echoed[0])}, a frame that never ended"
            return Judgement(_FAILED, came)
        ended = witness.ended in (Ended.CLOSED, Ended.RESET)
        came = f"the server {witness.end_in_words}"
        return _with_faults(_OK if ended else _NON_STRICT, came, _faults(witness))

    return _opened(judge)


def only_frames() -> Judge:
    """Whether nothing but whole frames came, or nothing at all."""

    def judge(witness: Witness, _: Facts) -> Judgement:
        count = len(witness.payloads)
        came = f"the server sent {count} messages of its own" if count else "nothing came"
        if witness.unfinished:
            shown = visible(witness.unfinished, limit=40)
            return Judgement(_FAILED, f'"{shown}" came, which is no whole frame')
        return _with_faults(_OK, came, _faults(witness))

    return _opened(judge)


def _opened(inner: Judge) -> Judge:
    def judge(witness: Witness, facts: Facts) -> Judgement:
        if not witness.is_open:
            return Judgement(_FAILED, f"no connection: the server {witness.in_words}")
        return inner(witness, facts)

    return judge


def _own(witness: Witness, facts: Facts) -> list[bytes]:
    """The messages that are not the server's own."""
    return [payload for payload in witness.payloads if payload not in facts.greetings]


def _faults(witness: Witness, *ignored: str) -> tuple[Diagnosis, ...]:
    """What no server may send, whatever it was sent."""
    return tuple(
        one
        for one in witness.findings
        if one.finding.severity is Severity.ERROR and one.finding.code not in ignored
    )


def _with_faults(verdict: Verdict, came: str, faults: tuple[Diagnosis, ...]) -> Judgement:
    if not faults:
        return Judgement(verdict, came)
    told = "; ".join(dict.fromkeys(one.detail for one in faults))
    return Judgement(_FAILED, f"{came}; in its frames: {told}", faults)


def _decoded(payload: bytes) -> str:
    """As text, with one U+FFFD for any run of them: decoders differ in how many they put."""
    return _REPLACEMENTS.sub(_REPLACEMENT, payload.decode(errors="replace"))


def _count(wanted: Sequence[bytes]) -> str:
    return "the message" if len(wanted) == 1 else f"all {len(wanted)} messages"


def _difference(own: Sequence[bytes], wanted: Sequence[bytes], witness: Witness) -> str:
    for number, (found, expected) in enumerate(zip(own, wanted, strict=False), 1):
        if found != expected:
            return f"message {number}: expected {quoted(expected)}, found {quoted(found)}"
    if len(own) > len(wanted):
        return f"a message too many came back: {quoted(own[len(wanted)])}"
    return f"{len(own)} of {len(wanted)} messages came back; the server {witness.end_in_words}"
