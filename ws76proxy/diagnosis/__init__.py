"""What is wrong with a handshake or a frame, whose fault it is, and what to do about it."""

from ws76proxy.diagnosis.catalogue import CATALOGUE, SUBJECTS
from ws76proxy.diagnosis.checks import (
    REPORTED_PER_CODE,
    FrameChecks,
    check_digest,
    check_request,
    check_response,
    check_unfinished,
    expected_location,
)
from ws76proxy.diagnosis.model import Diagnosis, Finding, Severity, Side, Stream
from ws76proxy.diagnosis.raising import found

__all__ = [
    "CATALOGUE",
    "REPORTED_PER_CODE",
    "SUBJECTS",
    "Diagnosis",
    "Finding",
    "FrameChecks",
    "Severity",
    "Side",
    "Stream",
    "check_digest",
    "check_request",
    "check_response",
    "check_unfinished",
    "expected_location",
    "found",
]
