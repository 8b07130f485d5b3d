"""Recorded sessions for tests, written down as conversations."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec

from ws76proxy.record import (
    AnyRecord,
    BytesRecord,
    ClosingRecord,
    Counts,
    FrameRecord,
    HttpRecord,
    MessageRecord,
    Peer,
    RecordingRecord,
    RequestRecord,
    ResponseRecord,
    SessionEndRecord,
    SessionStartRecord,
)
from ws76proxy.recording import RecordedSession

__all__ = ["CHAT", "http_only", "recorded", "request_head", "response_head", "write"]

# A client that asks, a server that answers, and an end as it must be.
CHAT = (
    "client: one",
    "server: ONE",
    "client: two",
    "server: TWO",
    "client FF00",
    "server FF00",
    "server end",
    "client end",
)


def request_head(target: str = "/chat?room=1", *fields: str, dialect: str = "hixie-76") -> str:
    """A client's head; `fields` are more lines."""
    keys = ("Sec-WebSocket-Key2: 12998 5 Y3 1  .P00", "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5")
    if dialect == "rfc6455":
        keys = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    lines = (
        f"GET {target} HTTP/1.1",
        "Upgrade: WebSocket",
        "connection:Upgrade",
        "Host: recorded.example",
        "Origin: http://page.example",
        *(() if dialect == "hixie-75" else keys),
        *fields,
    )
    return "\r\n".join(lines) + "\r\n\r\n"


def response_head(*fields: str, status: str = "101 Whatever", dialect: str = "hixie-76") -> str:
    """A server's head; `fields` are more lines."""
    sec = "" if dialect == "hixie-75" else "Sec-"
    handshake = (
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        f"{sec}WebSocket-Origin: http://page.example",
        f"{sec}WebSocket-Location: ws://recorded.example/chat?room=1",
    )
    lines = (f"HTTP/1.1 {status}", *(handshake if status.startswith("101") else ()), *fields)
    return "\r\n".join(lines) + "\r\n\r\n"


def recorded(
    *lines: str,
    number: int = 1,
    dialect: str = "hixie-76",
    request: str | None = None,
    response: str | None = "",
    status: int = 101,
    body: bytes = b"",
    redacted: bool = False,
    whole: bool = True,
    source: str = "tape",
) -> RecordedSession:
    """A session of these lines, the first a second after the opening, and each a second after the
    one before it unless it begins with ``@seconds``.

    A line is ``client: text``, ``client 7f`` (a frame's bytes in hexadecimal; FF00 closes),
    ``client end``, ``client rest 00 41``, or ``relay timeout``. `whole` false: the end is missing.
    """
    session = RecordedSession(source, None)
    head = request_head(dialect=dialect) if request is None else request
    answer = response_head(dialect=dialect) if response == "" else response
    records: list[AnyRecord] = [
        SessionStartRecord(
            session=number,
            time=0.0,
            version=1,
            started="2010-06-01T12:00:00.000+00:00",
            client="192.0.2.1:1234",
            listener="ws://127.0.0.1:8076",
            upstream="ws://127.0.0.1:9000",
        ),
        RequestRecord(
            session=number,
            time=0.25,
            dialect=dialect,
            target=head.split(" ")[1],
            head=head,
            redacted=redacted,
        ),
    ]
    if answer is not None:
        records.append(
            ResponseRecord(
                session=number, time=0.5, status=status, reason="", head=answer, redacted=redacted
            )
        )
    if body:
        records.append(_bytes(number, 0.5, "server", body))
    time = 0.5
    for line in lines:
        if line.startswith("@"):
            moment, _, line = line.partition(" ")
            time = float(moment[1:])
        else:
            time += 1.0
        records.append(_record(number, time, line))
    if whole:
        nothing = Counts(bytes=0, messages=0, frames=0)
        records.append(
            SessionEndRecord(
                session=number,
                time=time + 0.25,
                dialect=dialect,
                outcome="open" if status == 101 else "refused",
                verdict=None,
                client=nothing,
                server=nothing,
                findings=[],
            )
        )
    session.records = records
    session.lines = list(range(2, len(records) + 2))
    return session


def http_only(number: int = 1) -> RecordedSession:
    """A session that had nothing but a page."""
    session = recorded(number=number)
    start, *_, end = session.records
    page = HttpRecord(session=number, time=0.1, method="GET", target="/", status=200)
    assert isinstance(end, SessionEndRecord)
    session.records = [start, page, msgspec.structs.replace(end, dialect="http", outcome="http")]
    return session


def write(path: Path, *sessions: RecordedSession) -> Path:
    """A recording of these sessions."""
    header = RecordingRecord(
        session=0,
        time=0.0,
        format=1,
        version=1,
        tool="test",
        run="run",
        started="2010-06-01T12:00:00.000+00:00",
        vantage="relay",
        dialects=["hixie-76", "hixie-75"],
        redacted=False,
    )
    records: list[AnyRecord] = [header]
    for session in sessions:
        records += session.records
    path.write_bytes(msgspec.json.Encoder().encode_lines(records))
    return path


def _record(number: int, time: float, line: str) -> AnyRecord:
    who, _, rest = line.partition(" ")
    common: dict[str, Any] = {"session": number, "time": time}
    if who == "relay":
        how: Any = rest
        return ClosingRecord(by="relay", how=how, **common)
    peer: Peer = "client" if who.removesuffix(":") == "client" else "server"
    if who.endswith(":"):
        return _message(common, peer, rest)
    if rest == "end" or rest == "reset":
        return ClosingRecord(by=peer, how="reset" if rest == "reset" else "end-of-stream", **common)
    if rest.startswith("rest "):
        return _bytes(number, time, peer, bytes.fromhex(rest.removeprefix("rest ")))
    raw = bytes.fromhex(rest)
    if raw == b"\xff\x00":
        return ClosingRecord(by=peer, how="closing-handshake", offset=0, **common)
    text = base64.b64encode(raw).decode()
    return FrameRecord(
        direction=peer, frame_type=raw[0], offset=0, size=len(raw), raw=text, **common
    )


def _message(common: dict[str, Any], peer: Peer, text: str) -> MessageRecord:
    payload = text.encode("utf-8", "surrogateescape")
    shown = payload.decode("utf-8", "replace")
    odd = None if shown.encode() == payload else base64.b64encode(payload).decode()
    return MessageRecord(
        direction=peer,
        number=1,
        offset=0,
        size=len(payload),
        text=shown,
        payload=odd,
        **common,
    )


def _bytes(number: int, time: float, peer: Peer, raw: bytes) -> BytesRecord:
    text = base64.b64encode(raw).decode()
    return BytesRecord(
        session=number, time=time, direction=peer, offset=0, size=len(raw), raw=text, of="rest"
    )
