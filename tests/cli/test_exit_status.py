"""Exit statuses as the shell sees them: one command line for each command and status, in a
process of its own. The other tests call commands in theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console import sample_records as sample
from tests.explain.handshakes import DRAFT, SAMPLES
from tests.recording.recordings import write

from .commands import UPSTREAM, in_a_process

RULES = '[[message]]\nname = "a"\ndo = [{ action = "drop" }]\n'


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """By the names in the command lines below."""
    write(tmp_path / "RECORDING", sample.good_session())
    write(tmp_path / "TORN", sample.good_session())
    with (tmp_path / "TORN").open("ab") as file:
        file.write(b"{nonsense\n")
    (tmp_path / "RULES.toml").write_text(RULES)
    (tmp_path / "DORP.toml").write_text(RULES.replace("drop", "dorp"))
    (tmp_path / "SOUND").write_bytes(b"".join(DRAFT))
    wrong = SAMPLES["digest-wrong"]
    (tmp_path / "WRONG").write_bytes(wrong.client + wrong.server)
    return {path.name: str(path) for path in tmp_path.iterdir()} | {
        "OUT": str(tmp_path / "out.ws76.jsonl")
    }


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["show", "RECORDING"], 0),
        (["show", "TORN"], 2),
        (["convert", "RECORDING", "OUT"], 0),
        (["convert", "DORP.toml", "OUT"], 2),
        (["explain", "SOUND"], 0),
        (["explain", "WRONG"], 1),
        (["explain", "RULES.toml"], 2),
        (["rules", "check", "RULES.toml"], 0),
        (["rules", "check", "DORP.toml"], 2),
        (["rules", "try", "RULES.toml", "RECORDING"], 0),
        (["rules", "try", "RULES.toml", "SOUND"], 2),
        (["replay", "client", "RECORDING", UPSTREAM], 2),
        (["probe", "--list"], 0),
        (["probe", UPSTREAM], 2),
        (["--version"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_exit_status(arguments: list[str], status: int, files: dict[str, str]) -> None:
    done = in_a_process(*(files.get(argument, argument) for argument in arguments))
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr
    if status == 0:
        assert done.stderr == ""
        assert done.stdout or "OUT" in arguments
    elif status == 2:
        *_, line = done.stderr.splitlines()
        assert line.startswith(("ws76proxy", files["DORP.toml"]))
