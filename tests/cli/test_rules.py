"""`ws76proxy rules`: files checked, faults told, the schema printed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ws76proxy.rules import json_schema

from .commands import ws76proxy

GOOD = """
[[request]]
name = "a"
do = [{ action = "remove-field", name = "Cookie" }]
[[message]]
name = "b"
do = [{ action = "inject", to = "client", file = "said.txt" }]
[[message]]
name = "c"
enabled = false
do = [{ action = "drop" }]
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.toml"
    path.write_text(GOOD)
    (tmp_path / "said.txt").write_text("hello")
    return path


def test_check(good: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    one = tmp_path / "one.toml"
    one.write_text('[[response]]\nname = "a"\ndo = [{ action = "mark", text = "x" }]\n')
    done = ws76proxy("rules", "check", str(good), str(empty), str(one))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{good}: 3 rules: 1 request, 2 message (1 not enabled)\n"
        f"{empty}: 0 rules\n"
        f"{one}: 1 rule: 1 response\n"
    )


def test_every_file_is_checked_and_every_fault_is_one_line(good: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[message]]\nname = "a"\nwhen = { pth = "/x" }\ndo = [{ action = "drop" }]\n')
    other = tmp_path / "other.toml"
    other.write_bytes(b'seed = 1\nx = "\xfe"\n')
    done = ws76proxy("rules", "check", str(wrong), str(tmp_path / "none"), str(other), str(good))
    assert done.returncode == 2
    first, second, third = done.stderr.splitlines()
    assert first.startswith(f"{wrong}:3:10: expected")
    assert "did you mean 'path'" in first
    assert "none: cannot be read: No such file" in second
    assert third.startswith(f"{other}:2:6: expected UTF-8")
    assert done.stdout.startswith(f"{good}: 3 rules")


def test_a_file_that_is_too_large_is_not_read_whole() -> None:
    done = ws76proxy("rules", "check", "/dev/zero")
    assert done.returncode == 2
    assert "at most 1048576 bytes" in done.stderr


def test_files_that_rules_name_are_beside_the_rule_file(good: Path) -> None:
    (good.parent / "said.txt").unlink()
    done = ws76proxy("rules", "check", str(good))
    assert done.returncode == 2
    assert f"{good}:7:50: expected a file that can be read, found 'said.txt'" in done.stderr


def test_a_pipe_that_a_rule_names_is_not_waited_for(good: Path) -> None:
    said = good.parent / "said.txt"
    said.unlink()
    os.mkfifo(said)
    done = ws76proxy("rules", "check", str(good))
    assert done.returncode == 2
    assert f"{good}:7:50: expected a file that can be read, found 'said.txt'" in done.stderr


def test_schema() -> None:
    done = ws76proxy("rules", "schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json_schema()


def test_a_good_file_is_checked_without_what_only_faults_need(good: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ws76proxy", "rules", "check", str(good)],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "ws76proxy.rules.reading.reader" in imported
    assert not {name.partition(".")[0] for name in imported} & {"tree_sitter", "jsonpath"}
