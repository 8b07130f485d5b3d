"""The catalogue as data, and the pages made from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from ws76proxy.diagnosis import CATALOGUE, SUBJECTS, Diagnosis, Severity, Side, Stream, found
from ws76proxy.diagnosis.__main__ import main
from ws76proxy.diagnosis.report import catalogue_markdown, markdown, text

FINDINGS_PAGE = Path(__file__).parents[2] / "docs" / "findings.md"


def test_each_code_is_given_once() -> None:
    assert len(CATALOGUE) == sum(len(findings) for findings in SUBJECTS.values())


@pytest.mark.parametrize("code", CATALOGUE)
def test_finding_is_complete_and_plain(code: str) -> None:
    finding = CATALOGUE[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    for part in (finding.consequence, finding.fix):
        assert part.endswith(".")
        assert part[:1].isupper() or part[:1].isdigit() or part.startswith("ws ")
    assert not finding.title.endswith(".")
    assert finding.section
    for part in (finding.title, finding.consequence, finding.fix, finding.section):
        assert part.isascii()
        assert not re.search(r"[<>`*]|  ", part)


def test_sender_is_named_in_a_diagnosis() -> None:
    assert CATALOGUE["connection-reset"].side is Side.SENDER
    sides = {
        stream: found("connection-reset", "x", stream=stream).finding.side
        for stream in (Stream.CLIENT, Stream.SERVER, None)
    }
    assert sides == {
        Stream.CLIENT: Side.CLIENT,
        Stream.SERVER: Side.SERVER,
        None: Side.BETWEEN,
    }


def test_findings_page_is_fresh() -> None:
    fresh = FINDINGS_PAGE.read_text(encoding="utf-8") == catalogue_markdown()
    assert fresh, "stale: run python -m ws76proxy.diagnosis docs/findings.md"


def test_findings_page_has_no_markup_of_its_own_making() -> None:
    html = MarkdownIt("commonmark").render(catalogue_markdown().split("| good |")[1])
    assert set(re.findall(r"</?(\w+)", html)) <= {
        "p",
        "em",
        "code",
        "h2",
        "h3",
        "strong",
        "ul",
        "li",
    }


def test_command_writes_the_page(tmp_path: Path) -> None:
    assert main([str(tmp_path / "findings.md")]) == 0
    assert (tmp_path / "findings.md").read_text(encoding="utf-8") == catalogue_markdown()


def test_command_refuses_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a", "b"]) == 2
    assert main(["--help"]) == 2
    assert main([str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 3


HOSTILE = Diagnosis(
    CATALOGUE["location-not-a-url"],
    'found "<script>alert(1)</script> [x](http://evil) `y` http://evil *b*"',
    Stream.SERVER,
    12,
    b"``<b> \x1b[31m\r\n\xff  end",
)


def test_text_shows_control_bytes_escaped() -> None:
    shown = text([HOSTILE])
    assert shown.isprintable() or set(shown) - {"\n"} <= {one for one in shown if one.isprintable()}
    assert "at byte 12 from the server: ``<b>\u2423\\x1b[31m\\r\\n\\xff\u2423\u2423end" in shown
    assert "ERROR location-not-a-url (server)" in shown


def test_markdown_takes_nothing_from_the_wire_for_markup() -> None:
    html = MarkdownIt("commonmark").render(markdown([HOSTILE]))
    assert "<script" not in html
    assert "<a " not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "<code>``&lt;b&gt;\u2423\\x1b[31m" in html


def test_nothing_found_is_empty() -> None:
    assert text([]) == markdown([]) == ""


def test_every_severity_is_used() -> None:
    assert {finding.severity for finding in CATALOGUE.values()} == set(Severity)
