"""`ws76proxy rules try`: what it prints of rules and recordings, good and bad ones."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.console import sample_records as sample
from tests.recording.recordings import write

from .commands import records, ws76proxy

SESSIONS = [sample.good_session(), sample.old_session(), sample.web_session()]
RULES = """
[[request]]
name = "another origin"
do = [{ action = "set", origin = "http://shop" }, { action = "remove-field", name = "Cookie" }]

[[response]]
name = "bug"
when = { dialect = "hixie-76" }
do = [{ action = "corrupt-digest", bug = "digest-little-endian" }]

[[message]]
name = "spelling"
when = { text = "Grüße" }
do = [{ action = "replace", text = "ü", with = "ue" }, { action = "delay", seconds = 0.5 }]

[[message]]
name = "gone"
when = { session = 3, from = "server", number = 2 }
do = [{ action = "drop" }, { action = "delay", seconds = 1 }]

[[message]]
name = "raw"
when = { session = 6, number = 1 }
do = [{ action = "inject", to = "client", hex = "00 68 ff" }]

[[message]]
name = "no such text"
when = { text = "nowhere" }
do = [{ action = "drop" }]

[[message]]
name = "no such path"
when = { path = "/nowhere" }
do = [{ action = "drop" }]
"""


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "some.toml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.fixture
def recording(tmp_path: Path) -> str:
    told = [record for session in SESSIONS for record in session]
    return str(write(tmp_path / "some.ws76.jsonl", told))


def test_a_diff(rules: str, recording: str) -> None:
    done = ws76proxy("rules", "try", rules, recording)
    assert (done.returncode, done.stderr) == (0, "")
    first, _, second = done.stdout.partition("--- session 6")
    assert first.split("\n")[:2] == [f"--- session 3 of {recording}", f"+++ with {rules}"]
    for lines in (
        "@@ request, 0.002 s @@\n"
        "-Origin: http://chat.example:9000\n+Origin: http://shop\n-Cookie: [redacted]\n"
        '! rule "another origin"\n',
        f"-digest: {sample.DIGEST.hex()}\n+digest: ",
        "@@ message 1 of the client, 12.345 s @@\n-Grüße aus Köln\n+Grueße aus Köln\n"
        '! rule "spelling": replace, delay (0.5 s)\n',
        '@@ message 2 of the server, 12.351 s @@\n-\n! rule "gone": drop\n',
    ):
        assert lines in first
    assert (
        "@@ to the client, after message 1 of the client, 0.500 s @@\n+00 68 ff\n"
        '! rule "raw": inject (raw bytes)\n'
    ) in second
    assert done.stdout.splitlines()[-3:] == [
        "2 of 7 messages and 3 of 4 heads would change, 1 message would be injected,"
        " in 2 of 2 sessions; acted: 'another origin' 2 times, 'bug' once, 'spelling' once,"
        " 'gone' once, 'raw' once",
        "rule 'no such text' never acted: it is for these sessions, and found nothing to do in"
        " them",
        "rule 'no such path' never acted: it is for none of these sessions",
    ]


def test_secrets(rules: str, recording: str) -> None:
    for flags in ([], ["--json"]):
        assert sample.COOKIE not in ws76proxy("rules", "try", rules, recording, *flags).stdout
    done = ws76proxy("rules", "try", rules, recording, "--show-secrets")
    assert f"-Cookie: {sample.COOKIE}\n" in done.stdout


def test_json(rules: str, recording: str) -> None:
    done = ws76proxy("rules", "try", rules, recording, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    header, *told, summary = records(done.stdout)
    assert header["type"] == "recording"
    assert {one["type"] for one in told} == {"adjustment", "change"}
    assert [one["deed"] for one in told if one["type"] == "change"] == [
        "corrupt-digest",
        "replace",
        "delay",
        "drop",
        "inject",
    ]
    assert summary == {
        "type": "summary",
        "sessions": 2,
        "sessions_changed": 2,
        "messages": 7,
        "messages_changed": 2,
        "heads": 4,
        "heads_changed": 3,
        "messages_injected": 1,
        "messages_lost": 0,
        "rules": {
            "another origin": 2,
            "bug": 1,
            "spelling": 1,
            "gone": 1,
            "raw": 1,
            "no such text": 0,
            "no such path": 0,
        },
    }


def test_a_rewrite_and_one_session(recording: str) -> None:
    rewrite = "/client/hel+o/bye"
    done = ws76proxy("rules", "try", "--rewrite", rewrite, recording, "--session", "6")
    assert "-hello\n+bye\n" in done.stdout
    assert "in 1 of 1 session;" in done.stdout


@pytest.mark.parametrize("form", ["har", "mitm"])
def test_another_format(tmp_path: Path, rules: str, recording: str, form: str) -> None:
    converted = tmp_path / "converted"
    assert ws76proxy("convert", "--to", form, recording, str(converted)).returncode == 0
    done = ws76proxy("rules", "try", rules, str(converted))
    assert (done.returncode, done.stderr) == (0, "")
    assert "-Grüße aus Köln\n+Grueße aus Köln\n" in done.stdout


def test_colours_are_for_a_terminal(rules: str, recording: str) -> None:
    plain = ws76proxy("rules", "try", rules, recording).stdout
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm", "NO_COLOR": ""}
    coloured = ws76proxy("rules", "try", rules, recording, environment=terminal).stdout
    assert "\x1b" not in plain
    assert "\x1b[31m-Grüße" in coloured.replace("\x1b[1;31m", "\x1b[31m")
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_nothing_to_say(tmp_path: Path, recording: str) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    done = ws76proxy("rules", "try", str(empty), recording)
    assert done.stdout == (
        "0 of 7 messages and 0 of 4 heads would change, in 0 of 2 sessions; no rule acted\n"
    )


# What cannot be read


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["rec.ws76.jsonl"], "found no rules; expected a rule file (*.toml), or --rewrite"),
        (["rules.toml"], "found no recording behind the rules; expected at least one"),
        (["none.toml", "rec.ws76.jsonl"], "none.toml: cannot be read: No such file"),
        (["--rewrite", "/a", "rec.ws76.jsonl"], "'/a': expected /REGEX/REPLACEMENT"),
    ],
)
def test_wrong_usage(arguments: list[str], expected: str) -> None:
    done = ws76proxy("rules", "try", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_rule_that_is_wrong(tmp_path: Path, recording: str) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[message]]\nname = "x"\ndo = [{ action = "dorp" }]\n')
    done = ws76proxy("rules", "try", str(wrong), recording)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{wrong}:3:" in done.stderr


def test_a_recording_that_cannot_be_read_stops_no_other(
    tmp_path: Path, rules: str, recording: str
) -> None:
    bad, edited = tmp_path / "bad", tmp_path / "edited.ws76.jsonl"
    bad.write_text("no recording")
    lines = [json.loads(one) for one in Path(recording).read_text(encoding="utf-8").splitlines()]
    lines[2]["head"] = "GET /世 HTTP/1.1\r\n\r\n"
    edited.write_text("".join(json.dumps(one) + "\n" for one in lines))
    done = ws76proxy("rules", "try", rules, str(bad), str(edited), recording)
    assert done.returncode == 2
    assert f"{bad}: expected one of" in done.stderr
    assert "expected a head as Latin-1" in done.stderr
    assert "-Grüße aus Köln\n" in done.stdout
