"""Rules that pause, and sessions whose messages wait."""

from __future__ import annotations

from pathlib import Path

from ws76proxy.editing import RuleFiles
from ws76proxy.session import Editing

RULES = """
[[message]]
name = "ask about prices"
when = { text = "price" }
do = [{ action = "pause" }]
"""


def rule_file(folder: Path) -> Path:
    """The rules in a file."""
    path = folder / "rules.toml"
    path.write_text(RULES)
    return path


def asking(folder: Path, *, pause: float = 300.0) -> Editing:
    """A person who is asked about every message with a price, for so many seconds."""
    return Editing(rules=RuleFiles((rule_file(folder),)), asks=True, pause=pause)
