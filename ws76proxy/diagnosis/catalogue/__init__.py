"""Every finding there is, by its permanent code: data only, one module a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ws76proxy.diagnosis.browsers import REACTIONS
from ws76proxy.diagnosis.catalogue import (
    bridge,
    challenge,
    digest,
    fields,
    frames,
    request,
    response,
    security,
    session,
    status,
)
from ws76proxy.diagnosis.model import Finding

__all__ = ["CATALOGUE", "SUBJECTS"]

_SUBJECTS = {
    "The request": request.FINDINGS,
    "Keys, key3 and digest": challenge.FINDINGS,
    "Why a digest is wrong": digest.FINDINGS,
    "The status line": status.FINDINGS,
    "The answer": response.FINDINGS,
    "The answer's Origin, Location and Protocol": fields.FINDINGS,
    "Frames": frames.FINDINGS,
    "The session": session.FINDINGS,
    "Two dialects, and RFC 6455": bridge.FINDINGS,
    "Security": security.FINDINGS,
}


def _with_reactions(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple([replace(finding, reaction=REACTIONS.get(finding.code)) for finding in findings])


SUBJECTS: Mapping[str, tuple[Finding, ...]] = MappingProxyType(
    {subject: _with_reactions(findings) for subject, findings in _SUBJECTS.items()}
)
"""The catalogue in reading order: subject to its findings."""

CATALOGUE: Mapping[str, Finding] = MappingProxyType(
    {finding.code: finding for findings in SUBJECTS.values() for finding in findings}
)
"""Code to finding. A code is never reused for another meaning."""
