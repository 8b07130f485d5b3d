"""The options of `--record`: what is refused, in one line, before anything is listened on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from .commands import UPSTREAM, in_a_process, ws76proxy

OPTIONS = [
    "--record",
    "--record-secrets",
    "--record-limit",
    "--record-total",
    "--record-when-full",
    "--record-rotate-size",
    "--record-rotate-age",
]


def refused(*arguments: str) -> str:
    """The one line that a command line is refused with."""
    return the_line(ws76proxy("relay", UPSTREAM, *arguments))


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ws76proxy")
    return line


def test_help_has_them_all() -> None:
    done = ws76proxy("relay", "--help")
    assert done.returncode == 0
    for option in OPTIONS:
        assert option in done.stdout


@pytest.mark.parametrize(
    "given",
    [
        ["--record-secrets"],
        ["--record-limit", "1MiB"],
        ["--record-total", "1MiB"],
        ["--record-when-full", "stop"],
        ["--record-rotate-size", "1MiB"],
        ["--record-rotate-age", "60"],
    ],
    ids=lambda given: given[0],
)
def test_how_to_record_and_not_where(given: list[str]) -> None:
    assert f"found {given[0]} without --record" in refused(*given)


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--record-limit", "much", "expected bytes"),
        ("--record-total", "-1", "expected bytes"),
        ("--record-when-full", "panic", "remove-oldest"),
        ("--record-rotate-size", "1 day", "expected bytes"),
        ("--record-rotate-age", "soon", "expected seconds"),
        ("--record-rotate-age", "-1", "expected seconds"),
    ],
)
def test_wrong_values(tmp_path: Path, option: str, value: str, expected: str) -> None:
    line = refused("--record", str(tmp_path / "x"), option, value)
    assert option in line
    assert expected in line
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["missing/folder", "missing/all.jsonl", "file/x", ""])
def test_a_place_that_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    place = str(tmp_path / name) if name else "/proc/nothing/here"
    assert place in refused("--record", place)


@pytest.mark.parametrize("name", ["diary.jsonl", "diary.txt"])
def test_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("Dear diary\n")
    line = refused("--record", str(path))
    assert str(path) in line
    assert path.read_text() == "Dear diary\n"


def test_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in refused("--record", str(tmp_path / "pipe"))


def test_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    assert "symbolic link" in refused("--record", str(tmp_path / "link.jsonl"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_limit_that_leaves_no_room(tmp_path: Path) -> None:
    assert "have reached 10 bytes" in refused(
        "--record", str(tmp_path / "all.jsonl"), "--record-total", "10"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert str(tmp_path) in refused("--record", str(tmp_path))
    assert str(tmp_path) in refused("--record", str(tmp_path / "folder"))


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    done = in_a_process("relay", UPSTREAM, "--record", bytes(tmp_path) + b"/\xff/\xff")
    assert "cannot record there" in the_line(done)
