"""The table of cases: well-formed, passed by a strict server, failed by others."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from ws76proxy.probe.cases import CASES, GROUPS, choose
from ws76proxy.probe.model import Case, Facts, Need, Requirement, Verdict
from ws76proxy.probe.script import Listen, Script, Send, Until, Wait
from ws76proxy.probe.witness import Ended, Witness
from ws76proxy.wire import read_key
from ws76proxy.wire.challenge import KeyFault
from ws76proxy.wire.dialect import Dialect, dialect_of

from .playing import FACTS, PATIENCE, SECURE_TARGET, TARGET, judged
from .strict import StrictServer

BY_NAME = {case.name: case for case in CASES}
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

# Of cases in which a server may say nothing at all.
PATIENT = {"76.fields.bare-line-feeds"}


# The table


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


@EVERY_CASE
def test_a_case_says_what_it_is(case: Case) -> None:
    assert re.fullmatch(r"7[56]\.[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*", case.name)
    assert re.match(r"(draft-75 )?[1-9](\.\d)?(, |$)", case.section)
    assert ("draft-75" in case.section) is (case.dialect is Dialect.HIXIE_75)
    for text in (case.sends, case.wants):
        assert text
        assert not text.endswith(".")
        assert text.isprintable()


def test_groups_are_in_order_and_described() -> None:
    assert list(GROUPS) == list(dict.fromkeys(case.group for case in CASES))


def test_the_pages_count_the_cases() -> None:
    root = Path(__file__).parents[2]
    for page in (root / "docs" / "probe.md", root / "README.md"):
        claimed = re.search(r"(\d+) cases", page.read_text(encoding="utf-8"))
        assert claimed is not None
        assert int(claimed[1]) == len(CASES)


@EVERY_CASE
def test_a_script_is_bounded_and_always_the_same(case: Case) -> None:
    script = case.script(TARGET)
    assert script == case.script(TARGET)
    assert len(script.sent) < 2 * 1024 * 1024
    assert len(script.sent) < script.limit < 16 * 1024 * 1024
    steps = [*script.steps, *script.talk]
    assert all(not isinstance(step, Listen) or step.seconds <= 1 for step in steps)
    sends = [step for step in steps if isinstance(step, Send)]
    assert sum(len(step.segments) * step.pause for step in sends) < 3
    # What is sent last is always waited for.
    assert isinstance(steps[-1], Wait | Listen)


@EVERY_CASE
def test_a_case_speaks_its_dialect(case: Case) -> None:
    opening = case.script(TARGET).opening
    assert opening.dialect is case.dialect
    assert dialect_of(opening.request) is case.dialect
    assert bool(opening.key3) is (case.dialect is Dialect.HIXIE_76)


def test_other_cases_have_easy_keys_of_their_own() -> None:
    seen: Counter[bytes] = Counter()
    for case in CASES:
        if case.dialect is Dialect.HIXIE_75 or case.group in ("76.key", "76.key3"):
            continue
        if case.group == "76.handshake" and case.name != "76.handshake.plain":
            continue
        challenge = case.script(TARGET).opening.challenge
        assert challenge is not None
        for key in (challenge.key1, challenge.key2):
            assert key.faults == ()
            assert key.number is not None
            assert key.number < 2**31
            assert b"  " not in key.text
        assert challenge.concatenation is not None
        assert all(0 < byte < 0x80 for byte in challenge.concatenation)
        assert challenge.key3.isalpha()
        seen[challenge.concatenation] += 1
    assert set(seen.values()) == {1}


FAULTS: dict[str, tuple[KeyFault, ...]] = {
    "no-spaces": (KeyFault.NO_SPACES,),
    "no-digits": (KeyFault.NO_DIGITS,),
    "empty": (KeyFault.NO_DIGITS, KeyFault.NO_SPACES),
    "above-32-bits": (KeyFault.NUMBER_TOO_LARGE,),
    "above-64-bits": (KeyFault.NUMBER_TOO_LARGE,),
    "not-divisible": (KeyFault.NOT_DIVISIBLE,),
    "leading-space": (KeyFault.LEADING_SPACE,),
    "trailing-space": (KeyFault.TRAILING_SPACE,),
    "thirteen-spaces": (KeyFault.TOO_MANY_SPACES,),
    "tab": (KeyFault.ODD_CHARACTERS,),
    "no-break-space": (KeyFault.ODD_CHARACTERS,),
    "other-digits": (KeyFault.ODD_CHARACTERS,),
    "leading-zeros": (),
}


@pytest.mark.parametrize("case", [case for case in CASES if case.group == "76.key"], ids=str)
def test_a_key_has_the_fault_that_it_is_there_for_and_no_other(case: Case) -> None:
    request = case.script(TARGET).opening.request
    name = case.name.rpartition(".")[2]
    number = b"2" if name.endswith("-2") else b"1"
    field = request.get(b"sec-websocket-key" + number)
    if name.startswith("missing"):
        assert request.get(b"sec-websocket-key" + name[-1:].encode()) is None
        return
    assert field is not None
    assert read_key(field.value).faults == FAULTS.get(name.removesuffix("-2"), ())


def test_edges_of_the_range_are_there() -> None:
    parts = set()
    spaces = set()
    for case in CASES:
        challenge = case.script(TARGET).opening.challenge
        if challenge is not None:
            parts.add(challenge.key1.part)
            spaces.add(challenge.key1.spaces)
    assert {0, 1, 2**31, 2**32 - 1} <= parts
    assert {1, 12, 13} <= spaces


# What servers get


@EVERY_CASE
@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
def test_a_strict_server_passes(case: Case, secure: bool) -> None:
    target = SECURE_TARGET if secure else TARGET
    judgement = judged(case, partial(StrictServer, secure=secure), target)
    assert judgement.verdict is Verdict.OK, judgement.came


def _silent(script: Script) -> Witness:
    witness = Witness(script)
    witness.end(Ended.TIME, PATIENCE)
    return witness


def _resetting(script: Script) -> Witness:
    witness = Witness(script)
    witness.end(Ended.RESET)
    return witness


def _rambling(script: Script) -> Witness:
    witness = Witness(script)
    witness.receive(b"220 mail.example ESMTP\r\n")
    witness.end(Ended.TIME, PATIENCE)
    return witness


def _guessing(script: Script) -> Witness:
    witness = Witness(script)
    witness.receive(b"HTTP/1.1 101 Whatever\r\n\r\n" + bytes(16))
    witness.end(Ended.TIME, PATIENCE)
    return witness


@EVERY_CASE
def test_silence_is_never_ok(case: Case) -> None:
    verdict = case.judge(_silent(case.script(TARGET)), FACTS).verdict
    assert (verdict is Verdict.OK) is (case.name in PATIENT)


@EVERY_CASE
def test_what_is_no_http_is_never_ok(case: Case) -> None:
    judgement = case.judge(_rambling(case.script(TARGET)), FACTS)
    assert judgement.verdict is not Verdict.OK


@EVERY_CASE
def test_a_connection_that_breaks_is_ok_only_as_a_refusal(case: Case) -> None:
    judgement = case.judge(_resetting(case.script(TARGET)), FACTS)
    may_refuse = re.search(r"\babort\b|^no digest", case.wants) is not None
    assert (judgement.verdict is Verdict.OK) is may_refuse


@EVERY_CASE
def test_bytes_that_are_no_digest_and_no_echo_fail(case: Case) -> None:
    judgement = case.judge(_guessing(case.script(TARGET)), FACTS)
    if case.name in ("76.answer.protocol", "76.answer.length", "76.answer.lines"):
        # It is right in these: nothing was asked for, and nothing is wrong with the lines.
        assert judgement.verdict is Verdict.OK
    elif case.dialect is Dialect.HIXIE_76 and case.group != "76.answer":
        assert judgement.verdict in (Verdict.FAILED, Verdict.NON_STRICT)
        if not case.script(TARGET).talk:
            assert judgement.verdict is Verdict.FAILED


# What cases need


def test_nothing_is_tried_without_a_connection_but_the_basic_cases() -> None:
    tried = [case for case in CASES if case.not_applicable(Facts(), secure=False) is None]
    assert {case.group for case in tried} == {"76.handshake"}
    assert all(case.basic for case in tried)


def test_frames_need_an_echo_and_closing_does_not() -> None:
    facts = Facts(opens=FACTS.opens)
    left = {case.group for case in CASES if case.not_applicable(facts, secure=False) is None}
    assert "76.closing" in left
    assert not left & {"76.frames", "76.discard", "76.utf8", "75.frames", "75.discard"}
    for case in CASES:
        awaits = any(
            isinstance(step, Wait) and step.until is Until.ECHOED
            for step in case.script(TARGET).talk
        )
        assert Need.ECHO in case.needs or not awaits


def test_tls_leaves_out_what_ends_one_direction() -> None:
    left_out = [case for case in CASES if case.not_applicable(FACTS, secure=True) is not None]
    assert left_out
    assert all(Need.HALF_CLOSE in case.needs for case in left_out)


def test_requirements_are_all_there() -> None:
    assert {case.requirement for case in CASES} == set(Requirement)


# How cases are chosen


def test_all_are_chosen_in_order() -> None:
    assert choose() == CASES


def test_patterns_choose() -> None:
    chosen = choose(["76.key3.*", "75.end.tcp"], ["76.key3.leading-*"])
    assert BY_NAME["76.key3.zeros"] in chosen
    assert BY_NAME["75.end.tcp"] in chosen
    assert BY_NAME["76.key3.leading-cr"] not in chosen
    assert {case.group for case in chosen} == {"76.key3", "75.end"}
