"""From a code to a diagnosis: the one place where findings are looked up."""

from __future__ import annotations

from dataclasses import replace

from ws76proxy.diagnosis.catalogue import CATALOGUE
from ws76proxy.diagnosis.model import Diagnosis, Finding, Side, Stream

__all__ = ["found"]

_SENDER = {Stream.CLIENT: Side.CLIENT, Stream.SERVER: Side.SERVER, None: Side.BETWEEN}


def _with_peer(finding: Finding, stream: Stream | None) -> Finding:
    return replace(finding, side=_SENDER[stream]) if finding.side is Side.SENDER else finding


_FINDINGS = {
    stream: {code: _with_peer(finding, stream) for code, finding in CATALOGUE.items()}
    for stream in _SENDER
}


def found(
    code: str,
    detail: str,
    *,
    stream: Stream | None = None,
    offset: int | None = None,
    evidence: bytes = b"",
) -> Diagnosis:
    """A diagnosis of the finding with that code; `detail` is one sentence about this case.

    Where the catalogue blames the sender, the finding names the peer whose `stream` it is.
    """
    return Diagnosis(_FINDINGS[stream][code], detail, stream, offset, evidence)
