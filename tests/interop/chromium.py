"""Headless Chromium with a new profile, which asks nobody for anything of itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .peer import chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

__all__ = ["chromium_running"]

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


# While it lives, no event loop can be run in this thread.
@contextmanager
def chromium_running(arguments: Sequence[str] = (), **options: Any) -> Iterator[BrowserContext]:
    """A browser with more arguments, and options of playwright's; gone when the context ends."""
    # Here, because it may not be installed.
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium_path(),
            args=[*_ARGUMENTS, *arguments],
            headless=True,
            **options,
        )
        yield context
        context.close()
