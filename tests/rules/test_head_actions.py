"""Every action on heads alone: what becomes of the head, and what is told about it."""

from __future__ import annotations

import pytest

from ws76proxy.diagnosis import all_causes
from ws76proxy.rules.decisions import (
    Change,
    Closing,
    HeadChange,
    RequestDecision,
    ResponseDecision,
    Split,
)
from ws76proxy.wire.head import RequestHead, ResponseHead

from .made import REQUEST, RESPONSE, rule, session

RAW = (
    b"\r\nGET /a?b HTTP/1.1\nHost:h\r\nOrigin:   o \r\ncookie: 1\r\nX\r\nCookie: 2\r\n"
    b"Sec-WebSocket-Protocol: p\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 101 X\r\nServer:old\r\nserver: older\nSec-WebSocket-Location: ws://h/a\r\n"
    b"Sec-WebSocket-Origin: o\r\n\r\n"
)


def of_request(
    do: str, raw: bytes = RAW, dialect: str = "hixie-76", when: str = ""
) -> RequestDecision | None:
    head = RequestHead(raw)
    return session(rule("request", when, do), request=head, dialect=dialect).request(head)


def of_response(
    do: str, raw: bytes = ANSWER, dialect: str = "hixie-76", when: str = ""
) -> ResponseDecision | None:
    text = rule("response", when, do)
    return session(text, dialect=dialect).response(ResponseHead(raw))


# Action; what is replaced in the raw head, and by what.
REQUESTS: list[tuple[str, list[tuple[bytes, bytes]]]] = [
    ('action = "set", path = "/x"', [(b"/a?b", b"/x?b")]),
    ('action = "set", query = "c=1"', [(b"/a?b", b"/a?c=1")]),
    ('action = "set", query = ""', [(b"/a?b", b"/a")]),
    ('action = "set", path = "/x", query = "y"', [(b"/a?b", b"/x?y")]),
    ('action = "set", origin = "http://o"', [(b"Origin:   o ", b"Origin: http://o")]),
    ('action = "set", host = "other:1"', [(b"Host:h", b"Host:other:1")]),
    ('action = "set", subprotocol = "q"', [(b"Protocol: p", b"Protocol: q")]),
    ('action = "set-field", name = "Host", value = "i"', [(b"Host:h", b"Host:i")]),
    (
        'action = "set-field", name = "New", value = "ü"',
        [(b"p\r\n\r\n", "p\r\nNew: ü\n\r\n".encode())],
    ),
    (
        'action = "set-field", name = "Cookie", value = "3"',
        [(b"cookie: 1", b"cookie: 3"), (b"Cookie: 2\r\n", b"")],
    ),
    (
        'action = "remove-field", name = "COOKIE"',
        [(b"cookie: 1\r\n", b""), (b"Cookie: 2\r\n", b"")],
    ),
    ('action = "remove-field", name = "x"', [(b"X\r\n", b"")]),
    (
        'action = "rename-field", name = "cookie", to = "Biscuit"',
        [(b"cookie: 1", b"Biscuit: 1"), (b"Cookie: 2", b"Biscuit: 2")],
    ),
]
RESPONSES: list[tuple[str, list[tuple[bytes, bytes]]]] = [
    ('action = "set", location = "wss://i/"', [(b"ws://h/a", b"wss://i/")]),
    ('action = "set", origin = "http://i"', [(b"Origin: o", b"Origin: http://i")]),
    (
        'action = "set", subprotocol = "q"',
        [(b"o\r\n\r\n", b"o\r\nSec-WebSocket-Protocol: q\r\n\r\n")],
    ),
    ('action = "set", status-line = "HTTP/1.1 200 OK"', [(b"HTTP/1.1 101 X", b"HTTP/1.1 200 OK")]),
    (
        'action = "set-field", name = "Server", value = "new"',
        [(b"Server:old", b"Server:new"), (b"server: older\n", b"")],
    ),
    (
        'action = "remove-field", name = "Sec-WebSocket-Origin"',
        [(b"Sec-WebSocket-Origin: o\r\n", b"")],
    ),
    (
        'action = "rename-field", name = "sec-websocket-origin", to = "O"',
        [(b"Sec-WebSocket-Origin", b"O")],
    ),
]


def edited(raw: bytes, edits: list[tuple[bytes, bytes]]) -> bytes:
    for before, after in edits:
        assert raw.count(before) == 1
        raw = raw.replace(before, after)
    return raw


@pytest.mark.parametrize(("do", "edits"), REQUESTS)
def test_a_request_is_changed_and_nothing_else_of_it(
    do: str, edits: list[tuple[bytes, bytes]]
) -> None:
    decision = of_request(do)
    assert decision is not None
    assert decision.head.raw == edited(RAW, edits)
    assert decision.changes
    assert all(change.rule == "rule" for change in decision.changes)
    assert decision.notes == []
    # Done already: nothing more to do.
    assert of_request(do, decision.head.raw) is None


@pytest.mark.parametrize(("do", "edits"), RESPONSES)
def test_an_answer_is_changed_and_nothing_else_of_it(
    do: str, edits: list[tuple[bytes, bytes]]
) -> None:
    decision = of_response(do)
    assert decision is not None
    assert decision.head.raw == edited(ANSWER, edits)
    assert decision.changes
    assert of_response(do, decision.head.raw) is None


def test_changes_of_heads_tell_before_and_after() -> None:
    decision = of_request('action = "set", path = "/x", subprotocol = "q", origin = "n"')
    assert decision is not None
    assert decision.changes == [
        HeadChange("rule", "request line", b"GET /a?b HTTP/1.1", b"GET /x?b HTTP/1.1"),
        HeadChange("rule", "Origin", b"  o ", b"n"),
        HeadChange("rule", "Sec-WebSocket-Protocol", b"p", b"q"),
    ]
    decision = of_request('action = "rename-field", name = "Host", to = "Guest"')
    assert decision is not None
    assert decision.changes == [
        HeadChange("rule", "Host", b"h", None),
        HeadChange("rule", "Guest", None, b"h"),
    ]
    decision = of_request('action = "set-field", name = "New", value = "1"')
    assert decision is not None
    assert decision.changes == [HeadChange("rule", "New", None, b"1")]


def test_fields_are_called_as_in_the_dialect() -> None:
    raw = b"GET / HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"
    decision = of_request('action = "set", subprotocol = "q"', raw, "hixie-75")
    assert decision is not None
    assert decision.head.raw == raw[:-2] + b"WebSocket-Protocol: q\r\n\r\n"
    answer = b"HTTP/1.1 101 X\r\nWebSocket-Location: ws://h/\r\n\r\n"
    decision_75 = of_response(
        'action = "set", location = "ws://i/", origin = "o", subprotocol = "q"', answer, "hixie-75"
    )
    assert decision_75 is not None
    assert decision_75.head.raw == (
        b"HTTP/1.1 101 X\r\nWebSocket-Location: ws://i/\r\nWebSocket-Origin: o\r\n"
        b"WebSocket-Protocol: q\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET http://h/a?b HTTP/1.1", "GET http://h/x?y HTTP/1.1"),
        ("GET http://h HTTP/1.1", "GET http://h/x?y HTTP/1.1"),
        ("GET /", "GET /x?y"),
        ("GET", "GET /x?y"),
        ("GET /a b HTTP/1.1", "GET /x?y HTTP/1.1"),
    ],
)
def test_odd_request_lines(line: str, expected: str) -> None:
    decision = of_request('action = "set", path = "/x", query = "y"', line.encode() + b"\r\n\r\n")
    assert decision is not None
    assert decision.head.raw == expected.encode() + b"\r\n\r\n"


def test_answer() -> None:
    decision = of_request('action = "answer", status = 403')
    assert decision is not None
    assert decision.answer is not None
    assert decision.answer.status == 403
    assert decision.answer.data == (
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    assert decision.head.raw == RAW
    decision = of_request(
        'action = "answer", status = 999, reason = "Später", body = "nein",'
        ' fields = { Connection = "keep-alive", X = "1" }'
    )
    assert decision is not None
    assert decision.answer is not None
    assert (
        decision.answer.data
        == (
            "HTTP/1.1 999 Später\r\nConnection: keep-alive\r\nX: 1\r\nContent-Length: 4\r\n\r\nnein"
        ).encode()
    )


def test_an_answer_ends_the_rule_and_the_rules_after_it() -> None:
    text = rule("request", "", 'action = "answer", status = 200 }, { action = "delay", seconds = 1')
    text += rule("request", "", 'action = "mark", text = "x"', name="later")
    decision = session(text).request(REQUEST)
    assert decision is not None
    assert decision.answer is not None
    assert (decision.delay, decision.marks) == (0.0, [])


def test_cut_key3() -> None:
    decision = of_request('action = "cut-key3", bytes = 3')
    assert decision is not None
    assert decision.key3_bytes == 3
    assert decision.notes[0].deed == "cut-key3"


@pytest.mark.parametrize("kind", ["request", "response"])
def test_what_heads_have_in_common(kind: str) -> None:
    def decide(do: str) -> RequestDecision | ResponseDecision | None:
        return of_request(do) if kind == "request" else of_response(do)

    decision = decide('action = "delay", seconds = 2 }, { action = "delay", seconds = 1')
    assert decision is not None
    assert decision.delay == 3.0
    assert [note.deed for note in decision.notes] == ["delay", "delay"]
    decision = decide('action = "split", at = [1, 20], pause = 0.5')
    assert decision is not None
    assert decision.split == Split("rule", (1, 20), 0.5)
    decision = decide('action = "close", how = "reset", to = "client"')
    assert decision is not None
    assert decision.closing == Closing("rule", "reset", "client")
    decision = decide('action = "mark", text = "here"')
    assert decision is not None
    assert decision.marks == ["here"]
    assert decision.notes == [Change("rule", "mark", detail="here")]
    assert decision.changes == []


@pytest.mark.parametrize("bug", [cause.code for cause in all_causes()][::7])
def test_corrupt_digest(bug: str) -> None:
    decision = of_response(f'action = "corrupt-digest", bug = "{bug}"')
    assert decision is not None
    assert decision.bug == bug
    backwards = "+".join(reversed(bug.split("+")))
    decision = of_response(f'action = "corrupt-digest", bug = "{backwards}"')
    assert decision is not None
    assert decision.bug is not None
    assert set(decision.bug.split("+")) == set(bug.split("+"))


def test_a_delay_within_a_range_differs_between_sessions_only() -> None:
    text = rule("request", "", 'action = "delay", seconds = [0, 1]')
    delays = []
    for number in (1, 1, 2):
        decision = session(text, number=number).request(REQUEST)
        assert decision is not None
        delays.append(decision.delay)
    assert delays[0] == delays[1] != delays[2]


def test_rules_for_heads_see_what_those_before_them_made() -> None:
    text = rule("request", "", 'action = "set", path = "/new"', name="one")
    text += rule("request", 'path = "/new"', 'action = "mark", text = "seen"', name="two")
    text += rule("response", 'path = "/new"', 'action = "mark", text = "new"', name="three")
    text += rule("response", "", 'action = "set", status-line = "HTTP/1.1 200 OK"', name="four")
    text += rule("response", "status = 200", 'action = "mark", text = "200"', name="five")
    one = session(text)
    request = one.request(REQUEST)
    assert request is not None
    assert request.marks == ["seen"]
    response = one.response(RESPONSE)
    assert response is not None
    # The request as it came, the answer as it is now.
    assert response.marks == ["200"]
