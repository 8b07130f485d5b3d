"""Which sessions and records are wanted, and how much is held until that is known."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.console import sample_records as sample
from ws76proxy.patterns import Glob, Regex
from ws76proxy.record import AnyRecord, FindingRecord, MessageRecord, NoticeRecord
from ws76proxy.recording.filters import Decision, RecordFilter, SessionFilter, Sieve
from ws76proxy.recording.sources import Source, Told

from .recordings import header, single

ALL = [*single(record for session in sample.all_sessions() for record in session)]
NUMBERS = {record.session for record in ALL} - {0}
SOURCE = Source(Path("all.ws76.jsonl"), header())
EVERYTHING = RecordFilter()

GOOD, WRONG, OWN, OLD, REFUSED, HANGING, CUT, WEB, FOREIGN, SILENT = range(3, 13)

FILTERS: list[tuple[SessionFilter, set[int]]] = [
    (SessionFilter(numbers=frozenset({GOOD, WEB, 99})), {GOOD, WEB}),
    (SessionFilter(path=Glob("/chat")), NUMBERS - {WEB, SILENT}),
    (SessionFilter(path=Glob("/chat?room=*")), NUMBERS - {WEB, SILENT}),
    (SessionFilter(path=Glob("/page.html")), {WEB}),
    (SessionFilter(path=Glob("/cha")), set()),
    (SessionFilter(origin=Glob("HTTP://127.0.0.1:*", ignore_case=True)), NUMBERS - {WEB, SILENT}),
    (SessionFilter(origin=Glob("http://other*")), set()),
    (SessionFilter(findings=(Glob("digest-wrong"),)), {WRONG}),
    (SessionFilter(findings=(Glob("digest-wrong"), Glob("status-???"))), {WRONG, REFUSED}),
    # Told by the session's last record only.
    (SessionFilter(findings=(Glob("text-not-utf8"),)), {GOOD}),
    (SessionFilter(failed=True), {WRONG, REFUSED, HANGING, CUT}),
    (SessionFilter(failed=True, findings=(Glob("key3-*"),)), {HANGING}),
    (SessionFilter(said=RecordFilter(direction="server")), {GOOD}),
    (SessionFilter(said=RecordFilter(grep=Regex("hello"))), {OLD}),
]


def sieved(sieve: Sieve, records: list[AnyRecord], source: Source = SOURCE) -> list[AnyRecord]:
    return [told.record for record in records for told in sieve.take(Told(source, record))]


def by_session(records: list[AnyRecord]) -> dict[int, list[AnyRecord]]:
    sessions: dict[int, list[AnyRecord]] = defaultdict(list)
    for record in records:
        sessions[record.session].append(record)
    return sessions


@pytest.mark.parametrize(("wanted", "numbers"), FILTERS)
def test_sessions(wanted: SessionFilter, numbers: set[int]) -> None:
    sieve = Sieve(wanted, EVERYTHING)
    shown = by_session(sieved(sieve, ALL))
    whole = by_session(ALL)
    assert shown == {number: whole[number] for number in numbers}
    assert sieve.held == 0


@pytest.mark.parametrize(("wanted", "numbers"), FILTERS)
@given(order=st.randoms())
def test_sessions_that_overlap(wanted: SessionFilter, numbers: set[int], order: object) -> None:
    """However sessions are mixed, each is shown whole and in its own order."""
    whole = by_session([record for record in ALL if record.session])
    queues = {number: list(records) for number, records in whole.items()}
    mixed: list[AnyRecord] = []
    while queues:
        number = order.choice(sorted(queues))  # type: ignore[attr-defined]
        mixed.append(queues[number].pop(0))
        if not queues[number]:
            del queues[number]
    shown = by_session(sieved(Sieve(wanted, EVERYTHING), mixed))
    assert shown == {number: whole[number] for number in numbers}


def test_nothing_is_asked_for() -> None:
    assert sieved(Sieve(SessionFilter(), EVERYTHING), ALL) == ALL


def test_numbers_are_of_one_run() -> None:
    sieve = Sieve(SessionFilter(findings=(Glob("digest-wrong"),)), EVERYTHING)
    other = Source(Path("b"), header("b2"))
    good, wrong = ([*single(made(1))] for made in (sample.good_session, sample.wrong_session))
    sieved(sieve, good[:-1])
    assert sieved(sieve, wrong, other) == wrong
    assert sieved(sieve, good[-1:]) == []


def test_a_session_is_shown_as_soon_as_it_is_known_to_be_wanted() -> None:
    sieve = Sieve(SessionFilter(path=Glob("/chat")), EVERYTHING)
    start, request, *_ = single(sample.good_session())
    assert sieved(sieve, [start]) == []
    assert sieved(sieve, [request]) == [start, request]


def test_a_number_that_begins_again_is_another_session() -> None:
    sieve = Sieve(SessionFilter(failed=True), EVERYTHING)
    begun = [*single(sample.good_session(1))][:-1]
    failed = [*single(sample.hanging_session(1))]
    assert sieved(sieve, [*begun, *failed]) == failed


# Records


def message(number: int, text: str = "", *, session: int = 1) -> MessageRecord:
    return MessageRecord(
        session=session,
        time=1.0,
        direction="client" if number % 2 else "server",
        number=number,
        offset=0,
        size=len(text),
        text=text,
    )


@pytest.mark.parametrize("direction", ["client", "server"])
def test_direction(direction: str) -> None:
    shown = sieved(Sieve(SessionFilter(), RecordFilter(direction=direction)), ALL)  # type: ignore[arg-type]
    gone = [record for record in ALL if record not in shown]
    assert gone
    assert all(getattr(record, "direction", direction) != direction for record in gone)
    assert all(getattr(record, "direction", direction) == direction for record in shown)


def test_grep_leaves_messages_only() -> None:
    sieve = Sieve(SessionFilter(), RecordFilter(grep=Regex("join|hello"), direction="client"))
    texts = [record.text for record in sieved(sieve, ALL) if isinstance(record, MessageRecord)]
    assert texts == ['{"join":"room 1","user":"ada"}', "hello"]


def test_grep_passes_over_what_is_not_text() -> None:
    record = MessageRecord(
        session=1,
        time=0.0,
        direction="client",
        number=1,
        offset=0,
        size=1,
        text="",
        payload="AA==",
        binary=True,
    )
    assert not RecordFilter(grep=Regex("")).wants(record)


def test_grep_in_one_session() -> None:
    sieve = Sieve(SessionFilter(failed=True), RecordFilter(grep=Regex("^x")))
    said = [message(1, "x"), message(2, "y"), message(3, "x")]
    wrong = [*single(sample.wrong_session(1))]
    assert sieved(sieve, [*wrong[:-1], *said, wrong[-1]]) == [said[0], said[2]]


# Limits


def told_late(count: int) -> list[AnyRecord]:
    """A session whose finding comes after many messages."""
    start, *middle, end = single(sample.old_session(1))
    late = [record for record in single(sample.wrong_session(1)) if _is_late(record)]
    return [start, *middle, *(message(n, "x" * 1000) for n in range(count)), *late, end]


def _is_late(record: AnyRecord) -> bool:
    return isinstance(record, FindingRecord) and record.code == "digest-wrong"


@pytest.mark.parametrize("limits", [{"most_held": 50_000}, {"most_held_in_all": 50_000}])
def test_what_does_not_fit_is_left_out_and_said(limits: dict[str, int]) -> None:
    records = told_late(1000)
    sieve = Sieve(SessionFilter(findings=(Glob("digest-wrong"),)), EVERYTHING, **limits)
    shown: list[AnyRecord] = []
    for record in records:
        shown += sieved(sieve, [record])
        assert sieve.held <= 50_000
    (place,) = (n for n, record in enumerate(shown) if isinstance(record, NoticeRecord))
    assert shown[:place] == records[:place]
    assert shown[place + 1 :] == records[-2:]
    left_out = len(records) - (len(shown) - 1)
    assert f"{left_out} records" in shown[place].text  # type: ignore[union-attr]
    assert sieve.held == 0


def test_a_session_known_from_its_start_is_never_held() -> None:
    records = told_late(1000)
    sieve = Sieve(SessionFilter(numbers=frozenset({1})), EVERYTHING, most_held=0)
    assert sieved(sieve, records) == records


def test_sessions_without_an_end_are_forgotten() -> None:
    sieve = Sieve(SessionFilter(findings=(Glob("digest-wrong"),)), EVERYTHING, most_sessions=10)
    for number in range(1, 2000):
        sieved(sieve, [*single(sample.handshake(number))])
    held = sieve.held
    sieved(sieve, [*single(sample.handshake(2000))])
    assert 0 < sieve.held <= held + 10


def test_a_decision_stays() -> None:
    decision = Decision(SessionFilter(path=Glob("/chat"), failed=True).criteria())
    records = [*single(sample.wrong_session())]
    known = [decision.look(record) for record in records]
    assert known[0] is None
    assert known[-1] is True
    assert known == sorted(known, key=lambda wanted: wanted is not None)
