"""mitmweb as a person uses it, on a page of Chromium; the pages of 11 and 12 are used alike."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.interop.mitm import Mitm, mitmproxying

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

SCREENSHOTS = os.environ.get("WS76_SCREENSHOTS")
"""A folder: when it is set, what the tests see is kept there."""

# Wide enough for the longest line of a handshake's report.
VIEW_WIDTH, VIEW_HEIGHT = 1440, 1010
# The marker and the comment, both in the list: the comment's column is not there by default.
COLUMNS = ("icon", "path", "method", "status", "size", "comment")


class MitmWeb:
    """The page, and the proxy behind it."""

    def __init__(self, page: Page, mitm: Mitm) -> None:
        self.page = page
        self.mitm = mitm

    def row(self, path: str) -> Locator:
        """A flow in the list."""
        return self.page.locator("tr", has_text=path)

    def waiting(self, path: str) -> Locator:
        """The mark of a row whose flow is intercepted: since mitmproxy 12.3 an icon of its own."""
        return self.row(path).locator(".fa-pause, .icon-pause")

    def rows(self) -> Locator:
        """All flows in the list."""
        return self.page.locator("tr", has=self.page.locator("td.col-path"))

    def open(self, path: str, tab: str) -> None:
        """Select a flow, and one of the tabs beside it."""
        self.row(path).click()
        self.tab(tab)

    def tab(self, name: str) -> None:
        """One of the tabs beside the selected flow."""
        self.page.locator("nav", has_text="Connection").get_by_text(name, exact=True).click()

    def content(self) -> Locator:
        """What the tab shows of bodies or messages."""
        return self.page.locator(".contentview")

    def menu(self, name: str) -> None:
        self.page.locator("header nav").get_by_text(name, exact=True).click()

    def fill_in(self, field: str, text: str) -> None:
        """One of the fields above the list: Search, Highlight, Intercept."""
        self.menu("Flow List")
        entry = self.page.get_by_placeholder(field, exact=True)
        entry.fill(text)
        entry.press("Enter")

    def show_command_bar(self) -> None:
        self.menu("Options")
        self.page.get_by_text("Display Command Bar").click()

    def command(self, text: str) -> None:
        """Type one of mitmproxy's commands."""
        entry = self.page.get_by_placeholder("Enter command")
        entry.fill(text)
        entry.press("Enter")
        self.page.locator(".command-result", has_text=f"$ {text}").wait_for()

    def button(self, name: str) -> None:
        """One of the buttons for the flow that is selected."""
        self.menu("Flow")
        self.page.locator("header button", has_text=name).click()

    def keep(self, name: str, height: int = VIEW_HEIGHT) -> None:
        """Take a picture for the documentation, where that is asked for."""
        if SCREENSHOTS is not None:
            self.page.screenshot(
                path=Path(SCREENSHOTS) / f"mitmweb-{name}.png",
                clip={"x": 0, "y": 0, "width": VIEW_WIDTH, "height": height},
                animations="disabled",
            )


def _free_port() -> int:
    # mitmweb does not tell which port it has picked; another could take this one, but seldom does.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mitmweb(
    chromium: BrowserContext, folder: Path, mode: str, *arguments: str
) -> Iterator[MitmWeb]:
    """A mitmweb, and a page that is open on it."""
    options = [f"web_port={_free_port()}", *(f"web_columns={name}" for name in COLUMNS)]
    settings = [word for option in options for word in ("--set", option)]
    with mitmproxying(
        folder, mode, "--no-web-open-browser", *settings, *arguments, program="mitmweb"
    ) as mitm:
        # The address has a token in it where this mitmproxy asks for one.
        address = mitm.wait_for_line(r"Web server listening at (\S+)")[1]
        page = chromium.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        try:
            page.goto(address)
            page.get_by_text(re.compile(r"^mitmproxy \d")).wait_for()
            yield MitmWeb(page, mitm)
        finally:
            page.close()
        assert faults == []
