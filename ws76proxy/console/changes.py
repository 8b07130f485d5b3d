"""What rules, scripts and persons did to messages, a line each, with before and after."""

from __future__ import annotations

from ws76proxy.console.ink import Ink, Span
from ws76proxy.console.page import LABEL, Page, session_span, time_span
from ws76proxy.console.text import cells, neutral, wrap
from ws76proxy.record import ChangeRecord

__all__ = ["change_rows"]

_DEEDS = {
    "drop": "not passed on",
    "duplicate": "passed on more than once",
    "edit": "changed",
    "hide": "not shown",
    "inject": "said in its place",
    "pause": "waits for a decision",
    "release": "goes on",
    "swap": "goes behind the next one",
}
_MOST = 2000
"""Characters of a text that are looked at: what follows would not be read."""


def change_rows(ink: Ink, width: int, record: ChangeRecord) -> Page:
    """Who did what to which message; below, what it said and says."""
    page = Page(ink, width, [session_span(record.session), time_span(record.time)])
    who = record.by if not record.name else f'{record.by} "{neutral(record.name)}"'
    arrow = f"client {ink.right}" if record.direction == "client" else f"{ink.left} server"
    what = _DEEDS.get(record.deed, neutral(record.deed))
    message = f"message {record.number}: " if record.number else ""
    text = f"{message}{what}"
    if record.detail:
        text += f" ({neutral(record.detail)})"
    label: Span = (record.direction, f"{arrow:<{7 + len(ink.right)}}  ")
    lead: Span = ("", " " * cells(label[1]))
    room = page.room + LABEL - cells(label[1])
    margin = [label]
    for line in wrap(f"{who}: {text}", room):
        name = who if line.startswith(who) else ""
        page.row(*margin, ("warning", name), ("", line[len(name) :]))
        margin = [lead]
    before, after = record.before, record.after
    if before is not None:
        page.row(lead, _text(page, before, room))
    if after is not None:
        becomes = f"{ink.becomes} " if before is not None else ""
        page.row(lead, ("dim", becomes), _text(page, after, room - len(becomes)))
    return page


def _text(page: Page, text: str, room: int) -> Span:
    return ("", page.cut(text[:_MOST], room)) if text.strip(" ") else ("dim", "(empty)")
