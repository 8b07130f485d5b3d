"""What a session tells, kept in its flow as plain values that can be saved, searched and read."""

from __future__ import annotations

from typing import Any

import msgspec
from mitmproxy import flow as flows

from ws76proxy.diagnosis import Severity
from ws76proxy.record import (
    SCHEMA_VERSION,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    FindingRecord,
    Messages,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording.mitm.metadata import METADATA, MOST_RECORDS

__all__ = ["METADATA", "Told", "records_of"]

_MOST_COMMENT = 240
_ONCE = (SessionStartRecord, RequestRecord, ResponseRecord, SessionEndRecord)


class Told:
    """The records of one session, and what a list or a filter wants to know of them.

    `values` is what goes into `flow.metadata["ws76"]`: texts, numbers, lists and dictionaries only.
    """

    def __init__(self, dialect: str, server_dialect: str | None = None) -> None:
        self._comments: dict[str, str] = {}
        self._written = ""
        self.values: dict[str, Any] = {
            "schema": SCHEMA_VERSION,
            "dialect": dialect,
            "server_dialect": server_dialect,
            "verdict": None,
            "challenge": None,
            "findings": [],
            "closing": None,
            "messages_let_go": 0,
            "messages_not_utf8": 0,
            "records": [],
            "records_left_out": 0,
        }

    def put(self, flow: flows.Flow) -> None:
        """Have the flow carry the values; also after a revert has thrown them out."""
        flow.metadata[METADATA] = self.values

    def add(self, record: AnyRecord | Messages) -> None:
        """Keep one more record: at most 128, and of what comes once only the last version."""
        if isinstance(record, Messages | BytesRecord):
            return
        values = self.values
        if isinstance(record, FindingRecord):
            if record.severity is not Severity.GOOD and record.code not in values["findings"]:
                values["findings"].append(record.code)
        elif isinstance(record, ChallengeRecord) and record.answered_by == "server":
            values["verdict"] = record.verdict
            values["challenge"] = _plain(record)
        records = values["records"]
        plain = _plain(record)
        if isinstance(record, _ONCE):
            for index, one in enumerate(records):
                if one["type"] == plain["type"]:
                    records[index] = plain
                    return
        if len(records) < MOST_RECORDS:
            records.append(plain)
        else:
            values["records_left_out"] += 1

    def comment(self, flow: flows.Flow, subject: str, text: str) -> None:
        """Say something in the flow's comment, beside what the user wrote there.

        A later text about the same subject replaces the earlier one.
        """
        self._comments[subject] = text if len(text) <= _MOST_COMMENT else f"{text[:_MOST_COMMENT]}…"
        written = "ws76: " + "; ".join(self._comments.values())
        if self._written and self._written in flow.comment:
            flow.comment = flow.comment.replace(self._written, written)
        else:
            flow.comment = f"{flow.comment}\n{written}" if flow.comment else written
        self._written = written

    def mark(self, flow: flows.Flow, marker: str) -> None:
        """Mark the flow, unless the user has."""
        flow.marked = flow.marked or marker


def records_of(flow: flows.Flow) -> list[AnyRecord]:
    """The records that a flow carries, also one that was loaded; none where they make no sense."""
    values = flow.metadata.get(METADATA)
    try:
        return msgspec.convert(values["records"], list[AnyRecord]) if values else []
    except (msgspec.ValidationError, TypeError, KeyError):
        return []


def _plain(record: AnyRecord) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain
