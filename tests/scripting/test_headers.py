"""Fields as scripts read and edit them: what is not touched keeps its bytes."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripting.stage import RAW, REQUEST
from ws76proxy.errors import LocalProtocolError
from ws76proxy.scripting import EditableHeaders, Headers
from ws76proxy.wire.head import RequestHead


def edited() -> EditableHeaders[RequestHead]:
    return EditableHeaders(REQUEST)


def test_reading() -> None:
    headers = Headers(REQUEST)
    assert headers.get("host") == headers["HOST"] == "shop.example"
    assert headers.get("origin") == "http://shop.example"
    assert headers.get("Upgrade") is None
    assert headers.get("Upgrade", "none") == "none"
    assert headers.get_all("COOKIE") == ["a=1", " b=2 "]
    assert "cookie" in headers
    assert "Upgrade" not in headers
    assert 5 not in headers
    assert list(headers) == ["Host", "ORIGIN", "Cookie", "cookie", "Sec-WebSocket-Key1"]
    assert len(headers) == 5
    assert headers.items()[1] == ("ORIGIN", "http://shop.example")
    with pytest.raises(KeyError):
        headers["Upgrade"]


def test_a_line_without_a_colon_is_no_field_and_stays() -> None:
    raw = b"GET / HTTP/1.1\nHost\nHost: a\n\n"
    headers = EditableHeaders(RequestHead(raw))
    assert headers.items() == [("Host", "a")]
    headers.remove("host")
    assert headers.head.raw == b"GET / HTTP/1.1\nHost\n\n"


def test_setting_keeps_name_space_and_line_end() -> None:
    headers = edited()
    headers.set("origin", "null")
    headers["HOST"] = "other"
    expected = RAW.replace(b"ORIGIN:http://shop.example", b"ORIGIN:null")
    assert headers.head.raw == expected.replace(b"Host: shop.example", b"Host: other")


def test_setting_one_of_several_leaves_one() -> None:
    headers = edited()
    headers.set("Cookie", "c=3")
    assert headers.head.raw == RAW.replace(b"Cookie: a=1\r\ncookie:  b=2 \r\n", b"Cookie: c=3\r\n")


def test_setting_adding_and_removing() -> None:
    headers = edited()
    headers.set("X-New", "1")
    headers.add("x-new", "2")
    assert headers.head.raw == RAW[:-2] + b"X-New: 1\r\nx-new: 2\r\n\r\n"
    headers.remove("X-NEW")
    headers.remove("X-NEW")
    assert headers.head.raw == RAW
    del headers["cookie"]
    assert headers.get_all("cookie") == []
    with pytest.raises(KeyError):
        del headers["cookie"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "x"), ("a:b", "x"), ("a\n", "x"), ("a", "x\ny"), ("a", "x\ry"), ("a", "€"), ("€", "x")],
)
def test_what_cannot_stand_in_a_field_is_refused(name: str, value: str) -> None:
    headers = edited()
    with pytest.raises(LocalProtocolError):
        headers.set(name, value)
    with pytest.raises(LocalProtocolError):
        headers.add(name, value)
    assert headers.head.raw == RAW


def test_other_kinds_are_refused() -> None:
    headers: Any = edited()
    with pytest.raises(TypeError, match="expected text"):
        headers.set("Host", b"bytes")
    assert headers.head.raw == RAW


NAMES = st.sampled_from(["Host", "host", "Origin", "Cookie", "cookie", "X-One"])
VALUES = st.text(string.ascii_letters + " \t:;=é", max_size=8)
LINES = st.tuples(
    NAMES, st.sampled_from(["", " ", "  ", "\t"]), VALUES, st.sampled_from(["\r\n", "\n"])
)


@given(
    st.lists(LINES, max_size=6),
    st.lists(st.tuples(st.sampled_from(["set", "add", "remove"]), NAMES, VALUES), max_size=5),
)
def test_edits_do_what_they_say_and_touch_no_other_field(
    lines: list[tuple[str, str, str, str]], edits: list[tuple[str, str, str]]
) -> None:
    parts = [f"{name}:{space}{value}{end}" for name, space, value, end in lines]
    headers = EditableHeaders(
        RequestHead(("GET / HTTP/1.1\r\n" + "".join(parts) + "\r\n").encode("latin-1"))
    )
    touched = set()
    for deed, name, value in edits:
        touched.add(name.lower())
        before = headers.get_all(name)
        if deed == "remove":
            headers.remove(name)
            assert headers.get_all(name) == []
        elif deed == "add":
            headers.add(name, value)
            assert headers.get_all(name) == [*before, value]
        else:
            headers.set(name, value)
            assert headers.get_all(name) == [value]
    kept = [part for part, line in zip(parts, lines, strict=True) if line[0].lower() not in touched]
    left = [field for field in headers.head.fields if field.name.decode().lower() not in touched]
    assert [field.raw.decode("latin-1") for field in left] == kept
    assert headers.head.raw.startswith(b"GET / HTTP/1.1\r\n")
    assert headers.head.raw.endswith(b"\n\r\n")
