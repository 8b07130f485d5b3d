"""Diagnoses and the catalogue as text and as Markdown; what comes from the wire is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ws76proxy.diagnosis.browsers import reaction_in_words
from ws76proxy.diagnosis.catalogue import SUBJECTS
from ws76proxy.diagnosis.escaping import visible
from ws76proxy.diagnosis.model import Diagnosis, Finding, Side

__all__ = ["catalogue_markdown", "markdown", "text"]

_MARKDOWN_SYNTAX = re.compile(r"([\\`*_\[\]<>|&~])")
_AUTOLINKED = re.compile(r"([:.@])")

_INTRODUCTION = """\
# Findings

What ws76proxy can say about a handshake or a session. Each finding has a permanent code, a
severity, and a side: who has to mend it. What is said of browsers has been measured: see
[what the browser does](browser.md).

| severity | meaning |
|---|---|
| error | the draft says must, or the peer will refuse |
| warning | the draft says should, or it is a risk |
| info | worth knowing; nothing is wrong |
| good | a check that passed |

The side *sender* stands for whichever peer sent the bytes; a finding in a session names it. Section
numbers are those of draft-hixie-thewebsocketprotocol-76, unless another document is named.

*This page is generated from the catalogue by `python -m ws76proxy.diagnosis docs/findings.md`.*
"""


def text(diagnoses: Iterable[Diagnosis]) -> str:
    """The diagnoses as plain text, one block each; empty for none."""
    return "\n".join(_text_block(one) for one in diagnoses)


def markdown(diagnoses: Iterable[Diagnosis]) -> str:
    """The diagnoses as Markdown, one section each; nothing from the wire is taken for markup."""
    return "\n".join(_markdown_section(one) for one in diagnoses)


def catalogue_markdown() -> str:
    """The whole catalogue as one Markdown page: docs/findings.md."""
    parts = [_INTRODUCTION]
    for subject, findings in SUBJECTS.items():
        parts.append(f"\n## {subject}\n")
        parts += [_catalogue_entry(finding) for finding in findings]
    return "".join(parts)


def _text_block(diagnosis: Diagnosis) -> str:
    finding = diagnosis.finding
    lines = [
        f"{finding.severity.upper()} {finding.code} ({_blame(finding)}): {finding.title}",
        f"  {diagnosis.detail}",
    ]
    if diagnosis.evidence:
        lines.append(f"  {_place(diagnosis)}: {visible(diagnosis.evidence, show_spaces=True)}")
    lines += [f"  {name.lower()}: {words}" for name, words in _background(finding)]
    lines += [
        f"  consequence: {finding.consequence}",
        f"  fix: {finding.fix}",
        f"  see: {finding.section}",
    ]
    return "\n".join(lines) + "\n"


def _markdown_section(diagnosis: Diagnosis) -> str:
    finding = diagnosis.finding
    lines = [f"### `{finding.code}`: {_escaped(finding.title)}", ""]
    lines += [f"*{finding.severity}, {_blame(finding)}.* {_escaped_detail(diagnosis.detail)}", ""]
    if diagnosis.evidence:
        evidence = visible(diagnosis.evidence, show_spaces=True)
        lines += [f"{_place(diagnosis).capitalize()}: {_code_span(evidence)}", ""]
    lines += [f"- {name}: {_escaped(words)}" for name, words in _background(finding)]
    lines += [
        f"- Consequence: {_escaped(finding.consequence)}",
        f"- Fix: {_escaped(finding.fix)}",
        f"- See: {_escaped(finding.section)}",
    ]
    return "\n".join(lines) + "\n"


def _catalogue_entry(finding: Finding) -> str:
    background = [f"- {name}: {_escaped(words)}\n" for name, words in _background(finding)]
    reaction = "" if finding.reaction is None else reaction_in_words(finding.reaction)
    in_browser = f"- In the browser: {_escaped(reaction)}\n" if reaction else ""
    return (
        f"\n### `{finding.code}`\n\n"
        f"**{_escaped(finding.title)}.** *{finding.severity}, {_blame(finding)}*\n\n"
        f"{''.join(background)}"
        f"- Consequence: {_escaped(finding.consequence)}\n"
        f"{in_browser}"
        f"- Fix: {_escaped(finding.fix)}\n"
        f"- See: {_escaped(finding.section)}\n"
    )


def _background(finding: Finding) -> list[tuple[str, str]]:
    known = [("Cause", finding.cause), ("Known in", finding.carriers)]
    return [(name, words) for name, words in known if words]


def _blame(finding: Finding) -> str:
    return "something between" if finding.side is Side.BETWEEN else str(finding.side)


def _place(diagnosis: Diagnosis) -> str:
    if diagnosis.stream is None or diagnosis.offset is None:
        return "evidence"
    return f"at byte {diagnosis.offset} from the {diagnosis.stream}"


def _escaped(plain: str) -> str:
    return _MARKDOWN_SYNTAX.sub(r"\\\1", plain)


def _escaped_detail(plain: str) -> str:
    """Like `_escaped`, and an address from the wire does not become a link either."""
    return _AUTOLINKED.sub(r"\\\1", _escaped(plain))


def _code_span(plain: str) -> str:
    """A code span that no backtick of its content can end."""
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if plain[:1] in "` " or plain[-1:] in "` " else ""
    return f"{fence}{padding}{plain}{padding}{fence}"
