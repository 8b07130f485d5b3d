"""`ws76proxy replay`, as a user runs it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.replay.tape import CHAT, http_only, recorded, request_head, write

from .commands import PATIENCE, UPSTREAM, ws76proxy


@pytest.fixture
def chat(tmp_path: Path) -> str:
    return str(write(tmp_path / "chat.ws76.jsonl", recorded(*CHAT)))


@pytest.fixture
def other(tmp_path: Path) -> str:
    """A recording in which the server's second message is another."""
    lines = [line.replace("TWO", "DOS") for line in CHAT]
    return str(write(tmp_path / "other.ws76.jsonl", recorded(*lines)))


@contextlib.contextmanager
def server(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A replay server that listens, and its URL."""
    command = [sys.executable, "-W", "error", "-m", "ws76proxy", "replay", "server", *arguments]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if match := re.fullmatch(r"listening on (ws://\S+)\n", line):
                try:
                    yield process, match[1]
                finally:
                    process.kill()
                return
        raise AssertionError(lines)


def test_equal(chat: str) -> None:
    with server(chat, "--once") as (process, url):
        done = ws76proxy("replay", "client", chat, url)
        assert (done.returncode, done.stderr) == (0, "")
        assert "as recorded" in done.stdout
        assert process.wait(PATIENCE) == 0
        assert process.stdout is not None
        assert "as recorded" in process.stdout.read()


def test_different(chat: str, other: str) -> None:
    with server(chat, "--clients", "1") as (process, url):
        done = ws76proxy("replay", "client", other, url)
        assert (done.returncode, done.stderr) == (1, "")
        assert f"{other}, line 8" in done.stdout
        assert 'expected "DOS"' in done.stdout
        assert 'got      "TWO"' in done.stdout
        assert "\x1b" not in done.stdout
        # The client had seen enough, and left: to the server that is a difference too.
        assert process.wait(PATIENCE) == 1


def test_a_server_with_a_bug(chat: str) -> None:
    with server(chat, "--bug", "digest-little-endian", "--loose", "--once") as (_, url):
        done = ws76proxy("replay", "client", chat, url)
    assert done.returncode == 1
    assert "answer to the challenge is wrong" in done.stdout
    assert "little-endian" in done.stdout


def test_a_bug_that_nobody_knows(chat: str) -> None:
    done = ws76proxy("replay", "server", chat, "--bug", "digest-litle-endian")
    assert done.returncode == 2
    assert "digest-little-endian" in done.stderr


def test_what_is_ignored(chat: str, other: str) -> None:
    with server(chat, "--clients", "3") as (process, url):
        for option in (["--ignore", "TWO|DOS"], ["--count-only"], ["--ignore", "[A-Z]+"]):
            done = ws76proxy("replay", "client", other, url, *option)
            assert done.returncode == 0, done.stdout
        assert process.wait(PATIENCE) == 0


def test_all_differences_in_every_form(chat: str, tmp_path: Path) -> None:
    lines = [line.replace("ONE", "UNO").replace("TWO", "DOS") for line in CHAT]
    both = recorded(*CHAT), recorded(*lines, number=2)
    wanted = str(write(tmp_path / "both.ws76.jsonl", *both))
    report = tmp_path / "report.xml"
    with server(chat) as (process, url):
        options = ["--all", "--junit", str(report), "--json"]
        done = ws76proxy("replay", "client", wanted, url, *options)
        assert done.returncode == 1
        result = json.loads(done.stdout)
        assert (result["runs"], result["equal"], result["different"]) == (2, 1, 1)
        first, second = result["sessions"]
        assert first["differences"] == []
        assert [one["expected"]["text"] for one in second["differences"]] == ["UNO", "DOS"]
        assert result["answer_seconds"]["count"] > 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    suite = ElementTree.parse(report).getroot()  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    passed, failed = suite.iter("testcase")
    assert passed.find("failure") is None
    assert failed.find("failure") is not None


def test_one_of_several_sessions(tmp_path: Path) -> None:
    sessions = recorded(*CHAT), http_only(2), recorded("client: x", "server: y", number=3)
    file = str(write(tmp_path / "some.ws76.jsonl", *sessions))
    with server(file, "--session", "3", "--once") as (process, url):
        done = ws76proxy("replay", "client", file, url, "--session", "3")
        assert done.returncode == 0, done.stdout
        assert process.wait(PATIENCE) == 0
    done = ws76proxy("replay", "client", file, UPSTREAM, "--session", "2")
    assert done.returncode == 2
    assert "found http" in done.stderr
    done = ws76proxy("replay", "client", file, UPSTREAM, "--session", "4")
    assert "found no session 4; expected one of 1, 2, 3" in done.stderr


def test_a_soak(chat: str) -> None:
    with server(chat, "--clients", "20") as (process, url):
        done = ws76proxy("replay", "client", chat, url, "--times", "20", "--concurrency", "5")
        assert done.returncode == 0, done.stdout
        assert "20 plays: 20 equal, 0 not" in done.stdout
        assert re.search(r"answer +60 ", done.stdout)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server(chat: str, number: signal.Signals) -> None:
    with server(chat) as (process, _):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_secrets_that_are_missing_are_said(tmp_path: Path) -> None:
    head = request_head("/chat?room=1", "Cookie: [redacted]")
    file = str(write(tmp_path / "a.ws76.jsonl", recorded(*CHAT, request=head, redacted=True)))
    with server(file, "--clients", "2") as (_, url):
        done = ws76proxy("replay", "client", file, url)
        assert done.returncode == 0
        (line,) = done.stderr.splitlines()
        assert "--header 'Cookie: ...'" in line
        done = ws76proxy("replay", "client", file, url, "--header", "Cookie: a=b")
        assert (done.returncode, done.stderr) == (0, "")


def test_nobody_listens(chat: str) -> None:
    done = ws76proxy("replay", "client", chat, UPSTREAM)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"cannot connect to {UPSTREAM}" in line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["client", "FILE"], "SERVER"),
        (["client", "missing", UPSTREAM], "missing"),
        (["client", "EMPTY", UPSTREAM], "empty file"),
        (["client", "JUNK", UPSTREAM], "expected one of"),
        (["client", "HTTP", UPSTREAM], "found http"),
        (["client", "FOLDER", UPSTREAM], "found none"),
        (["client", "FILE", "http://x"], "ws://HOST"),
        (["client", "FILE", UPSTREAM, "--timing", "slow"], "expected lockstep"),
        (["client", "FILE", UPSTREAM, "--timeout", "0"], "more than 0"),
        (["client", "FILE", UPSTREAM, "--ignore", "("], "regular expression"),
        (["client", "FILE", UPSTREAM, "--json-ignore", "a..b"], "expected keys"),
        (["client", "FILE", UPSTREAM, "--header", "no colon"], "expected 'Name: value'"),
        (["client", "FILE", UPSTREAM, "--header", "a b: c"], "expected 'Name: value'"),
        (["client", "FILE", UPSTREAM, "--resource", "no/slash"], "expected a path"),
        (["client", "FILE", UPSTREAM, "--resource", "/a b"], "expected a path"),
        (["client", "FILE", UPSTREAM, "--insecure"], "wss://"),
        (["client", "FILE", UPSTREAM, "--times", "0"], "x>=1"),
        (["client", "FILE", UPSTREAM, "--session", "7"], "found no session 7"),
        (["server", "FILE", "--once", "--clients", "2"], "one of them"),
        (["server", "FILE", "--tls-key", "FILE"], "--tls-cert"),
        (["server", "FILE", "--listen", "x"], "HOST:PORT"),
        (["server", "HTTP"], "found http"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage(arguments: list[str], expected: str, tmp_path: Path) -> None:
    write(tmp_path / "FILE", recorded(*CHAT))
    write(tmp_path / "HTTP", http_only())
    (tmp_path / "EMPTY").touch()
    (tmp_path / "JUNK").write_bytes(bytes(range(256)))
    (tmp_path / "FOLDER").mkdir()
    files = {path.name: str(path) for path in tmp_path.iterdir()}
    done = ws76proxy("replay", *(files.get(argument, argument) for argument in arguments))
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert expected in line


def test_a_torn_recording_is_replayed_as_far_as_it_goes(chat: str, tmp_path: Path) -> None:
    torn = tmp_path / "torn.ws76.jsonl"
    whole = Path(chat).read_bytes()
    torn.write_bytes(whole[: whole.index(b'"TWO"')])
    with server(chat) as (_, url):
        done = ws76proxy("replay", "client", str(torn), url)
        assert done.returncode == 0, done.stdout
        assert "line 8" in done.stderr
        assert "breaks off" in done.stderr


def test_a_port_in_use(chat: str) -> None:
    with server(chat) as (_, url):
        address = url.removeprefix("ws://")
        done = ws76proxy("replay", "server", chat, "--listen", address)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert f"cannot listen on {address}" in line
