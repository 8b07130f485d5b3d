"""Writes the examples on the page about `explain` anew: `python -m tests.explain.page`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

__all__ = ["PAGE", "with_examples"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explain.md"
_EXAMPLE = re.compile(r"```sh\n(ws76proxy explain .*?)```\n\n```text\n.*?```", re.DOTALL)
_PATIENCE = 60


def with_examples(page: str) -> str:
    """The page, with what each of its commands prints now."""
    return _EXAMPLE.sub(_printed, page)


def _printed(match: re.Match[str]) -> str:
    _, *arguments = shlex.split(match[1].replace("\\\n", " "))
    done = subprocess.run(
        [sys.executable, "-m", "ws76proxy", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
        env={**os.environ, "COLUMNS": "96", "PYTHONUTF8": "1"},
    )
    return f"```sh\n{match[1]}```\n\n```text\n{done.stdout}```"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_examples(text), encoding="utf-8", newline="\n")
