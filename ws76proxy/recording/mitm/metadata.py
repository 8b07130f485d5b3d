"""What our flows carry in `flow.metadata`: the addon's own shape, and a session without loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ws76proxy.diagnosis import CATALOGUE, Severity
from ws76proxy.record import (
    SCHEMA_VERSION,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    FindingRecord,
    FrameRecord,
    MessageRecord,
    SegmentRecord,
    SessionEndRecord,
)
from ws76proxy.recording.carried import Carried, Extra
from ws76proxy.recording.model import RecordedSession

__all__ = ["METADATA", "MOST_RECORDS", "SESSION", "Part", "Whole", "told_values", "worst_of"]

METADATA = "ws76"
"""The addon's key: what a hixie flow's content view and filters go by."""
SESSION = "ws76_session"
"""The key of what makes a flow the session again that it was made of: JSON, as one text."""
MOST_RECORDS = 128
"""How many records of a session a flow carries there."""
_NOT_TOLD = (MessageRecord, FrameRecord, SegmentRecord, BytesRecord)


class Whole(msgspec.Struct, frozen=True, omit_defaults=True, tag="whole"):
    """A flow with all of a session: `extras` belongs to its messages, one each."""

    carried: Carried
    extras: list[Extra]


class Part(msgspec.Struct, frozen=True, tag="part"):
    """A flow for one of several requests of a session; another flow has the session's records."""

    part_of: int


def told_values(session: RecordedSession, closing: str | None) -> dict[str, Any]:
    """What the addon would have kept of a hixie session."""
    told = [record for record in session.records if not isinstance(record, _NOT_TOLD)]
    end, request = session.end, session.request
    findings = [one.code for one in told if isinstance(one, FindingRecord)]
    if end is not None:
        findings = end.findings
    challenges = [one for one in told if isinstance(one, ChallengeRecord)]
    asked = [one for one in challenges if one.answered_by == "server"]
    odd = [one for one in session.records if isinstance(one, MessageRecord) and one.payload]
    return {
        "schema": SCHEMA_VERSION,
        "dialect": session.dialect,
        "server_dialect": None if request is None else request.server_dialect,
        "verdict": asked[-1].verdict if asked else None,
        "challenge": msgspec.to_builtins(asked[-1]) if asked else None,
        "findings": list(dict.fromkeys(findings)),
        "closing": closing,
        "messages_let_go": 0,
        "messages_not_utf8": len(odd),
        "records": [msgspec.to_builtins(one) for one in _most_telling(told)],
        "records_left_out": max(len(told) - MOST_RECORDS, 0),
    }


def worst_of(session: RecordedSession) -> FindingRecord | None:
    """The last error that was found: what nobody else tells comes last, but for its causes."""
    errors = [
        one
        for one in session.records
        if isinstance(one, FindingRecord)
        and one.severity is Severity.ERROR
        and not (one.code in CATALOGUE and CATALOGUE[one.code].cause)
    ]
    return errors[-1] if errors else None


def _most_telling(records: Sequence[AnyRecord]) -> Sequence[AnyRecord]:
    """As many as the addon keeps, the summary among them."""
    if len(records) <= MOST_RECORDS:
        return records
    ends = [one for one in records if isinstance(one, SessionEndRecord)]
    return [*records[: MOST_RECORDS - len(ends)], *ends]
