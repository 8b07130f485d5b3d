"""The challenge answered as a broken server does it: to reproduce its failure on a desk."""

from __future__ import annotations

from collections.abc import Iterable

from ws76proxy.diagnosis import answer_like, cause_of, explain_together
from ws76proxy.errors import UsageError
from ws76proxy.recording import RecordedSession
from ws76proxy.recording.challenges import answers_in
from ws76proxy.replay.server import Answer

__all__ = ["answer_with", "recorded_bug"]


def answer_with(code: str) -> Answer:
    """Answers like a server with this bug, or two joined by "+".

    Raises UsageError where there is no such bug.
    """
    cause_of(code)
    return lambda asked: answer_like(code, asked)


def recorded_bug(sessions: Iterable[RecordedSession]) -> str:
    """The code of the bug that explains the wrong answers in a recording.

    Raises UsageError where no answer was wrong, or where none of the known bugs explains them.
    """
    together = explain_together(
        answer for session in sessions for answer in answers_in(session.records)
    )
    if not together.wrong:
        raise UsageError("expected a recording of a wrong digest, found none in it")
    if not together.causes:
        raise UsageError(f"expected a digest that a known bug explains: {together.verdict}")
    return together.causes[0].code
