"""Every condition alone: when it holds, when it does not; and all of a rule's must hold."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ws76proxy.rules.decisions import Side
from ws76proxy.wire.head import RequestHead

from .made import REQUEST, RESPONSE, message_rule, rule, rules, session


@dataclass(frozen=True)
class Said:
    """A message, as a condition sees it."""

    content: bytes = b"hello"
    side: Side = "server"
    number: int = 1
    age: float = 1.0


OF_MESSAGES: list[tuple[str, list[Said], list[Said]]] = [
    ('from = "client"', [Said(side="client")], [Said(side="server")]),
    ('text = "ell"', [Said(), Said(b"\xfeell")], [Said(b"ELL"), Said(b"")]),
    ('text = ""', [Said(), Said(b"")], []),
    ('text = "a.c"', [Said(b"a.c")], [Said(b"abc")]),
    ('text = { exact = "hello" }', [Said()], [Said(b"hello "), Said(b"hell")]),
    ('text = { exact = "HELLO", ignore-case = true }', [Said()], [Said(b"hell")]),
    ('text = { exact = "grüße", ignore-case = true }', [Said("GRÜßE".encode())], [Said()]),
    ('text = { contains = "ELL", ignore-case = true }', [Said()], [Said(b"hal")]),
    ('text = { glob = "h*o" }', [Said(), Said(b"ho"), Said(b"h\n\xfe\x00o")], [Said(b"ah o")]),
    ('text = { glob = "h?llo" }', [Said(), Said("hällo".encode())], [Said(b"hllo")]),
    ('text = { glob = "H?LLO", ignore-case = true }', [Said()], [Said(b"hllo")]),
    ('text = { glob = "[a]" }', [Said(b"[a]")], [Said(b"a")]),
    ('text = { regex = "^h.*o$" }', [Said()], [Said(b"hello\n"), Said(b" hello")]),
    ('text = { regex = "L+", ignore-case = true }', [Said()], [Said(b"o")]),
    ('text = { regex = "^\\\\w+$" }', [Said()], [Said(b"a b")]),
    ('text = ["x", "llo", { exact = "y" }]', [Said(), Said(b"y"), Said(b"ax")], [Said(b"ay")]),
    ('json = { path = "$.a", equals = 1 }', [Said(b'{"a": 1.0}')], [Said(b'{"a": true}'), Said()]),
    (
        'json = { path = "$.a", equals = [1, { b = "x" }] }',
        [Said(b'{"a": [1,{"b":"x"}]}')],
        [Said(b'{"a": [1,{"b":"x","c":1}]}'), Said(b'{"a": [1]}'), Said(b'{"a": {}}')],
    ),
    ('json = { path = "$.a", equals = true }', [Said(b'{"a":true}')], [Said(b'{"a":1}')]),
    ('json = { path = "$.a", not = 1 }', [Said(b'{"a":2}')], [Said(b'{"a":1}'), Said(b"{}")]),
    (
        'json = { path = "$.a", less = 2 }',
        [Said(b'{"a":1}')],
        [Said(b'{"a":2}'), Said(b'{"a":""}')],
    ),
    ('json = { path = "$.a", at-most = 2 }', [Said(b'{"a":2}')], [Said(b'{"a":3}')]),
    ('json = { path = "$.a", greater = 2 }', [Said(b'{"a":3}')], [Said(b'{"a":2}')]),
    ('json = { path = "$.a", at-least = 2.5 }', [Said(b'{"a":2.5}')], [Said(b'{"a":true}')]),
    ('json = { path = "$.a", matches = "x*" }', [Said(b'{"a":"xy"}')], [Said(b'{"a":"y"}')]),
    (
        'json = { path = "$.a", matches = { regex = "^\\\\d+$" } }',
        [Said(b'{"a":"12"}')],
        [Said(b'{"a":12}'), Said(b'{"a":"\\ud800"}')],
    ),
    ('json = { path = "$.a", exists = true }', [Said(b'{"a":null}')], [Said(b"{}"), Said()]),
    (
        'json = { path = "$.a", exists = false }',
        [Said(b"{}"), Said(b"3")],
        [Said(), Said(b'{"a":1}')],
    ),
    (
        'json = { path = "$..n", greater = 5 }',
        [Said(b'[{"n":1},{"n":6}]'), Said(b'{"\\u006e": 7}')],
        [Said(b'[{"n":1}]')],
    ),
    ('json = { path = "$", equals = "x" }', [Said(b' "x" ')], [Said(b'"y"'), Said(b"x")]),
    (
        'json = [{ path = "$.a", equals = 1 }, { path = "$.b", exists = true }]',
        [Said(b'{"a":1,"b":2}')],
        [Said(b'{"a":1}'), Said(b'{"b":1}')],
    ),
    (
        "json = { path = '$[?search(@.t, \"^a+$\")]', exists = true }",
        [Said(b'[{"t":"aaa"}]')],
        [Said(b'[{"t":"aab"}]')],
    ),
    (
        "json = { path = '$[?match(@.t, \"a.\")]', exists = true }",
        [Said(b'[{"t":"ab"}]')],
        [Said(b'[{"t":"abc"}]'), Said(b'[{"t":3}]')],
    ),
    (
        'json = { path = "$.a", exists = true }',
        [],
        [Said(b'{"a":NaN}'), Said(b'{"a":1'), Said(b"")],
    ),
    ('json = { path = "$.a", exists = true }', [], [Said(b'\xef\xbb\xbf{"a":1}'), Said(b"\xfe")]),
    ("size = 5", [Said()], [Said(b"hell"), Said(b"hello!")]),
    ("size = 0", [Said(b"")], [Said(b"x")]),
    ("size = { at-least = 5 }", [Said(), Said(b"x" * 99)], [Said(b"hell")]),
    ("size = { at-most = 5 }", [Said(), Said(b"")], [Said(b"hello!")]),
    ("size = { at-least = 2, at-most = 3 }", [Said(b"ab"), Said(b"abc")], [Said(b"a"), Said()]),
    ("size = 2", [Said("ä".encode())], [Said(b"a")]),
    ("number = 3", [Said(number=3)], [Said(number=2), Said(number=4)]),
    ("number = [5, 3]", [Said(number=3), Said(number=5)], [Said(number=4)]),
    ("number = { from = 3 }", [Said(number=3), Said(number=99)], [Said(number=2)]),
    ("number = { to = 3 }", [Said(number=1), Said(number=3)], [Said(number=4)]),
    ("number = { from = 3, to = 4 }", [Said(number=3), Said(number=4)], [Said(number=5)]),
    ("every = 3", [Said(number=3), Said(number=6)], [Said(number=1), Said(number=4)]),
    ("every = 1", [Said(number=1), Said(number=2)], []),
    ("after = 2", [Said(age=2.0), Said(age=9.0)], [Said(age=1.9)]),
    ("before = 2", [Said(age=0.0), Said(age=1.9)], [Said(age=2.0)]),
    ("after = 1, before = 2", [Said(age=1.0)], [Said(age=0.5), Said(age=2.0)]),
    ("valid = true", [Said(), Said("ä".encode())], [Said(b"\xfe"), Said(b"\xc3")]),
    ("valid = false", [Said(b"\xfe"), Said(b"\xc3")], [Said(), Said("ä".encode())]),
    ("probability = 1.0", [Said()], []),
    ("probability = 0", [], [Said(), Said(number=2)]),
    # All of them must hold.
    ('text = "ell", size = 5, from = "server"', [Said()], [Said(side="client"), Said(b"ell")]),
    ('path = "/chat/*", text = "ell"', [Said()], [Said(b"x")]),
    ('path = "/other", text = "ell"', [], [Said()]),
    ("", [Said(), Said(b"")], []),
]

OF_REQUESTS: list[tuple[str, list[str], list[str]]] = [
    ('path = "/chat/room"', ["GET /chat/room HTTP/1.1"], ["GET /chat HTTP/1.1", "GET / HTTP/1.1"]),
    ('path = "/chat/*"', ["GET /chat/a/b?x=/ HTTP/1.1"], ["GET /?/chat/ HTTP/1.1"]),
    ('path = ["/a", "/b"]', ["GET /a HTTP/1.1", "GET /b? HTTP/1.1"], ["GET /ab HTTP/1.1"]),
    ('path = "/a"', ["GET http://h/a?b HTTP/1.1"], ["GET http://h/ HTTP/1.1"]),
    ('query = "a=1"', ["GET /?a=1 HTTP/1.1"], ["GET /?a=12 HTTP/1.1", "GET / HTTP/1.1"]),
    ('query = ""', ["GET / HTTP/1.1", "GET /? HTTP/1.1"], ["GET /?a HTTP/1.1"]),
    ('query = { contains = "a=" }', ["GET /?b&a=1 HTTP/1.1"], ["GET /a= HTTP/1.1"]),
]

OF_FIELDS: list[tuple[str, list[dict[str, str]], list[dict[str, str]]]] = [
    ('host = "*.example"', [{"Host": "a.example"}], [{"Host": "a.example:80"}, {}]),
    ('origin = "http://a"', [{"Origin": " http://a "}, {"origin": "http://a"}], [{"Host": "x"}]),
    ('origin = { regex = "" }', [{"Origin": ""}], [{}]),
    ('subprotocol = "x"', [{"Sec-WebSocket-Protocol": "x"}, {"WebSocket-Protocol": "x"}], [{}]),
    ("field = { Cookie = true }", [{"cookie": "a"}, {"Cookie": ""}], [{"Cooki": "a"}]),
    ("field = { Cookie = false }", [{}], [{"cookie": "a"}]),
    ('field = { Cookie = "a=*" }', [{"Cookie": "a=1"}], [{"Cookie": "b=1"}, {}]),
    ('field = { X = { regex = "^1$" } }', [{"X": "1"}], [{"X": "11"}]),
    ('field = { X = ["1", "2"] }', [{"X": "2"}], [{"X": "3"}]),
    ("field = { A = true, B = false }", [{"A": ""}], [{"A": "", "B": ""}, {}]),
]


@pytest.mark.parametrize(("when", "holds", "fails"), OF_MESSAGES)
def test_messages(when: str, holds: list[Said], fails: list[Said]) -> None:
    made = rules(message_rule(when))
    for said, expected in [*((one, True) for one in holds), *((one, False) for one in fails)]:
        one = made.for_session(1, "hixie-76", REQUEST)
        decision = one.message(said.side, said.content, said.number, said.age)
        assert (decision is not None) is expected, said
        frame = b"\x00" + said.content + b"\xff"
        if expected:
            assert one.may_match(said.side, frame, said.number, 1, said.age), said


@pytest.mark.parametrize(("when", "holds", "fails"), OF_REQUESTS)
@pytest.mark.parametrize("kind", ["request", "response", "message"])
def test_start_lines(kind: str, when: str, holds: list[str], fails: list[str]) -> None:
    for line, expected in [*((one, True) for one in holds), *((one, False) for one in fails)]:
        assert applies(kind, when, RequestHead.build(line, [])) is expected, line


@pytest.mark.parametrize(("when", "holds", "fails"), OF_FIELDS)
@pytest.mark.parametrize("kind", ["request", "message"])
def test_fields(
    kind: str, when: str, holds: list[dict[str, str]], fails: list[dict[str, str]]
) -> None:
    for fields, expected in [*((one, True) for one in holds), *((one, False) for one in fails)]:
        head = RequestHead.build("GET / HTTP/1.1", [*fields.items()])
        assert applies(kind, when, head) is expected, fields


def applies(
    kind: str, when: str, head: RequestHead, *, number: int = 1, dialect: str = "hixie-76"
) -> bool:
    """Whether a rule of some kind acts in a session with this request."""
    text = rule(kind, when, 'action = "mark", text = "yes"')
    one = session(text, request=head, number=number, dialect=dialect)
    if kind == "request":
        return one.request(head) is not None
    if kind == "response":
        return one.response(RESPONSE) is not None
    assert one.touches_messages is (one.message("client", b"x", 1, 1.0) is not None)
    return one.touches_messages


@pytest.mark.parametrize("kind", ["request", "response", "message"])
def test_dialect_and_session(kind: str) -> None:
    assert applies(kind, 'dialect = "hixie-75"', REQUEST, dialect="hixie-75")
    assert not applies(kind, 'dialect = "hixie-75"', REQUEST, dialect="hixie-76")
    assert applies(kind, 'dialect = ["hixie-75", "hixie-76"]', REQUEST)
    assert applies(kind, "session = 3", REQUEST, number=3)
    assert not applies(kind, "session = 3", REQUEST, number=4)
    assert applies(kind, "session = [1, 9]", REQUEST, number=9)
    assert applies(kind, "session = { from = 3 }", REQUEST, number=9)
    assert not applies(kind, "session = { from = 3, to = 4 }", REQUEST, number=5)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("status = 101", True),
        ("status = 200", False),
        ("status = [200, 101]", True),
        ("status = { from = 200 }", False),
        ("status = { to = 199 }", True),
        ('field = { Server = "old" }', True),
        ("field = { Server = false }", False),
        # Of the answer, not of the request.
        ("field = { Cookie = true }", False),
        ('subprotocol = "prices", status = 101', True),
        ('subprotocol = "others", status = 101', False),
    ],
)
def test_answers(when: str, expected: bool) -> None:
    assert applies("response", when, REQUEST) is expected


def test_probability_is_about_so_much_and_the_same_each_time() -> None:
    text = "seed = {}\n" + message_rule("probability = 0.25")

    def chosen(seed: int, number: int) -> list[int]:
        one = session(text.replace("{}", str(seed), 1), number=number)
        return [n for n in range(1, 2_001) if one.message("server", b"x", n, 0.0)]

    first = chosen(76, 1)
    assert 400 < len(first) < 600
    assert first == chosen(76, 1)
    assert first != chosen(77, 1)
    assert first != chosen(76, 2)


def test_probability_of_heads_is_decided_once_a_session() -> None:
    text = rule("request", "probability = 0.5", 'action = "mark", text = "yes"')
    made = rules(text)
    chosen = [
        number
        for number in range(1, 201)
        if made.for_session(number, "hixie-76", REQUEST).request(REQUEST)
    ]
    assert 60 < len(chosen) < 140
