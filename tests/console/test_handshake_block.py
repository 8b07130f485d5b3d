"""The block of an opening handshake: what it shows, and when it appears."""

from __future__ import annotations

import pytest

from ws76proxy.console import handshake_text
from ws76proxy.record import AnyRecord, Messages
from ws76proxy.redaction import REDACTED

from . import sample_records as sample
from .screen import Screen, without_colour


def records_of(session: list[sample.Told]) -> list[AnyRecord]:
    return [record for record in session if not isinstance(record, Messages)]


def test_a_verified_challenge_is_taken_apart() -> None:
    text = handshake_text(records_of(sample.handshake(3)))
    for number in ("1868545188", "12 spaces", "155712099", "1733470270", "10 spaces", "173347027"):
        assert number in text
    assert "0947fa63 0a5510d3 546d5b4b 20543275" in text
    assert text.count("66514a2c 664e2f34 4634217e 4b7e4d48") == 2
    assert "digest verified" in text
    assert "WRONG" not in text


def test_digits_of_a_key_are_marked_below_it_without_colour() -> None:
    lines = handshake_text(records_of(sample.handshake(3))).splitlines()
    for number, key in enumerate((sample.KEY1.decode(), sample.KEY2.decode()), 1):
        place = next(index for index, line in enumerate(lines) if f" key{number} " in line)
        shown, marks = lines[place], lines[place + 1]
        begin = len(shown) - len(key)
        assert shown[begin:].replace("·", " ") == key
        marked = "".join(
            shown[begin + index] for index, mark in enumerate(marks[begin:]) if mark == "^"
        )
        assert marked == "".join(filter(str.isdigit, key))


def test_digits_of_a_key_are_coloured_on_a_terminal() -> None:
    screen = Screen(terminal=True)
    screen.tell(sample.handshake(3))
    block = screen.settle(3)
    assert "\x1b[" in block
    assert "^" not in without_colour(block)


def test_a_wrong_digest_stands_under_the_right_one_with_the_difference_marked() -> None:
    received = sample.DIGEST[:4] + bytes(reversed(sample.DIGEST[4:8])) + sample.DIGEST[8:]
    records: list[AnyRecord] = [
        sample.request(4),
        sample.response(4),
        sample.challenge(4, received=received, verdict="wrong"),
    ]
    lines = handshake_text(records).splitlines()
    place = next(index for index, line in enumerate(lines) if " expected " in line)
    expected, got, marks = lines[place : place + 3]
    assert "66514a2c 664e2f34 4634217e 4b7e4d48" in expected
    assert "66514a2c 342f4e66 4634217e 4b7e4d48" in got
    assert [index for index, mark in enumerate(marks) if mark == "^"] == list(
        range(got.index("342f4e66"), got.index("342f4e66") + 8)
    )
    assert "DIGEST WRONG" in lines[place + 3]


def test_a_repaired_digest_is_shown_too() -> None:
    text = handshake_text(records_of(sample.wrong_session(repaired=True)))
    assert text.count("66514a2c 664e2f34 4634217e 4b7e4d48") == 2
    assert "DIGEST WRONG" in text


def test_an_own_challenge_shows_both() -> None:
    text = handshake_text(records_of(sample.own_session()))
    assert "829309203" in text
    assert "155712099" in text
    assert text.count("digest verified") == 2


def test_hixie_75_has_no_challenge() -> None:
    text = handshake_text(records_of(sample.old_session()))
    assert "hixie-75" in text
    assert "key1" not in text
    assert "verdict" not in text


def test_what_was_asked_and_answered_is_compared_as_the_client_sees_it() -> None:
    good = handshake_text(records_of(sample.handshake(3)))
    assert good.count("✓") == 5  # verdict, Origin, Location, Protocol, passed
    assert "✗" not in good
    bad = handshake_text(records_of(sample.wrong_session()))
    for value in ("ws://127.0.0.1:8076/chat?room=1", "ws://127.0.0.1/chat", "chat, superchat"):
        assert value in bad
    assert bad.count("✗") >= 4  # verdict, Origin, Location, Protocol, findings


def test_a_space_at_the_edge_of_a_value_is_seen() -> None:
    told = sample.response(3, origin=f" http://{sample.HOST} ")
    text = handshake_text([sample.request(3), told, sample.challenge(3)])
    assert f"·http://{sample.HOST}·" in text


def test_an_adjustment_shows_before_after_and_why() -> None:
    text = handshake_text(records_of(sample.handshake(3)))
    assert "127.0.0.1:8076 ⇒ chat.example:9000" in text
    assert "the server expects its own address" in text


def test_findings_are_explained_once_and_what_passed_is_one_list() -> None:
    records = [*records_of(sample.handshake(3)), sample.finding(3), sample.finding(3)]
    text = handshake_text(records)
    assert text.count("Send MD5") == 1
    assert text.count("digest-wrong") == 2
    assert text.count("passed") == 1
    for code in sample.GOOD:
        assert code in text


def test_secrets_are_shown_only_when_asked_for() -> None:
    records = records_of(sample.wrong_session())
    hidden, shown = handshake_text(records), handshake_text(records, show_secrets=True)
    assert REDACTED in hidden
    for secret in (sample.COOKIE, "very-secret"):
        assert secret not in hidden
        assert secret in shown


def test_keys_are_read_from_the_head_when_the_challenge_has_none() -> None:
    request = sample.request(3)
    without = request.head.replace("Sec-WebSocket-Key2", "X-Key2")
    records: list[AnyRecord] = [
        sample.start(3),
        type(request)(session=3, time=0.0, dialect="hixie-76", target="/", head=without),
        sample.response(3),
        sample.challenge(3, asked=None, verdict="unanswerable"),
    ]
    text = handshake_text(records)
    assert "155712099" in text
    assert "173347027" not in text
    assert "(absent)" in text


def test_a_handshake_without_an_answer_says_so() -> None:
    text = handshake_text(records_of(sample.hanging_session()))
    assert "no answer" in text
    assert "155712099" in text
    assert "key3-missing" in text


def test_text_without_a_handshake_is_empty() -> None:
    assert handshake_text([]) == ""
    assert handshake_text(records_of(sample.web_session())[1:3]) == ""


@pytest.mark.parametrize(
    "session",
    [
        sample.handshake(3),
        sample.handshake(3)[1:],
        sample.own_session(3)[:-1],
        sample.old_session(3)[:-2],
        sample.refused_session(3)[:-1],
        sample.foreign_session(3)[:-2],
        sample.hanging_session(3)[:-1],
        sample.cut_session(3)[:-1],
    ],
)
def test_the_block_appears_when_settled(session: list[sample.Told]) -> None:
    screen = Screen()
    assert screen.tell(session) == ""
    assert "GET /chat" in screen.settle(3)
    assert screen.settle(3) == ""


def test_no_block_before_the_handshake_is_decided() -> None:
    screen = Screen()
    for record in sample.handshake(3)[:-2]:
        assert screen.tell([record]) == ""
        assert screen.settle() == ""
    screen.tell(sample.handshake(3)[-2:])
    assert screen.settle().count("GET /chat") == 1


def test_unreadable_answer_decides_the_handshake() -> None:
    screen = Screen()
    screen.tell([sample.start(3), sample.request(3)])
    assert screen.settle(3) == ""
    screen.tell([sample.finding(3, "head-refused", stream="server")])
    assert "head-refused" in screen.settle(3)


@pytest.mark.parametrize(
    "following",
    [sample.messages(3, 1.0, "client", "hello"), sample.frame(3), sample.end(3)],
)
def test_the_block_comes_before_what_follows_it(following: sample.Told) -> None:
    screen = Screen()
    screen.tell(sample.handshake(3))
    text = screen.tell([following])
    assert text.startswith("#3   hixie-76")
    assert len(text[text.index("passed") :].splitlines()) >= 3


def test_blocks_of_sessions_do_not_mix() -> None:
    screen = Screen()
    for one, other in zip(sample.handshake(1), sample.handshake(2), strict=True):
        screen.tell([one, other])
    assert screen.settle(2).count("#2") == 1
    assert screen.settle(1).count("#1") == 1
    assert screen.text.count("155712099") == 2


def test_what_is_told_later_is_a_continuation() -> None:
    screen = Screen()
    screen.tell(sample.handshake(3)[:3])
    screen.console.flush(3)
    screen.tell([sample.response(3), sample.challenge(3)])
    text = screen.settle(3)
    assert text.strip().startswith("#3")
    assert "digest verified" in text


def test_finish_shows_what_is_waiting() -> None:
    screen = Screen()
    screen.tell(sample.handshake(3)[:2])
    screen.console.finish()
    assert "GET /chat" in screen.text
    assert screen.console.sessions == 0


def test_a_flood_of_findings_is_bounded() -> None:
    screen = Screen()
    screen.tell([sample.start(3), sample.request(3)])
    screen.tell(sample.finding(3, f"code-{number}") for number in range(5000))
    screen.console.flush(3)
    assert screen.text.count("code-") < 100
    assert "4936 more" in screen.text


@pytest.mark.parametrize("width", [72, 80, 100, 140])
@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, terminal: bool) -> None:
    screen = Screen(width=width, terminal=terminal, level="verbose")
    for session in sample.all_sessions():
        screen.tell(session)
    for line in without_colour(screen.text).splitlines():
        wide = sum(1 for character in line if "\u3000" < character < "\ufb00")
        assert len(line) + wide <= width, line
