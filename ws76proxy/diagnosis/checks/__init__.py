"""What looks at heads, keys, digest and frames: bytes already read in, diagnoses out."""

from ws76proxy.diagnosis.checks.challenge import check_unfinished
from ws76proxy.diagnosis.checks.digest import check_digest
from ws76proxy.diagnosis.checks.frames import REPORTED_PER_CODE, FrameChecks
from ws76proxy.diagnosis.checks.location import expected_location
from ws76proxy.diagnosis.checks.request import check_request
from ws76proxy.diagnosis.checks.response import check_response, unreadable_fields

__all__ = [
    "REPORTED_PER_CODE",
    "FrameChecks",
    "check_digest",
    "check_request",
    "check_response",
    "check_unfinished",
    "expected_location",
    "unreadable_fields",
]
