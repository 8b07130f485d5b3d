"""A handshake's fields on a page: what the client asked beside what it got, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence

from ws76proxy.console.ink import Span
from ws76proxy.console.page import LABEL, Page
from ws76proxy.console.text import cells, escape_head, wrap
from ws76proxy.diagnosis import expected_location
from ws76proxy.record import AdjustmentRecord, RequestRecord, ResponseRecord
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = ["put_adjustments", "put_fields", "put_status", "request_line"]

_ABSENT = "(absent)"
_PAIR = 10


def request_line(record: RequestRecord) -> str:
    """The first line of a request, escaped."""
    return escape_head(_request_head(record.head).start_line.decode("latin-1"))


def put_status(page: Page, response: ResponseRecord) -> None:
    """The status that the server gave."""
    status = "(no status)" if response.status is None else str(response.status)
    style = "" if response.status == 101 else "error"
    page.text("Status", f"{status} {escape_head(response.reason)}".rstrip(), style=style)


def put_fields(
    page: Page, request: RequestRecord, response: ResponseRecord | None, secure: bool
) -> None:
    """The fields that decide, as the client sees them: its own request, the answer that it got."""
    asked = _request_head(request.head)
    got = None if response is None else _response_head(response.sent or response.head)
    opened = response is not None and response.status == 101
    prefix = b"websocket-" if request.dialect == "hixie-75" else b"sec-websocket-"
    host = asked.value(b"host")
    _put_value(page, "Host", host)
    if request.dialect not in ("hixie-75", "hixie-76"):
        _put_value(page, "Origin", asked.value(b"origin"))
    else:
        answered = got if opened else None
        origin = asked.value(b"origin")
        _put_pair(page, "Origin", origin, answered, prefix + b"origin", "asked")
        if host is not None and answered is not None:
            location = expected_location(asked, secure)
            _put_pair(page, "Location", location, answered, prefix + b"location", "expected")
        protocol = asked.value(prefix + b"protocol")
        if protocol is not None or (answered and answered.get(prefix + b"protocol")):
            _put_pair(page, "Protocol", protocol, answered, prefix + b"protocol", "asked")
    _put_all(page, asked, "Cookie", "Authorization")
    if got is not None:
        _put_all(page, got, "Set-Cookie", "WWW-Authenticate", "Location")


def put_adjustments(page: Page, adjustments: Sequence[AdjustmentRecord], *, keys: bool) -> None:
    """What went on other than it came; `keys`: with the keys of the relay's own challenge."""
    label = "changed"
    asked_again = [one.what for one in adjustments if one.cause == "challenge"]
    if asked_again and not keys:
        text = f"{' and '.join(asked_again)}: the relay's own challenge, above"
        page.text(label, f"to the server: {text}")
        label = ""
    for change in adjustments:
        if change.cause == "challenge" and not keys:
            continue
        repaired = " (repaired)" if change.cause == "repair" else ""
        title = f"to the {change.toward}: {escape_head(change.what)}{repaired}"
        page.text(label, f"{title}, {change.why}")
        label = ""
        before, after = _value(change.before), _value(change.after)
        becomes: Span = ("dim", f"  {page.ink.becomes} ")
        if cells(before) + cells(after) + 8 <= page.room:
            page.labelled("", ("", f"  {before}"), becomes, ("", after))
            continue
        for lead, value in (("    ", before), (f" {page.ink.becomes} ", after)):
            for line in wrap(value, page.room - 4):
                page.labelled("", ("dim", f"{lead:<4}"), ("", line))
                lead = ""


def _put_value(page: Page, label: str, value: bytes | None) -> None:
    page.text(label, _shown(value), style="" if value is not None else "dim")


def _put_pair(
    page: Page, label: str, wanted: bytes | None, answered: Head | None, name: bytes, word: str
) -> None:
    """One row where both agree, two under each other where they don't."""
    if answered is None:
        _put_value(page, label, wanted)
        return
    values = [field.value for field in answered.get_all(name)]
    if values == [wanted]:
        text = _shown(wanted)
        if cells(text) + 3 <= page.room:
            page.labelled(label, ("", text), ("good", f"  {page.ink.good}"))
            return
    if wanted is None and not values:
        _put_value(page, label, None)
        return
    agree = values == [wanted]
    rows = [(word, _shown(wanted), "")]
    rows += [("answered", _shown(value), "good" if agree else "error") for value in values]
    if not values:
        rows.append(("answered", _ABSENT, "error"))
    for word, text, style in rows:
        for line in wrap(text, page.room - _PAIR):
            page.row(
                ("label", f"{label:<{LABEL}}"), ("label", f"{word:<{_PAIR}}"), (style, line)
            )
            label = word = ""


def _put_all(page: Page, head: Head, *names: str) -> None:
    for name in names:
        for field in head.get_all(name.lower().encode()):
            label = name if len(name) < LABEL else f"{name} "
            page.text(label, escape_head(field.value.decode("latin-1")))


def _value(text: str | None) -> str:
    return _ABSENT if text is None else escape_head(text)


def _shown(value: bytes | None) -> str:
    return _value(None if value is None else value.decode("latin-1"))


def _request_head(text: str) -> RequestHead:
    return RequestHead(_whole(text))


def _response_head(text: str) -> ResponseHead:
    return ResponseHead(_whole(text))


def _whole(text: str) -> bytes:
    """A record may come from a file: a head without its end must not break the reading."""
    raw = text.encode("latin-1", "replace")
    return raw if b"\n" in raw.lstrip(b"\r\n") else raw + b"\r\n\r\n"
