"""Lines of the control protocol: what is a request, and what is said of what is none."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ws76proxy.control.messages import (
    REQUESTS,
    AnyAnswer,
    AnyRequest,
    DropRequest,
    EditRequest,
    HeldMessage,
    HeldRequest,
    PingRequest,
    RefusedError,
    ReleaseRequest,
    SessionsRequest,
    ShownAnswer,
    ShowRequest,
    WatchRequest,
    read_id,
    read_request,
)

ids = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text())
names = st.text()
requests = st.one_of(
    st.builds(HeldRequest, id=ids),
    st.builds(ShowRequest, id=ids, message=names),
    st.builds(ReleaseRequest, id=ids, message=names),
    st.builds(EditRequest, id=ids, message=names, text=st.text()),
    st.builds(EditRequest, id=ids, message=names, payload=st.binary()),
    st.builds(DropRequest, id=ids, message=names),
    st.builds(WatchRequest, id=ids, records=st.booleans()),
    st.builds(SessionsRequest, id=ids),
    st.builds(PingRequest, id=ids),
)
held = st.builds(
    HeldMessage,
    name=names,
    session=st.integers(1, 2**53),
    direction=st.sampled_from(["client", "server"]),
    number=st.integers(1, 2**53),
    rule=st.text(),
    size=st.integers(0, 2**53),
    text=st.text(),
    payload=st.none() | st.binary(),
    whole=st.booleans(),
    left=st.none() | st.floats(0, 1e9),
)


@given(requests)
def test_what_is_written_is_read(request: AnyRequest) -> None:
    line = msgspec.json.encode(request)
    assert b"\n" not in line
    assert read_request(line) == request
    assert read_id(line) == request.id


@given(ids, held)
def test_answers_too(name: int | str, message: HeldMessage) -> None:
    answer = ShownAnswer(id=name, message=message)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=AnyAnswer) == answer


@given(st.binary())
def test_anything_else_is_refused_in_one_way(line: bytes) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(line)
    assert refused.value.code == "bad-request"
    assert refused.value.found
    assert refused.value.expected
    read_id(line)


def test_every_request_is_in_the_table() -> None:
    assert set(REQUESTS) == {kind.__struct_config__.tag for kind in AnyRequest.__args__}


def test_the_content_of_an_edit() -> None:
    assert EditRequest(id=1, message="1.1", text="é").content == b"\xc3\xa9"
    assert EditRequest(id=1, message="1.1", text="").content == b""
    line = msgspec.json.encode(
        {
            "id": 1,
            "request": "edit",
            "message": "1.1",
            "payload": base64.b64encode(b"\x80").decode(),
        }
    )
    request = read_request(line)
    assert isinstance(request, EditRequest)
    assert request.content == b"\x80"


@pytest.mark.parametrize(
    ("line", "found", "expected"),
    [
        (b"held", "JSON", "a request on one line"),
        (b"{", "truncated", "a request on one line"),
        (b'{"id": 1}\x00', "", "one line"),
        (b"[1]", "list in place of an object", "a request on one line"),
        (b'"held"', "str in place of an object", "a request on one line"),
        (b'{"id": 1}', "no request", "held, show"),
        (b'{"id": 1, "request": 7}', "the request 7", "held, show"),
        (b'{"id": 1, "request": "relaese"}', "'relaese'", "such as release"),
        (b'{"request": "held"}', "id", '{"id": 1, "request": "held"}'),
        (b'{"id": null, "request": "held"}', "null", '{"id": 1, "request": "held"}'),
        (b'{"id": 1.5, "request": "held"}', "float", '{"id": 1, "request": "held"}'),
        (b'{"id": 1, "request": "drop"}', "message", '"message": "3.17"'),
        (b'{"id": 1, "request": "drop", "message": 3.17}', "float", '"message": "3.17"'),
        (b'{"id": 1, "request": "held", "massage": 1}', "massage", '"request": "held"'),
        (b'{"id": 1, "request": "edit", "message": "1.1"}', "exactly one", '"payload"'),
        (
            b'{"id": 1, "request": "edit", "message": "1.1", "text": "", "payload": ""}',
            "exactly one",
            '"payload"',
        ),
        (
            b'{"id": 1, "request": "edit", "message": "1.1", "payload": "?"}',
            "base64",
            '"payload"',
        ),
        (b'{"id": 1, "request": "edit", "message": "1.1", "text": "\\ud800"}', "", ""),
        (b'{"id": 1, "request": "edit", "message": "1.1", "text": "\xff"}', "", ""),
        (b"[" * 100_000, "", "one line"),
    ],
)
def test_what_is_wrong_is_said(line: bytes, found: str, expected: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_request(line)
    assert found in refused.value.found
    assert expected in refused.value.expected
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'{"id": 7, "request": "nothing"}', 7),
        (b'{"id": "seven"}', "seven"),
        (b'{"id": true}', None),
        (b'{"id": []}', None),
        (b"{}", None),
        (b"{", None),
    ],
)
def test_the_id_of_what_is_no_request(line: bytes, name: Any) -> None:
    assert read_id(line) == name
