"""How far the reading of files is, on standard error, for whoever sits in front of a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import rich.console
import rich.progress

__all__ = ["ReadingProgress"]

_PATIENCE = 1.0


class ReadingProgress:
    """A bar that appears where reading takes longer than a second, and leaves nothing behind."""

    def __init__(self, files: Sequence[Path]) -> None:
        console = rich.console.Console(stderr=True)
        self._names = {path: number for number, path in enumerate(files, 1)}
        self._sizes = [_size(path) for path in files]
        self._done = 0
        self._current = 0
        self._since = time.monotonic()
        self._wanted = console.is_terminal
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.DownloadColumn(),
            rich.progress.TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("reading", total=sum(self._sizes))

    def __call__(self, path: Path, size: int) -> None:
        """So many bytes of this file have been read."""
        number = self._names.get(path, 0)
        if number != self._current:
            self._done = sum(self._sizes[: number - 1])
            self._current = number
        if not self._wanted or time.monotonic() - self._since < _PATIENCE:
            return
        name = path.name if len(self._names) == 1 else f"{number:,} of {len(self._names):,} files"
        self._bar.update(self._task, description=f"reading {name}", completed=self._done + size)
        self._bar.start()

    def hide(self) -> None:
        """Take the bar away: something else is written. It comes back after a while."""
        if self._bar.live.is_started:
            self._bar.stop()
        self._since = time.monotonic()

    def end(self) -> None:
        """Take the bar away for good."""
        self._wanted = False
        self.hide()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
