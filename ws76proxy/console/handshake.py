"""One opening handshake: its records gathered, and set as one block."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ws76proxy.console.challenge import put_challenge, put_keys
from ws76proxy.console.fields import put_adjustments, put_fields, put_status, request_head
from ws76proxy.console.findings import put_findings
from ws76proxy.console.ink import Ink
from ws76proxy.console.page import LABEL, Page, session_span
from ws76proxy.console.text import cells, escape_head, neutral, wrap
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    ChallengeRecord,
    ClosingRecord,
    FindingRecord,
    KeyReading,
    RequestRecord,
    ResponseRecord,
    SessionStartRecord,
    key_reading,
)
from ws76proxy.wire.challenge import read_key

__all__ = ["Handshake", "closing_words", "dialects"]

_HOW = {
    "closing-handshake": "closing handshake, FF 00",
    "end-of-stream": "end of stream",
    "reset": "connection reset",
    "timeout": "time is up",
    "shutdown": "the relay stops",
}
_KEY1, _KEY2 = b"sec-websocket-key1", b"sec-websocket-key2"
_HIXIE = ("hixie-76", "hixie-75")
_MODERN, _UNREAD = "rfc6455", "rfc6455-client"
# A peer decides how many findings and adjustments it causes; a page that long is not read.
_MOST = 64

_Gathered = TypeVar("_Gathered")


class Handshake:
    """What has been told of an opening handshake so far."""

    def __init__(self, start: SessionStartRecord | None) -> None:
        self.start = start
        self.request: RequestRecord | None = None
        self.response: ResponseRecord | None = None
        self.challenges: list[ChallengeRecord] = []
        self.adjustments: list[AdjustmentRecord] = []
        self.findings: list[FindingRecord] = []
        self.closings: list[ClosingRecord] = []
        self.left_out = 0
        self.continued = False
        self.secure = False
        """Whether it went over TLS, where there is no record of its start."""

    def add(self, record: AnyRecord) -> None:
        """Gather one more record; those that belong to no handshake are passed over."""
        match record:
            case SessionStartRecord():
                self.start = record
            case RequestRecord():
                self.request = record
            case ResponseRecord():
                self.response = record
            case ChallengeRecord():
                self._keep(self.challenges, record)
            case AdjustmentRecord():
                self._keep(self.adjustments, record)
            case FindingRecord():
                self._keep(self.findings, record)
            case ClosingRecord():
                self._keep(self.closings, record)

    def _keep(self, kept: list[_Gathered], record: _Gathered) -> None:
        if len(kept) < _MOST:
            kept.append(record)
        else:
            self.left_out += 1

    @property
    def empty(self) -> bool:
        """Whether there is nothing to set."""
        return not (
            self.request
            or self.response
            or self.challenges
            or self.adjustments
            or self.findings
            or self.closings
        )

    @property
    def decided(self) -> bool:
        """Whether no more can come of it, once the records of this input are all told."""
        request, response = self.request, self.response
        if self.continued or self.closings or self.challenges:
            return True
        if request is None or self._passes_unread(request):
            return True
        if response is None:
            # A server's head that cannot be read is told as a finding only; and a handshake behind
            # an unanswered request is passed on unread.
            return any(
                one.code == "pipelined-upgrade"
                or (one.stream == "server" and one.severity is not Severity.GOOD)
                for one in self.findings
            )
        return response.status != 101 or request.dialect != "hixie-76"

    def block(
        self,
        ink: Ink,
        width: int,
        *,
        session: int,
        explained: set[str] | None = None,
        raw: bool = False,
        evidence: bool = False,
    ) -> str:
        """The block, its lines ended.

        `explained` are the findings' codes that need no second explanation; `raw`: with both heads
        as they came; `evidence`: with the findings' bytes and offsets, as with `raw`.
        """
        explained = set() if explained is None else explained
        request, response = self.request, self.response
        page = Page(ink, width, [session_span(session)])
        self._put_title(page)
        if self.challenges:
            page.blank()
            for number, challenge in enumerate(self.challenges):
                if number:
                    page.blank()
                put_challenge(page, self._with_keys(challenge), title=len(self.challenges) > 1)
        elif request is not None and request.dialect == "hixie-76":
            page.blank()
            put_keys(page, *self._asked_keys())
        if request is not None or response is not None:
            page.blank()
        if response is not None:
            put_status(page, response)
        elif request is not None and not self._passes_unread(request):
            page.labelled("Status", ("error", "(no answer from the server)"))
        if request is not None:
            put_fields(page, request, response, self._secure)
        if self.adjustments:
            page.blank()
            put_adjustments(page, self.adjustments, keys=raw or not self.challenges, translated=raw)
        if self.findings:
            page.blank()
            put_findings(page, self.findings, explained, evidence=raw or evidence)
        if self.left_out:
            page.labelled("", ("dim", f"and {self.left_out} more"))
        if self.closings and self.findings:
            page.blank()
        for closing in self.closings:
            who = f"{closing.by}, after {closing.time:.1f} s"
            dialect = "" if request is None else request.dialect
            page.text("ended", f"{who}: {closing_words(closing, dialect)}")
        if raw:
            self._put_heads(page)
        return page.painted()

    def _passes_unread(self, request: RequestRecord) -> bool:
        """Whether nothing of the answer is looked at, as far as it has been told."""
        if request.dialect in _HIXIE or request.server_dialect is not None:
            return False
        return request.dialect != _MODERN or any(one.code == _UNREAD for one in self.findings)

    @property
    def _secure(self) -> bool:
        start = self.start
        return self.secure if start is None else start.listener.startswith("wss:")

    def _asked_keys(self) -> tuple[KeyReading | None, KeyReading | None]:
        """The client's keys, from its head."""
        if self.request is None:
            return None, None
        head = request_head(self.request.head)
        one, other = head.value(_KEY1), head.value(_KEY2)
        return (
            None if one is None else key_reading(read_key(one)),
            None if other is None else key_reading(read_key(other)),
        )

    def _with_keys(self, challenge: ChallengeRecord) -> ChallengeRecord:
        """Where one of the client's keys is missing, the record has neither; the head has one."""
        if challenge.asked_by == "relay" or challenge.key1 or challenge.key2:
            return challenge
        key1, key2 = self._asked_keys()
        return msgspec.structs.replace(challenge, key1=key1, key2=key2)

    def _put_title(self, page: Page) -> None:
        if self.request is None:
            page.row(("strong", "the handshake, continued" if self.continued else "handshake"))
        else:
            dialect = dialects(page.ink, self.request.dialect, self.request.server_dialect)
            line = escape_head(request_head(self.request.head).start_line.decode("latin-1"))
            if cells(dialect) + cells(line) + 7 > page.width:
                line = page.cut(line, page.width - cells(dialect) - 7)
            page.row(("strong", dialect), ("", f"  {line}"))
        if self.start is not None and self.request is not None:
            start, right = self.start, page.ink.right
            path = f"{start.client} {right} {start.listener} {right} {start.upstream}"
            clock = start.started.partition("T")[2][:8]
            for line in wrap(f"{path}  {clock}" if clock else path, page.width - 5):
                page.row(("dim", line))

    def _put_heads(self, page: Page) -> None:
        for label, record, sender in (
            ("client", self.request, "server"),
            ("server", self.response, "client"),
        ):
            if record is None:
                continue
            page.blank()
            page.row(("label", f"the {label} sent"))
            _put_head(page, record.head)
            if record.sent is not None:
                page.row(("label", f"the {sender} got"))
                _put_head(page, record.sent)


def dialects(ink: Ink, client: str, server: str | None) -> str:
    """What both sides speak."""
    return neutral(client) if server is None else f"{neutral(client)} {ink.right} {neutral(server)}"


def _put_head(page: Page, head: str) -> None:
    for line in _lines(head):
        shown = escape_head(line)
        for piece in wrap(shown, page.room + LABEL - 2):
            page.row(("", "  "), ("", piece))


def _lines(head: str) -> list[str]:
    # str.splitlines takes more characters for line ends than HTTP does.
    lines = [f"{line}\n" for line in head.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def closing_words(record: ClosingRecord, dialect: str = "") -> str:
    """How a session of this dialect ended, in words."""
    if record.detail and record.how == "timeout":
        return neutral(record.detail)
    how = _HOW.get(record.how, neutral(record.how))
    if record.how == "closing-handshake" and (record.detail or dialect not in ("", *_HIXIE)):
        # Only hixie's is two bytes that say nothing; others have a code and a reason.
        how = "closing handshake"
    return f"{how}: {neutral(record.detail)}" if record.detail else how
