"""The dialect of a client, from its first bytes: each one, cut anywhere, and never two answers."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ws76proxy.wire import Dialect, RequestHead, detect, dialect_of
from ws76proxy.wire.dialect import FLASH_POLICY_REQUEST

START = b"GET /demo HTTP/1.1\r\n"


def request(*fields: bytes, line_end: bytes = b"\r\n") -> bytes:
    """A request's head."""
    return line_end.join([b"GET /demo HTTP/1.1", b"Host: example.com", *fields, b"", b""])


UPGRADE = b"Upgrade: WebSocket"
SAMPLES = {
    "hixie-76": (request(UPGRADE, b"Sec-WebSocket-Key1: 1 2", b"a: b"), Dialect.HIXIE_76),
    "hixie-76, only key2": (request(b"Sec-WebSocket-Key2: 1 2"), Dialect.HIXIE_76),
    "hixie-76, lower case": (request(b"sec-websocket-KEY1: 1 2"), Dialect.HIXIE_76),
    "hixie-76, lone LF": (request(b"Sec-WebSocket-Key1: 1 2", line_end=b"\n"), Dialect.HIXIE_76),
    "hixie-76, empty lines first": (
        b"\r\n\r\n" + request(b"Sec-WebSocket-Key1: 1 2"),
        Dialect.HIXIE_76,
    ),
    "hixie-76 before any version": (
        request(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key1: 1 2"),
        Dialect.HIXIE_76,
    ),
    "hixie-75": (request(UPGRADE, b"Connection: Upgrade"), Dialect.HIXIE_75),
    "hixie-75, a draft is a hint": (request(UPGRADE, b"Sec-WebSocket-Draft: 2"), Dialect.HIXIE_75),
    "hixie-75, space before the colon of a key": (
        request(UPGRADE, b"Sec-WebSocket-Key1 : 1 2"),
        Dialect.HIXIE_75,
    ),
    "rfc6455": (request(UPGRADE, b"Sec-WebSocket-Version: 13"), Dialect.RFC_6455),
    "rfc6455, only a key": (request(UPGRADE, b"Sec-WebSocket-Key: abc="), Dialect.RFC_6455),
    "hybi-04": (request(UPGRADE, b"Sec-WebSocket-Version: 4"), Dialect.HYBI_DRAFT),
    "hybi-12": (request(UPGRADE, b"Sec-WebSocket-Version:  8 "), Dialect.HYBI_DRAFT),
    "http": (request(b"Accept: */*"), Dialect.HTTP),
    "http, other upgrade": (request(b"Upgrade: h2c"), Dialect.HTTP),
    "http, no version": (b"GET /\r\n\r\n", Dialect.HTTP),
    "flash policy": (FLASH_POLICY_REQUEST, Dialect.FLASH_POLICY),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Dialect.TLS),
    "unknown, other binary": (b"\x00hello\xff", Dialect.UNKNOWN),
    "unknown, almost tls": (b"\x16\x16\x03", Dialect.UNKNOWN),
    "unknown, almost a policy request": (b"<policy/>", Dialect.UNKNOWN),
    "unknown, no method": (b": GET / HTTP/1.1\r\n\r\n", Dialect.UNKNOWN),
    "unknown, endless method": (b"A" * 33, Dialect.UNKNOWN),
}


@pytest.mark.parametrize(("data", "dialect"), SAMPLES.values(), ids=SAMPLES.keys())
def test_every_dialect_at_every_cut(data: bytes, dialect: Dialect) -> None:
    answers = [detect(data[:cut]) for cut in range(len(data) + 1)]
    assert answers[0] is None
    assert answers[-1] is dialect
    undecided = answers.count(None)
    assert answers == [None] * undecided + [dialect] * (len(answers) - undecided)
    for behind in (b"\0", b"\r\n\r\n", b"8 bytes!", b"Sec-WebSocket-Key1: 1 2\r\n\r\n"):
        assert detect(data + behind) is dialect


def test_no_longer_wait_than_needed() -> None:
    first_key = START + b"Sec-WebSocket-Key2: 1 2\r\n"
    assert detect(first_key[:-1]) is None
    assert detect(first_key) is Dialect.HIXIE_76
    assert detect(b"\x16\x03") is Dialect.TLS
    assert detect(b"\x00") is Dialect.UNKNOWN
    assert detect(b"GET / HTTP/1.1\r\nA: b\r\n\r") is None
    assert detect(b"GET / HTTP/1.1\nA: b\n\n") is Dialect.HTTP


words = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b":",
        b"\0",
        b"\x16",
        b"\x03",
        b"<",
        START,
        b"GET",
        UPGRADE,
        b"Sec-WebSocket-Key1",
        b"sec-websocket-key2: 1 2\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Version: 8",
        b"Sec-WebSocket-Key: a\n",
        FLASH_POLICY_REQUEST,
        FLASH_POLICY_REQUEST[:5],
    ]
)
clients = st.one_of(
    st.lists(words, max_size=10).map(b"".join),
    st.lists(words, max_size=8).map(lambda parts: START + b"".join(parts) + b"\r\n\r\n"),
    st.lists(st.sampled_from(b"\r\n A:\x16\x03<"), max_size=16).map(bytes),
    st.binary(max_size=40),
)


@given(clients)
@example(START + b"Sec-WebSocket-Key1 : 1 2\r\nUpgrade: WebSocket\r\n\r\n")
@example(b"Sec-WebSocket-Key1 : x\r\nUpgrade: WebSocket\r\n\r\n")
@example(b"GET / \r\r\n\r\n")
def test_once_told_never_told_otherwise(data: bytes) -> None:
    told = None
    for cut in range(len(data) + 1):
        now = detect(data[:cut])
        assert told is None or now is told, data[:cut]
        told = now


@given(clients)
def test_a_whole_head_is_enough(data: bytes) -> None:
    """Behind the blank line nobody waits, and what it says agrees with `dialect_of`."""
    head = b"POST " + data.replace(b"\n", b"").replace(b"\r", b"") + b"\r\n"
    whole = head + data.strip(b"\r\n") + b"\r\n\r\n"
    assert detect(whole) is not None
    blank_line = min(whole.find(end) + len(end) for end in (b"\n\n", b"\n\r\n") if end in whole)
    assert detect(whole) is dialect_of(RequestHead(whole[:blank_line]))


@pytest.mark.parametrize("dialect", Dialect)
def test_what_is_hixie_and_what_a_websocket(dialect: Dialect) -> None:
    hixie = {Dialect.HIXIE_75, Dialect.HIXIE_76}
    assert dialect.is_hixie is (dialect in hixie)
    assert dialect.is_websocket is (dialect in {*hixie, Dialect.RFC_6455, Dialect.HYBI_DRAFT})


@pytest.mark.parametrize("greeting", [b"SSH-2.0-x\r\n", b"hello\n", b"QUIT\r\n"])
def test_a_whole_first_line_of_one_word_is_no_request(greeting: bytes) -> None:
    assert detect(greeting) is Dialect.UNKNOWN
    assert detect(greeting[:-1].rstrip(b"\r")) is None
