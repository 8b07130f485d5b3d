"""Reports: the same results as text, Markdown, JSON and JUnit XML."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from ws76proxy.diagnosis import found
from ws76proxy.probe import CASES, Facts, Judgement, Report, Result, Verdict
from ws76proxy.probe.report import as_json, as_junit, as_markdown, print_cases, print_report
from ws76proxy.probe.report.machine import RunReport
from ws76proxy.wire.dialect import Dialect

HOSTILE = 'the server answered "|`*<b>\x1b[31m\u202e\x00"'
BY_NAME = {case.name: case for case in CASES}


def result(name: str, verdict: Verdict, came: str, *codes: str) -> Result:
    findings = tuple(found(code, "a detail") for code in codes)
    judgement = Judgement(verdict, came, findings)
    return Result(BY_NAME[name], judgement, b"GET / \xff", b"HTTP/1.1\x00", 0.25)


REPORT = Report(
    "ws://127.0.0.1:8076/echo",
    Facts(frozenset({Dialect.HIXIE_76}), frozenset({Dialect.HIXIE_76})),
    (
        result("76.handshake.plain", Verdict.OK, "the server answered 101"),
        result("76.handshake.random-1", Verdict.FAILED, HOSTILE, "digest-wrong"),
        result("76.handshake.random-2", Verdict.FAILED, "wrong again", "digest-wrong"),
        result("76.key.leading-space", Verdict.NON_STRICT, "without the spaces"),
        result("76.frames.empty", Verdict.NOT_APPLICABLE, "the server does not echo"),
        result("76.frames.ascii", Verdict.NOT_APPLICABLE, "the server does not echo"),
        result("75.end.tcp", Verdict.NOT_APPLICABLE, "TLS has no half-closed connections"),
    ),
    12.34,
)


def screen(width: int, *, verbose: bool = False, ascii_only: bool = False) -> str:
    raw = io.BytesIO()
    encoding = "ascii" if ascii_only else "utf-8"
    with io.TextIOWrapper(raw, encoding=encoding, write_through=True) as stream:
        console = Console(file=stream, width=width, color_system=None)
        print_report(console, REPORT, verbose=verbose)
        return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [80, 120])
def test_text_fits(width: int) -> None:
    lines = screen(width).splitlines()
    assert max(map(cell_len, lines)) <= width


def test_text_tells_what_is_not_ok() -> None:
    text = screen(80)
    assert "speaks hixie-76 · echoes" in text
    assert re.search(r"^76\.handshake +1 +2 +right handshakes", text, re.M)
    assert "✗ 76.handshake.random-1  MUST, 4.1, 5.2" in text
    assert "~ 76.key.leading-space  SHOULD, 5.2, steps 4 and 5" in text
    assert "digest-wrong: The digest does not answer this challenge" in text
    assert "2 cases   digest-wrong: " in text
    assert "- 2 not applicable: the server does not echo" in text
    assert "- 75.end.tcp: TLS has no half-closed connections" in text
    assert "7 cases: 1 ok · 1 non-strict · 2 failed · 3 not applicable  in 12.3 s" in text
    assert "✓ 76.handshake.plain" not in text
    assert "✓ 76.handshake.plain" in screen(80, verbose=True)


def test_text_commands_no_terminal() -> None:
    text = screen(80, verbose=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\x00" not in text


def test_text_for_a_terminal_that_knows_nothing_but_ascii() -> None:
    text = screen(80, verbose=True, ascii_only=True)
    assert text.isascii()
    assert "!! 76.handshake.random-1" in text


def test_all_cases_can_be_listed() -> None:
    stream = io.StringIO()
    print_cases(Console(file=stream, width=80), CASES)
    lines = stream.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= 80
    for case in CASES:
        assert any(line.startswith(f"{case.name}  ") for line in lines)
    assert lines[-1] == f"{len(CASES)} cases"


def test_json() -> None:
    report = msgspec.json.decode(as_json(REPORT, name="a server", strict=False), type=RunReport)
    assert (report.format, report.server, report.name) == (1, REPORT.url, "a server")
    assert (report.opens, report.echoes) == (["hixie-76"], ["hixie-76"])
    assert report.totals == {"ok": 1, "non-strict": 1, "failed": 2, "not applicable": 3}
    assert (report.strict, report.passed) == (False, False)
    failed = report.cases[1]
    assert (failed.name, failed.verdict) == ("76.handshake.random-1", "failed")
    assert failed.came == HOSTILE
    assert failed.findings == ["digest-wrong"]
    assert bytes.fromhex(failed.sent) == b"GET / \xff"
    assert bytes.fromhex(failed.received) == b"HTTP/1.1\x00"


@pytest.mark.parametrize(("strict", "failures"), [(False, "2"), (True, "3")])
def test_junit(strict: bool, failures: str) -> None:
    root = ElementTree.fromstring(as_junit(REPORT, name="a server", strict=strict))  # noqa: S314
    assert root.attrib["tests"] == "7"
    assert root.attrib["failures"] == failures
    assert root.attrib["skipped"] == "3"
    suites = root.findall("testsuite")
    assert [suite.attrib["name"] for suite in suites] == [
        "76.handshake",
        "76.key",
        "76.frames",
        "75.end",
    ]
    assert sum(int(suite.attrib["failures"]) for suite in suites) == int(failures)
    (failure,) = root.findall(".//testcase[@name='random-1']/failure")
    assert "\\x1b[31m\\u202e" in failure.attrib["message"]
    assert failure.text is not None
    assert "The draft wants 101" in failure.text
    assert len(root.findall(".//failure")) == int(failures)
    assert len(root.findall(".//skipped")) == 3


def test_markdown() -> None:
    page = as_markdown(REPORT, name="a | server")
    lines = page.splitlines()
    assert lines[0] == "# What `ws76proxy probe` found: a \\| server"
    assert "7 cases: 1 ok, 1 non-strict, 2 failed, 3 not applicable." in page
    assert "| 76.handshake | 1 |  | 2 |  | right handshakes |" in lines
    assert "| `digest-wrong` | 2 | The digest does not answer this challenge |" in lines
    (row,) = [line for line in lines if line.startswith("| `76.handshake.random-1`")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert r"\|\`\*\<b\>\\x1b\[31m" in row
    assert "- the server does not echo: `76.frames.empty`, `76.frames.ascii`" in lines
    assert lines[-1] == "`76.handshake.plain`"
    assert page.endswith("\n")


def test_reports_of_two_runs_differ_in_nothing_but_time() -> None:
    later = Report(REPORT.url, REPORT.facts, REPORT.results, 99.0)
    assert as_markdown(later, name="x") == as_markdown(REPORT, name="x")


def test_passing() -> None:
    def passed(*verdicts: Verdict, strict: bool) -> bool:
        results = tuple(result("76.frames.empty", verdict, "") for verdict in verdicts)
        return Report("", Facts(), results, 0).passed(strict=strict)

    assert passed(Verdict.OK, Verdict.NOT_APPLICABLE, strict=True)
    assert passed(Verdict.OK, Verdict.NON_STRICT, strict=False)
    assert not passed(Verdict.OK, Verdict.NON_STRICT, strict=True)
    assert not passed(Verdict.OK, Verdict.FAILED, strict=False)
