"""docs/control.md says what the structures are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ws76proxy.control.messages import (
    REQUESTS,
    AnyAnswer,
    AnyRequest,
    HeldMessage,
    OpenSession,
    read_request,
)

PAGE = (Path(__file__).parents[2] / "docs" / "control.md").read_text(encoding="utf-8")


def rows(heading: str) -> Iterator[list[str]]:
    """The rows of the first table below a heading."""
    below = PAGE.split(f"{heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    for line in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def names(cell: str) -> set[str]:
    """What is set as code in a cell."""
    return set(re.findall(r"`(\w+)`", cell))


def test_requests() -> None:
    told = {row[0].strip("`"): names(row[1]) | {"id"} for row in rows("### Requests")}
    for kind in AnyRequest.__args__:
        tag = str(kind.__struct_config__.tag)
        fields = set(kind.__struct_fields__)
        # Of one named more than once, once is enough.
        assert told.pop(tag) == fields, tag
    assert told == {}


def test_answers_and_events() -> None:
    told = {row[0].strip("`"): names(row[1]) for row in rows("### Answers and events")}
    for kind in AnyAnswer.__args__:
        tag = str(kind.__struct_config__.tag)
        assert told.pop(tag) == set(kind.__struct_fields__), tag
    assert told == {}


def test_fields() -> None:
    for heading, kind in (
        ("### A held message", HeldMessage),
        ("### An open session", OpenSession),
    ):
        told = [name for row in rows(heading) for name in re.findall(r"`(\w+)`", row[0])]
        assert tuple(told) == kind.__struct_fields__


def test_codes() -> None:
    folder = Path(__file__).parents[2] / "ws76proxy" / "control"
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    raised = set(re.findall(r'RefusedError\(\s*"([a-z-]+)"', source))
    raised |= set(re.findall(r'_error\([^")]*"([a-z-]+)"', source))
    assert raised == {row[0].strip("`") for row in rows("### Codes of errors")}


def test_examples() -> None:
    examples = re.findall(r'^\{"id".*\}$', PAGE, re.MULTILINE)
    assert len(examples) == 3
    read_request(examples[0].encode())
    read_request(examples[1].encode())
    answers = re.findall(r'^\{"type".*\}$', PAGE, re.MULTILINE)
    for answer in answers:
        decoded = msgspec.json.decode(answer, type=AnyAnswer)
        assert msgspec.json.encode(decoded).decode() == answer
    assert len(answers) == 4
    assert set(REQUESTS) == {row[0].strip("`") for row in rows("### Requests")}
