"""Rules, scripts and persons in sessions whose sides speak different dialects."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from ws76proxy.record import ChangeRecord, FindingRecord, MessageRecord
from ws76proxy.scripting import Script
from ws76proxy.session import Peer
from ws76proxy.wire import ResponseHead
from ws76proxy.wire.dialect import Dialect

from .bridged import H75, H76, PAIRS, RFC, Bridged
from .playbook import in_words

IDS = [f"{client}-{server}" for client, server in PAIRS]
all_pairs = pytest.mark.parametrize(("client", "server"), PAIRS, ids=IDS)


def rule(do: str, when: str = "{}", kind: str = "message", more: str = "") -> str:
    return f'[[{kind}]]\nname = "r"\nwhen = {when}\ndo = [{do}]\n{more}\n'


REPLACE = '{ action = "replace", text = "old", with = "new" }'


@all_pairs
@pytest.mark.parametrize("who", ["client", "server"])
def test_a_message_is_replaced(client: Dialect, server: Dialect, who: str) -> None:
    play = Bridged(client, server, rules=rule(REPLACE)).open()
    play.says(who, "an old one", "untouched", "old 🦄", "")
    to = "server" if who == "client" else "client"
    assert play.heard(to) == ["an new one", "untouched", "new 🦄", ""]
    texts = [one.text for one in play.records if isinstance(one, MessageRecord)]
    assert texts == ["an old one", "untouched", "old 🦄", ""]
    changes = [one for one in play.records if isinstance(one, ChangeRecord)]
    assert [(one.before, one.after) for one in changes] == [
        ("an old one", "an new one"),
        ("old 🦄", "new 🦄"),
    ]
    play.closes(who)
    play.heard(to)
    play.closes(to)
    play.settle()
    play.over("open")


@all_pairs
@pytest.mark.parametrize("who", ["client", "server"])
def test_all_that_is_untouched_crosses(client: Dialect, server: Dialect, who: str) -> None:
    play = Bridged(client, server, rules=rule(REPLACE)).open()
    said: list[Any] = ["a", "", "x" * 70_000, "a\0b", "🦄"]
    dialects = {"client": client, "server": server}
    to = "server" if who == "client" else "client"
    if dialects[who] is dialects[to] is RFC:
        said += [b"\x00\xff", "behind"]
    play.says(who, *said)
    assert play.heard(to) == said


@all_pairs
def test_delay_and_what_is_behind_it(client: Dialect, server: Dialect) -> None:
    delay = rule('{ action = "delay", seconds = 5 }', '{ text = "slow" }')
    play = Bridged(client, server, rules=delay).open()
    play.says("client", "fast", "slow", "behind")
    assert play.heard("server") == ["fast"]
    play.closes("client")
    assert play.heard("server") == []
    play.wakes(5)
    heard = play.heard("server")
    assert heard[:2] == ["slow", "behind"]
    end = {RFC: "close 1000", H76: "FF 00", H75: "end"}[server]
    assert heard[2:] == [end]
    play.closes("server")
    play.settle()
    assert play.session.ended


@pytest.mark.parametrize("how", ["swap", "drop", "duplicate"])
def test_order_and_number(how: str) -> None:
    action = {"swap": "swap", "drop": "drop", "duplicate": "duplicate"}[how]
    play = Bridged(H76, RFC, rules=rule(f'{{ action = "{action}" }}', "{ number = 1 }")).open()
    play.says("client", "one", "two")
    expected = {
        "swap": ["two", "one"],
        "drop": ["two"],
        "duplicate": ["one", "one", "two"],
    }
    assert play.heard("server") == expected[how]


def test_injected_messages_and_raw_bytes() -> None:
    rules = rule(
        '{ action = "inject", to = "client", text = "a word" },'
        '{ action = "inject", to = "client", hex = "89 00" }',
        '{ from = "server" }',
    )
    play = Bridged(RFC, H76, rules=rules).open()
    play.says("server", "hello")
    assert sorted(map(str, play.heard("client"))) == ["a word", "hello", "ping"]


@pytest.mark.parametrize(("client", "server"), [(RFC, H76), (H76, RFC), (H75, RFC)])
@pytest.mark.parametrize("to", ["client", "server"])
def test_a_rule_closes(client: Dialect, server: Dialect, to: str) -> None:
    rules = rule(
        f'{{ action = "close", how = "closing-handshake", to = "{to}" }}', '{ text = "enough" }'
    )
    play = Bridged(client, server, rules=rules).open()
    play.says("client", "enough")
    dialect = {"client": client, "server": server}[to]
    words = {RFC: "close 1000", H76: "FF 00", H75: "end"}
    heard = [one for one in play.heard(to) if one != "enough"]
    assert heard == [words[dialect]]
    play.closes(to)
    play.settle()
    other = "server" if to == "client" else "client"
    play.closes(other)
    play.settle()
    assert play.session.ended


def test_a_rule_resets() -> None:
    rules = rule('{ action = "close", how = "reset", to = "server" }', '{ text = "enough" }')
    play = Bridged(H76, RFC, rules=rules).open()
    play.says("client", "enough")
    play.settle()
    assert play.session.ended


def test_a_throttled_frame_is_not_cut_by_a_pong() -> None:
    rules = rule('{ action = "throttle", bytes-per-second = 1000 }', '{ from = "server" }')
    play = Bridged(RFC, H76, rules=rules).open()
    play.says("server", "x" * 200)
    connection = play.peers[Peer.CLIENT]
    connection.send_ping(b"?")
    play.wakes(0.06)
    play.client(connection.data_to_send())
    play.wakes(10)
    assert play.heard("client") == ["x" * 200, "pong ?"]


@pytest.mark.parametrize("client", [RFC, H76, H75])
def test_a_message_that_has_left_in_part_has_not_left(client: Dialect) -> None:
    rules = rule('{ action = "throttle", bytes-per-second = 1000 }', '{ from = "server" }')
    play = Bridged(client, RFC, rules=rules, bridge={"deflate": False}).open()
    play.says("server", "x" * 200, "behind")
    play.wakes(0.06)
    assert play.sent("client")
    play.lost(Peer.CLIENT)
    play.lost(Peer.SERVER)
    assert "2 messages were still held, and went nowhere" in play.notices


def test_compressed_messages_that_leave_in_another_order() -> None:
    """What is compressed depends on what has left before: the order of leaving counts."""
    rules = rule('{ action = "swap" }', "{ number = [1, 4] }")
    play = Bridged(H76, RFC, rules=rules).open()
    texts = [f"message {number} " * 20 for number in range(6)]
    for text in texts:
        play.says("client", text)
    assert play.peers[Peer.SERVER].compresses
    order = [1, 0, 2, 4, 3, 5]
    assert play.heard("server") == [texts[number] for number in order]


def test_a_person_decides() -> None:
    rules = rule('{ action = "pause" }', '{ text = "wait" }')
    play = Bridged(RFC, H76, rules=rules, edits={"asks": True}).open()
    play.says("client", "wait", "behind")
    assert play.heard("server") == []
    (view,) = play.session.held()
    assert view.content == b"wait"
    play.answers(view.number, b"go on")
    assert play.heard("server") == ["go on", "behind"]
    play.says("client", "wait")
    (view,) = play.session.held()
    play.answers(view.number, drop=True)
    assert play.heard("server") == []


def test_what_is_hidden() -> None:
    rules = rule('{ action = "hide", regex = "secret" }', "{}")
    play = Bridged(RFC, H76, rules=rules, bridge={"deflate": False}).open()
    play.says("client", "a secret", "another secret")
    assert play.heard("server") == ["a secret", "another secret"]
    told = [one for one in play.records if isinstance(one, MessageRecord)]
    assert all("secret" not in one.text and one.redacted for one in told)
    size = len("a secret") + 6
    assert told[1].offset - told[0].offset == size


def test_text_that_is_no_utf_8_is_replaced_when_it_leaves() -> None:
    play = Bridged(H76, RFC, rules=rule(REPLACE)).open()
    play.client(b"\x00ok\xff\x00\xc3\x28\xff\x00old\xff")
    assert play.heard("server") == ["ok", "\ufffd(", "new"]
    assert "bridge-text-replaced" in play.codes


@pytest.mark.parametrize("piece", [b"", b"\x00ok\xff"])
def test_a_finding_about_text_that_nobody_touched_says_where_it_stood(piece: bytes) -> None:
    play = Bridged(H76, RFC, rules=rule(REPLACE, '{ text = "nobody says this" }')).open()
    begin = play.session.traffic[Peer.CLIENT].bytes
    play.client(piece + b"\x00a\xc3\x28\xff")
    assert play.heard("server")[-1] == "a\ufffd("
    assert _replaced(play) == [begin + len(piece) + 2]


def test_a_finding_about_text_that_was_decided_names_no_place() -> None:
    """It may stand where nothing of the kind was said."""
    play = Bridged(H76, RFC, rules=rule('{ action = "duplicate" }')).open()
    play.client(b"\x00ok\xff\x00\xc3\x28\xff")
    assert play.heard("server") == ["ok", "ok", "\ufffd(", "\ufffd("]
    assert _replaced(play) == [None, None]


def _replaced(play: Bridged) -> list[int | None]:
    """Where the findings about text that became another stand."""
    found = [one for one in play.records if isinstance(one, FindingRecord)]
    return [one.offset for one in found if one.code == "bridge-text-replaced"]


def test_text_that_nobody_touched_leaves_in_its_turn() -> None:
    """Behind one that waits, and before an end that a rule has put in behind it."""
    rules = rule('{ action = "delay", seconds = 5 }', '{ text = "slow" }') + rule(
        '{ action = "close", how = "closing-handshake", to = "server" }', '{ text = "enough" }'
    ).replace('"r"', '"r2"')
    play = Bridged(H76, RFC, rules=rules).open()
    play.says("client", "slow")
    play.client(b"\x00\xc3\x28\xff")
    play.says("client", "enough")
    play.wakes(5)
    assert play.heard("server") == ["slow", "\ufffd(", "enough", "close 1000"]


def test_the_end_of_a_side_does_not_overtake_what_waits_before_an_end_of_ours() -> None:
    rules = rule('{ action = "delay", seconds = 5 }', '{ text = "slow" }') + rule(
        '{ action = "close", how = "closing-handshake", to = "server" }', '{ text = "enough" }'
    ).replace('"r"', '"r2"')
    play = Bridged(H76, RFC, rules=rules).open()
    play.says("client", "slow", "enough")
    play.ends("client")
    assert play.heard("server") == []
    play.wakes(5)
    assert play.heard("server") == ["slow", "enough", "close 1000", "end"]


def test_a_request_and_its_answer_are_changed() -> None:
    rules = rule(
        '{ action = "set-field", name = "X-Token", value = "t" }, { action = "set", path = "/b" }',
        "{}",
        "request",
    ) + rule('{ action = "set-field", name = "X-Seen", value = "yes" }', "{}", "response").replace(
        '"r"', '"r2"'
    )
    play = Bridged(RFC, H76, rules=rules)
    play.client(play.asking)
    asked = play._owner.sent[Peer.SERVER][0]
    assert asked.startswith(b"GET /b HTTP/1.1\r\n")
    assert b"X-Token: t\r\n" in asked
    play.server(play.accept())
    answer = ResponseHead(b"".join(play.sent("client")))
    assert answer.status == 101
    assert answer.value(b"x-seen") == b"yes"


def test_a_digest_made_wrong_for_an_old_client() -> None:
    rules = rule('{ action = "corrupt-digest", bug = "digest-little-endian" }', "{}", "response")
    play = Bridged(H76, RFC, rules=rules)
    play.client(play.asking)
    play.server(play.accept())
    assert "rule, to client: digest" in "\n".join(map(in_words, play.records))


def test_a_script_edits() -> None:
    def on_message(message: Any) -> None:
        if message.text == "old":
            message.text = "new"

    script = Script("s", "s.py", on_message=on_message)
    play = Bridged(H76, RFC, scripts=[script]).open()
    play.says("client", "old", "kept")
    assert play.heard("server") == ["new", "kept"]


def test_a_script_takes_its_time() -> None:
    waits = Future()

    async def on_message(message: Any) -> None:
        if message.text == "old":
            await waits
            message.text = "new"

    script = Script("s", "s.py", on_message=on_message)
    play = Bridged(RFC, H76, scripts=[script]).open()
    play.says("client", "first", "old", "behind")
    play.scripts_go_on()
    assert play.heard("server") == ["first"]
    play.closes("client", 1000)
    play.scripts_go_on()
    assert play.heard("server") == []
    waits.done = True
    play.scripts_go_on()
    assert play.heard("server") == ["new", "behind", "FF 00"]


class Future:
    """Something that is awaited until it is done."""

    done = False

    def __await__(self) -> Generator[None, None, None]:
        while not self.done:
            yield
