"""Writes HAR: what its readers know in its own fields, all that is ours in `_ws76` beside them."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from ws76proxy import __version__
from ws76proxy.endpoint import Endpoint
from ws76proxy.record import (
    AnyRecord,
    ChallengeRecord,
    HttpRecord,
    MessageRecord,
    RequestRecord,
    ResponseRecord,
    SessionStartRecord,
)
from ws76proxy.recording.carried import Carried, extra_of, take_apart
from ws76proxy.recording.losses import Losses
from ws76proxy.recording.model import RecordedSession, message_payload
from ws76proxy.wire import RequestHead, ResponseHead
from ws76proxy.wire.head import Head

if TYPE_CHECKING:
    from ws76proxy.recording.reader import Complain

__all__ = ["write"]

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
# What a URL may hold as it is; all else is written as %XX.
_SAFE = "%!$&'()*+,;=:@/?-._~"
_IN_MEMORY = 1 << 20
_encode = msgspec.json.Encoder().encode


def write(sessions: Iterable[RecordedSession], file: IO[bytes], complain: Complain) -> list[str]:
    """Write sessions, one in memory at a time; return what other readers of HAR will not see.

    A session without any request has no entry: it goes into `log._ws76`. One whose records make no
    sense (edited by hand) is complained about and left out.
    """
    creator = _encode({"name": "ws76proxy", "version": __version__})
    file.write(b'{"log":{"version":"1.2","creator":%s,"pages":[],"entries":[' % creator)
    losses = Losses("HAR")
    between = b"\n"
    # Entries come first, and these may be many.
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as others:
        for session in sessions:
            losses.look(session)
            try:
                entries = [_encode(entry) for entry in _entries(session)]
            except ValueError as error:
                complain(f"{session.where(0)}: session {session.number} is left out: {error}")
                continue
            for entry in entries:
                file.write(between + entry)
                between = b",\n"
            if not entries:
                losses.no_request += 1
                records = session.records
                carried = Carried(session.number, [len(records)], records, session.recording)
                others.write((b"," if others.tell() else b"") + b"\n" + _encode(carried))
        file.write(b'\n],"_ws76":{"sessions":[')
        others.seek(0)
        while piece := others.read(_IN_MEMORY):
            file.write(piece)
    file.write(b"]}}}\n")
    return losses.lines()


def _entries(session: RecordedSession) -> Iterator[dict[str, Any]]:
    """An entry for each request of a session; one of them carries its records."""
    start = session.start
    requests = [one for one in session.records if isinstance(one, RequestRecord | HttpRecord)]
    if not requests:
        return
    main = session.request or requests[0]
    for request in requests:
        if isinstance(request, HttpRecord):
            entry = _http_entry(start, request)
        else:
            entry = _websocket_entry(session, start, request)
        entry["_ws76"] = {"part_of": session.number}
        if request is main:
            carried, messages = take_apart(session)
            entry["_ws76"] = carried
            if isinstance(main, RequestRecord) or messages:
                entry["_resourceType"] = "websocket"
                began = _began(start).timestamp()
                entry["_webSocketMessages"] = [_message(one, began) for one in messages]
        yield entry


def _websocket_entry(
    session: RecordedSession, start: SessionStartRecord | None, request: RequestRecord
) -> dict[str, Any]:
    head = RequestHead(request.head.encode("latin-1"))
    url = _url("ws", start, head.value(b"host"), head.target)
    answer = session.response
    challenge = session.challenge("client")
    key3 = "" if challenge is None else challenge.key3
    response = _no_response()
    wait = 0.0
    if answer is not None:
        response = _response(answer, _answer_to_client(session.records))
        wait = max(answer.time - request.time, 0.0)
    return {
        **_times(start, request.time, wait),
        "request": {
            "method": head.method.decode("latin-1"),
            "url": url,
            "httpVersion": head.version.decode("latin-1"),
            "cookies": _cookies(head, b"cookie"),
            "headers": _fields(head),
            "queryString": _query(url),
            "headersSize": len(head.raw),
            "bodySize": len(key3) // 2,
        },
        "response": response,
        "cache": {},
        **_server_address(start),
    }


def _http_entry(start: SessionStartRecord | None, record: HttpRecord) -> dict[str, Any]:
    """An ordinary exchange, of which little more than its first lines has been recorded."""
    url = _url("http", start, None, record.target.encode("latin-1", "replace"))
    response = _no_response()
    response["status"] = record.status or 0
    response["statusText"] = record.reason
    response["content"]["mimeType"] = record.content_type
    return {
        **_times(start, record.time, 0.0),
        "request": {
            "method": record.method,
            "url": url,
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "queryString": _query(url),
            "headersSize": -1,
            "bodySize": -1,
        },
        "response": response,
        "cache": {},
        **_server_address(start),
    }


def _response(record: ResponseRecord, digest: bytes) -> dict[str, Any]:
    head = ResponseHead(record.head.encode("latin-1"))
    location = head.get(b"location")
    kind = head.get(b"content-type")
    content: dict[str, Any] = {
        "size": len(digest),
        "mimeType": "" if kind is None else kind.stripped.decode("latin-1"),
    }
    if digest:
        content |= {"text": base64.b64encode(digest).decode(), "encoding": "base64"}
    return {
        "status": record.status or 0,
        "statusText": record.reason,
        "httpVersion": head.version.decode("latin-1"),
        "cookies": _cookies(head, b"set-cookie"),
        "headers": _fields(head),
        "content": content,
        "redirectURL": "" if location is None else location.stripped.decode("latin-1"),
        "headersSize": len(head.raw),
        "bodySize": len(digest),
    }


def _no_response() -> dict[str, Any]:
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": ""},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }


def _answer_to_client(records: list[AnyRecord]) -> bytes:
    """The digest that the server sent."""
    for record in records:
        if isinstance(record, ChallengeRecord) and record.answered_by == "server":
            return bytes.fromhex(record.received)
    return b""


def _message(record: MessageRecord, began: float) -> dict[str, Any]:
    is_text = record.payload is None and not record.binary
    payload = message_payload(record)
    return {
        "type": "send" if record.direction == "client" else "receive",
        "time": began + record.time,
        "opcode": 1 if is_text else 2,
        "data": record.text if is_text else base64.b64encode(payload).decode(),
        "_ws76": extra_of(record),
    }


# Fields of HAR


def _times(start: SessionStartRecord | None, time: float, wait: float) -> dict[str, Any]:
    began = _began(start) + timedelta(seconds=time)
    milliseconds = round(wait * 1000, 3)
    return {
        "startedDateTime": began.isoformat(timespec="microseconds"),
        "time": milliseconds,
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _began(start: SessionStartRecord | None) -> datetime:
    try:
        began = datetime.fromisoformat("" if start is None else start.started)
        return began if began.tzinfo else began.replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _upstream(start: SessionStartRecord | None) -> Endpoint | None:
    url = urlsplit("" if start is None else start.upstream)
    try:
        secure = url.scheme == "wss"
        return Endpoint(secure, url.hostname or "", url.port or (443 if secure else 80))
    except ValueError:
        return None


def _url(scheme: str, start: SessionStartRecord | None, host: bytes | None, target: bytes) -> str:
    """The address asked for, on the host that the client named, or else on the server's."""
    upstream = _upstream(start)
    secure = "s" if upstream is not None and upstream.secure else ""
    authority = (host or b"").strip().decode("latin-1")
    if not _HOST.match(authority):
        authority = "unknown" if upstream is None or not upstream.host else upstream.authority
    path = quote(target, safe=_SAFE)
    return f"{scheme}{secure}://{authority}{path if path.startswith('/') else f'/{path}'}"


def _server_address(start: SessionStartRecord | None) -> dict[str, str]:
    """The server's address, where it is one: HAR allows no name here."""
    upstream = _upstream(start)
    try:
        return {"serverIPAddress": str(ipaddress.ip_address(upstream.host if upstream else ""))}
    except ValueError:
        return {}


def _fields(head: Head) -> list[dict[str, str]]:
    return [
        {"name": one.name.decode("latin-1"), "value": one.value.decode("latin-1")}
        for one in head.fields
        if one.has_colon and one.name.strip()
    ]


def _query(url: str) -> list[dict[str, str]]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return [{"name": name, "value": value} for name, value in pairs]


def _cookies(head: Head, name: bytes) -> list[dict[str, str]]:
    cookies: SimpleCookie = SimpleCookie()
    for one in head.get_all(name):
        try:
            cookies.load(one.stripped.decode("latin-1"))
        except CookieError:
            continue
    return [{"name": key, "value": morsel.value} for key, morsel in cookies.items()]
