"""Explained handshakes as a person reads them in a terminal."""

from __future__ import annotations

import rich.console

from ws76proxy.console.challenge import put_answer, put_steps
from ws76proxy.console.findings import put_findings
from ws76proxy.console.handshake import Handshake
from ws76proxy.console.ink import Ink, Row
from ws76proxy.console.page import Page
from ws76proxy.console.text import neutral
from ws76proxy.diagnosis import HYPOTHESES, Finding
from ws76proxy.diagnosis.browsers import reaction_in_words
from ws76proxy.explain.explained import Explained
from ws76proxy.explain.report import in_words
from ws76proxy.explain.tally import Tally
from ws76proxy.record import ChallengeRecord, HttpRecord, key_reading
from ws76proxy.wire.challenge import Challenge

__all__ = ["TextReport", "handshake_of"]

_MOST_SERVERS = 20


class TextReport:
    """The relay's own blocks, with the findings' bytes, and a summary where there are several.

    `raw`: with both heads as they came. `show_secrets`: with cookies and credentials.
    """

    def __init__(
        self, console: rich.console.Console, *, raw: bool = False, show_secrets: bool = False
    ) -> None:
        self._ink = Ink.of(console)
        self._width = console.width
        self._raw = raw
        self._show_secrets = show_secrets
        self._explained: set[str] = set()
        self._source = ""
        self._sessions = 0

    def begin(self) -> str:
        """Nothing stands before the first session."""
        return ""

    def session(self, session: Explained) -> str:
        """Its block, or the steps of a challenge alone."""
        shown = session if self._show_secrets else session.redacted()
        blank = "\n" if self._sessions else ""
        self._sessions += 1
        text = blank + self._heading(shown)
        if shown.kind == "keys":
            return text + self._challenge(shown)
        block = handshake_of(shown).block(
            self._ink,
            self._width,
            session=shown.number,
            explained=self._explained,
            raw=self._raw,
            evidence=True,
        )
        return text + block + self._rest(shown)

    def note(self, text: str) -> str:
        """A line."""
        return self._ink.paint([("dim", neutral(text))]) + "\n"

    def finish(self, tally: Tally, told: int) -> str:
        """A table of codes, and a line for each server."""
        if tally.sessions < 2:
            return ""
        page = Page(self._ink, self._width, [])
        if told:
            page.blank()
        page.row(("strong", in_words(tally, told)))
        longest = max([len(count.code) for count in tally.codes], default=0)
        for code, severity, title, sessions in tally.codes:
            row: Row = [
                (str(severity), f"  {severity:<8}"),
                ("", f"{sessions:>7,}  {neutral(code):<{longest}}  "),
            ]
            page.row(*row, ("dim", page.cut(title, max(page.width - 21 - longest, 0))))
        for server, together in tally.servers[:_MOST_SERVERS]:
            style = "error" if together.wrong else "good"
            mark = self._ink.bad if together.wrong else self._ink.good
            page.text(f"{mark} digests", f"{server}: {together.verdict}", label_style=style)
        others = len(tally.servers) - _MOST_SERVERS
        if others > 0:
            page.row(("dim", f"and {others:,} more servers"))
        if tally.unjudged:
            page.row(("dim", f"{tally.unjudged:,} handshakes of more servers are not in this"))
        return page.painted()

    def page(self, finding: Finding) -> str:
        """All that the catalogue says of it."""
        page = Page(self._ink, self._width, [])
        if self._sessions:
            page.blank()
        self._sessions += 1
        page.text(str(finding.severity), finding.title, "strong", str(finding.severity))
        hypothesis = HYPOTHESES.get(finding.code)
        shows = "" if hypothesis is None else hypothesis.shows or "nearly every handshake"
        for label, text in (
            ("code", finding.code),
            ("side", "something between" if finding.side == "between" else str(finding.side)),
            ("cause", finding.cause),
            ("shows in", shows),
            ("effect", finding.consequence),
            ("browser", "" if finding.reaction is None else reaction_in_words(finding.reaction)),
            ("fix", finding.fix),
            ("known in", finding.carriers),
            ("section", finding.section),
        ):
            if text:
                page.text(label, text)
        return page.painted()

    def _heading(self, session: Explained) -> str:
        """Where it comes from, what that was taken for, and what to know about it."""
        page = Page(self._ink, self._width, [])
        if session.source and (session.source != self._source or session.kind):
            taken = f": taken for {session.kind}" if session.kind else ""
            page.text("from", session.source + taken)
        self._source = session.source
        for note in session.notes:
            page.text("note", note)
        if page.rows:
            page.blank()
        return page.painted()

    def _challenge(self, session: Explained) -> str:
        page = Page(self._ink, self._width, [])
        assert session.asked is not None  # noqa: S101 - keys have been given
        _put_steps(page, session.asked)
        for record in session.records:
            if isinstance(record, ChallengeRecord):
                put_answer(page, record)
        if session.findings:
            page.blank()
            put_findings(page, session.findings, self._explained, evidence=False)
        return page.painted()

    def _rest(self, session: Explained) -> str:
        """What stands below a block."""
        page = Page(self._ink, self._width, [("", " " * 5)])
        for record in session.records:
            if isinstance(record, HttpRecord):
                status = (
                    "no answer" if record.status is None else f"{record.status} {record.reason}"
                )
                page.text("HTTP", f"{record.method} {record.target}: {status}")
        if session.left_out:
            page.labelled("", ("dim", f"and {session.left_out:,} more records"))
        if session.asked is not None:
            page.blank()
            page.row(("strong", "what the server must send"))
            _put_steps(page, session.asked)
        return page.painted()


def handshake_of(session: Explained) -> Handshake:
    """The block of a session that has a request."""
    handshake = Handshake(None)
    handshake.secure = session.server.startswith("wss:")
    for record in session.records:
        handshake.add(record)
    return handshake


def _put_steps(page: Page, challenge: Challenge) -> None:
    key1, key2 = key_reading(challenge.key1), key_reading(challenge.key2)
    put_steps(page, key1, key2, challenge.key3, challenge.answer)
