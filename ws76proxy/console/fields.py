"""A handshake's fields on a page: asked beside answered, and what was changed on the way."""

from __future__ import annotations

from collections.abc import Sequence

from ws76proxy.console.ink import Span
from ws76proxy.console.page import LABEL, Page
from ws76proxy.console.text import cells, escape_head, wrap
from ws76proxy.diagnosis import expected_location
from ws76proxy.record import AdjustmentRecord, RequestRecord, ResponseRecord
from ws76proxy.wire.head import Head, RequestHead, ResponseHead

__all__ = ["put_adjustments", "put_fields", "put_status", "request_head"]

_ABSENT = "(absent)"
_PAIR = 10


def put_status(page: Page, response: ResponseRecord) -> None:
    """The status that the server gave."""
    status = "(no status)" if response.status is None else str(response.status)
    text = f"{status} {escape_head(response.reason)}".rstrip()
    if response.status == 101:
        page.text("Status", text)
    else:
        page.text("Status", f"{text}  {page.ink.bad}", style="error")


def put_fields(
    page: Page, request: RequestRecord, response: ResponseRecord | None, secure: bool
) -> None:
    """The fields that decide, as the client sees them: its own request, the answer that it got."""
    asked = request_head(request.head)
    got = None if response is None else _response_head(response.sent or response.head)
    opened = response is not None and response.status == 101
    prefix = b"websocket-" if request.dialect == "hixie-75" else b"sec-websocket-"
    host = asked.value(b"host")
    _put_value(page, "Host", host)
    if request.dialect not in ("hixie-75", "hixie-76"):
        _put_value(page, "Origin", asked.value(b"origin"))
        protocol = asked.value(prefix + b"protocol")
        if protocol is not None:
            answer = got.value(prefix + b"protocol") if opened and got is not None else None
            _put_value(page, "Protocol", protocol)
            if opened:
                page.labelled("", ("dim", f"{page.ink.becomes} "), ("", _shown(page, answer)))
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


def put_adjustments(
    page: Page, adjustments: Sequence[AdjustmentRecord], *, keys: bool, translated: bool = False
) -> None:
    """What went on other than it came; `keys`: with the keys of the relay's own challenge,
    `translated`: with each field that one dialect has and the other has not."""
    page.row(("label", "changed on the way"))
    toward = ""
    asked_again = [] if keys else [one for one in adjustments if one.cause == "challenge"]
    in_one = {
        toward: [one for one in adjustments if one.toward == toward and _is_translated(one)]
        for toward in ("client", "server")
        if not translated
    }
    for change in adjustments:
        if change in asked_again[1:]:
            continue
        together = in_one.get(change.toward, [])
        if change in together[1:]:
            continue
        label = "" if change.toward == toward else f"to {change.toward}"
        toward = change.toward
        if change in asked_again:
            names = escape_head(" and ".join(one.what for one in asked_again))
            _put_reason(page, label, f"{names}:", "the relay's own challenge, above")
            continue
        if change in together:
            names = ", ".join(escape_head(one.what) for one in together)
            _put_reason(page, label, "translated:", names)
            continue
        repaired = " (repaired)" if change.cause == "repair" else ""
        _put_reason(page, label, f"{escape_head(change.what)}{repaired}:", change.why)
        before, after = _value(page, change.before), _value(page, change.after)
        becomes: Span = ("dim", f"{page.ink.becomes} ")
        if cells(before) + cells(after) + 6 <= page.room:
            page.labelled("", ("", f"  {before} "), becomes, ("", after))
            continue
        for lead, value in ((("", "  "), before), (becomes, after)):
            for line in wrap(value, page.room - 5):
                page.labelled("", ("", "  "), lead, ("", line))
                lead = ("", " " * len(lead[1]))


def _is_translated(change: AdjustmentRecord) -> bool:
    """Whether it comes of the dialect alone: of what was asked for, nothing is another."""
    is_another = change.before is not None and change.after is not None
    is_choice = is_another and change.what.lower().endswith("websocket-protocol")
    return change.cause == "bridge" and not is_choice


def _put_reason(page: Page, label: str, what: str, why: str) -> None:
    for line in wrap(f"{what} {why}", page.room):
        name = what if line.startswith(what) else ""
        page.labelled(label, ("", name), ("dim", line[len(name) :]))
        label = what = ""


def _put_value(page: Page, label: str, value: bytes | None) -> None:
    page.text(label, _shown(page, value), style="" if value is not None else "dim")


def _put_pair(
    page: Page, label: str, wanted: bytes | None, answered: Head | None, name: bytes, word: str
) -> None:
    """One row where both agree, two under each other where they don't."""
    if answered is None:
        _put_value(page, label, wanted)
        return
    values = [field.value for field in answered.get_all(name)]
    if values == [wanted]:
        text = _shown(page, wanted)
        if cells(text) + 3 <= page.room:
            page.labelled(label, ("", text), ("good", f"  {page.ink.good}"))
            return
    if wanted is None and not values:
        _put_value(page, label, None)
        return
    mark, style = (page.ink.good, "good") if values == [wanted] else (page.ink.bad, "error")
    rows = [(word, _shown(page, wanted), "")]
    shown = [_shown(page, value) for value in values] or [_ABSENT]
    rows += [("answered", f"{text}  {mark}", style) for text in shown]
    for word, text, style in rows:
        for line in wrap(text, page.room - _PAIR):
            page.row(("label", f"{label:<{LABEL}}"), ("label", f"{word:<{_PAIR}}"), (style, line))
            label = word = ""


def _put_all(page: Page, head: Head, *names: str) -> None:
    for name in names:
        for field in head.get_all(name.lower().encode()):
            label = name if len(name) < LABEL else f"{name} "
            page.text(label, escape_head(field.value.decode("latin-1")))


def _value(page: Page, text: str | None) -> str:
    if text is None:
        return _ABSENT
    if not text:
        return "(empty)"
    # A space at an edge makes a value another one, and would not be seen.
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - len(text.rstrip(" ")) if before < len(text) else 0
    return page.ink.space * before + escape_head(text.strip(" ")) + page.ink.space * after


def _shown(page: Page, value: bytes | None) -> str:
    return _value(page, None if value is None else value.decode("latin-1"))


def request_head(text: str) -> RequestHead:
    """A request's head, read again from its record."""
    return RequestHead(_whole(text))


def _response_head(text: str) -> ResponseHead:
    return ResponseHead(_whole(text))


def _whole(text: str) -> bytes:
    """A record may come from a file: a head without its end must not break the reading."""
    raw = text.encode("latin-1", "replace")
    return raw if b"\n" in raw.lstrip(b"\r\n") else raw + b"\r\n\r\n"
