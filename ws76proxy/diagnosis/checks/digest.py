"""Whether a digest is right, and which bugs make it what it is (5.2)."""

from __future__ import annotations

from typing import NamedTuple

from ws76proxy.diagnosis.causes import Cause, within_a_sentence
from ws76proxy.diagnosis.checks.keys import faulty_keys
from ws76proxy.diagnosis.checks.misplaced import Misplaced, misplaced_digest
from ws76proxy.diagnosis.escaping import quoted
from ws76proxy.diagnosis.explaining import Explanation, explain_digest
from ws76proxy.diagnosis.hypotheses import Asked, Hypothesis, Server, Steps
from ws76proxy.diagnosis.model import Diagnosis, Stream
from ws76proxy.diagnosis.raising import found
from ws76proxy.wire.challenge import DIGEST_SIZE, Challenge

__all__ = ["check_digest", "check_short_digest"]

_MOST_CAUSES = 6
_MOST_BYTES = 40
_MOST_EVIDENCE = 64


def check_digest(
    challenge: Challenge | None,
    received: bytes,
    *,
    base: int = 0,
    good: bool = True,
    head: bytes = b"",
    behind: bytes = b"",
    followed: bytes = b"",
) -> list[Diagnosis]:
    """Whether the 16 bytes after a 101 answer this challenge; if not, also why not (5.2).

    `challenge` is None where a key was missing. `base` is the digest's offset in the server's
    stream. The rest is for finding the cause, as far as it is known: the request's `head`, what the
    client sent `behind` key3, and what `followed` the 16 bytes.
    """
    answer = None if challenge is None else challenge.answer
    if answer == received:
        if not good:
            return []
        return [_at_digest("digest-verified", f"{received.hex(' ')}, as expected", base, received)]
    asked = None if challenge is None else Asked(challenge, head, behind)
    why = _why(asked, received + followed)
    if challenge is None or answer is None:
        detail = f"no digest is right ({faulty_keys(challenge)}), yet {received.hex(' ')} came"
        verdict = _at_digest("faulty-keys-accepted", detail, base, received)
    else:
        cause = why.words or "none of the known bugs gives these bytes"
        detail = f"expected {answer.hex(' ')}, found {received.hex(' ')}; {cause}"
        verdict = _at_digest("digest-wrong", detail, base, received)
    return [verdict, *why.diagnoses(base, received)]


def check_short_digest(
    challenge: Challenge | None,
    received: bytes,
    *,
    how: str = "",
    base: int = 0,
    head: bytes = b"",
    behind: bytes = b"",
) -> list[Diagnosis]:
    """That fewer than 16 bytes are all that came behind a 101, and why, where a known bug does so.

    `how` says when that was, as a clause. The rest is what `check_digest` takes.
    """
    detail = f"{len(received)} of {DIGEST_SIZE} bytes of digest had come{how and ' '}{how}"
    answer = None if challenge is None else challenge.answer
    if answer is not None and answer.startswith(received):
        # A digest cut at a NUL begins like a right one, too.
        detail += "; they are right"
    why = _why(None if challenge is None else Asked(challenge, head, behind), received)
    if why.words:
        detail += f"; {why.words}"
    verdict = _at_digest("digest-short", detail, base, received)
    return [verdict, *why.diagnoses(base, received)]


class _Why(NamedTuple):
    """Which known bugs send these bytes; or else, what stands in the place of the digest."""

    explanation: Explanation | None
    elsewhere: Misplaced | None

    @property
    def words(self) -> str:
        """The cause as a clause; empty where none is known."""
        if self.elsewhere is not None:
            return self.elsewhere.detail
        return "" if self.explanation is None else _cause(self.explanation)

    def diagnoses(self, base: int, received: bytes) -> list[Diagnosis]:
        """The findings that name it."""
        if self.elsewhere is not None:
            code, detail, instead = self.elsewhere
            return [_at_digest(code, detail, base, instead[:_MOST_EVIDENCE])]
        if self.explanation is None:
            return []
        return [_at_digest(*one, base, received) for one in _named(self.explanation).items()]


def _why(asked: Asked | None, sent: bytes) -> _Why:
    """Why these bytes came behind the head, when they are not a right digest."""
    if asked is None:
        return _Why(None, misplaced_digest(None, sent))
    explanation = explain_digest(asked, sent)
    elsewhere = None if explanation.causes else misplaced_digest(asked.challenge.answer, sent)
    return _Why(explanation, elsewhere)


def _at_digest(code: str, detail: str, offset: int, received: bytes) -> Diagnosis:
    return found(code, detail, stream=Stream.SERVER, offset=offset, evidence=received)


def _cause(explanation: Explanation) -> str:
    if not explanation.causes:
        return ""
    first, *others = [within_a_sentence(cause.title) for cause in explanation.causes]
    if len(others) > 1:
        return f"{first}, or it is one of {len(others)} other bugs that give the same"
    return f"{first}, or {others[0]}" if others else first


def _named(explanation: Explanation) -> dict[str, str]:
    """Code to detail, of each bug that may be the cause: the causes one by one, simplest first."""
    causes = explanation.causes[:_MOST_CAUSES]
    if causes and len(causes[0].bugs) > 1:
        # Each bug of a pair has a finding: more pairs than one would be read as one bug more.
        causes = causes[:1]
    details: dict[str, str] = {}
    for cause in causes:
        for bug in cause.bugs:
            detail = f"{_difference(bug, cause, explanation.asked)}; this gives the bytes that came"
            together = [other.code for other in cause.bugs if other is not bug]
            others = [other.code for other in explanation.causes if other is not cause]
            if together:
                detail += f", together with {together[0]}"
            if bug.carriers:
                detail += f" (known in: {bug.carriers})"
            if others:
                listed = ", ".join(others[:_MOST_CAUSES])
                detail += f"; the same with {listed}: {explanation.would_tell}"
            details[bug.code] = detail
    return details


def _difference(bug: Hypothesis, cause: Cause, asked: Asked) -> str:
    """What the stage at which the bug acts made, and what it would have made without it."""
    mistaken = cause.server.steps(asked)
    assert mistaken is not None  # noqa: S101 - it explained the digest
    right = Server().steps(asked) if asked.challenge.answer is not None else None
    stage = bug.server.altered[-1] if bug.server.altered else "divide"
    what, made = _at_stage(stage, mistaken)
    without = None if right is None else _at_stage(stage, right)[1]
    return f"{what} {made}" if without in (None, made) else f"{what} {made}, not {without}"


def _at_stage(stage: str, steps: Steps) -> tuple[str, str]:
    """What a stage makes, and these bytes or numbers in words."""
    if stage in ("number", "spaces", "divide"):
        return "the parts are", f"{steps.parts[0]} and {steps.parts[1]}"
    if stage == "pack":
        return "the parts are hashed as", " and ".join(map(_octets, steps.packed))
    if stage == "key3":
        return "key3 is hashed as", _octets(steps.key3)
    if stage in ("order", "text"):
        return "what is hashed is", _octets(steps.hashed)
    if stage == "hash":
        return "the hash is", _octets(steps.digest)
    return "what is sent is", f"{_octets(steps.sent)} ({quoted(steps.sent)})"


def _octets(data: bytes) -> str:
    if not data:
        return "nothing"
    text = data[:_MOST_BYTES].hex(" ")
    return text if len(data) <= _MOST_BYTES else f"{text} ... ({len(data)} bytes)"
