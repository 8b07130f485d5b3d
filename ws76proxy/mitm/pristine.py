"""Heads as they came on the wire, remembered beside mitmproxy's reading of them."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from weakref import WeakKeyDictionary, WeakSet

from mitmproxy import http
from mitmproxy.net.http import http1

from ws76proxy import bridge
from ws76proxy.wire import Dialect, RequestHead, ResponseHead, dialect_of

__all__ = [
    "answer_of",
    "assembled_request",
    "assembled_response",
    "dialect_of_request",
    "head_of",
    "is_answered_76",
    "is_ours",
    "mark_bridged",
    "remember_answer",
    "remember_request",
    "set_fields",
    "speaks_another",
    "websocket_of_request",
    "with_fields_of",
]

_requests: WeakKeyDictionary[http.Request, RequestHead] = WeakKeyDictionary()
_answers: WeakKeyDictionary[http.Request, ResponseHead] = WeakKeyDictionary()
_bridged: WeakSet[http.Request] = WeakSet()

_TELLING = frozenset({b"sec-websocket-key1", b"sec-websocket-key2", b"upgrade"})


def remember_request(request: http.Request, head: RequestHead) -> None:
    """Keep the head that a request was read from."""
    _requests[request] = head


def remember_answer(request: http.Request, head: ResponseHead) -> None:
    """Keep the head of the answer to a request, even where mitmproxy then refuses it."""
    _answers[request] = head


def head_of(request: http.Request) -> RequestHead:
    """The head as the client sent it; where nobody saw that, as mitmproxy would write it."""
    return _requests.get(request) or assembled_request(request)


def answer_of(request: http.Request) -> ResponseHead | None:
    """The head as the server sent it; None where none came from a server."""
    return _answers.get(request)


def mark_bridged(request: http.Request) -> None:
    """This request goes to a server of another dialect than its client's."""
    _bridged.add(request)


def is_ours(request: http.Request) -> bool:
    """Whether this addon reads what comes of a request: one of hixie, or one that is bridged."""
    return request in _bridged or dialect_of_request(request).is_hixie


def dialect_of_request(request: http.Request) -> Dialect:
    """What a request asks for, as it is now, where that is hixie; HTTP for all others.

    One that is bridged asks in its client's dialect first, and in its server's from `request` on.
    """
    dialect = websocket_of_request(request)
    return dialect if dialect.is_hixie else Dialect.HTTP


def websocket_of_request(request: http.Request) -> Dialect:
    """The same for WebSockets of any age.

    HTTP too is a request with a transfer coding: what follows its head is not a key3.
    """
    lowered = {name.lower() for name, _ in request.headers.fields}
    if _TELLING.isdisjoint(lowered) or b"transfer-encoding" in lowered:
        return Dialect.HTTP
    if request.data.method.upper() == b"CONNECT" or not request.http_version.startswith("HTTP/1"):
        return Dialect.HTTP
    dialect = dialect_of(assembled_request(request))
    return dialect if dialect.is_websocket else Dialect.HTTP


def is_answered_76(request: http.Request, response: http.Response) -> bool:
    """Whether a digest follows the head of this response."""
    if response.status_code != 101 or dialect_of_request(request) is not Dialect.HIXIE_76:
        return False
    return request not in _bridged or not speaks_another(request, Dialect.HIXIE_76)


def speaks_another(request: http.Request, dialect: Dialect) -> str:
    """What shows that a server has answered a bridged request in another dialect than this, in
    which it was asked; empty where nothing does."""
    answer = _answers.get(request)
    return "" if answer is None else bridge.speaks_another(dialect, answer)


def assembled_request(request: http.Request) -> RequestHead:
    """The head that mitmproxy sends for a request as it is now."""
    return RequestHead(http1.assemble_request_head(request))


def assembled_response(response: http.Response) -> ResponseHead:
    """The head that mitmproxy sends for a response as it is now."""
    return ResponseHead(http1.assemble_response_head(response))


def set_fields(message: http.Message, head: RequestHead | ResponseHead) -> None:
    """Give a message the fields of this head."""
    message.headers.fields = tuple((field.name, field.value) for field in head.fields)


def with_fields_of(message: http.Message, head: RequestHead | ResponseHead) -> None:
    """Give a message the values of its head again, the spaces at their edges included.

    A key's spaces count, and a client compares texts; mitmproxy has cut them. What anybody has
    changed since stays changed.
    """
    fields = message.headers.fields
    if len(fields) == len(head.fields):
        message.headers.fields = tuple(
            (name, came.value if (came.name, came.after_colon.strip()) == (name, value) else value)
            for (name, value), came in zip(fields, head.fields, strict=True)
        )
