"""What a script may make of a message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripting.stage import REQUEST
from ws76proxy.errors import LocalProtocolError
from ws76proxy.scripting import Message, Session
from ws76proxy.wire.frames import encode_text

SESSION = Session(1, "hixie-76", "client", REQUEST, script="a.py")


def message(content: bytes) -> Message:
    return Message(SESSION, "server", 7, content)


def test_what_it_says_of_itself() -> None:
    one = message(b"hello")
    assert (one.text, one.content, one.number, one.side) == ("hello", b"hello", 7, "server")
    assert not one.from_client
    assert not one.dropped
    assert Message(SESSION, "client", 1, b"").from_client


def test_bad_utf_8_is_read_as_the_draft_says_and_keeps_its_bytes() -> None:
    one = message(b"a\xc3(b")
    assert one.text == "a\ufffd(b"
    assert one.content == b"a\xc3(b"


@given(st.text())
def test_text_set_is_text_got(text: str) -> None:
    one = message(b"before")
    assert one.text == "before"
    one.text = text
    assert one.text == text
    assert one.content == text.encode()


@given(st.binary().map(lambda data: data.replace(b"\xff", b"")))
def test_content_set_is_content_got_and_can_be_framed(content: bytes) -> None:
    one = message(b"before")
    assert one.text == "before"
    one.content = content
    assert one.content == content
    assert one.text == content.decode(errors="replace")
    encode_text(one.content)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_bytes_become_bytes(kind: Any) -> None:
    one = message(b"")
    one.content = kind(b"abc")
    assert type(one.content) is bytes
    assert one.content == b"abc"


def test_what_cannot_be_framed_is_refused_at_once() -> None:
    one = message(b"before")
    with pytest.raises(LocalProtocolError, match="0xFF at offset 2"):
        one.content = b"ab\xffc"
    with pytest.raises(LocalProtocolError, match="0xFF at offset 0"):
        one.content = memoryview(b"\xff")  # type: ignore[assignment]
    with pytest.raises(LocalProtocolError, match="not encodable"):
        one.text = "\ud800"
    assert (one.content, one.text) == (b"before", "before")


@pytest.mark.parametrize("wrong", [None, 5, ["a"], object()])
def test_other_kinds_are_refused(wrong: Any) -> None:
    one = message(b"before")
    with pytest.raises(TypeError, match="expected text"):
        one.text = wrong
    with pytest.raises(TypeError, match="expected bytes"):
        one.content = wrong
    assert one.content == b"before"


def test_text_and_bytes_taken_for_each_other_are_refused_with_a_hint() -> None:
    one: Any = message(b"before")
    with pytest.raises(TypeError, match="`content`"):
        one.text = b"bytes"
    with pytest.raises(TypeError, match="`text`"):
        one.content = "text"


def test_dropping_says_who_did_it() -> None:
    one = message(b"x")
    one.drop()
    assert one.dropped
    assert one.dropped_by == "a.py"
