"""Every finding there is, by its permanent code: data only, one module a subject."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ws76proxy.diagnosis.catalogue import (
    challenge,
    fields,
    frames,
    request,
    response,
    session,
    status,
)
from ws76proxy.diagnosis.model import Finding

__all__ = ["CATALOGUE", "SUBJECTS"]

SUBJECTS: Mapping[str, tuple[Finding, ...]] = MappingProxyType(
    {
        "The request": request.FINDINGS,
        "Keys, key3 and digest": challenge.FINDINGS,
        "The status line": status.FINDINGS,
        "The answer": response.FINDINGS,
        "The answer's Origin, Location and Protocol": fields.FINDINGS,
        "Frames": frames.FINDINGS,
        "The session": session.FINDINGS,
    }
)
"""The catalogue in reading order: subject to its findings."""

CATALOGUE: Mapping[str, Finding] = MappingProxyType(
    {finding.code: finding for findings in SUBJECTS.values() for finding in findings}
)
"""Code to finding. A code is never reused for another meaning."""
