"""What a user wants to be changed, and by which files: loaded for the sessions of a proxy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ws76proxy.editing.rule_files import RuleFiles
from ws76proxy.editing.script_files import load_script, scripts_of
from ws76proxy.rules import parse_rewrite
from ws76proxy.session.edits import DEFAULT_MAX_HELD, DEFAULT_PAUSE, Editing

__all__ = ["EditingOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditingOptions:
    """What the user wants to be changed, and the limits of it; times in seconds, sizes in bytes.

    `rewrites` are rules behind those of files, as `parse_rewrite` reads them. `script_timeout`: how
    long an asynchronous function may take; 0: as long as it likes. `max_held`: how much of one
    direction may be held back before its peer is not read any more.
    """

    rule_files: Sequence[Path] = ()
    rewrites: Sequence[str] = ()
    script_files: Sequence[Path] = ()
    script_errors: Literal["pass", "close"] = "pass"
    script_timeout: float = 30.0
    max_held: int = DEFAULT_MAX_HELD

    def load(
        self, *, asks: bool, pause: float = DEFAULT_PAUSE
    ) -> tuple[Editing | None, RuleFiles | None]:
        """Who may change what passes, and the files to be watched; None: nobody.

        `asks`: whether there is a person who decides about what rules pause, for so many seconds
        at most. Raises UsageError for a file that cannot be used.
        """
        rules = None
        if self.rule_files or self.rewrites:
            behind = [parse_rewrite(text) for text in self.rewrites]
            rules = RuleFiles(self.rule_files, behind=behind)
        scripts = None
        if self.script_files:
            scripts = scripts_of(
                [load_script(path) for path in self.script_files],
                on_error=self.script_errors,
                seconds=self.script_timeout,
            )
        if rules is None and scripts is None:
            return None, None
        editing = Editing(
            rules=rules,
            scripts=scripts,
            asks=asks,
            pause=pause,
            max_held=self.max_held,
        )
        return editing, rules
