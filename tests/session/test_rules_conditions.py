"""Each condition, alone: which of the messages, requests and answers it lets a rule act on."""

from __future__ import annotations

from typing import Any

import pytest

from ws76proxy.record import MessageRecord

from .examples import DIGEST, KEY3, answer, plain, request
from .playbook import Book, Play, opened, opened_75
from .rulebook import message, request_rule, response_rule

HIT = 'action = "set-text", text = "!"'
SAID = ["price 10", '{"price": 12}', "Grüße", "x" * 40]


def acted_on(when: str, side: str = "client", **options: Any) -> list[int]:
    """On which of what a side says a rule with this condition acts, from 1."""
    play = opened(rules=message(HIT, when=when), **options)
    frames = [b"\x00" + text.encode() + b"\xff" for text in SAID] + [b"\x00\xc3(\xff"]
    (play.client if side == "client" else play.server)(*frames)
    other = "server" if side == "client" else "client"
    writes = play.sent(other)
    assert len(writes) == len(frames)
    return [number for number, write in enumerate(writes, 1) if write == b"\x00!\xff"]


ALL = [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("when", "numbers"),
    [
        ("", ALL),
        ('from = "client"', ALL),
        ('from = "server"', []),
        ('text = "price"', [1, 2]),
        ('text = "PRICE"', []),
        ('text = { contains = "PRICE", ignore-case = true }', [1, 2]),
        ('text = { exact = "Grüße" }', [3]),
        ('text = { glob = "p*1?" }', [1]),
        ('text = { regex = "^x+$" }', [4]),
        ('text = ["üß", { exact = "price 10" }]', [1, 3]),
        ('json = { path = "$.price", equals = 12 }', [2]),
        ('json = { path = "$.price", not = 12 }', []),
        ('json = { path = "$.price", less = 13 }', [2]),
        ('json = { path = "$.price", at-most = 11 }', []),
        ('json = { path = "$.price", greater = 11 }', [2]),
        ('json = { path = "$.price", at-least = 12.5 }', []),
        ('json = { path = "$.price", matches = "1*" }', []),
        ('json = { path = "$.price", exists = true }', [2]),
        ('json = { path = "$.other", exists = false }', [2]),
        ("size = 8", [1]),
        ("size = { at-least = 13 }", [2, 4]),
        ("size = { at-most = 7 }", [3, 5]),
        ("number = 2", [2]),
        ("number = [1, 4]", [1, 4]),
        ("number = { from = 3 }", [3, 4, 5]),
        ("every = 2", [2, 4]),
        ("before = 1", ALL),
        ("after = 1", []),
        ("valid = true", [1, 2, 3, 4]),
        ("valid = false", [5]),
        ('dialect = "hixie-76"', ALL),
        ('dialect = ["hixie-75", "rfc6455"]', []),
        ('path = "/ch*"', ALL),
        ('path = "/chat?room=1"', []),
        ('query = "room=1"', ALL),
        ('query = ""', []),
        ('host = "proxy.test*"', ALL),
        ('host = { exact = "proxy.test" }', []),
        ('origin = "http://site.test"', ALL),
        ('origin = "http://other"', []),
        ('subprotocol = "*"', []),
        ("session = 1", ALL),
        ("session = { from = 2 }", []),
        ("probability = 0", []),
        ("probability = 1", ALL),
        ("field = { Upgrade = true }", ALL),
        ("field = { Cookie = false, Upgrade = 'web*' }", []),
        ("field = { Cookie = false, Upgrade = 'Web*' }", ALL),
        ('from = "client", text = "price", number = 2', [2]),
    ],
)  # fmt: skip
def test_condition_of_messages(when: str, numbers: list[int]) -> None:
    assert acted_on(when) == numbers


def test_of_the_server_s_messages() -> None:
    assert acted_on('from = "server", number = 2', "server") == [2]


def test_time_since_the_conversation_began() -> None:
    rules = message(HIT, when="after = 2, before = 4")
    play = opened(rules=rules)
    for _ in range(6):
        play.client(b"\x00a\xff")
        play.time_passes(1)
    assert play.sent("server") == [
        b"\x00%b\xff" % one for one in (b"a", b"a", b"!", b"!", b"a", b"a")
    ]


def test_that_time_does_not_begin_before() -> None:
    play = Play(host="keep", rules=message(HIT, when="after = 2"))
    play.client(request() + KEY3)
    play.time_passes(10)
    play.server(answer() + DIGEST)
    play.settle()
    play.client(b"\x00a\xff")
    play.to_server(b"\x00a\xff")


def test_probability_is_the_seed_s() -> None:
    first, again, other = (
        [
            write == b"\x00!\xff"
            for write in _said(
                40, rules=f"seed = {seed}\n" + message(HIT, when="probability = 0.5")
            )
        ]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert 8 < sum(first) < 32


def _said(count: int, **options: Any) -> list[bytes]:
    play = opened(**options)
    play.client(*[b"\x00a\xff"] * count)
    return play.sent("server")


def test_dialect_75() -> None:
    play = opened_75(rules=message(HIT, when='dialect = "hixie-75"'))
    play.client(b"\x00a\xff")
    play.to_server(b"\x00!\xff")


def test_subprotocol() -> None:
    play = Play(host="keep", rules=message(HIT, when='subprotocol = "chat"'))
    play.client(request(extra=["Sec-WebSocket-Protocol: chat"]) + KEY3)
    play.server(answer() + DIGEST)
    play.settle()
    play.client(b"\x00a\xff")
    play.to_server(b"\x00!\xff")


@pytest.mark.parametrize(
    ("when", "acts"),
    [
        ("", True),
        ('path = "/chat"', True),
        ('path = ["/a", "/b"]', False),
        ('query = { regex = "room=[0-9]" }', True),
        ('host = "*:8076"', True),
        ('origin = { contains = "SITE", ignore-case = true }', True),
        ('dialect = "hixie-75"', False),
        ("session = [2, 3]", False),
        ('field = { sec-websocket-key1 = "4 @1*" }', True),
        ("field = { cookie = true }", False),
    ],
)
def test_condition_of_requests(when: str, acts: bool) -> None:
    rules = request_rule('action = "set-field", name = "X", value = "1"', when=when)
    play = Play(host="keep", rules=rules)
    play.client(request() + KEY3)
    assert (b"X: 1\r\n" in play.sent("server")[0]) == acts


@pytest.mark.parametrize(
    ("when", "acts"),
    [
        ("status = 101", False),
        ("status = [401, 403]", True),
        ("status = { from = 400, to = 499 }", True),
        ("field = { server = true }", True),
        ("field = { upgrade = true }", False),
        ('path = "/chat"', True),
        ('origin = "http://other"', False),
    ],
)
def test_condition_of_answers(when: str, acts: bool) -> None:
    rules = response_rule('action = "set-field", name = "X", value = "1"', when=when)
    play = Play(host="keep", rules=rules)
    play.client(request() + KEY3)
    play.server(plain("HTTP/1.1 403 No", "Server: s"))
    assert (b"X: 1\r\n" in play.sent("client")[0]) == acts


# More than one rule


def test_a_rule_sees_what_an_earlier_one_made() -> None:
    play = opened(
        rules=message('action = "replace", text = "a", with = "b"')
        + message('action = "replace", text = "b", with = "c"', name="2")
    )
    play.client(b"\x00a\xff")
    play.to_server(b"\x00c\xff")
    assert play.changes == [
        "rule 'r': replace, client #1 'a' -> 'b'",
        "rule '2': replace, client #1 'b' -> 'c'",
    ]


def test_stop_limit_and_enabled() -> None:
    rules = (
        message('action = "replace", text = "a", with = "b"', more="stop = true\nlimit = 1")
        + message('action = "replace", text = "b", with = "c"', name="2")
        + message('action = "drop"', name="3", more="enabled = false")
    )
    play = opened(rules=rules)
    play.client(b"\x00a\xff\x00a b\xff")
    play.to_server(b"\x00b\xff\x00a c\xff")


# Other rules, in the middle of a session


def test_other_rules_from_the_next_message_on() -> None:
    book = Book(message(HIT, when='text = "a"'))
    play = opened(rules=book)
    play.client(b"\x00a\xff\x00b")
    book.rewrite(message(HIT, when='text = "b"'))
    play.client(b"b\xff\x00a\xff")
    assert b"".join(play.sent("server")) == b"\x00!\xff\x00!\xff\x00a\xff"


def test_limits_go_on_counting() -> None:
    text = message(HIT, more="limit = 2")
    book = Book(text)
    play = opened(rules=book)
    play.client(b"\x00a\xff")
    book.rewrite(text + "\n# the same again\n")
    play.client(b"\x00a\xff\x00a\xff")
    assert b"".join(play.sent("server")) == b"\x00!\xff\x00!\xff\x00a\xff"


def test_what_waits_goes_on_waiting() -> None:
    book = Book(message('action = "delay", seconds = 2', when='text = "late"'))
    play = opened(rules=book)
    play.client(b"\x00late\xff")
    book.rewrite("")
    play.client(b"\x00next\xff")
    play.to_server()
    play.wakes(2)
    play.to_server(b"\x00late\xff\x00next\xff")


@pytest.mark.parametrize("hides_first", [True, False])
def test_no_message_is_told_twice_or_never(hides_first: bool) -> None:
    hide = message('action = "hide", regex = "a"')
    book = Book(hide if hides_first else "")
    play = opened(rules=book)
    play.client(b"\x00a1\xff")
    book.rewrite("" if hides_first else hide)
    play.client(b"\x00a2\xff\x00a3\xff")
    hidden, plain_text = ["(hidden)1", "(hidden)2", "(hidden)3"], ["a1", "a2", "a3"]
    first, then = (hidden, plain_text) if hides_first else (plain_text, hidden)
    told = [one.text for one in play.records if isinstance(one, MessageRecord)]
    assert told == [first[0], then[1], then[2]]


def test_rules_of_a_request_are_those_when_it_comes() -> None:
    book = Book("")
    play = Play(host="keep", rules=book)
    play.client(request())
    book.rewrite(response_rule('action = "set-field", name = "X", value = "1"'))
    play.client(KEY3)
    play.server(answer() + DIGEST)
    assert b"X: 1" not in play.sent("client")[0]
    play.client(b"\x00a\xff")
