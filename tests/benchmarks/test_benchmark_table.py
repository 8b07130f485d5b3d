"""Medians, ratios and aims: what the table makes of the figures."""

from __future__ import annotations

import pytest

from benchmarks.relays import RELAYS
from benchmarks.report import Report, as_json, as_markdown, human
from benchmarks.runner import Cell, Results
from benchmarks.works import WORKS


def cell(figure: str, *values: float, peak: float = 30) -> Cell:
    return Cell([{figure: value, "peak": peak} for value in values])


def report(results: Results, *relays: str, missing: dict[str, str] | None = None) -> Report:
    return Report(
        machine={"date": "today"},
        settings={"each run": "1 s"},
        relays=[RELAYS[name] for name in relays],
        missing=missing or {},
        works=[WORKS["W1"], WORKS["W2"]],
        results=results,
    )


@pytest.fixture
def measured() -> Report:
    results = {
        ("asyncio-uvloop", "W1"): cell("messages_per_second", 90, 100, 500),
        ("asyncio-uvloop", "W2"): cell("round_trip_p50_us", 10),
        ("ws76-uvloop", "W1"): cell("messages_per_second", 29, 40, 20),
        ("ws76-uvloop", "W2"): cell("round_trip_p50_us", 12, peak=70),
        ("mitmdump", "W1"): cell("messages_per_second", 0.25),
        ("mitmdump", "W2"): cell("round_trip_p50_us", 300),
    }
    return report(results, "asyncio-uvloop", "ws76-uvloop", "mitmdump")


def test_aims(measured: Report) -> None:
    verdicts = {
        (verdict.aim.figure, verdict.aim.named): (verdict.value, verdict.met)
        for verdict in measured.verdicts()
    }
    assert verdicts == {
        ("W1", "pass-through"): (pytest.approx(0.29), False),
        ("W2", "pass-through"): (pytest.approx(1.2), False),
        ("W3", "pass-through"): (None, None),
        ("W4", "pass-through"): (None, None),
        ("W5", "pass-through"): (None, None),
        ("peak", "MiB"): (70, False),
        ("W1", "mitmdump"): (pytest.approx(116), True),
        ("W2", "mitmdump"): (pytest.approx(25), True),
        ("W5", "mitmdump"): (None, None),
    }


def test_the_table(measured: Report) -> None:
    text = as_markdown(measured)
    assert "| relay | W1 msg/s | W2 p50 µs | peak MiB |" in text
    assert "| asyncio pass-through, uvloop | 100 (1.00) | 10.0 (1.00) | 30 |" in text
    assert "| ws76proxy relay, uvloop | 29.0 (0.29) | 12.0 (1.20) | 70 |" in text
    assert "| ws76proxy relay, uvloop | W2 | pass-through | ≤ 1.1 | 1.20 | no |" in text
    assert "| ws76proxy relay, uvloop | W1 | mitmdump | ≥ 100 times | 116 times | yes |" in text
    assert "- date: today\n- each run: 1 s\n" in text


def test_json_keeps_each_round(measured: Report) -> None:
    told = as_json(measured)
    ours = next(c for c in told["results"] if (c["relay"], c["work"]) == ("ws76-uvloop", "W1"))
    assert [result["messages_per_second"] for result in ours["rounds"]] == [29, 40, 20]


def test_one_failed_round_fails_the_cell() -> None:
    failed = cell("messages_per_second", 100)
    failed.failure = "stalled | somewhere"
    results = {("asyncio", "W1"): failed, ("asyncio", "W2"): cell("round_trip_p50_us", 9)}
    text = as_markdown(report(results, "asyncio"))
    assert "| asyncio pass-through | failed: stalled \\| somewhere | 9.00 (1.00) | 30 |" in text


def test_aims_against_other_relays() -> None:
    relays = (
        *("ws76", "ws76-rules-100", "asyncio-hook-json", "ws76-script-json"),
        *("websockets-rfc6455", "node-ws-rfc6455", "ws76-bridge-old-client"),
    )
    values = zip(relays, (900, 310, 400, 200, 50, 90, 60), strict=True)
    results = {(relay, "W1"): cell("messages_per_second", value) for relay, value in values}
    results["ws76-bridge-old-client", "W2"] = cell("round_trip_p50_us", 20)
    results["websockets-rfc6455", "W2"] = cell("round_trip_p50_us", 90)
    verdicts = {
        (verdict.relay, verdict.aim.figure, verdict.aim.named): (verdict.value, verdict.met)
        for verdict in report(results, *relays).verdicts()
        if verdict.value is not None and verdict.relay != "ws76"
    }
    assert verdicts == {
        ("ws76-rules-100", "W1", "ws76"): (pytest.approx(310 / 900), True),
        ("ws76-script-json", "W1", "asyncio-hook-json"): (0.5, True),
        ("ws76-bridge-old-client", "W1", "websockets-rfc6455"): (1.2, True),
        ("ws76-bridge-old-client", "W1", "node-ws-rfc6455"): (pytest.approx(2 / 3), False),
        ("ws76-bridge-old-client", "W2", "websockets-rfc6455"): (4.5, True),
    }


def test_every_aim_is_against_a_relay_that_there_is() -> None:
    for relay in RELAYS.values():
        assert {aim.relay for aim in relay.aims if aim.relay} <= set(RELAYS)
        assert relay.reference in RELAYS


def test_what_is_missing_has_a_row() -> None:
    text = as_markdown(report({}, missing={"haproxy": "haproxy"}))
    assert "| HAProxy, TCP mode | no haproxy | no haproxy | no haproxy |" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (24_123_456, "24.1 M"),
        (90_210, "90.2 k"),
        (4980.4, "4980"),
        (13.94, "13.9"),
        (0.0001, "<0.01"),
        (0, "0.00"),
    ],
)
def test_figures_for_people(value: float, shown: str) -> None:
    assert human(value) == shown
