"""Reports: nothing from the wire is taken for markup or commands, nothing secret is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests.cli.commands import ws76proxy
from ws76proxy.diagnosis import CATALOGUE, HYPOTHESES
from ws76proxy.record import json_schema

from .handshakes import ANSWER, DIGEST, DRAFT, KEY3, REQUEST, SAMPLES

HOSTILE = REQUEST.replace(
    b"Origin: http://example.com",
    b"Origin: ```\x1b[2J<script>alert(1)</script>|**x**|[a](http://b.example)",
).replace(b"Host: example.com", b"Host: a\xff`b")
SECRET = REQUEST.replace(b"\r\n\r\n", b"\r\nCookie: id=hush\r\n\r\n").replace(
    b"/demo", b"/demo?token=hush"
)


def explained(tmp_path: Path, data: bytes, *options: str) -> str:
    file = tmp_path / "pasted"
    file.write_bytes(data)
    return ws76proxy("explain", *options, str(file)).stdout


@pytest.mark.parametrize("name", ["digest-little-endian", "location-missing", "sound-76"])
def test_json_has_records_as_published(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    document = json.loads(explained(tmp_path, sample.client + sample.server, "--json"))
    assert document["version"] == 1
    (session,) = document["sessions"]
    for record in session["records"]:
        jsonschema.validate(record, json_schema())
    codes = {record["code"] for record in session["records"] if record["type"] == "finding"}
    assert sample.expect <= codes
    assert session["taken_for"] == "raw bytes"


def test_json_of_several(tmp_path: Path) -> None:
    files = []
    for number in range(3):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(DRAFT[0] + DRAFT[1])
    done = ws76proxy("explain", "--json", *map(str, files))
    document = json.loads(done.stdout)
    assert [session["session"] for session in document["sessions"]] == [1, 2, 3]
    assert document["summary"]["sessions"] == 3


def test_json_of_nothing_is_json_still(tmp_path: Path) -> None:
    file = tmp_path / "prose"
    file.write_bytes(b"prose")
    done = ws76proxy("explain", "--json", str(file))
    assert done.returncode == 2
    assert json.loads(done.stdout)["sessions"] == []


def test_markdown_is_a_bug_report(tmp_path: Path) -> None:
    sample = SAMPLES["digest-little-endian"]
    text = explained(tmp_path, sample.client + sample.server, "--markdown")
    assert text.startswith("## hixie-76 handshake for /demo?room=1\n")
    for code in ("digest-wrong", "digest-little-endian"):
        assert f"### `{code}`" in text
        assert CATALOGUE[code].fix[:20] in text
    assert "GET /demo?room=1 HTTP/1.1\\r\\n" in text
    assert "Passed: `keys-well-formed`" in text
    assert re.findall(r"^```", text, re.MULTILINE) == ["```"] * 2


def test_markdown_takes_nothing_for_markup(tmp_path: Path) -> None:
    text = explained(tmp_path, HOSTILE + KEY3 + ANSWER + DIGEST, "--markdown")
    assert "\x1b" not in text
    (fence,) = set(re.findall(r"^(`{3,})", text, re.MULTILINE))
    assert len(fence) > 3
    outside = re.sub(rf"^{fence}text\n.*?^{fence}\n", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    unescaped = re.sub(r"\\[\\`*_\[\]<>|&~#:.@]", "", outside)
    assert "<" not in unescaped
    assert "**" not in unescaped
    assert "](" not in unescaped


@pytest.mark.parametrize("options", [(), ("-v",)])
def test_text_commands_no_terminal(tmp_path: Path, options: tuple[str, ...]) -> None:
    text = explained(tmp_path, HOSTILE + KEY3 + ANSWER + DIGEST, *options)
    assert "\x1b" not in text
    assert "\\x1b[2J" in text


@pytest.mark.parametrize("options", [(), ("-v",), ("--json",), ("--markdown",)])
def test_secrets_are_told_only_where_that_is_wanted(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    data = SECRET + KEY3 + ANSWER + DIGEST
    assert "hush" not in explained(tmp_path, data, *options)
    assert "hush" in explained(tmp_path, data, "--show-secrets", *options)


def test_a_note_cannot_bring_markup(tmp_path: Path) -> None:
    file = tmp_path / "**bold** `x`"
    file.write_bytes(DRAFT[0])
    text = ws76proxy("explain", "--markdown", str(file)).stdout
    assert "**bold**" not in text
    assert "\\*\\*bold\\*\\*" in text


@pytest.mark.parametrize(
    "code", [*list(HYPOTHESES)[:3], "digest-wrong", "key3-missing", "upgrade-ok"]
)
def test_pages_of_the_catalogue(code: str) -> None:
    finding = CATALOGUE[code]
    done = ws76proxy("explain", code)
    assert done.returncode == 0
    words = done.stdout.split()
    for text in (code, finding.title, finding.consequence, finding.fix, finding.cause):
        assert set(text.split()) <= set(words)
    page = ws76proxy("explain", code, "--markdown").stdout
    assert page.startswith(f"### `{code}`: ")
    (entry,) = json.loads(ws76proxy("explain", code, "--json").stdout)["findings"]
    assert (entry["code"], entry["fix"]) == (code, finding.fix)


def test_several_pages() -> None:
    done = ws76proxy("explain", "digest-wrong", "key3-missing", "--json")
    codes = [entry["code"] for entry in json.loads(done.stdout)["findings"]]
    assert codes == ["digest-wrong", "key3-missing"]
