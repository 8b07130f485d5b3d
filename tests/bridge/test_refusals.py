"""Servers that lack a dialect, by what real ones answer; clients whose request has no answer."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from ws76proxy.bridge import DIALECTS, lacks_dialect, refuse_client, speaks_another
from ws76proxy.wire import RequestHead, ResponseHead
from ws76proxy.wire.dialect import Dialect, dialect_of

from .pairs import Pair

H76, H75, RFC = DIALECTS


class Answered(NamedTuple):
    """What a server said on the wire (heads shortened by nothing but their Date)."""

    server: str
    asked: tuple[Dialect, ...]
    answer: bytes
    lacks: bool


# Seen in November 2026 from each of these on its own, asked with Upgrade: WebSocket, Host, Origin
# and what each dialect adds.
ANSWERS = [
    Answered(
        "ws 8.23 (Node)",
        (H76, H75),
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\n"
        b"Content-Length: 43\r\n\r\nMissing or invalid Sec-WebSocket-Key header",
        True,
    ),
    Answered(
        "websocket 1.0 (Node)",
        (H76, H75),
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nX-WebSocket-Reject-Reason: Client must "
        b"provide a value for Sec-WebSocket-Key.\r\n\r\n",
        True,
    ),
    Answered("websockets 17.4 (Python)", (H76,), b"", True),
    Answered(
        "websockets 17.4 (Python)",
        (H75,),
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 73\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nServer: Python/3.11 websockets/17.4\r\n\r\n"
        b"Failed to open a WebSocket connection: missing Sec-WebSocket-Key header.\n",
        True,
    ),
    Answered(
        "aiohttp 3.14",
        (H76,),
        b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 41\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\n"
        b"Invalid HTTP header: 'Sec-WebSocket-Key1'",
        True,
    ),
    Answered(
        "aiohttp 3.14",
        (H75,),
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 21\r\nServer: Python/3.11 aiohttp/3.14.5\r\n\r\nUnsupported version: ",
        True,
    ),
    Answered(
        "Tornado 6.6",
        (H76, H75),
        b"HTTP/1.1 426 Upgrade Required\r\nServer: TornadoServer/6.6.1\r\n"
        b"Content-Type: text/html; charset=UTF-8\r\nSec-Websocket-Version: 13\r\n"
        b"Content-Length: 0\r\n\r\n",
        True,
    ),
    Answered(
        "http of Node 20",
        (H76, H75, RFC),
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
        b"Content-Length: 2\r\n\r\nhi",
        True,
    ),
    # A path that there is not: another dialect would not help.
    Answered(
        "http.server of Python",
        (H76, H75, RFC),
        b"HTTP/1.0 404 File not found\r\nServer: SimpleHTTP/0.6 Python/3.11.7\r\n"
        b"Connection: close\r\n\r\n",
        False,
    ),
    # By the drafts, not seen: a server of hixie-75 takes any Upgrade for its own.
    Answered(
        "a server of hixie-75",
        (H76, RFC),
        b"HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\n"
        b"Connection: Upgrade\r\nWebSocket-Origin: http://a.test\r\n"
        b"WebSocket-Location: ws://a.test/\r\n\r\n",
        True,
    ),
    Answered("nobody", (H76, H75, RFC), b"HTTP/1.1 401 Unauthorized\r\n\r\n", False),
    Answered("nobody", (H76, H75, RFC), b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", False),
    Answered("nobody", (H76, H75, RFC), b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
    Answered(
        "nobody", (H76, H75), b"HTTP/1.1 403 Forbidden\r\nSec-WebSocket-Version: 13\r\n\r\n", True
    ),
    Answered("nobody", (H76, H75, RFC), b"HTTP/1.1 501 Not Implemented\r\n\r\n", True),
]


@pytest.mark.parametrize(
    ("answered", "dialect"),
    [(one, dialect) for one in ANSWERS for dialect in one.asked],
    ids=lambda value: value.server if isinstance(value, Answered) else str(value),
)
def test_what_shows_that_a_server_lacks_a_dialect(answered: Answered, dialect: Dialect) -> None:
    head, blank, _ = answered.answer.partition(b"\r\n\r\n")
    response = ResponseHead(head + blank) if answered.answer else None
    why = lacks_dialect(dialect, response, size=len(answered.answer))
    assert bool(why) is answered.lacks
    assert why[-1:] != "."


def test_half_an_answer_shows_nothing() -> None:
    assert lacks_dialect(RFC, None, size=3) == ""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_speaks_it_does_not_lack_it(dialect: Dialect) -> None:
    pair = Pair(dialect, dialect)
    pair.accept()
    assert pair.server_leg.head is not None
    assert lacks_dialect(dialect, pair.server_leg.head) == ""
    assert speaks_another(dialect, pair.server_leg.head) == ""
    for other in DIALECTS:
        if other is not dialect:
            assert f"in the words of {dialect}" in lacks_dialect(other, pair.server_leg.head)
            assert f"in the words of {dialect}" in speaks_another(other, pair.server_leg.head)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 101 No Words\r\n\r\n", b"HTTP/1.1 426 No\r\n\r\n"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_lacks_a_dialect_need_not_speak_another(
    answer: bytes, dialect: Dialect
) -> None:
    assert lacks_dialect(dialect, ResponseHead(answer))
    assert speaks_another(dialect, ResponseHead(answer)) == ""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_requests_in_order_are_never_refused(dialect: Dialect) -> None:
    assert refuse_client(Pair(dialect, dialect).client_leg.head, dialect) is None


UPGRADE = b"GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        *[
            (KEY + b"Sec-WebSocket-Version: %d\r\n" % version, 426, "version-not-supported")
            for version in (4, 5, 6, 7, 8, 12, 14)
        ],
        (KEY, 400, "rfc6455-request-faulty"),
        (b"Sec-WebSocket-Version: 13\r\n", 400, "rfc6455-request-faulty"),
        (
            b"Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n",
            400,
            "rfc6455-request-faulty",
        ),
        (
            b"Sec-WebSocket-Key1: no digits \r\nSec-WebSocket-Key2: 1 2\r\n",
            400,
            "challenge-unanswerable",
        ),
        (b"Sec-WebSocket-Key1: 1 2\r\n", 400, "challenge-unanswerable"),
    ],
)
def test_requests_without_an_answer(fields: bytes, status: int, code: str) -> None:
    head = RequestHead(UPGRADE + fields + b"\r\n")
    refusal = refuse_client(head, dialect_of(head))
    assert refusal is not None
    assert (refusal.status, refusal.diagnosis.finding.code) == (status, code)
    assert refusal.diagnosis.evidence in head.raw
    offset = refusal.diagnosis.offset
    assert offset is not None
    assert head.raw[offset:].startswith(refusal.diagnosis.evidence)
    answer, _, body = refusal.raw.partition(b"\r\n\r\n")
    response = ResponseHead(answer + b"\r\n\r\n")
    assert response.status == status
    assert response.value(b"content-length") == str(len(body)).encode()
    if status == 426:
        assert response.value(b"sec-websocket-version") == b"13"
        assert response.value(b"upgrade") == b"websocket"


def test_a_version_among_others_will_do() -> None:
    head = RequestHead(UPGRADE + KEY + b"Sec-WebSocket-Version: 8, 13\r\n\r\n")
    assert refuse_client(head, RFC) is None
