"""Help, version, completion, and what a start does not import."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib import metadata

import pytest

from ws76proxy import __version__

from .commands import PATIENCE, UPSTREAM, records, ws76proxy


def test_version() -> None:
    done = ws76proxy("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ws76proxy, version {__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(flag: str) -> None:
    done = ws76proxy(flag)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("relay", "demo"):
        assert f"  {command} " in done.stdout


def test_help_of_a_command_names_every_option() -> None:
    done = ws76proxy("relay", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in (
        "--listen",
        "--tls-cert",
        "--tls-key",
        "--ca-file",
        "--insecure",
        "--legacy-tls",
        "--challenge",
        "--host",
        "--repair",
        "--allow-origin",
        "--allow-host",
        "--handshake-timeout",
        "--idle-timeout",
        "--close-timeout",
        "--max-message",
        "--max-head",
        "--max-connections",
        "--write-buffer",
        "--json",
        "--show-secrets",
        "--loop",
    ):
        assert option in done.stdout


def test_the_installed_command_is_the_module() -> None:
    (found,) = metadata.entry_points(group="console_scripts", name="ws76proxy")
    assert found.value == "ws76proxy.cli:main"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    done = ws76proxy(environment={"_WS76PROXY_COMPLETE": f"{shell}_source"})
    assert done.returncode == 0
    assert "_WS76PROXY_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("ws76proxy re", "relay"), ("ws76proxy relay --chal", "--challenge")],
)
def test_completion(words: str, expected: str) -> None:
    environment = {
        "_WS76PROXY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = ws76proxy(environment=environment)
    assert f"plain,{expected}" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("output", "unwanted"),
    [([], ["mitmproxy"]), (["--json"], ["mitmproxy", "rich"])],
    ids=["console", "json"],
)
def test_a_relay_starts_without_what_it_does_not_need(
    output: list[str], unwanted: list[str]
) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "ws76proxy", "relay", UPSTREAM]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", *output],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as relay:
        assert relay.stderr is not None
        imported: list[str] = []
        for line in relay.stderr:
            if line.startswith("listening on"):
                break
            imported.append(line.rpartition("|")[2].strip())
        relay.send_signal(signal.SIGTERM)
        assert relay.wait(PATIENCE) == 0
    assert "ws76proxy.relay.relay" in imported
    roots = {name.partition(".")[0] for name in imported}
    assert not roots & set(unwanted)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-"])
def test_a_process_without_standard_files(closed: str) -> None:
    shell = f'exec "$@" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", sys.executable, "-m", "ws76proxy", "demo", "--json"],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done
    assert done.stderr == ""
    if closed == "2>&-":
        assert records(done.stdout)[-1]["type"] == "session-end"
