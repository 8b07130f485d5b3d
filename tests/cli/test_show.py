"""`ws76proxy show`: what it prints of recordings, good and bad ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.console import sample_records as sample
from tests.recording.recordings import as_lines, single, write

from .commands import PATIENCE, in_a_process, records, ws76proxy

SESSIONS = sample.all_sessions()
EVERYTHING = [record for session in SESSIONS for record in session]


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return str(write(tmp_path / "all.ws76.jsonl", EVERYTHING))


def good(*arguments: str) -> str:
    """What `show` prints where nothing is wrong."""
    done = ws76proxy("show", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def numbers(output: str) -> list[int]:
    """The sessions in JSON Lines, each once, in order."""
    return [*dict.fromkeys(record["session"] for record in records(output) if record["session"])]


# As the relay prints


def test_as_the_relay_prints(tmp_path: Path) -> None:
    told = tmp_path / "demo.jsonl"
    told.write_text(ws76proxy("demo", "--json").stdout)
    shown = good(str(told)).splitlines()
    printed = ws76proxy("demo").stdout.splitlines()
    # Ports, times and keys are others in each run.
    assert [line.split(" ")[:1] for line in shown] == [line.split(" ")[:1] for line in printed]
    assert "digest verified" in "\n".join(shown)


def test_levels(recording: str) -> None:
    quiet, normal, verbose = (good(recording, *flag) for flag in (["-q"], [], ["-v"]))
    assert "digest-wrong" in quiet
    assert "Grüße aus Köln" not in quiet
    assert "Grüße aus Köln" in normal
    assert "Upgrade: WebSocket\\r\\n" not in normal
    assert "Upgrade: WebSocket\\r\\n" in verbose
    assert len(quiet) < len(normal) < len(verbose)


@pytest.mark.parametrize("flags", [[], ["-v"], ["--json"], ["--summary"]])
def test_secrets(recording: str, flags: list[str]) -> None:
    secret = "very-secret"
    assert secret in Path(recording).read_text()
    assert secret not in good(recording, *flags)
    if flags != ["--summary"]:
        assert secret in good(recording, *flags, "--show-secrets")


def test_json_is_the_recording(recording: str) -> None:
    assert good(recording, "--json", "--show-secrets") == Path(recording).read_text()


def test_json_is_utf8_everywhere(recording: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = in_a_process("show", recording, "--json", environment=plain)
    assert done.stdout == good(recording, "--json")


def test_a_terminal_that_knows_nothing_but_ascii(recording: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = in_a_process("show", recording, recording, "-v", environment=plain)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


@pytest.mark.parametrize("name", ["har", "mitm"])
def test_other_formats(recording: str, tmp_path: Path, name: str) -> None:
    """The content says what a file is, whatever it is called."""
    path = tmp_path / "other.ws76.jsonl"
    assert ws76proxy("convert", "--to", name, recording, str(path)).returncode == 0
    assert not path.read_bytes().startswith(b'{"type"')
    assert numbers(good(str(path), "--json", "--failed")) == [4, 7, 8, 9]
    assert "Grüße aus Köln" in good(str(path))


# Several files


def test_a_folder(tmp_path: Path) -> None:
    for session in SESSIONS[1:4]:
        number = session[0].session
        write(tmp_path / f"{number:06}.ws76.jsonl", session)
    assert numbers(good(str(tmp_path), "--json")) == [3, 4, 5]
    # One run: numbers are unique, and one header is enough.
    assert good(str(tmp_path)).count("recorded by") == 1


def test_sessions_of_the_same_number(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", sample.handshake(1), run="a1")
    other = write(tmp_path / "other.jsonl", sample.wrong_session(1), run="b2")
    text = good(str(one), str(other))
    first, second = text.index("one.jsonl"), text.index("other.jsonl")
    assert first < text.index("digest verified") < second < text.index("DIGEST WRONG")
    found = good(str(one), str(other), "--finding", "digest-wrong")
    assert "one.jsonl" not in found
    assert "other.jsonl" in found


def test_a_session_in_two_files(tmp_path: Path) -> None:
    session = [*single(sample.good_session(1))]
    one = write(tmp_path / "1.jsonl", session[:10])
    other = write(tmp_path / "2.jsonl", session[10:], continues="1.jsonl")
    whole = write(tmp_path / "whole.jsonl", session)
    together, alone = good(str(one), str(other)), good(str(whole))
    assert together[together.index("#1") :] == alone[alone.index("#1") :]


# Filters


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--session", "3", "--session", "12"], [3, 12]),
        (["--path", "/page.html"], [10]),
        (["--path", "/chat", "--failed"], [4, 7, 8, 9]),
        (["--origin", "HTTP://127.0.0.1*", "--session", "4"], [4]),
        (["--finding", "digest-wrong"], [4]),
        (["--finding", "digest-w*", "--finding", "status-???"], [4, 7]),
        (["--grep", '"join"'], [3]),
        (["--session", "99"], []),
    ],
)
def test_filters(recording: str, filters: list[str], expected: list[int]) -> None:
    assert numbers(good(recording, "--json", *filters)) == expected


def test_what_is_filtered_is_a_recording(recording: str, tmp_path: Path) -> None:
    part = tmp_path / "part.jsonl"
    part.write_text(good(recording, "--json", "--finding", "digest-wrong"))
    assert good(str(part)) == good(recording, "--finding", "digest-wrong")


def test_grep_prints_messages_only(recording: str) -> None:
    lines = good(recording, "--grep", "(?i)GRÜSSE|hello").splitlines()
    assert len([line for line in lines if line.startswith("#")]) == 1
    assert "hello" in lines[-1]
    lines = good(recording, "--grep", "Grü|hello").splitlines()
    assert [line[:2] for line in lines[-2:]] == ["#3", "#6"]


def test_direction(recording: str) -> None:
    said = [
        record["direction"]
        for record in records(good(recording, "--json", "--direction", "server"))
        if record["type"] in ("message", "frame")
    ]
    assert set(said) == {"server"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "FILE"),
        (["--grep", "("], "regular expression"),
        (["--direction", "both"], "server"),
        (["--session", "0"], "x>=1"),
        (["--finding", "digest-wrnog"], "digest-wrong"),
        (["-q", "-v"], "one of them"),
        (["--summary", "--json"], "one of them"),
        (["--summary", "-v"], "one of them"),
    ],
)
def test_wrong_usage(recording: str, arguments: list[str], expected: str) -> None:
    done = ws76proxy("show", *arguments, *([recording] if arguments else []))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert expected in line


# A line for each session


def test_summary(recording: str) -> None:
    _head, *lines = good(recording, "--summary").splitlines()
    assert [int(line.split()[0]) for line in lines] == [*range(3, 13)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--failed"], [4, 7, 8, 9]),
        (["--grep", "hello"], [6]),
        (["--direction", "server"], [3]),
        (["--finding", "digest-wrong", "--path", "/other"], []),
    ],
)
def test_summary_of_some(recording: str, filters: list[str], expected: list[int]) -> None:
    lines = good(recording, "--summary", *filters).splitlines()
    assert [int(line.split()[0]) for line in lines[1:]] == expected


def test_summary_of_sessions_without_an_end(tmp_path: Path) -> None:
    sessions = [record for number in range(1, 4) for record in sample.handshake(number)]
    path = write(tmp_path / "a.jsonl", sessions)
    assert len(good(str(path), "--summary").splitlines()) == 4


# Bad files

SESSION = as_lines(sample.old_session(1))
LAST = SESSION.count(b"\n")
BAD: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["empty"]),
    "blank": (b"\n\n \n", ["empty"]),
    "binary": (bytes(range(128, 256)) * 100, ["expected one of"]),
    "text": (b"once upon a time\n" * 100, ["expected one of"]),
    "torn": (SESSION[:-20], [f"line {LAST}"]),
    "edited": (SESSION + b'{"type":"message","session":"one"}\n' + SESSION, [f"line {LAST + 1}"]),
    "binary-line": (SESSION + bytes(range(11, 256)) + b"\n" + SESSION, [f"line {LAST + 1}"]),
    "nothing-known": (b'{"type":"later","session":1}\n', ["expected"]),
    "newer": (SESSION.replace(b'"version":1', b'"version":7'), ["version 7"]),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("flags", [[], ["--json"], ["--summary"], ["--finding", "*"]])
def test_bad_files(tmp_path: Path, name: str, flags: list[str]) -> None:
    """One message, with file and line; the other file, and what is whole, is shown."""
    content, expected = BAD[name]
    path = tmp_path / f"{name}.ws76.jsonl"
    path.write_bytes(content)
    sound = write(tmp_path / "sound.ws76.jsonl", sample.wrong_session(77), run="b2")
    done = ws76proxy("show", *flags, str(path), str(sound))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    for part in [str(path), *expected]:
        assert part in line
    assert "77" in done.stdout
    if SESSION in content and flags != ["--finding", "*"]:
        assert "hello" in done.stdout or flags == ["--summary"]


def test_a_fault_on_many_lines_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    bad = b"".join(b'{"type":"message","session":"%d"}\n' % number for number in range(5000))
    path.write_bytes(SESSION + bad + SESSION)
    done = ws76proxy("show", str(path))
    assert done.returncode == 2
    first, last = done.stderr.splitlines()
    assert f"{path}, line {LAST + 1}" in first
    assert "4,999" in last


def test_faults_of_very_many_kinds_are_counted(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{'x' * number}.jsonl") for number in range(1, 200)]
    done = ws76proxy("show", *files)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) < 60
    said = len(lines) - 1
    assert f"{199 - said}" in lines[-1]


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    added = SESSION.replace(b'"session":1', b'"colour":"blue","session":1')
    path.write_bytes(added + b'{"type":"colour","session":1,"time":0.1}\n')
    sound = tmp_path / "b.jsonl"
    sound.write_bytes(SESSION)
    assert good(str(path)) == good(str(sound))


def test_an_enormous_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    line = b'{"type":"message","session":1,"text":"' + b"x" * 20_000_000
    path.write_bytes(SESSION + line + b"\n" + SESSION)
    done = ws76proxy("show", str(path))
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert f"{path}, line {LAST + 1}" in said
    assert len(said) < 1000
    assert done.stdout.count("hello") == 2


@pytest.mark.parametrize("name", ["missing", "fifo", "\x1b[2J\n"])
def test_what_is_no_file(tmp_path: Path, recording: str, name: str) -> None:
    path = tmp_path / name
    if name == "fifo":
        os.mkfifo(path)
    done = ws76proxy("show", str(path), recording)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.isprintable()
    assert "Grüße aus Köln" in done.stdout


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    done = ws76proxy("show", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr


# Where it is written to


def show(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "error", "-m", "ws76proxy", "show", *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A recording that no pipe has room for."""
    told = [record for number in range(1, 3000) for record in sample.old_session(number)]
    return str(write(tmp_path_factory.mktemp("many") / "a.jsonl", told))


@pytest.mark.parametrize("flags", [[], ["--json"], ["--summary"]])
def test_a_reader_that_goes(many: str, flags: list[str]) -> None:
    with show(*flags, many, stdout=subprocess.PIPE) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        assert done.stdout.readline()
        done.stdout.close()
        assert done.wait(PATIENCE) == 0
        assert done.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk(recording: str) -> None:
    with Path("/dev/full").open("wb") as full, show(recording, stdout=full) as done:
        assert done.stderr is not None
        assert done.wait(PATIENCE) == 1
        (line,) = done.stderr.read().splitlines()
        assert b"standard output" in line
