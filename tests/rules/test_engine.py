"""Several rules together: order, stop, limit, reload, and what a later rule sees."""

from __future__ import annotations

import pytest

from ws76proxy.rules import RuleError, RuleSet
from ws76proxy.rules.decisions import MessageDecision

from .made import REQUEST, RESPONSE, decided, message_rule, rule, rules, session


def marks(decision: MessageDecision | None) -> list[str]:
    return [] if decision is None else decision.marks


def marking(name: str, when: str = "", more: str = "") -> str:
    return message_rule(when, f'action = "mark", text = "{name}"', name=name, more=more)


def test_file_order() -> None:
    text = (
        marking("b") + rule("request", "", 'action = "mark", text = "x"', name="r") + marking("a")
    )
    assert marks(decided(text, b"x")) == ["b", "a"]


def test_a_later_rule_sees_what_an_earlier_one_made() -> None:
    text = (
        message_rule("text = 'one'", "action = 'set-text', text = 'two'", name="1")
        + message_rule("text = 'one'", "action = 'set-text', text = 'never'", name="2")
        + message_rule("text = 'two', size = 3", "action = 'set-text', text = 'three'", name="3")
        + marking("4", "text = 'three', valid = true")
        + marking("5", "text = 'two'")
    )
    decision = decided(text, b"one")
    assert decision is not None
    assert decision.content == b"three"
    assert [change.rule for change in decision.changes] == ["1", "3", "4"]
    assert [(change.before, change.after) for change in decision.changes[:2]] == [
        (b"one", b"two"),
        (b"two", b"three"),
    ]


def test_a_later_action_sees_what_an_earlier_one_made() -> None:
    do = (
        "action = 'json-set', path = '$.a', value = 2 }, {"
        " action = 'json-set', path = '$[?@ == 2]', value = 'xyz' }, {"
        " action = 'replace', regex = 'x(.)', with = '\\1' }, { action = 'truncate', bytes = 7"
    )
    decision = decided(message_rule(do=do), b'{"a":1}')
    assert decision is not None
    assert decision.content == b'{"a":"y'


def test_drop_ends_it() -> None:
    text = message_rule(do="action = 'drop' }, { action = 'mark', text = 'no'", name="1") + marking(
        "2"
    )
    decision = decided(text, b"x")
    assert decision is not None
    assert decision.copies == 0
    assert decision.marks == []


def test_stop() -> None:
    text = marking("1", more="stop = true") + marking("2")
    assert marks(decided(text, b"x")) == ["1"]
    text = marking("1", "text = 'y'", more="stop = true") + marking("2")
    assert marks(decided(text, b"x")) == ["2"]
    # It applies, though it does nothing.
    text = message_rule(
        do="action = 'replace', text = 'y', with = 'z'", name="1", more="stop = true"
    )
    assert marks(decided(text + marking("2"), b"x")) == []


def test_stop_is_of_its_kind_only() -> None:
    text = rule("request", "", 'action = "mark", text = "x"', name="r", more="stop = true")
    text += marking("m")
    one = session(text)
    assert one.request(REQUEST) is not None
    assert marks(one.message("client", b"x", 1, 0.0)) == ["m"]


def test_limit_counts_acts_in_a_session() -> None:
    made = rules(marking("1", "text = 'x'", more="limit = 2") + marking("2", "text = 'y'"))
    one = made.for_session(1, "hixie-76", REQUEST)
    seen = [
        marks(one.message("server", text, n, 0.0)) for n, text in enumerate([b"y", b"x"] * 3, 1)
    ]
    assert seen == [["2"], ["1"], ["2"], ["1"], ["2"], []]
    other = made.for_session(2, "hixie-76", REQUEST)
    assert marks(other.message("client", b"x", 1, 0.0)) == ["1"]


def test_limit_does_not_count_what_did_nothing() -> None:
    do = "action = 'replace', text = 'a', with = 'b'"
    one = session(message_rule(do=do, more="limit = 1"))
    assert one.message("server", b"x", 1, 0.0) is None
    before = one.touches_messages
    decision = one.message("server", b"a", 2, 0.0)
    assert decision is not None
    assert one.message("server", b"a", 3, 0.0) is None
    assert (before, one.touches_messages) == (True, False)
    assert not one.may_match("server", b"\x00a\xff", 4, 1, 0.0)


def test_order_stays_when_a_rule_has_reached_its_limit() -> None:
    do = "action = 'replace', regex = '$', with = 'n'"
    text = marking("first", more="limit = 1") + "".join(
        [message_rule(do=do, name=str(number)) for number in range(8)]
    )
    one = session(text)
    for number in (1, 2):
        decision = one.message("server", b"x", number, 1.0)
        assert decision is not None
        assert decision.content == b"x" + b"n" * 8
        assert [change.rule for change in decision.changes][-8:] == [*"01234567"]
        assert len(decision.changes) == 8 + (number == 1)


def test_limit_of_heads() -> None:
    text = rule("request", "", 'action = "mark", text = "x"', more="limit = 1")
    one = session(text)
    assert one.request(REQUEST) is not None
    assert one.request(REQUEST) is None


def test_counting_goes_on_when_rules_are_read_anew() -> None:
    first = session(marking("1") + marking("2", more="limit = 3"))
    for number in (1, 2):
        assert marks(first.message("server", b"x", number, 0.0)) == ["1", "2"]
    made = rules(marking("1", more="limit = 2") + marking("2", more="limit = 3") + marking("3"))
    second = made.for_session(1, "hixie-76", REQUEST, first)
    assert marks(second.message("server", b"x", 3, 0.0)) == ["2", "3"]
    assert marks(second.message("server", b"x", 4, 0.0)) == ["3"]
    # What was there before does not notice.
    assert marks(first.message("server", b"x", 3, 0.0)) == ["1", "2"]


def test_a_rule_that_is_not_enabled_is_read_and_never_acts() -> None:
    made = rules(marking("1", more="enabled = false") + marking("2"))
    assert made.counts == (0, 0, 2, 1)
    assert marks(made.for_session(1, "hixie-76", REQUEST).message("server", b"x", 1, 0.0)) == ["2"]
    with pytest.raises(RuleError):
        rules(marking("1", "text = { regex = '(' }", more="enabled = false"))


def test_delays_add_up_and_the_last_of_what_excludes_itself_wins() -> None:
    def several(name: str, number: int) -> str:
        return message_rule(
            do=" }, { ".join(
                [
                    f"action = 'delay', seconds = {number}",
                    f"action = 'throttle', bytes-per-second = {number}",
                    f"action = 'close', how = '{'fin' if number == 1 else 'reset'}'",
                    f"action = 'hold', until = {{ number = {number} }}, at-most = {number}",
                    f"action = 'stop-reading', from = 'client', seconds = {number}",
                    "action = 'duplicate'",
                    "action = 'pause'",
                    f"action = 'inject', to = 'client', text = '{name}'",
                ]
            ),
            name=name,
        )

    decision = decided(several("one", 1) + several("two", 2), b"x")
    assert decision is not None
    assert decision.delay == 3.0
    assert decision.throttle == 2.0
    assert decision.copies == 3
    assert decision.closing is not None
    assert decision.closing.how == "reset"
    assert decision.hold is not None
    assert decision.hold.at_most == 2.0
    assert decision.stall is not None
    assert decision.stall.seconds == 2.0
    assert decision.paused_by == "one"
    assert [one.content for one in decision.injections] == [b"one", b"two"]


def test_what_cannot_apply_is_known_from_the_start() -> None:
    assert not session(marking("1", "path = '/other'")).touches_messages
    assert not session("").touches_messages
    one = session(marking("1", "from = 'client'"))
    assert one.touches_messages
    assert not one.may_match("server", b"\x00x\xff", 1, 1, 0.0)
    assert one.may_match("client", b"\x00x\xff", 1, 1, 0.0)
    assert session(rule("request", "", "action = 'mark', text = 'x'")).response(RESPONSE) is None


def test_an_empty_file_has_no_rules() -> None:
    made = rules("")
    assert made.counts == (0, 0, 0, 0)
    one = made.for_session(1, "hixie-76", REQUEST)
    assert one.request(REQUEST) is None
    assert one.response(RESPONSE) is None
    assert one.message("client", b"x", 1, 0.0) is None


def test_merged() -> None:
    one = rules("seed = 1\n" + marking("1") + rule("request", "", "action = 'mark', text = 'r'"))
    two = rules("seed = 2\n" + marking("2") + marking("3", more="enabled = false"))
    made = RuleSet.merged([two, one])
    assert made.counts == (1, 0, 3, 1)
    here = made.for_session(1, "hixie-76", REQUEST)
    assert marks(here.message("server", b"x", 1, 0.0)) == ["2", "1"]
    request = here.request(REQUEST)
    assert request is not None
    assert request.marks == ["r"]
    assert RuleSet.merged([]).counts == (0, 0, 0, 0)


def test_merged_files_keep_their_seeds() -> None:
    text = message_rule(do="action = 'corrupt'")
    alone = decided("seed = 5\n" + text, b"a" * 1_000)
    made = RuleSet.merged([rules("seed = 6\n" + marking("x")), rules("seed = 5\n" + text)])
    together = made.for_session(1, "hixie-76", REQUEST).message("server", b"a" * 1_000, 1, 1.0)
    assert alone is not None
    assert together is not None
    assert alone.content == together.content


def test_files_with_the_same_name_of_a_rule_cannot_be_merged() -> None:
    with pytest.raises(RuleError, match=r"rules\.toml: expected .* 'one'"):
        RuleSet.merged([rules(marking("one")), rules(marking("one"))])


def test_many_rules() -> None:
    text = "".join([marking(f"r{n}", f"text = 'word{n}.'") for n in range(3_000)])
    one = session(text)
    assert not one.may_match("server", b"\x00word1\xff\x00word\xff", 1, 2, 0.0)
    assert one.may_match("server", b"\x00word1\xff\x00word2999.\xff", 1, 2, 0.0)
    assert marks(one.message("server", b"word7. word2999.", 1, 0.0)) == ["r7", "r2999"]
