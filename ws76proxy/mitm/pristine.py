"""Heads as they came on the wire, remembered beside mitmproxy's reading of them."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.net.http import http1

from ws76proxy.wire import Dialect, RequestHead, ResponseHead, dialect_of

__all__ = [
    "answer_of",
    "assembled_request",
    "assembled_response",
    "dialect_of_request",
    "head_of",
    "is_answered_76",
    "remember_answer",
    "remember_request",
    "with_fields_of",
]

_requests: WeakKeyDictionary[http.Request, RequestHead] = WeakKeyDictionary()
_answers: WeakKeyDictionary[http.Request, ResponseHead] = WeakKeyDictionary()

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


def dialect_of_request(request: http.Request) -> Dialect:
    """What a request asks for; HTTP for all that is not for this addon.

    That includes a request with a transfer coding: what follows its head is not a key3.
    """
    lowered = {name.lower() for name, _ in request.headers.fields}
    if _TELLING.isdisjoint(lowered) or b"transfer-encoding" in lowered:
        return Dialect.HTTP
    if request.data.method.upper() == b"CONNECT" or not request.http_version.startswith("HTTP/1"):
        return Dialect.HTTP
    dialect = dialect_of(assembled_request(request))
    return dialect if dialect.is_hixie else Dialect.HTTP


def is_answered_76(request: http.Request, response: http.Response) -> bool:
    """Whether a digest follows the head of this response."""
    return response.status_code == 101 and dialect_of_request(request) is Dialect.HIXIE_76


def assembled_request(request: http.Request) -> RequestHead:
    """The head that mitmproxy sends for a request as it is now."""
    return RequestHead(http1.assemble_request_head(request))


def assembled_response(response: http.Response) -> ResponseHead:
    """The head that mitmproxy sends for a response as it is now."""
    return ResponseHead(http1.assemble_response_head(response))


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
