"""What rules would make of a recorded session; and that a live session does the very same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.session.examples import DIGEST, KEY3, answer, answer_75, request, request_75
from tests.session.owner import Owner
from tests.session.playbook import LISTENER, UPSTREAM, Clock
from ws76proxy.errors import RecordingError
from ws76proxy.record import (
    AdjustmentRecord,
    AnyRecord,
    ChallengeRecord,
    ChangeRecord,
    MessageRecord,
)
from ws76proxy.recording import RecordedSession
from ws76proxy.replay.dry_run import try_rules
from ws76proxy.replay.trial import Trial
from ws76proxy.rules import RuleSet, read_rules
from ws76proxy.session import Editing, Peer, Session, SessionOptions

from .tape import recorded, request_head


def no_files(name: str) -> bytes:
    raise FileNotFoundError(name)


def rules_of(text: str) -> RuleSet:
    return read_rules(text, "rules.toml", read_file=no_files)


def tried(rules: str, *lines: str, **about: Any) -> Trial:
    """These rules, tried with a session of these lines."""
    return try_rules(rules_of(rules), numbered(recorded(*lines, **about)))


def numbered(session: RecordedSession) -> RecordedSession:
    """The session with its messages counted, as a recording has them."""
    counts = Counter[str]()
    for place, record in enumerate(session.records):
        if isinstance(record, MessageRecord):
            counts[record.direction] += 1
            number = counts[record.direction]
            session.records[place] = msgspec.structs.replace(record, number=number)
    return session


def deeds(trial: Trial) -> list[str]:
    """What would be done, in words."""
    return [
        f"{record.what}: {record.before} -> {record.after}"
        if isinstance(record, AdjustmentRecord)
        else f"{record.deed} {record.direction} {record.number} at {record.time:g}"
        + (f": {record.detail}" if record.detail else "")
        for hunk in trial.hunks
        for record in hunk.records
    ]


def message_rule(when: str, *actions: str, name: str = "a") -> str:
    return f'[[message]]\nname = "{name}"\nwhen = {{ {when} }}\ndo = [{", ".join(actions)}]\n'


def drop(when: str) -> str:
    return message_rule(when, '{ action = "drop" }')


# A live session, to compare with

WIRE = (
    ("client", b"\0one\xff\0Gr\xc3\xbc\xc3\x9fe\xff"),
    ("server", b'\0{"price": 12, "n": [1, 2]}\xff'),
    ("server", b"\0caf\xe9\xff\x80\x02hi\0two\xff"),
    ("client", b"\0\xff\0three\xff"),
    ("server", b"\0one more\xff"),
)


def live(rules: RuleSet | None, *, old: bool = False, keep: bool = False) -> list[AnyRecord]:
    """What a session tells in which `WIRE` is said, a second between any two pieces."""
    clock = Clock()
    options = SessionOptions(
        listener=LISTENER, upstream=UPSTREAM, host="keep" if keep else "upstream", lossless=True
    )
    session = Session(
        1,
        options,
        client="192.0.2.1:1",
        started="2010-06-01T12:00:00+00:00",
        clock=clock,
        random_below=lambda limit: limit // 2,
        editing=None if rules is None else Editing(rules=SimpleNamespace(current=rules)),
    )
    owner = Owner(session)
    owner.run(session.start())
    origin = "http://proxy.test:8076"
    asked = request_75(origin=origin) if old else request(origin=origin) + KEY3
    owner.receive(Peer.CLIENT, asked)
    if owner.connecting:
        owner.connect()
    host = "proxy.test:8076" if keep else str(UPSTREAM).removeprefix("ws://")
    head = (answer_75 if old else answer)(host, f"http://{host}")
    steps = [("server", head if old else head + DIGEST), *WIRE]
    for peer, data in steps:
        clock.seconds += 1.0
        if not session.ended:
            owner.receive(Peer(peer), data)
            owner.run(session.wake())
    clock.seconds += 1.0
    owner.run(session.end())
    return owner.records


def decided(records: Sequence[AnyRecord]) -> list[AnyRecord]:
    """What rules did, without when it was done: a live session tells that as it comes about."""
    return sorted(
        [
            msgspec.structs.replace(record, time=0.0)
            for record in records
            if (isinstance(record, AdjustmentRecord) and record.cause == "rule")
            or isinstance(record, ChangeRecord)
        ],
        key=repr,
    )


EXAMPLES = {
    "a request": """
[[request]]
name = "r"
do = [
    { action = "set", origin = "http://shop.test", subprotocol = "chat", path = "/other" },
    { action = "set-field", name = "Cookie", value = "a=b" },
    { action = "rename-field", name = "Upgrade", to = "X-Upgrade" },
    { action = "delay", seconds = 0 },
    { action = "mark", text = "seen" },
]""",
    "an answer": """
[[response]]
name = "r"
when = { status = 101, field = { Upgrade = "WebSocket" } }
do = [
    { action = "set", location = "wss://shop.test/", status-line = "HTTP/1.1 101 Hello" },
    { action = "remove-field", name = "Upgrade" },
]""",
    "a digest": """
[[response]]
name = "r"
do = [{ action = "corrupt-digest", bug = "digest-little-endian" }]""",
    "messages": """
seed = 4
[[message]]
name = "text"
when = { text = "one" }
do = [{ action = "replace", regex = "o(n)", with = "\\\\1o" }, { action = "duplicate" }]
[[message]]
name = "json"
when = { json = { path = "$.price", at-least = 10 } }
do = [{ action = "json-set", path = "$.price", value = 9 }]
[[message]]
name = "bytes"
when = { valid = false }
do = [{ action = "corrupt", bytes = 2 }]
[[message]]
name = "some"
when = { probability = 0.5 }
do = [{ action = "truncate", characters = 2 }, { action = "hide", regex = "w" }]
[[message]]
name = "late"
when = { after = 3, from = "client" }
limit = 1
do = [{ action = "drop" }]
""",
}


@pytest.mark.parametrize("old", [False, True], ids=["76", "75"])
@pytest.mark.parametrize("keep", [False, True], ids=["own host", "host kept"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_as_a_live_session(name: str, keep: bool, old: bool) -> None:
    rules = rules_of(EXAMPLES[name])
    expected = decided(live(rules, old=old, keep=keep))
    session = RecordedSession("tape", None, live(None, old=old, keep=keep))
    trial = try_rules(rules, session)
    found = [record for hunk in trial.hunks for record in hunk.records]
    assert decided(found) == expected
    # There is no digest in hixie-75 that could be another.
    assert len(expected) >= (1 if name == "a digest" else 2)


TEXTS = st.text(max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["client", "server"]), TEXTS), max_size=8))
def test_rules_that_match_nothing_change_nothing(said: list[tuple[str, str]]) -> None:
    session = recorded(number=3)
    session.records[-1:-1] = [
        MessageRecord(
            session=3,
            time=1.0 + place,
            direction="client" if who == "client" else "server",
            number=place + 1,
            offset=0,
            size=len(text.encode()),
            text=text,
        )
        for place, (who, text) in enumerate(said)
    ]
    rules = drop("path = '/elsewhere'") + message_rule(
        "text = '\\u0000x'", "{ action = 'drop' }", name="b"
    )
    trial = try_rules(rules_of(rules), session)
    assert (trial.hunks, trial.changes, trial.acts) == ([], False, {})
    assert (trial.messages, trial.heads, trial.meant) == (len(said), 2, {"b"})


# Times


def test_a_hold_ends_with_the_message_that_it_waits_for() -> None:
    rule = message_rule(
        'text = "first"', '{ action = "hold", until = { from = "server", text = "go" } }'
    )
    trial = tried(rule, "client: first", "server: not yet", "client: go", "@9 server: go")
    assert deeds(trial) == [
        "hold client 1 at 1.5: at most 30 s",
        "release client 1 at 9: 7.5 s later, when message 2 of the server came",
    ]
    assert trial.messages_changed == 1


@pytest.mark.parametrize(
    ("last", "release"),
    [
        (
            "@50 client: late",
            "release client 1 at 31.5: 30 s later: it has waited as long as it may",
        ),
        ("@9 client: soon", "release client 1 at 9.25: never: what it waits for did not come"),
    ],
)
def test_a_hold_in_vain(last: str, release: str) -> None:
    rule = message_rule('text = "first"', '{ action = "hold", until = { text = "go" } }')
    assert deeds(tried(rule, "client: first", last))[1:] == [release]


def test_seconds_count_from_the_opening() -> None:
    trial = tried(drop("after = 2.5, before = 4"), *["client: a"] * 5)
    assert deeds(trial) == ["drop client 3 at 3.5"]


def test_a_delay_is_told_with_its_length() -> None:
    rule = message_rule("number = 2", '{ action = "delay", seconds = [0.25, 0.25] }')
    assert deeds(tried(rule, *["client: a"] * 3)) == ["delay client 2 at 2.5: 0.25 s"]


# Ends

CHAT = ("client: a", "server: A", "client: b", "server: B")


@pytest.mark.parametrize(("to", "lost"), [("both", 3), ("client", 2), ("server", 1)])
@pytest.mark.parametrize("how", ["closing-handshake", "fin", "reset"])
def test_nothing_is_said_behind_a_close(how: str, to: str, lost: int) -> None:
    rule = message_rule('from = "client"', f'{{ action = "close", how = "{how}", to = "{to}" }}')
    trial = tried(rule, *CHAT)
    assert (trial.messages, trial.lost) == (4, lost)
    (loss,) = trial.losses
    assert (loss.rule, loss.what) == ("a", f"closed ({how}) at 1.5 s")


def test_an_answer_in_the_server_s_place_is_the_end() -> None:
    rule = '[[request]]\nname = "no"\ndo = [{ action = "answer", status = 403 }]\n'
    trial = tried(rule + drop(""), *CHAT)
    assert trial.losses == [(4, "no", "answered 403 for the server")]
    assert (trial.messages_changed, trial.heads_changed) == (0, 1)
    assert trial.acts == {"no": 1}


@pytest.mark.parametrize("kind", ["request", "response"])
def test_a_close_with_the_handshake(kind: str) -> None:
    rule = f'[[{kind}]]\nname = "c"\ndo = [{{ action = "close", how = "fin", to = "server" }}]\n'
    trial = tried(rule, *CHAT)
    # Without its request's end a server never answers; afterwards it can go on talking.
    assert trial.lost == (4 if kind == "request" else 2)


# What is asked, and what is not


def test_each_handshake_of_a_connection_begins_anew() -> None:
    first = recorded("client: a", whole=False)
    first.records += recorded("client: a").records[1:]
    once = rules_of("[[message]]\nname='x'\nlimit=1\ndo=[{action='drop'}]")
    trial = try_rules(once, numbered(first))
    assert deeds(trial) == ["drop client 1 at 1.5", "drop client 2 at 1.5"]
    assert trial.acts == {"x": 2}


def test_the_recorded_number_decides_by_chance() -> None:
    rules = message_rule("probability = 0.5", '{ action = "drop" }')
    by_number = [deeds(tried(rules, *["client: a"] * 9, number=one)) for one in (1, 2, 1)]
    assert by_number[0] == by_number[2] != by_number[1]


def test_a_hidden_message_is_shown_hidden() -> None:
    rule = message_rule(
        "", '{ action = "hide", regex = "s3cret" }', '{ action = "truncate", bytes = 9 }'
    )
    trial = tried(rule, "client: my s3cret word")
    assert "s3cret" not in str([msgspec.json.encode(one) for h in trial.hunks for one in h.records])
    assert [hunk.shown for hunk in trial.hunks] == ["my (hidden) word"]
    assert trial.changes


@pytest.mark.parametrize("action", ['{ action = "mark", text = "x" }', '{ action = "hide" }'])
def test_what_changes_nothing_on_the_wire_is_no_change(action: str) -> None:
    trial = tried(message_rule("", action), "client: a")
    assert len(trial.hunks) == 1
    assert not trial.changes


def test_injections_stand_where_they_are_said() -> None:
    rule = message_rule(
        'text = "b"',
        '{ action = "inject", to = "client", text = "hi", place = "before" }',
        '{ action = "inject", to = "server", hex = "ff 00" }',
    )
    trial = tried(rule, *CHAT)
    assert [(hunk.what, hunk.direction, hunk.place) for hunk in trial.hunks] == [
        ("injection", "server", "before message 2 of the client"),
        ("injection", "client", "after message 2 of the client"),
    ]
    assert (trial.injected, trial.messages_changed) == (2, 0)


def test_a_binary_message_is_for_no_rule() -> None:
    session = recorded("client: a", dialect="rfc6455")
    session.records[-2] = msgspec.structs.replace(session.records[-2], binary=True)
    trial = try_rules(rules_of(drop("")), session)
    assert (trial.messages, trial.hunks) == (1, [])
    assert "rfc6455" in trial.notes[0]


def test_a_redacted_head_is_noted() -> None:
    assert "redacted" in tried(drop(""), redacted=True).notes[0]


def edited(change: Callable[[AnyRecord], dict[str, Any]]) -> Iterator[RecordedSession]:
    session = recorded("client: a")
    for place, record in enumerate(session.records):
        if values := change(record):
            session.records[place] = msgspec.structs.replace(record, **values)
            yield session


@pytest.mark.parametrize("payload", ["a", "!!!!", "é"])
def test_a_payload_that_is_no_base64(payload: str) -> None:
    (session,) = edited(lambda one: {"payload": payload} if one.time == 1.5 else {})
    with pytest.raises(RecordingError, match=r"tape, line 5: expected .*base64"):
        try_rules(rules_of(drop("")), session)


def test_a_head_that_is_no_latin_1() -> None:
    head = request_head("/世")
    (session,) = edited(lambda one: {"head": head} if one.time == 0.25 else {})
    with pytest.raises(RecordingError, match="tape, line 3: expected a head as Latin-1"):
        try_rules(rules_of(drop("")), session)


CORRUPTING = (
    '[[response]]\nname = "c"\ndo = [{ action = "corrupt-digest", bug = "digest-little-endian" }]'
)


def with_key3(key3: str) -> RecordedSession:
    records = [
        msgspec.structs.replace(one, key3=key3) if isinstance(one, ChallengeRecord) else one
        for one in live(None)
    ]
    return RecordedSession("tape", None, records, [*range(2, len(records) + 2)])


def test_a_key3_that_is_no_hexadecimal() -> None:
    with pytest.raises(RecordingError, match=r"tape, line \d+: expected key3"):
        try_rules(rules_of(CORRUPTING), with_key3("surely not"))
