"""The console: takes the records of all sessions as they come, and shows them to a person."""

from __future__ import annotations

from itertools import islice
from typing import Literal

import rich.console

from ws76proxy.console.changes import change_rows
from ws76proxy.console.findings import finding_row, put_finding
from ws76proxy.console.handshake import Handshake
from ws76proxy.console.ink import Ink, Row
from ws76proxy.console.lines import (
    CONTROL,
    binary_row,
    bytes_row,
    closing_rows,
    control_row,
    end_rows,
    frame_row,
    hexdump,
    http_row,
    message_lines,
    message_payload,
    notice_rows,
    recording_rows,
    segment_row,
    start_rows,
    stretch_of_base64,
)
from ws76proxy.console.page import Page, session_span, time_span
from ws76proxy.diagnosis.model import Severity
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    BytesRecord,
    ChallengeRecord,
    ChangeRecord,
    ClosingRecord,
    FindingRecord,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Messages,
    NoticeRecord,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.redaction import redact
from ws76proxy.wire.events import InvalidText

__all__ = ["Console", "Level"]

Level = Literal["quiet", "normal", "verbose"]

# Messages that come in one read: nobody reads more of them from a screen at once.
_MOST_AT_ONCE = 100
_MOST_CLOSINGS = 8
_GRAVE = (Severity.ERROR, Severity.WARNING)


class _Shown:
    """What the console remembers of a session between its start and its end."""

    __slots__ = (
        "closings",
        "dialect",
        "explained",
        "handshake",
        "opened",
        "server_dialect",
        "start",
    )

    def __init__(self, start: SessionStartRecord | None) -> None:
        self.start = start
        self.handshake: Handshake | None = None
        self.dialect = self.server_dialect = ""
        self.opened = False
        self.closings: list[ClosingRecord] = []
        self.explained: set[str] = set()

    def dialect_of(self, who: str) -> str:
        """What the client, the server, or the relay towards the client speaks."""
        return self.server_dialect if who == "server" else self.dialect

    def speaks_rfc6455(self, who: str) -> bool:
        """Whether frames of this side are those of RFC 6455."""
        return self.dialect_of(who) == "rfc6455"


_TOLD_QUIETLY = FindingRecord | NoticeRecord | SessionEndRecord


class Console:
    """Shows records on a rich console: a block for each opening handshake, else a line each.

    Give it every record (`tell`), and call `settle` when all records of one input have been told:
    it shows a handshake that has come to its decision. Without `settle` the block appears with
    what follows the handshake. `finish` shows what is still waiting when the program ends.

    Writing goes straight to the console's file, flushed after each record; its errors are raised.
    """

    def __init__(
        self,
        console: rich.console.Console,
        *,
        level: Level = "normal",
        show_secrets: bool = False,
        text_width: int | None = None,
    ) -> None:
        """`text_width`: columns for a message's text; None: what the line has left."""
        self._console = console
        self._ink = Ink.of(console)
        self._quiet = level == "quiet"
        self._verbose = level == "verbose"
        self._show_secrets = show_secrets
        self._text_width = text_width
        self._most_at_once = _MOST_AT_ONCE if console.is_terminal and level != "verbose" else None
        self._sessions: dict[int, _Shown] = {}
        self._unsettled: set[int] = set()
        self._after_blank = True

    def tell(self, record: AnyRecord | Messages) -> None:
        """Show a record, now or together with those that belong to it."""
        if isinstance(record, Messages):
            if not self._quiet:
                self._messages(record)
            return
        if self._quiet and not isinstance(record, _TOLD_QUIETLY):
            return
        if not self._show_secrets:
            record = redact(record)
        if self._quiet:
            self._tell_quietly(record)
        else:
            self._tell(record)

    def settle(self, session: int | None = None) -> None:
        """All records of one input to this session (None: to each) have been told."""
        if not self._unsettled:
            return
        for number in [*self._unsettled] if session is None else [session]:
            shown = self._sessions.get(number)
            if shown is None or shown.handshake is None:
                self._unsettled.discard(number)
            elif shown.handshake.decided:
                self.flush(number)

    def flush(self, session: int) -> None:
        """Show what has been gathered of this session's handshake, decided or not."""
        shown = self._sessions.get(session)
        self._unsettled.discard(session)
        if shown is None or shown.handshake is None:
            return
        handshake, shown.handshake = shown.handshake, None
        shown.opened = True
        if handshake.empty:
            return
        block = handshake.block(
            self._ink,
            self._width,
            session=session,
            explained=shown.explained,
            raw=self._verbose,
        )
        self._write(f"{'' if self._after_blank else chr(10)}{block}\n")
        self._after_blank = True

    def finish(self) -> None:
        """No more will come: show what is still waiting."""
        self.flush_all()
        self._sessions.clear()

    def flush_all(self) -> None:
        """Show what has been gathered of every session's handshake; the sessions go on."""
        for session in sorted(self._unsettled):
            self.flush(session)

    @property
    def wants_messages(self) -> bool:
        """Whether it shows them."""
        return not self._quiet

    @property
    def sessions(self) -> int:
        """How many sessions are remembered: those that have not ended."""
        return len(self._sessions)

    # One record

    def _tell(self, record: AnyRecord) -> None:
        match record:
            case SessionStartRecord():
                self._sessions[record.session] = _Shown(record)
                if self._verbose:
                    self._page(start_rows(self._ink, self._width, record))
            case RequestRecord():
                self.flush(record.session)
                self._gather(record)
                shown = self._sessions[record.session]
                shown.dialect = record.dialect
                shown.server_dialect = record.server_dialect or record.dialect
            case ResponseRecord() | ChallengeRecord() | AdjustmentRecord():
                self._gather(record)
            case ChangeRecord():
                self._change(record)
            case FindingRecord():
                self._finding(record)
            case MessageRecord():
                self._message(record)
            case FrameRecord():
                self._frame(record)
            case ClosingRecord():
                self._closing(record)
            case SessionEndRecord():
                self._end(record)
            case HttpRecord():
                self._row(http_row(self._ink, self._width, record))
            case NoticeRecord():
                self._page(notice_rows(self._ink, self._width, record))
            case RecordingRecord():
                self._page(recording_rows(self._ink, self._width, record))
            case SegmentRecord():
                # Of interest to whoever looks at raw bytes too.
                if self._verbose:
                    self._row(segment_row(self._ink, record))
            case BytesRecord():
                self._bytes(record)

    def _tell_quietly(self, record: AnyRecord) -> None:
        if isinstance(record, FindingRecord):
            if record.severity in _GRAVE:
                self._row(finding_row(self._ink, record))
        elif isinstance(record, NoticeRecord):
            if record.level != "info":
                self._page(notice_rows(self._ink, self._width, record))
        elif isinstance(record, SessionEndRecord) and record.outcome == "failed":
            self._page(end_rows(self._ink, self._width, record, short=True))

    # The handshake

    def _gather(self, record: AnyRecord) -> None:
        shown = self._sessions.get(record.session)
        if shown is None:
            shown = self._sessions[record.session] = _Shown(None)
        if shown.handshake is None:
            shown.handshake = Handshake(shown.start)
            shown.handshake.continued = shown.opened
        shown.handshake.add(record)
        self._unsettled.add(record.session)

    def _pending(self, session: int) -> bool:
        shown = self._sessions.get(session)
        return shown is not None and shown.handshake is not None

    def _finding(self, record: FindingRecord) -> None:
        if self._pending(record.session):
            self._gather(record)
            return
        if record.severity is Severity.GOOD and not self._verbose:
            return
        margin = [session_span(record.session), time_span(record.time)]
        page = Page(self._ink, self._width, margin)
        shown = self._sessions.get(record.session)
        explained = set() if shown is None else shown.explained
        put_finding(page, record, explained, evidence=self._verbose)
        self._page(page)

    # The conversation

    def _messages(self, batch: Messages) -> None:
        if batch.session in self._unsettled:
            self.flush(batch.session)
        event = batch.event
        sender = (batch.session, batch.time, batch.direction)
        ink, width = self._ink, self._width
        if isinstance(event, InvalidText):
            size = len(event.payload)
            line = message_lines(ink, width, self._text_width, sender, [event.text], size)
            self._write("".join(line))
            self._dump(event.payload[:256], size)
            return
        texts = event.texts
        most = self._most_at_once
        lines = message_lines(
            ink, width, self._text_width, sender, texts if most is None else islice(texts, most)
        )
        written = "".join(lines)
        if most is not None and event.count > most:
            more = f"{ink.ellipsis} and {event.count - most:,} more in the same read"
            row: Row = [session_span(batch.session), time_span(batch.time), ("dim", more)]
            written += f"{ink.paint(row)}\n"
        self._write(written)

    def _message(self, record: MessageRecord) -> None:
        if record.session in self._unsettled:
            self.flush(record.session)
        if record.binary:
            self._row(binary_row(self._ink, self._width, record))
        else:
            sender = (record.session, record.time, record.direction)
            lines = message_lines(
                self._ink, self._width, self._text_width, sender, [record.text], record.size
            )
            self._write("".join(lines))
        if self._verbose:
            self._dump(message_payload(record), record.size)

    def _change(self, record: ChangeRecord) -> None:
        if not self._pending(record.session) or record.number:
            self.flush(record.session)
        self._page(change_rows(self._ink, self._width, record))

    def _frame(self, record: FrameRecord) -> None:
        self.flush(record.session)
        shown = self._sessions.get(record.session)
        is_modern = shown is not None and shown.speaks_rfc6455(record.direction)
        if not is_modern or record.frame_type not in CONTROL:
            self._row(frame_row(self._ink, self._width, record))
        elif self._verbose or CONTROL[record.frame_type] == "ping":
            # A ping shows that somebody is there; of a Close there is another record.
            self._row(control_row(self._ink, self._width, record))
        else:
            return
        self._dump(stretch_of_base64(record.raw), record.size)

    def _bytes(self, record: BytesRecord) -> None:
        if self._verbose:
            self.flush(record.session)
            self._row(bytes_row(self._ink, self._width, record))
            self._dump(stretch_of_base64(record.raw), record.size)

    def _dump(self, data: bytes | None, size: int) -> None:
        if self._verbose and data is not None:
            self._write("".join([f"{self._ink.paint(row)}\n" for row in hexdump(data, size)]))

    # The end

    def _closing(self, record: ClosingRecord) -> None:
        shown = self._sessions.get(record.session)
        if shown is None or shown.opened:
            dialect = "" if shown is None else shown.dialect_of(record.by)
            self._page(closing_rows(self._ink, self._width, record, dialect))
        elif shown.handshake is not None:
            self._gather(record)
        elif len(shown.closings) < _MOST_CLOSINGS:
            # How a plain HTTP connection ends is of no interest; whether it is one, the end tells.
            shown.closings.append(record)

    def _end(self, record: SessionEndRecord) -> None:
        self.flush(record.session)
        shown = self._sessions.pop(record.session, None)
        if record.outcome == "http":
            return
        if shown is not None and record.outcome != "nothing":
            for closing in shown.closings:
                self._page(closing_rows(self._ink, self._width, closing))
        page = end_rows(self._ink, self._width, record, short=False)
        page.blank()
        self._page(page)
        self._after_blank = True

    # Writing

    @property
    def _width(self) -> int:
        return self._console.width

    def _row(self, row: Row) -> None:
        self._write(f"{self._ink.paint(row)}\n")

    def _page(self, page: Page) -> None:
        self._write(page.painted())

    def _write(self, text: str) -> None:
        self._after_blank = False
        file = self._console.file
        try:
            file.write(text)
        except UnicodeEncodeError:
            encoding = self._console.encoding
            file.write(text.encode(encoding, "replace").decode(encoding))
        file.flush()
