"""The kept reports of real servers, and the page that explains what is in them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from ws76proxy.diagnosis import CATALOGUE
from ws76proxy.probe import CASES, Verdict

from .kept import PAGE, REPORTS, kept_verdicts

SECTIONS = {
    "eventlet": "eventlet",
    "protocol-websocket": "Protocol::WebSocket",
    "websocket-driver": "websocket-driver",
    "ws-0.4": "ws 0.4",
}
ROW = re.compile(r"^\| (`.*`) \| (\S+) \| (.+) \|$", re.M)


def explained(heading: str) -> list[tuple[str, str]]:
    """Pattern and verdict of each explanation below a heading of the page."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    rows = ROW.findall(section)
    assert rows, heading
    listed = [(re.findall("`(.+?)`", names), verdict) for names, verdict, _ in rows]
    return [(pattern, verdict) for patterns, verdict in listed for pattern in patterns]


def test_the_findings_of_the_example_are_in_the_catalogue() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"(?:finding|cases) +([a-z0-9-]+): (.+)", text)
    assert len(shown) == 3
    for code, title in shown:
        assert CATALOGUE[code].title == title


def test_every_report_has_a_section() -> None:
    assert {path.stem for path in REPORTS.glob("*.md")} == SECTIONS.keys()


@pytest.mark.parametrize("name", SECTIONS)
def test_a_report_has_every_case(name: str) -> None:
    assert kept_verdicts(name).keys() == {case.name for case in CASES}


@pytest.mark.parametrize("name", SECTIONS)
def test_whatever_is_not_ok_is_explained(name: str) -> None:
    patterns = [*explained("All of them"), *explained(SECTIONS[name])]
    for case, verdict in kept_verdicts(name).items():
        reasons = {said for pattern, said in patterns if fnmatchcase(case, pattern)}
        if verdict in (Verdict.FAILED, Verdict.NON_STRICT):
            assert verdict in reasons, f"{case} is {verdict}, and nothing says why"


@pytest.mark.parametrize("name", SECTIONS)
def test_nothing_is_explained_that_is_not_so(name: str) -> None:
    verdicts = kept_verdicts(name)
    for pattern, said in (*explained("All of them"), *explained(SECTIONS[name])):
        matching = {verdict for case, verdict in verdicts.items() if fnmatchcase(case, pattern)}
        assert said in matching, f"{pattern} is not {said} in the report of {name}"
