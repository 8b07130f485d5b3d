"""The reports of real servers that the documentation keeps, read back."""

from __future__ import annotations

import re
from pathlib import Path

from ws76proxy.probe import Verdict

PAGE = Path(__file__).parents[2] / "docs" / "probe.md"
REPORTS = PAGE.parent / "probe-reports"

_SECTIONS = {
    "Failed": Verdict.FAILED,
    "Non-strict": Verdict.NON_STRICT,
    "Not applicable": Verdict.NOT_APPLICABLE,
    "Ok": Verdict.OK,
}
_TABLE_ROW = re.compile(r"^\| `(7[56]\.[^`]+)` \|", re.M)
_NAME = re.compile(r"`(7[56]\.[^`]+)`")


def verdicts_of(page: str) -> dict[str, Verdict]:
    """The verdict on each case of a report in Markdown."""
    verdicts = {}
    for section in page.split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        is_table = "\n| Case |" in text
        for name in (_TABLE_ROW if is_table else _NAME).findall(text):
            assert name not in verdicts, f"{name} is there twice"
            verdicts[name] = _SECTIONS[heading]
    return verdicts


def kept_verdicts(name: str) -> dict[str, Verdict]:
    """The verdicts of the report that is kept of a server."""
    return verdicts_of((REPORTS / f"{name}.md").read_text(encoding="utf-8"))
