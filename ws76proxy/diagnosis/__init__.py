"""What is wrong with a handshake or a frame, whose fault it is, and what to do about it."""

from ws76proxy.diagnosis.catalogue import CATALOGUE, SUBJECTS
from ws76proxy.diagnosis.causes import Cause, all_causes, answer_like, cause_of
from ws76proxy.diagnosis.checks import (
    REPORTED_PER_CODE,
    FrameChecks,
    check_digest,
    check_request,
    check_response,
    check_unfinished,
    expected_location,
    unreadable_fields,
)
from ws76proxy.diagnosis.explaining import Explanation, WrongAnswers, explain_digest
from ws76proxy.diagnosis.history import HandshakeHistory, Together, explain_together
from ws76proxy.diagnosis.hypotheses import HYPOTHESES, Asked, Hypothesis
from ws76proxy.diagnosis.model import (
    Diagnosis,
    Finding,
    Outcome,
    Reaction,
    Severity,
    Side,
    Stream,
)
from ws76proxy.diagnosis.raising import found

__all__ = [
    "CATALOGUE",
    "HYPOTHESES",
    "REPORTED_PER_CODE",
    "SUBJECTS",
    "Asked",
    "Cause",
    "Diagnosis",
    "Explanation",
    "Finding",
    "FrameChecks",
    "HandshakeHistory",
    "Hypothesis",
    "Outcome",
    "Reaction",
    "Severity",
    "Side",
    "Stream",
    "Together",
    "WrongAnswers",
    "all_causes",
    "answer_like",
    "cause_of",
    "check_digest",
    "check_request",
    "check_response",
    "check_unfinished",
    "expected_location",
    "explain_digest",
    "explain_together",
    "found",
    "unreadable_fields",
]
