"""Judges of the opening handshake: opened or not, the digest, the answer's fields (5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from fnmatch import fnmatchcase

from ws76proxy.diagnosis import Diagnosis, Severity, check_digest, check_response
from ws76proxy.probe.model import Facts, Judge, Judgement, Requirement, Verdict
from ws76proxy.probe.witness import Ended, Outcome, Witness
from ws76proxy.wire.challenge import Challenge, read_key
from ws76proxy.wire.head import RequestHead

__all__ = ["Expect", "Readings", "answers", "opens", "withholds"]

_OK, _NON_STRICT, _FAILED = Verdict.OK, Verdict.NON_STRICT, Verdict.FAILED
_RANK = {_OK: 0, _NON_STRICT: 1, _FAILED: 2}
_SEVERITY = {Severity.ERROR: _FAILED, Severity.WARNING: _NON_STRICT}

Readings = Callable[[RequestHead], Mapping[str, tuple[bytes, bytes]]]
"""Known wrong ways to read a request's two keys, by what is done to them."""


class Expect(Enum):
    """What the draft wants a server to do with an opening handshake."""

    OPEN = "answer with 101 and the right digest"
    REFUSE = "abort the connection"
    EITHER = "answer rightly or abort"


_REFUSALS = (Outcome.REFUSED, Outcome.CLOSED, Outcome.ABORTED)
_BROKEN = dict.fromkeys((Outcome.WRONG, Outcome.NOT_HTTP), _FAILED)


def _row(
    right: Verdict, refused: Verdict, lingers: Verdict, silent: Verdict
) -> dict[Outcome, Verdict]:
    return {
        **_BROKEN,
        Outcome.RIGHT: right,
        **dict.fromkeys(_REFUSALS, refused),
        Outcome.REFUSED_OPEN: lingers,
        # For a client it is the same: it waits on.
        **dict.fromkeys((Outcome.SILENT, Outcome.SHORT), silent),
    }


_VERDICTS = {
    (Expect.OPEN, Requirement.MUST): _row(_OK, _FAILED, _FAILED, _FAILED),
    (Expect.OPEN, Requirement.SHOULD): _row(_OK, _NON_STRICT, _NON_STRICT, _FAILED),
    (Expect.REFUSE, Requirement.MUST): _row(_FAILED, _OK, _NON_STRICT, _FAILED),
    (Expect.REFUSE, Requirement.SHOULD): _row(_NON_STRICT, _OK, _OK, _NON_STRICT),
    (Expect.EITHER, Requirement.MAY): _row(_OK, _OK, _OK, _NON_STRICT),
}


def opens(
    expect: Expect = Expect.OPEN,
    requirement: Requirement = Requirement.MUST,
    *,
    readings: Readings | None = None,
    fields: Sequence[str] = (),
    tolerated: Sequence[str] = (),
    may_wait: bool = False,
) -> Judge:
    """Whether the handshake was answered as the draft wants.

    A digest that comes from one of the `readings` of the keys is non-strict and named. `fields` are
    patterns of the codes of findings about the answer's head that count; those that match
    `tolerated` too make a case at most non-strict. With `may_wait` the request has no end for a
    strict reader: saying nothing is then right.
    """
    verdicts = dict(_VERDICTS[expect, requirement])
    if may_wait:
        verdicts[Outcome.SILENT] = _OK

    def judge(witness: Witness, _: Facts) -> Judgement:
        outcome = witness.outcome
        came = f"the server {witness.in_words}"
        if outcome is Outcome.WRONG:
            reading = None if readings is None else _reading(witness, readings)
            if reading is not None:
                came = f"the server answered 101 with the digest for the keys {reading}"
                return Judgement(_NON_STRICT, came)
            return Judgement(_FAILED, came, _digest_findings(witness))
        judgement = Judgement(verdicts[outcome], came)
        if not fields or outcome is not Outcome.RIGHT:
            return judgement
        return _with_findings(judgement, _head_findings(witness, fields), tolerated)

    return judge


def answers(*fields: str, unwelcome: Sequence[str] = ()) -> Judge:
    """Whether nothing is wrong with these fields of the answer, whatever the digest is.

    `fields` are patterns of the codes of findings about the answer's head; those that match
    `unwelcome` are non-strict though the catalogue only mentions them.
    """

    def judge(witness: Witness, _: Facts) -> Judgement:
        if not witness.is_open:
            return Judgement(_FAILED, f"the server {witness.in_words}")
        judgement = Judgement(_OK, "the server answered as the draft has it")
        findings = _head_findings(witness, fields)
        if any(_matches(one, unwelcome) for one in findings):
            judgement = replace(judgement, verdict=_NON_STRICT)
        return _with_findings(judgement, findings, ())

    return judge


def withholds() -> Judge:
    """Whether no digest came for a challenge that was never whole."""

    def judge(witness: Witness, _: Facts) -> Judgement:
        if witness.is_open:
            return Judgement(_FAILED, "the server sent a digest without the whole of key3")
        lingers = witness.ended is Ended.TIME
        came = f"the server {witness.in_words}"
        return Judgement(_NON_STRICT if lingers else _OK, came)

    return judge


def _reading(witness: Witness, readings: Readings) -> str | None:
    opening = witness.script.opening
    for name, (key1, key2) in readings(opening.request).items():
        challenge = Challenge(read_key(key1), read_key(key2), opening.key3)
        if challenge.answer == witness.digest:
            return name
    return None


def _digest_findings(witness: Witness) -> tuple[Diagnosis, ...]:
    base = len(witness.head.raw) if witness.head is not None else 0
    challenge = witness.script.opening.challenge
    return tuple(check_digest(challenge, witness.digest, base=base, good=False))


def _head_findings(witness: Witness, patterns: Sequence[str]) -> tuple[Diagnosis, ...]:
    opening = witness.script.opening
    assert witness.head is not None  # noqa: S101 - no connection is open without one
    diagnoses = check_response(
        opening.request, witness.head, opening.dialect, secure=witness.secure, good=False
    )
    return tuple(one for one in diagnoses if _matches(one, patterns))


def _matches(diagnosis: Diagnosis, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(diagnosis.finding.code, pattern) for pattern in patterns)


def _with_findings(
    judgement: Judgement, findings: tuple[Diagnosis, ...], tolerated: Sequence[str]
) -> Judgement:
    if not findings:
        return judgement
    verdict = judgement.verdict
    for one in findings:
        grade = _SEVERITY.get(one.finding.severity, _OK)
        if _matches(one, tolerated):
            grade = min(grade, _NON_STRICT, key=_RANK.__getitem__)
        verdict = max(verdict, grade, key=_RANK.__getitem__)
    # Several findings may have the same two values to show.
    came = "; ".join(dict.fromkeys(one.detail for one in findings))
    return Judgement(verdict, came, findings)
