"""The opening handshake and the end, as scripts see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scripting.stage import RAW, REQUEST, Stage, finish
from ws76proxy.errors import LocalProtocolError
from ws76proxy.scripting import Close, Request, Response, Script, Session, SessionOver
from ws76proxy.wire.head import HeadReader, RequestHead, ResponseHead

SESSION = Session(1, "hixie-76", "client", REQUEST, script="a.py")
ANSWER = ResponseHead(b"HTTP/1.1 101 Web Socket\r\nUpgrade: WebSocket\r\n\r\n")


def request(raw: bytes = RAW) -> Request:
    return Request(SESSION, RequestHead(raw))


def test_the_resource_and_its_parts() -> None:
    one = request()
    assert (one.resource, one.path, one.query) == ("/chat?room=1", "/chat", "room=1")
    one.path = "/other"
    one.query = "a=b?c"
    assert one.headers.head.raw == RAW.replace(b"/chat?room=1", b"/other?a=b?c")
    assert (one.path, one.query) == ("/other", "a=b?c")
    one.query = ""
    assert one.resource == "/other"
    one.resource = "/é?x"
    assert one.headers.head.target == b"/\xe9?x"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET  /a b HTTP/1.1", b"GET /x HTTP/1.1"),
        (b"GET /a", b"GET /x"),
        (b"GET", b"GET /x"),
        (b"GET /a ", b"GET /x "),
    ],
)
def test_the_rest_of_an_odd_request_line_stays(line: bytes, expected: bytes) -> None:
    one = request(line + b"\r\nHost: a\r\n\r\n")
    one.resource = "/x"
    assert one.headers.head.raw == expected + b"\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("wrong", ["", "/a b", "/a\n", "/\0", "/\x7f", "/€"])
def test_what_cannot_be_asked_for_is_refused(wrong: str) -> None:
    one = request()
    with pytest.raises(LocalProtocolError):
        one.resource = wrong
    with pytest.raises(LocalProtocolError, match="resource"):
        one.path = "/a?b"
    assert one.headers.head.raw == RAW


def answered(**values: Any) -> tuple[ResponseHead, bytes, int]:
    one = request()
    one.answer(**values)
    assert one.answered is not None
    assert one.answered.script == "a.py"
    reader = HeadReader(ResponseHead)
    head = reader.feed(one.answered.data)
    assert head is not None
    return head, reader.excess, one.answered.status


def test_an_answer_is_whole() -> None:
    head, body, status = answered(status=403, body="Nö")
    assert (head.status, head.reason, status) == (403, b"Forbidden", 403)
    assert body == "Nö".encode()
    assert head.value(b"content-length") == b"3"
    assert head.value(b"connection") == b"close"


def test_an_answer_says_what_it_was_told_to() -> None:
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("content-length", "9")]
    head, body, _ = answered(status=799, reason="So", headers=headers, body=b"\xff\x00")
    assert head.start_line == b"HTTP/1.1 799 So"
    assert [field.value for field in head.get_all(b"set-cookie")] == [b"a=1", b"b=2"]
    assert [field.value for field in head.get_all(b"content-length")] == [b"9"]
    assert body == b"\xff\x00"


def test_an_answer_that_agrees_has_no_length() -> None:
    head, body, _ = answered(status=101, headers={"Upgrade": "WebSocket"}, body=bytes(16))
    assert head.raw == b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n"
    assert body == bytes(16)


@pytest.mark.parametrize(
    ("error", "values"),
    [
        (ValueError, {"status": 99}),
        (ValueError, {"status": "200"}),
        (LocalProtocolError, {"status": 200, "reason": "a\nb"}),
        (LocalProtocolError, {"status": 200, "reason": "a\rb"}),
        (LocalProtocolError, {"status": 200, "reason": "€"}),
        (LocalProtocolError, {"status": 200, "headers": {"a": "b\r\nc: d"}}),
    ],
)
def test_an_answer_that_cannot_be_is_refused(error: type[Exception], values: Any) -> None:
    one = request()
    with pytest.raises(error):
        one.answer(**values)
    assert one.answered is None


def test_a_later_script_sees_what_an_earlier_one_made_of_a_request() -> None:
    seen: list[tuple[str, str, str]] = []

    def first(one: Request) -> None:
        one.headers["Origin"] = "null"
        one.path = "/first"

    def second(one: Request) -> None:
        seen.append((one.path, one.headers["origin"], one.session.request["origin"]))
        one.headers.remove("Cookie")

    stage = Stage(
        Script("1.py", "", on_request=first),
        Script("2.py", "", on_request=second),
    )
    shown = Request(stage.scripts.session, REQUEST)
    assert stage.scripts.request(shown) is None
    assert seen == [("/first", "null", "http://shop.example")]
    after_first, after_second = (edit.after for edit in shown.edits)
    assert [edit.script for edit in shown.edits] == ["1.py", "2.py"]
    assert shown.edits[0].before == RAW
    assert shown.edits[1].before == after_first
    assert shown.headers.head.raw == after_second
    assert b"ookie" not in after_second


def test_an_answered_request_is_not_shown_to_later_scripts() -> None:
    seen: list[Request] = []
    stage = Stage(
        Script("1.py", "", on_request=lambda one: one.answer(404)),
        Script("2.py", "", on_request=seen.append),
    )
    shown = Request(stage.scripts.session, REQUEST)
    assert stage.scripts.request(shown) is None
    assert shown.answered is not None
    assert shown.answered[0::2] == ("1.py", 404)
    assert seen == []


def test_a_script_that_fails_leaves_the_request_as_it_was() -> None:
    def fails(one: Request) -> None:
        one.path = "/other"
        one.answer(404)
        raise ValueError("no")

    stage = Stage(Script("1.py", __file__, on_request=fails))
    shown = Request(stage.scripts.session, REQUEST)
    assert stage.scripts.request(shown) is None
    assert (shown.headers.head, shown.answered, shown.edits) == (REQUEST, None, ())
    assert [fault.text for fault in stage.faults] == ["ValueError: no"]


def test_an_answer_of_the_server_is_edited() -> None:
    async def later(one: Response) -> None:
        assert one.status == 101
        one.headers["Upgrade"] = "websocket"

    stage = Stage(Script("1.py", "", on_response=later))
    shown = Response(stage.scripts.session, ANSWER)
    waiting = stage.scripts.response(shown)
    assert waiting is not None
    finish(waiting)
    assert shown.headers["upgrade"] == "websocket"
    assert [edit.script for edit in shown.edits] == ["1.py"]
    assert stage.faults == []


def test_the_end_is_told_and_nothing_can_be_done_any_more() -> None:
    seen: list[tuple[str, str, bool]] = []

    def on_close(close: Close) -> None:
        seen.append((close.by, close.how, close.session.is_over))
        close.session.inject("client", "too late")

    stage = Stage(Script("1.py", __file__, on_close=on_close))
    stage.scripts.session.mark("before")
    assert stage.scripts.close(Close(stage.scripts.session, "server", "reset")) is None
    assert seen == [("server", "reset", True)]
    assert [fault.function for fault in stage.faults] == ["on_close"]
    assert SessionOver.__name__ in stage.faults[0].text
    assert stage.scripts.take_deeds() == []
