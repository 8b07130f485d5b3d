"""Secrets in addresses and in bytes that nobody decoded: redacted, and nothing else is."""

from __future__ import annotations

import base64
from typing import Any, Literal

import msgspec
import pytest

from tests.session.playbook import Play
from ws76proxy.diagnosis import Stream, found
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    BytesRecord,
    HttpRecord,
    RequestRecord,
    ResponseRecord,
    SessionStartRecord,
    finding_record,
)
from ws76proxy.redaction import REDACTED, redact

SECRET_ADDRESSES = [
    "/chat?token=s3cret",
    "/chat?a=b&access_token=s3cret&c=d",
    "/chat?a=b;auth=s3cret",
    "/chat?TOKEN=s3cret",
    "/chat?accessToken=s3cret",
    "/chat?accesstoken=s3cret",
    "/chat?x-api-key=s3cret",
    "/chat?apiKey=s3cret#top",
    "/chat?user[password]=s3cret",
    "/chat?X-Amz-Signature=s3cret",
    "/chat;jsessionid=s3cret",
    "/chat?PHPSESSID=s3cret",
    "/socket.io/?EIO=2&sid=s3cret",
    "/login#id_token=s3cret",
    "ws://me:s3cret@server.test/chat",
    "http://:s3cret@server.test:80",
]
ADDRESSES_WITHOUT_SECRETS = [
    "/chat?monkey=a",
    "/chat?keyword=a&author=b&side=c&compass=n&design=1&obsession=yes",
    "/chat?token",
    "/chat?token=",
    "/token/auth/key",
    "/chat?tokens=3",
    "http://server.test:80/?mail=me@home.test",
    "http://server.test:80?mail=me@home.test",
    "ws://server.test:80/a:b@c",
    "the time was 12:30, ask me@home.test",
]


def bytes_record(data: bytes, of: Literal["head", "rest"]) -> BytesRecord:
    return BytesRecord(
        session=1,
        time=0.0,
        direction="client",
        offset=0,
        size=len(data),
        raw=base64.b64encode(data).decode(),
        of=of,
    )


def with_address(address: str) -> list[AnyRecord]:
    """Records in which an address may stand."""
    head = f"GET {address} HTTP/1.1\r\nHost: a.test\r\nReferer: {address}\r\n\r\n"
    about: dict[str, Any] = {"session": 1, "time": 0.0}
    diagnosis = found(
        "request-field-twice", f"at {address}", stream=Stream.CLIENT, evidence=address.encode()
    )
    return [
        RequestRecord(**about, dialect="hixie-76", target=address, head=head, sent=head),
        ResponseRecord(**about, status=302, reason="", head=f"Location: {address}\r\n", sent=head),
        AdjustmentRecord(
            **about,
            toward="client",
            what="Sec-WebSocket-Location",
            before=address,
            after=address,
            cause="proxy",
            why="so",
        ),
        HttpRecord(**about, method="GET", target=address, status=200),
        SessionStartRecord(
            **about, version=1, started="", client="", listener="", upstream=address
        ),
        finding_record(1, 0.0, diagnosis),
        bytes_record(head.encode(), "head"),
        bytes_record(head.encode(), "rest"),
    ]


def told(record: AnyRecord) -> str:
    """A record as text, what is in base64 too."""
    raw = base64.b64decode(record.raw).decode("latin-1") if isinstance(record, BytesRecord) else ""
    return msgspec.json.encode(record).decode() + raw


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_secrets_of_addresses_are_redacted(address: str) -> None:
    before, _, after = address.partition("s3cret")
    before = before.replace("me:", "").rstrip(":")
    for record in with_address(address):
        redacted = redact(record)
        assert "s3cret" not in told(redacted)
        assert f"{before}{REDACTED}{after}" in told(redacted)
        assert redact(redacted) == redacted
        if isinstance(redacted, RequestRecord | ResponseRecord | BytesRecord):
            assert redacted.redacted


@pytest.mark.parametrize("address", ADDRESSES_WITHOUT_SECRETS)
def test_what_only_looks_like_a_secret_stays(address: str) -> None:
    for record in with_address(address):
        assert redact(record) is record


@pytest.mark.parametrize("of", ["head", "rest"])
@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nCookie: sid=s3cret",
        b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: sid=s3cret\r\n\r\n\x81\x02hi",
        b"ost: a.test\r\nauthorization: Basic s3cret\r\n\r\n",
    ],
)
def test_secrets_in_bytes_that_are_a_head(data: bytes, of: Literal["head", "rest"]) -> None:
    record = redact(bytes_record(data, of))
    assert isinstance(record, BytesRecord)
    assert record.redacted
    clean = base64.b64decode(record.raw)
    assert b"s3cret" not in clean
    assert clean.startswith(data.partition(b": ")[0][:12])
    # Of the bytes on the wire.
    assert record.size == len(data)


@pytest.mark.parametrize(
    "data", [b"\x81\x05hello", b"\x16\x03\x01?token=a", bytes(range(256)), b"a=b&token=c"]
)
def test_other_bytes_stay(data: bytes) -> None:
    record = bytes_record(data, "rest")
    assert redact(record) is record


def test_the_answer_to_rfc6455_keeps_no_cookie() -> None:
    play = Play(host="keep", lossless=True)
    play.client(
        b"GET /?token=s3cret HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    play.server(b"HTTP/1.1 101 OK\r\nSet-Cookie: sid=s3cret\r\nUpgrade: websocket\r\n\r\n")
    assert len(play.records) > 3
    assert "s3cret" not in "".join(told(redact(record)) for record in play.records)


@pytest.mark.parametrize(
    "piece", ["a.", "?a_", "a_", "aA", "://a:", "://", "a:", "?token", "GET x ", "\n", "A\n", "x"]
)
def test_a_large_head_takes_no_longer_for_what_it_holds(piece: str) -> None:
    """Quadratic, and this would take minutes: the limit is that of the whole suite."""
    head = f"{'?' if piece[0] in 'a' else ''}{piece * (2_000_000 // len(piece))}"
    record = bytes_record(head.encode(), "rest")
    assert isinstance(redact(record), BytesRecord)
    request = RequestRecord(session=1, time=0.0, dialect="http", target="/", head=head)
    assert isinstance(redact(request), RequestRecord)


@pytest.mark.parametrize("name", ["Cookie", "authorization", "Set-Cookie"])
@pytest.mark.parametrize("value", ["sid=s3cret", None])
def test_a_rule_s_change_of_a_secret_field(name: str, value: str | None) -> None:
    """The value stands without its name there."""
    change = AdjustmentRecord(
        session=1,
        time=0.0,
        toward="server",
        what=name,
        before=value,
        after="Basic s3cret",
        cause="rule",
        why="rule 'other'",
    )
    hidden = None if value is None else REDACTED
    assert redact(change) == msgspec.structs.replace(change, before=hidden, after=REDACTED)
