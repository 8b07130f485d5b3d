"""The records that are a line each: messages, frames, endings, HTTP exchanges, notices."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from ws76proxy.console.handshake import closing_words, dialects
from ws76proxy.console.ink import Ink, Row, Span
from ws76proxy.console.page import INDENT, LABEL, Page, session_span, time_span
from ws76proxy.console.text import cells, cut, escape_head, neutral, wrap
from ws76proxy.record import (
    BytesRecord,
    ClosingRecord,
    Counts,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    NoticeRecord,
    RecordingRecord,
    SegmentRecord,
    SessionEndRecord,
    SessionStartRecord,
)

__all__ = [
    "CONTROL",
    "binary_row",
    "bytes_row",
    "closing_rows",
    "control_row",
    "end_rows",
    "frame_row",
    "hexdump",
    "http_row",
    "message_lines",
    "message_payload",
    "notice_rows",
    "recording_rows",
    "segment_row",
    "start_rows",
    "stretch_of_base64",
]

CONTROL = {0x88: "close", 0x89: "ping", 0x8A: "pong"}
"""Frames of RFC 6455 that are no messages, by their first byte."""

_LEAST_TEXT = 12
_VERDICTS = {
    "verified": ("good", "digest verified"),
    "wrong": ("error", "digest wrong"),
    "missing": ("error", "digest missing"),
    "unanswerable": ("error", "challenge without a right answer"),
}
_OUTCOMES = {
    "open": ("", "closed after"),
    "refused": ("error", "refused after"),
    "failed": ("error", "failed after"),
    "passed-on": ("", "passed on undecoded for"),
    "http": ("", "plain HTTP for"),
    "nothing": ("dim", "no request came in"),
}

_VANTAGES = {
    "relay": "recorded by",
    "mitmproxy": "recorded in mitmproxy by",
    "capture": "read from a capture by",
    "har": "read from HAR by",
}


def message_lines(
    ink: Ink,
    width: int,
    text_width: int | None,
    sender: tuple[int, float, str],
    texts: Iterable[str],
    size: int | None = None,
) -> Iterator[str]:
    """A line for each message of one sender (session, time, direction), ended.

    `size` is given where it is not that of the text's UTF-8. What the lines begin with is made
    once, since messages come in crowds.
    """
    session, time, direction = sender
    row = [session_span(session), time_span(time), _who(ink, direction), ("dim", "  text ")]
    begin = ink.paint([*row, ("", "|")])[:-1]
    room = text_width
    if room is None:
        room = max(width - sum(cells(text) for _, text in row) - 10, _LEAST_TEXT)
    ellipsis = ink.ellipsis
    for text in texts:
        octets = size
        if octets is None:
            octets = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        yield f"{begin}{octets:>8}  {cut(text, room, ellipsis)}".rstrip(" ") + "\n"


def message_payload(record: MessageRecord) -> bytes | None:
    """The first bytes of a message whose bytes are not the UTF-8 of its text."""
    return None if record.payload is None else stretch_of_base64(record.payload)


def stretch_of_base64(text: str, count: int = 256) -> bytes:
    """The first so many bytes of what may be very long; nothing where it is not base64."""
    try:
        return base64.b64decode(text[: (count + 2) // 3 * 4])[:count]
    except ValueError:
        return b""


def frame_row(ink: Ink, width: int, record: FrameRecord) -> Row:
    """A frame that is no text message: its type, size and first bytes."""
    row: Row = [
        session_span(record.session),
        time_span(record.time),
        _who(ink, record.direction),
        ("warning", f"  0x{record.frame_type:02X} "),
        ("", f"{record.size:>8}  "),
    ]
    return _with_first_bytes(ink, width, row, record.raw, record.size)


def control_row(ink: Ink, width: int, record: FrameRecord) -> Row:
    """A frame of RFC 6455 that is no message: its kind, size and first bytes."""
    row = _labelled_row(ink, record, CONTROL[record.frame_type], record.size)
    return _with_first_bytes(ink, width, row, record.raw, record.size)


def binary_row(ink: Ink, width: int, record: MessageRecord) -> Row:
    """A message that is not text: its size and first bytes."""
    row = _labelled_row(ink, record, "binary", record.size)
    return _with_first_bytes(ink, width, row, record.payload or "", record.size)


def bytes_row(ink: Ink, width: int, record: BytesRecord) -> Row:
    """Bytes that were not decoded: how many, and the first of them."""
    row = _labelled_row(ink, record, record.of, record.size)
    return _with_first_bytes(ink, width, row, record.raw, record.size)


def segment_row(ink: Ink, record: SegmentRecord) -> Row:
    """A piece of an opening handshake as it came: its size, and where it begins."""
    row = _labelled_row(ink, record, "came", record.size)
    return [*row, ("dim", f"from byte {record.offset}")]


def _labelled_row(
    ink: Ink,
    record: MessageRecord | FrameRecord | BytesRecord | SegmentRecord,
    label: str,
    size: int,
) -> Row:
    """A row up to what is said of the bytes; sizes stand where those of messages do."""
    return [
        session_span(record.session),
        time_span(record.time),
        _who(ink, record.direction),
        ("dim", f"  {neutral(label)} "),
        ("", f"{size:>{12 - len(label)}}  "),
    ]


def _with_first_bytes(ink: Ink, width: int, row: Row, raw: str, size: int) -> Row:
    """The row with as many of the bytes (in base64) as fit."""
    room = width - sum(cells(text) for _, text in row)
    first = stretch_of_base64(raw, 64)
    most = max((room + 1 - len(ink.ellipsis)) // 3, 1)
    shown = first[:most].hex(" ")
    if size > most:
        shown = f"{shown[: most * 3 - 1]}{ink.ellipsis}"
    return [*row, ("", shown)]


def hexdump(data: bytes, size: int) -> list[Row]:
    """Bytes as offset, hexadecimal and printable characters, eight to a row."""
    rows: list[Row] = []
    for begin in range(0, len(data), 8):
        piece = data[begin : begin + 8]
        printable = "".join([chr(byte) if 0x20 <= byte < 0x7F else "." for byte in piece])
        text = f"{piece.hex(' '):<23}  {printable}"
        rows.append([("", " " * INDENT), ("dim", f"{begin:8x}  "), ("", text)])
    if size > len(data):
        rows.append([("", " " * INDENT), ("dim", f"{'':10}and {size - len(data)} more bytes")])
    return rows


def closing_rows(ink: Ink, width: int, record: ClosingRecord, dialect: str = "") -> Page:
    """A step of the end of a session in this dialect."""
    margin = [session_span(record.session), time_span(record.time), _who(ink, record.by)]
    # The words stand where the texts of messages do.
    page = Page(ink, width, [*margin, ("dim", f"  {'end':<15}")])
    for line in wrap(closing_words(record, dialect), page.room + LABEL):
        page.row(("", line))
    return page


def end_rows(ink: Ink, width: int, record: SessionEndRecord, *, short: bool) -> Page:
    """A session summed up; `short`: in one line."""
    page = Page(ink, width, [session_span(record.session), time_span(record.time)])
    style, words = _OUTCOMES.get(record.outcome, ("", neutral(record.outcome)))
    row: Row = [(style or "strong", f"{words} {record.time:.1f} s")]
    if record.dialect:
        spoken = dialects(ink, record.dialect, record.server_dialect)
        row += [("", ink.between), ("", spoken)]
    if record.verdict is not None:
        row += [("", ink.between), _VERDICTS[record.verdict]]
    if short:
        counts = f"{record.client.messages:,} from client, {record.server.messages:,} from server"
        row += [("", ink.between), ("", f"messages: {counts}")]
    page.row(*row)
    if short:
        return page
    if record.outcome != "nothing":
        for label, counts, style in (
            (f"client {ink.right}", _counts(record.client), "client"),
            (f"{ink.left} server", _counts(record.server), "server"),
        ):
            page.labelled(label, ("", counts), style=style)
    if record.findings:
        page.listed("findings", [neutral(code) for code in record.findings])
    return page


def _counts(counts: Counts) -> str:
    messages = f"{counts.messages:,} message{'' if counts.messages == 1 else 's'}"
    frames = f", {counts.frames:,} other frame{'' if counts.frames == 1 else 's'}"
    return f"{messages}{frames if counts.frames else ''}, {counts.bytes:,} bytes in all"


def http_row(ink: Ink, width: int, record: HttpRecord) -> Row:
    """An ordinary exchange."""
    row: Row = [session_span(record.session), time_span(record.time)]
    if record.status is None:
        answer, style = "(no answer)", "dim"
    else:
        answer = f"{record.status} {escape_head(record.reason)}".rstrip()
        style = "good" if record.status < 400 else "warning"
    kind = escape_head(record.content_type.partition(";")[0].strip())
    request = f"{escape_head(record.method)} {escape_head(record.target)}"
    room = width - sum(cells(text) for _, text in row) - len(ink.right) - 2
    answer = cut(answer, room // 2, ink.ellipsis)
    kind = f"  {kind}" if kind and len(kind) + len(answer) < room // 2 else ""
    request = cut(request, room - len(answer) - len(kind), ink.ellipsis)
    return [*row, ("", request), ("dim", f" {ink.right} "), (style, answer), ("dim", kind)]


def notice_rows(ink: Ink, width: int, record: NoticeRecord) -> Page:
    """What the relay itself has to say."""
    margin: list[Span] = [session_span(record.session)]
    if record.session:
        margin.append(time_span(record.time))
    page = Page(ink, width, margin)
    label = {"error": f"{ink.bad} error", "warning": "! warning"}.get(record.level, "")
    if label:
        page.text(label, record.text, label_style=record.level)
    else:
        for line in wrap(record.text, page.room + LABEL):
            page.row(("", line))
    return page


def recording_rows(ink: Ink, width: int, record: RecordingRecord) -> Page:
    """Where a recording comes from."""
    began = record.started.replace("T", " ")[:19]
    vantage = _VANTAGES.get(record.vantage, record.vantage)
    parts = [f"{vantage} {record.tool}".strip(), f"began {began}" if began else ""]
    if record.redacted:
        parts.append("without secrets")
    if record.source:
        parts.append(f"made of {record.source}")
    if record.continues:
        parts.append(f"continues {record.continues}")
    page = Page(ink, width, [session_span(0)])
    for line in wrap(ink.between.join(part for part in parts if part), page.room + LABEL):
        page.row(("dim", line))
    return page


def start_rows(ink: Ink, width: int, record: SessionStartRecord) -> Page:
    """A client has connected."""
    page = Page(ink, width, [session_span(record.session), time_span(record.time)])
    path = f"{record.client} {ink.right} {record.listener} {ink.right} {record.upstream}"
    page.text("connected", path, style="dim")
    return page


def _who(ink: Ink, who: str) -> Span:
    label = {"client": f"client {ink.right}", "server": f"{ink.left} server"}.get(who, who)
    return (who if who in ("client", "server", "relay") else "", f"{label:<{7 + len(ink.right)}}")
