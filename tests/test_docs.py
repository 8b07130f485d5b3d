"""What the pages say is still so: generated ones are fresh, examples run, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ws76proxy.diagnosis import CATALOGUE

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("samples/**/*.md")])


def test_the_page_of_commands_is_fresh(tmp_path: Path) -> None:
    # By a process of its own, as `make docs` does: click keeps the options for help of a command
    # that a test has run by itself, without its group.
    made = tmp_path / "cli.md"
    command = [sys.executable, "-m", "ws76proxy.cli.reference", str(made)]
    subprocess.run(command, check=True, timeout=60)
    assert (ROOT / "docs" / "cli.md").read_bytes() == made.read_bytes(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "docs/wire.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out == "['welcome']\n['welcome']\nb'\\x00\\xff'\n"


def test_the_readme_counts_the_findings() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    claimed = re.search(r"(\d+) findings", text)
    assert claimed is not None
    assert int(claimed[1]) == len(CATALOGUE)


def test_ci_runs_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "pip install '.[test]' && pytest" in readme
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^\s*pip install .*'\.\[test\]'\n.*^\s*pytest$", script, re.M | re.S)
