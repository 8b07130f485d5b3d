"""Every action on messages alone: what it decides, and what it says that it has done."""

from __future__ import annotations

import pytest

from ws76proxy.rules.decisions import Change, Closing, Injection, Stall

from .made import REQUEST, decided, message_rule, rules, session

# Action, message before, message after (None: the rule does nothing).
EDITS: list[tuple[str, bytes, bytes | None]] = [
    ('action = "replace", text = "a", with = "b"', b"banana", b"bbnbnb"),
    ('action = "replace", text = "a", with = "b", count = 2', b"banana", b"bbnbna"),
    ('action = "replace", text = "a.", with = "\\\\1"', b"a. ab", b"\\1 ab"),
    ('action = "replace", text = "A", with = "b", ignore-case = true', b"aA", b"bb"),
    ('action = "replace", text = "x", with = "b"', b"banana", None),
    ('action = "replace", text = "a", with = "a"', b"banana", None),
    ('action = "replace", text = "a", with = ""', b"banana", b"bnn"),
    ("action = 'replace', regex = '(\\d+) EUR', with = 'EUR \\1'", b"12 EUR", b"EUR 12"),
    ("action = 'replace', regex = '(?P<n>\\d)', with = '<\\g<n>>'", b"12", b"<1><2>"),
    ("action = 'replace', regex = '\\d', with = '<\\0\\g<0>>'", b"1", b"<11>"),
    ("action = 'replace', regex = '(a)|b', with = '[\\1]'", b"ab", b"[a][]"),
    ("action = 'replace', regex = 'b', with = '\\\\\\n\\r\\t'", b"abc", b"a\\\n\r\tc"),
    ("action = 'replace', regex = '^a', with = 'b'", b"aa\na", b"ba\na"),
    ("action = 'replace', regex = 'A', with = 'b', ignore-case = true", b"aA", b"bb"),
    ("action = 'replace', regex = 'x*', with = '-'", "aéx".encode(), "-a-é--".encode()),
    ("action = 'replace', regex = '.', with = '?'", b"a\xfeb\xc3", b"?\xfe?\xc3"),
    (
        "action = 'replace', regex = 'b', with = 'ü'",
        b"\xfeb\xc3",
        "\xfe".encode("latin-1") + "ü".encode() + b"\xc3",
    ),
    ("action = 'replace', regex = '(a+)+$', with = ''", b"a" * 100_000 + b"b", None),
    ('action = "set-text", text = "ü"', b"x\xfe", "ü".encode()),
    ('action = "set-text", text = ""', b"x", b""),
    ('action = "set-text", text = "x"', b"x", None),
    (
        'action = "json-set", path = "$.price", value = 9',
        b' {"price" : 12 , "a":1}',
        b' {"price" : 9 , "a":1}',
    ),
    (
        'action = "json-set", path = "$..p", value = "ü"',
        b'[{"p":1},{"p":[2]}]',
        '[{"p":"ü"},{"p":"ü"}]'.encode(),
    ),
    (
        'action = "json-set", path = "$.a", value = { b = [1, 2.5, true] }',
        b'{"a":0}',
        b'{"a":{"b":[1,2.5,true]}}',
    ),
    ('action = "json-set", path = "$.a", json = " null "', b'{"a":0}', b'{"a":null}'),
    ('action = "json-set", path = "$.a", json = "1.50"', b'{"a":0}', b'{"a":1.50}'),
    ('action = "json-set", path = "$", value = 1', b" [2] ", b" 1 "),
    ('action = "json-set", path = "$.b", value = 1', b'{"a":0}', None),
    ('action = "json-set", path = "$.a", value = 0', b'{"a":0}', None),
    ('action = "json-set", path = "$.a", value = 1', b'{"a":0', None),
    ('action = "json-set", path = "$.a", value = 1', b"\xfe", None),
    ('action = "json-remove", path = "$.a"', b'{"a": 1, "b": 2}', b'{"b": 2}'),
    ('action = "json-remove", path = "$.b"', b'{"a": 1, "b": 2}', b'{"a": 1}'),
    ('action = "json-remove", path = "$.a"', b'{ "a": 1 }', b"{  }"),
    ('action = "json-remove", path = "$[?@ > 1]"', b"[1, 2, 3, 1]", b"[1, 1]"),
    ('action = "json-remove", path = "$.c"', b'{"a": 1}', None),
    ('action = "truncate", characters = 2', "aéx".encode(), "aé".encode()),
    ('action = "truncate", characters = 2', b"\xfe\xc3x", b"\xfe\xc3"),
    ('action = "truncate", characters = 3', "aéx".encode(), None),
    ('action = "truncate", characters = 0', b"x", b""),
    ('action = "truncate", bytes = 2', "aéx".encode(), b"a\xc3"),
    ('action = "truncate", bytes = 9', b"x", None),
    ('action = "corrupt"', b"", None),
]


@pytest.mark.parametrize(("do", "before", "after"), EDITS)
def test_edits(do: str, before: bytes, after: bytes | None) -> None:
    text = message_rule(do=do)
    decision = decided(text, before)
    if after is None:
        assert decision is None
        return
    assert decision is not None
    assert decision.content == after
    (change,) = decision.changes
    assert (change.rule, change.before, change.after) == ("rule", before, after)
    assert change.deed in do
    assert (decision.copies, decision.delay, decision.swaps, decision.hold) == (1, 0.0, False, None)
    # The burst that the message came in would have been looked at.
    frames = b"\x00x\xff\x00" + before + b"\xff"
    assert session(text).may_match("server", frames, 1, 2, 1.0)


def test_corrupt() -> None:
    text = message_rule(do='action = "corrupt", bytes = 3')
    content = bytes(range(200))
    seen = set()
    for number in range(1, 51):
        decision = decided(text, content, number=number)
        again = decided(text, content, number=number)
        assert decision is not None
        assert again is not None
        assert decision.content == again.content
        places = [n for n in range(200) if decision.content[n] != content[n]]
        assert len(places) == 3
        assert b"\xff" not in decision.content
        seen.update(places)
    assert len(seen) > 80


def test_corrupt_all_of_a_short_message() -> None:
    decision = decided(message_rule(do='action = "corrupt", bytes = 99'), b"abc")
    assert decision is not None
    assert all(one != other for one, other in zip(decision.content, b"abc", strict=True))


def test_corrupt_depends_on_seed_session_side_number_and_action() -> None:
    content = b"a" * 1_000
    base = message_rule(do='action = "corrupt"')
    made = rules(f"seed = 1\n{base}")
    contents = {
        decision.content
        for decision in (
            made.for_session(1, "hixie-76", REQUEST).message("server", content, 1, 0.0),
            made.for_session(2, "hixie-76", REQUEST).message("server", content, 1, 0.0),
            made.for_session(1, "hixie-76", REQUEST).message("client", content, 1, 0.0),
            made.for_session(1, "hixie-76", REQUEST).message("server", content, 2, 0.0),
            session(f"seed = 2\n{base}").message("server", content, 1, 0.0),
            session(f"seed = 1\n{base.replace('rule', 'other')}").message(
                "server", content, 1, 0.0
            ),
        )
        if decision is not None
    }
    assert len(contents) == 6
    twice = decided(message_rule(do='action = "corrupt" }, { action = "corrupt"'), content)
    assert twice is not None
    assert sum(one != ord("a") for one in twice.content) == 2


def test_drop() -> None:
    decision = decided(message_rule(do='action = "drop"'), b"x")
    assert decision is not None
    assert decision.copies == 0
    assert decision.changes == [Change("rule", "drop", b"x")]


def test_duplicate() -> None:
    decision = decided(message_rule(do='action = "duplicate"'), b"x")
    assert decision is not None
    assert decision.copies == 2
    decision = decided(message_rule(do='action = "duplicate", times = 3'), b"x")
    assert decision is not None
    assert decision.copies == 4


def test_copies_have_a_limit() -> None:
    many = " }, { ".join(['action = "duplicate", times = 100'] * 11)
    decision = decided(message_rule(do=many), b"x")
    assert decision is not None
    assert decision.copies == 1_000


def test_delay() -> None:
    decision = decided(message_rule(do='action = "delay", seconds = 1.5'), b"x")
    assert decision is not None
    assert decision.delay == 1.5
    assert decided(message_rule(do='action = "delay", seconds = 0'), b"x") is None


def test_a_delay_within_a_range_is_the_same_each_time() -> None:
    text = message_rule(do='action = "delay", seconds = [1, 3]')
    delays = []
    for number in range(1, 201):
        decision, again = decided(text, b"x", number=number), decided(text, b"y", number=number)
        assert decision is not None
        assert again is not None
        assert decision.delay == again.delay
        delays.append(decision.delay)
    assert 1 <= min(delays) < 1.2 < 2.8 < max(delays) <= 3


def test_swap() -> None:
    decision = decided(message_rule(do='action = "swap"'), b"x")
    assert decision is not None
    assert decision.swaps


def test_hold() -> None:
    until = '{ from = "client", text = "go", number = { from = 2 }, after = 1 }'
    decision = decided(message_rule(do=f'action = "hold", until = {until}, at-most = 5'), b"x")
    assert decision is not None
    assert decision.hold is not None
    assert (decision.hold.rule, decision.hold.at_most) == ("rule", 5.0)
    assert decision.hold.until("client", b"let it go", 2, 1.0)
    assert not decision.hold.until("server", b"let it go", 2, 1.0)
    assert not decision.hold.until("client", b"let it", 2, 1.0)
    assert not decision.hold.until("client", b"let it go", 1, 1.0)
    assert not decision.hold.until("client", b"let it go", 2, 0.5)


def test_hold_until_json() -> None:
    until = '{ json = { path = "$.ok", equals = true } }'
    decision = decided(message_rule(do=f'action = "hold", until = {until}'), b"x")
    assert decision is not None
    assert decision.hold is not None
    assert decision.hold.at_most == 30.0
    assert decision.hold.until("server", b'{"ok":true}', 1, 0.0)
    assert not decision.hold.until("server", b'{"ok":1}', 1, 0.0)


@pytest.mark.parametrize(
    ("how", "content", "is_raw"),
    [
        ('text = "ü"', "ü".encode(), False),
        ('text = ""', b"", False),
        ('hex = "00 68:69, 0xff \\\\xFF 00"', b"\x00hi\xff\xff\x00", True),
        ('file = "made.txt"', b"from a file\n\xc3", False),
    ],
)
def test_inject(how: str, content: bytes, is_raw: bool) -> None:
    files = {"made.txt": b"from a file\n\xc3"}
    for more, place in (("", "after"), (', place = "before"', "before")):
        text = message_rule(do=f'action = "inject", to = "client", {how}{more}')
        decision = decided(text, b"x", files=files)
        assert decision is not None
        assert decision.injections == [
            Injection("rule", "client", content, is_raw, "before" if place == "before" else "after")
        ]
        assert decision.content == b"x"


def test_close() -> None:
    decision = decided(message_rule(do='action = "close", how = "fin", to = "server"'), b"x")
    assert decision is not None
    assert decision.closing == Closing("rule", "fin", "server")
    decision = decided(message_rule(do='action = "close", how = "reset"'), b"x")
    assert decision is not None
    assert decision.closing == Closing("rule", "reset", "both")


def test_stop_reading() -> None:
    decision = decided(message_rule(do='action = "stop-reading", from = "client"'), b"x")
    assert decision is not None
    assert decision.stall == Stall("rule", "client", None)
    do = 'action = "stop-reading", from = "server", seconds = 2'
    decision = decided(message_rule(do=do), b"x")
    assert decision is not None
    assert decision.stall == Stall("rule", "server", 2.0)


def test_throttle() -> None:
    for rate in (0, 1_000, 0.5):
        decision = decided(message_rule(do=f'action = "throttle", bytes-per-second = {rate}'), b"x")
        assert decision is not None
        assert decision.throttle == rate


def test_mark() -> None:
    decision = decided(message_rule(do='action = "mark", text = "here"'), b"x")
    assert decision is not None
    assert decision.marks == ["here"]
    assert decision.changes == [Change("rule", "mark", detail="here")]


def test_pause() -> None:
    decision = decided(message_rule(do='action = "pause"'), b"x")
    assert decision is not None
    assert decision.paused_by == "rule"


@pytest.mark.parametrize(
    ("do", "shown"),
    [
        ('action = "hide"', b"(hidden)"),
        ('action = "hide", with = ""', b""),
        ("action = 'hide', regex = '\\d+', with = '*'", b"pin *, again *"),
        ("action = 'hide', regex = '1', with = '\\1'", b"pin \\1234, again \\1234"),
    ],
)
def test_hide(do: str, shown: bytes) -> None:
    decision = decided(message_rule(do=do), b"pin 1234, again 1234")
    assert decision is not None
    assert decision.shown == shown
    assert decision.content == b"pin 1234, again 1234"


def test_hide_nothing() -> None:
    assert decided(message_rule(do="action = 'hide', regex = 'x'"), b"pin 1234") is None


def test_what_is_hidden_is_hidden_in_changes_too() -> None:
    do = (
        "action = 'replace', text = 'pin', with = 'PIN' }, { action = 'hide', regex = '\\d+' }, {"
        " action = 'replace', text = ',', with = ''"
    )
    decision = decided(message_rule(do=do), b"pin 1234,")
    assert decision is not None
    assert decision.content == b"PIN 1234"
    assert decision.shown == b"pin (hidden),"
    assert [(change.before, change.after) for change in decision.changes] == [
        (b"pin (hidden),", b"PIN (hidden),"),
        (None, None),
        (b"PIN (hidden),", b"PIN (hidden)"),
    ]


def test_a_dropped_message_that_is_hidden_stays_hidden() -> None:
    do = "action = 'hide', regex = '\\d+' }, { action = 'drop'"
    decision = decided(message_rule(do=do), b"pin 1234")
    assert decision is not None
    assert decision.changes[-1] == Change("rule", "drop", b"pin (hidden)")
