"""The rules and scripts that the options ask for: loaded, watched, replaced."""

# mypy: untyped-calls-exclude=mitmproxy

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from mitmproxy.log import ALERT
from mitmproxy.optmanager import OptManager

from ws76proxy.editing import EditingOptions
from ws76proxy.mitm.settings import held_limit
from ws76proxy.session import Editing

__all__ = ["Edits"]

logger = logging.getLogger(__name__)


class Edits:
    """What sessions that begin now go by: `editing`, None where nobody may change them."""

    def __init__(self) -> None:
        self.editing: Editing | None = None
        self._watching: asyncio.Task[None] | None = None

    def configure(self, options: OptManager) -> None:
        """Do what the options say from now on; sessions that have begun go on with what they have,
        and with what becomes of those files. Raises UsageError, and changes nothing."""
        wanted = EditingOptions(
            rule_files=[_path(name) for name in options.ws76_rules],
            rewrites=options.ws76_rewrite,
            script_files=[_path(name) for name in options.ws76_scripts],
            script_errors=options.ws76_script_errors,
            max_held=held_limit(options),
        )
        # A rule's breakpoint is an interception: there is always somebody to ask.
        editing, rules = wanted.load(asks=True)
        self.stop()
        self.editing = editing
        if rules is not None and wanted.rule_files:
            self._watching = asyncio.get_running_loop().create_task(rules.watch(_tell))

    def stop(self) -> None:
        """Watch files no longer."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()


def _tell(text: str, *, is_fault: bool) -> None:
    logger.log(logging.WARNING if is_fault else ALERT, "%s", text)
