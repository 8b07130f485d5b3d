"""What a test says when its peer is not installed: a newcomer's run passes over it, CI does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .process import PATIENCE

# A test that needs nothing from PyPI but what the test itself is: perl, and its library.
NEEDS_PERL = (
    f"{Path(__file__).parent / 'test_peers_direct.py'}::test_raw_client[protocol-websocket]"
)


def outcomes(
    *arguments: str, environment: Mapping[str, str], path: Path
) -> tuple[dict[str, int], str]:
    """Run a test that needs perl on a PATH without: the outcomes, counted, and the output."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsEf", "-p", "no:cacheprovider", NEEDS_PERL, *arguments],
        env={**environment, "PATH": str(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    summary = done.stdout.strip().splitlines()[-1]
    found = re.findall(r"(\d+) (passed|failed|skipped|error)", summary)
    return {kind: int(count) for count, kind in found}, done.stdout


@pytest.fixture
def environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")
    }


def test_skipped_with_the_reason(environment: dict[str, str], tmp_path: Path) -> None:
    counts, output = outcomes(environment=environment, path=tmp_path)
    assert counts == {"skipped": 1}
    assert "libprotocol-websocket-perl" in output


def test_an_error_in_ci(environment: dict[str, str], tmp_path: Path) -> None:
    counts, output = outcomes(environment={**environment, "CI": "true"}, path=tmp_path)
    assert counts == {"error": 1}
    assert "libprotocol-websocket-perl" in output


def test_an_error_when_peers_are_required(environment: dict[str, str], tmp_path: Path) -> None:
    counts, output = outcomes("--require-peers", environment=environment, path=tmp_path)
    assert counts == {"error": 1}
    assert "libprotocol-websocket-perl" in output
